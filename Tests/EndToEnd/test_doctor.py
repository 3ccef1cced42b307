"""`menwei doctor`: each wrong setting is found, and the line says what to click."""
import re
import subprocess

import pytest

from harness.gateway import Gateway
from harness.ports import free_port
from harness.simulator import SECOND_CORP

LINE = re.compile(r"^(ok|warn|fail) ([a-z0-9-]+) ([a-z0-9-]+): (.+)$")


@pytest.fixture
def examine(make_gateway, binary, simulator, upstream):
    """Runs the command; exit status and findings as {(connection, check): (grade, message)}."""
    def run(change=None, environment=None):
        # WeCom tells the first of an app's trusted domains only: that of the gateway that is made here.
        simulator.authorities.clear()
        gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], change, start=False)
        run.gateway = gateway
        done = subprocess.run([binary, "doctor", "--config", gateway.file], capture_output=True, text=True, timeout=60, env=environment)
        run.output = done.stdout + done.stderr
        for secret in ("simulator-secret", "second-secret", "wechat-secret", "access_token", "errmsg", "hint:"):
            assert secret not in run.output
        found = {}
        for line in done.stdout.splitlines():
            match = LINE.match(line)
            assert match, line
            grade, connection, check, message = match.groups()
            assert (connection, check) not in found, line
            found[connection, check] = (grade, message)
        assert done.returncode == (1 if any(grade == "fail" for grade, _ in found.values()) else 0), done.stderr
        return done.returncode, found

    return run


def test_a_healthy_connection_is_ok_throughout(examine):
    status, found = examine()
    assert status == 0
    assert {check: grade for (_, check), (grade, _) in found.items()} == dict.fromkeys(
        ["api", "secret", "trusted-ip", "agent-id", "app", "trusted-domain", "visible-range", "login"], "ok")
    assert "门卫" in found["corp", "agent-id"][1]
    assert f"auth.test:{examine.gateway.port}" in found["corp", "trusted-domain"][1]
    assert found["corp", "visible-range"][1] == "1 member, 3 departments, 1 tag"


def one(**changes):
    def change(configuration):
        configuration["connections"][0].update(changes)
    return change


@pytest.mark.parametrize("changes, check, words", [
    ({"secret": "wrong"}, "secret", ["40001", "Secret"]),
    ({"corp_id": "wwnobody"}, "corp-id", ["40013", "我的企业"]),
    ({"agent_id": 1000009}, "agent-id", ["40056", "AgentId"]),
    ({"agent_id": 1000003}, "agent-id", ["301002", "应用管理"]),
])
def test_a_wrong_number_is_named_with_what_to_click(examine, changes, check, words):
    status, found = examine(one(**changes))
    assert status == 1
    assert found["corp", check][0] == "fail" and all(word in found["corp", check][1] for word in words)
    assert [key for key, (grade, _) in found.items() if grade == "fail"] == [("corp", check)]


def test_the_address_to_add_is_the_one_that_wecom_saw(examine, simulator):
    simulator.control("app", trusted_ips=["203.0.113.9"])
    status, found = examine()
    grade, message = found["corp", "trusted-ip"]
    assert status == 1 and grade == "fail"
    assert "60020" in message and "add 127.0.0.1" in message and "企业可信IP" in message
    assert found["corp", "secret"][0] == "ok"


def test_the_address_is_found_even_where_the_apps_settings_are_not_guarded(examine, simulator):
    simulator.fault("auth/getuserinfo", errcode=60020, errmsg="not allow to access from your ip, hint: [1], from ip: 198.51.100.4, more info at x")
    status, found = examine()
    assert status == 1 and "add 198.51.100.4" in found["corp", "trusted-ip"][1]


@pytest.mark.parametrize("setting, check, words", [
    ({"disabled": True}, "app", ["启用"]),
    ({"trusted_domains": ["other.example"]}, "trusted-domain", ["other.example", "可信域名"]),
    ({"trusted_domains": ["auth.test"]}, "trusted-domain", ["to the letter"]),
    ({"trusted_domains": []}, "trusted-domain", ["none is set"]),
    ({"visible": {}}, "visible-range", ["可见范围"]),
])
def test_each_wrong_setting_of_the_app_is_found(examine, simulator, setting, check, words):
    # The gateway's own domain is made known when it is made: the setting comes after.
    original = simulator.trust
    simulator.trust = lambda authority: (original(authority), simulator.control("app", **setting))
    try:
        status, found = examine()
    finally:
        simulator.trust = original
    assert status == 1
    assert found["corp", check][0] == "fail" and all(word in found["corp", check][1] for word in words), found


def test_nobody_in_the_visible_range_is_only_a_warning_where_it_does_not_count(examine, simulator):
    simulator.control("app", visible={})
    status, found = examine(one(visible_range_only=False))
    assert status == 0 and found["corp", "visible-range"][0] == "warn", found


def test_settings_that_cannot_be_read_are_a_warning(examine, simulator):
    simulator.fault("agent/get", errcode=48002)
    status, found = examine()
    assert status == 0 and found["corp", "agent-id"][0] == "warn" and "48002" in found["corp", "agent-id"][1]
    assert found["corp", "trusted-ip"][0] == "ok"


def test_an_identity_call_that_is_not_there_names_the_other(examine, simulator):
    simulator.fault("auth/getuserinfo", status=404)
    status, found = examine()
    assert status == 1 and "user/getuserinfo" in found["corp", "login"][1]


@pytest.mark.parametrize("fault, word", [({"answer": "html"}, "stands between"), ({"status": 502}, "stands between"), ({"errcode": 45009}, "wait"), ({"errcode": 99999}, "99999")])
def test_an_api_that_does_not_answer_as_it_should_is_one_line(examine, simulator, fault, word):
    simulator.fault("gettoken", **fault)
    status, found = examine()
    assert status == 1 and list(found) == [("corp", "api")] and word in found["corp", "api"][1]


def unreachable(address):
    def change(configuration):
        configuration["connections"][0]["endpoints"]["api"] = address
    return change


def test_an_api_that_cannot_be_reached_says_how(examine, simulator):
    for address, word in [(f"http://127.0.0.1:{free_port()}", "refused"), ("https://no-such-host.invalid", "DNS"), (simulator.base.replace("http:", "https:"), "TLS")]:
        status, found = examine(unreachable(address))
        assert status == 1 and list(found) == [("corp", "api")]
        assert word in found["corp", "api"][1], found


def test_a_certificate_that_does_not_hold_is_told_from_no_tls(examine, make_gateway, upstream):
    other = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    status, found = examine(unreachable(f"https://127.0.0.1:{other.port}"))
    assert status == 1 and "update-ca-certificates" in found["corp", "api"][1]


def test_a_proxy_that_cannot_be_reached_is_named(examine):
    status, found = examine(unreachable("http://api.example"), {"http_proxy": f"http://127.0.0.1:{free_port()}"})
    assert status == 1 and "proxy" in found["corp", "api"][1]


def test_departments_and_tags_that_rules_name_are_looked_at(make_gateway, binary, upstream, simulator):
    def change(configuration):
        configuration["connections"] = [{**configuration["connections"][0], "plain_names": True}, Gateway.second_connection("partner", simulator)]

    simulator.authorities.clear()
    gateway = make_gateway([
        {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [
            {"path": "/a/*", "allow": {"departments": [2, 99], "tags": [1, 98]}}, {"path": "/b/*", "allow": {"departments": [7, "partner/2"], "tags": [1]}}, {"allow": "members"}]},
    ], change, start=False)
    done = subprocess.run([binary, "doctor", "--config", gateway.file], capture_output=True, text=True, timeout=60)
    lines = [line.partition(":") for line in done.stdout.splitlines() if "department-" in line or "tag-" in line]
    assert [head for head, _, _ in lines] == ["ok corp department-2", "fail corp department-7", "fail corp department-99", "ok corp tag-1", "fail corp tag-98", "ok partner department-2"]
    text = {head.split()[2]: message for head, _, message in lines}
    assert "60011" in text["department-7"] and "可见范围" in text["department-7"]
    assert "60123" in text["department-99"] and "40068" in text["tag-98"]
    assert done.returncode == 1


def several(simulator, **wechat):
    def change(configuration):
        configuration["connections"] = [
            {**configuration["connections"][0], "plain_names": True}, Gateway.second_connection("partner", simulator), Gateway.wechat_connection("weixin", simulator, **wechat)]
    return change


def test_every_connection_is_looked_at_in_the_order_of_the_file(examine, simulator):
    status, found = examine(several(simulator))
    assert status == 0, found
    order = [connection for connection, _ in found]
    assert order == sorted(order, key=["corp", "partner", "weixin"].index) and set(order) == {"corp", "partner", "weixin"}
    assert SECOND_CORP in found["partner", "secret"][1]
    assert {check: grade for (connection, check), (grade, _) in found.items() if connection == "weixin"} == {"api": "ok", "secret": "ok", "callback-domain": "warn"}
    assert "auth.test:" in found["weixin", "callback-domain"][1]


@pytest.mark.parametrize("changes, check, word", [({"secret": "wrong"}, "secret", "40125"), ({"app_id": "wxnobody"}, "app-id", "40013")])
def test_what_is_wrong_with_a_wechat_app_is_found(examine, simulator, changes, check, word):
    status, found = examine(several(simulator, **changes))
    assert status == 1 and found["weixin", check][0] == "fail" and word in found["weixin", check][1]


def test_a_wechat_app_that_was_not_approved_is_found(examine, simulator):
    simulator.control("wechat-app", approved=False)
    status, found = examine(several(simulator))
    assert status == 1 and "48001" in found["weixin", "app"][1]


def test_a_configuration_with_faults_is_not_asked_about(make_gateway, binary, upstream, simulator):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["connections"][0].pop("corp_id"), start=False)
    simulator.control("clear-calls")
    done = subprocess.run([binary, "doctor", "--config", gateway.file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and '"corp_id" is missing' in done.stderr and done.stdout == ""
    assert simulator.counts() == {}
