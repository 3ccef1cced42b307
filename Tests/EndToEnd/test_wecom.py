"""What WeCom may answer, and what people and administrators are told of it."""
import time

import pytest

from harness.browser import Browser, WECOM
from harness.waiting import Stopwatch, wait_for, within


@pytest.fixture
def own(make_gateway, upstream):
    """A token cache of the test's own."""
    return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])


def attempt(gateway, user="zhangsan", agent=WECOM, language="zh-CN"):
    """A login up to where it ends."""
    browser = Browser(gateway, agent, language)
    if agent == WECOM:
        gateway.simulator.control("phone", userid=user)
        answer = browser.go(gateway.origin("wiki.test") + "/x")
        gateway.simulator.control("phone", userid="zhangsan")
    else:
        answer = browser.log_in(gateway.origin("wiki.test") + "/x", user)
    return browser, answer


def refused(gateway, browser, answer, statuses=(400, 403, 502, 503)):
    """What is true of every refusal at login; its audit record."""
    assert answer.status in statuses, (answer.status, answer.url)
    assert "/.menwei/callback/corp" in answer.url and answer.one("Content-Type").startswith("text/html")
    assert not browser.cookie("auth.test", "__Host-menwei-auth") and not browser.cookie("wiki.test")
    assert answer.one("X-Request-Id") in answer.text
    assert answer.links(r"/\.menwei/(start|login)"), "no other way is offered"
    for secret in ("simulator-secret", "access_token", "errmsg", "hint:"):
        assert secret not in answer.text and not any(secret in line for line in gateway.process.out + gateway.process.err), secret
    return gateway.record("login_failed", request_id=answer.one("X-Request-Id"))


@pytest.mark.parametrize("code, statuses", [
    (-1, (503,)), (40029, (400, 403)), (40013, (502,)), (40001, (502,)), (60020, (502,)), (42003, (400,)), (45009, (503,)), (45033, (503,)), (48002, (502,)), (301002, (502,)),
    (50001, (502,)), (99999, (502,)), (60011, (403,)),
])
def test_each_error_of_getuserinfo_is_a_page_and_a_record(own, simulator, code, statuses):
    simulator.fault("auth/getuserinfo", errcode=code, errmsg=f"secret words of WeCom {code}")
    browser, answer = attempt(own)
    record = refused(own, browser, answer)
    assert record["errcode"] == code and record["connection"] == "corp" and record["api"].endswith("getuserinfo")
    assert f"secret words of WeCom {code}" not in answer.text
    assert not any("secret words" in line for line in own.process.out + own.process.err)
    assert answer.status in statuses
    assert own.metrics().get(f'menwei_wecom_calls_total{{api="auth/getuserinfo",errcode="{code}"}}', 0) >= 1


@pytest.mark.parametrize("code", [60111, 60011, 60020, -1, 45009, 301002, 40003])
def test_each_error_of_user_get_refuses(own, simulator, code):
    simulator.fault("user/get", errcode=code)
    browser, answer = attempt(own)
    record = refused(own, browser, answer)
    assert record["errcode"] == code and record["api"] == "user/get"


@pytest.mark.parametrize("code", [40001, 40013, 60020, -1, 45009])
def test_each_error_of_gettoken_refuses(own, simulator, code):
    simulator.fault("gettoken", errcode=code)
    browser, answer = attempt(own)
    record = refused(own, browser, answer, (502, 503))
    assert record["errcode"] == code and record["api"] == "gettoken"


@pytest.mark.parametrize("api", ["gettoken", "auth/getuserinfo", "user/get"])
@pytest.mark.parametrize("answer_kind", [{"answer": "html"}, {"answer": "empty"}, {"answer": "invalid_json"}, {"answer": "wrong_types"}, {"answer": "huge"}, {"answer": "redirect"},
                                         {"status": 500}, {"status": 502}, {"status": 404}])
def test_answers_that_are_not_wecoms_refuse(own, simulator, api, answer_kind):
    simulator.fault(api, **answer_kind)
    browser, answer = attempt(own)
    refused(own, browser, answer, (502, 503))
    simulator.control("clear-faults")
    assert own.process.is_running


def test_a_wecom_that_does_not_answer_is_given_up_in_time(own, simulator):
    simulator.fault("auth/getuserinfo", delay_ms=20_000, times=3)
    with within(30, "the refusal"):
        browser, answer = attempt(own)
    refused(own, browser, answer, (502, 503))


def test_a_slow_login_holds_nobody_else_up(own, simulator, upstream):
    import threading
    inside = Browser(own)
    inside.log_in(own.origin("wiki.test") + "/")
    # Half of what a call may take at the most: a machine that stands still may take the other half.
    simulator.fault("auth/getuserinfo", delay_ms=2500, times=1)
    results = []
    thread = threading.Thread(target=lambda: results.append(attempt(own)[1].status))
    thread.start()
    times = []
    while thread.is_alive() and len(times) < 50:
        with Stopwatch() as watch:
            assert inside.call(own.origin("wiki.test") + "/x").status == 200
        times.append(watch.seconds)
    assert times and max(times) < 1.5, "the login, which takes two and a half seconds, held the others up"
    thread.join()
    assert results == [200]


def test_a_wecom_that_is_down_is_said(make_gateway, upstream):
    def nowhere(configuration):
        from harness.ports import free_port
        configuration["connections"][0]["endpoints"]["api"] = f"http://127.0.0.1:{free_port()}"

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], nowhere)
    browser, answer = attempt(gateway)
    refused(gateway, browser, answer, (502, 503))


@pytest.mark.parametrize("code", [40014, 42001])
def test_a_bad_token_is_fetched_again_once(own, simulator, code):
    attempt(own)
    simulator.control("revoke-tokens" if code == 40014 else "expire-tokens")
    simulator.control("clear-calls")
    browser, answer = attempt(own)
    assert answer.status == 200
    counts = simulator.counts()
    assert counts["gettoken"] == 1 and counts["auth/getuserinfo"] == 2
    simulator.fault("auth/getuserinfo", errcode=code)
    simulator.control("clear-calls")
    browser, answer = attempt(own)
    refused(own, browser, answer)
    assert simulator.counts()["gettoken"] <= 1 and simulator.counts()["auth/getuserinfo"] <= 2, "once, and no storm"


def test_a_token_is_refreshed_before_its_end(own, simulator):
    simulator.control("settings", token_lifetime=6, reuse_tokens=False)
    attempt(own)
    simulator.control("clear-calls")
    fetched, end = 0, time.monotonic() + 8
    while time.monotonic() < end:
        with Stopwatch() as watch:
            _, answer = attempt(own)
        assert answer.status == 200
        # After each login: the simulator keeps the last thousand calls only, and a quick machine makes more in the time.
        log = simulator.report("calls")["calls"]
        simulator.control("clear-calls")
        fetched += sum(call["api"] == "gettoken" for call in log)
        # A machine that stands still may carry a call over the half second that is left.
        assert watch.lost > 0.1 or not any(call["errcode"] in (40014, 42001) for call in log), "a token was used past its end"
    assert fetched >= 1


@pytest.mark.parametrize("user, status", [
    ("chuwai", 403), ("fengting", 403), ("oOutsider000000000000000001", 403), ("oCustomer000000000000000001", 403), ("wwlinkedcorp000001/wangxiaoming", 403),
    ("zhangsan", 200), ("liudaibiao", 200), ("ZhaoLiu", 200), ("ouyang.nana", 200),
])
def test_who_comes_in(own, user, status):
    for language in ("zh-CN", "en"):
        browser, answer = attempt(own, user, language=language)
        assert answer.status == status, (user, answer.status)
        if status == 403:
            assert refused(own, browser, answer)["result"]
            assert ('lang="en"' in answer.text) == (language == "en")
            assert user not in answer.text or user == "chuwai"


def test_somebody_outside_the_corp_is_told_so(own):
    _, answer = attempt(own, "oOutsider000000000000000001", language="en")
    assert "not a member" in answer.text
    _, answer = attempt(own, "oOutsider000000000000000001")
    assert "不是" in answer.text and "成员" in answer.text


def test_without_visible_range_only_others_may_come(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}],
                           lambda c: c["connections"][0].update(visible_range_only=False))
    assert attempt(gateway, "chuwai")[1].status == 200
    assert attempt(gateway, "fengting")[1].status == 403
    assert attempt(gateway, "oOutsider000000000000000001")[1].status == 403


def test_the_wrong_secret_is_the_administrators_business(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], start=False)
    (gateway.folder / "secret").write_text("wrong-secret\n")
    gateway.start()
    browser, answer = attempt(gateway)
    record = refused(gateway, browser, answer, (502,))
    assert record["errcode"] == 40001
    assert "wrong-secret" not in answer.text + "".join(gateway.process.out + gateway.process.err)


def test_codes_and_states_are_in_no_record(own):
    browser = Browser(own)
    answer = browser.log_in(own.origin("wiki.test") + "/x?password=hunter2")
    import re
    secrets = set()
    for step in answer.history:
        secrets |= set(re.findall(r"(?:code|state|ticket)=([A-Za-z0-9_-]{16,})", step.url))
    secrets |= {v for jar in browser.cookies.values() for v in jar.values()} | {"hunter2"}
    assert len(secrets) >= 6
    own.record("access", path="/x")
    text = "\n".join(own.process.out + own.process.err)
    for secret in secrets:
        assert secret not in text


def test_the_old_userinfo_path_of_private_deployments(make_gateway, upstream, simulator):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}],
                           lambda c: c["connections"][0]["endpoints"].update(userinfo="user/getuserinfo"))
    _, answer = attempt(gateway)
    counts = simulator.counts()
    assert answer.status == 200 or "user/getuserinfo" in counts, counts


def test_a_member_who_leaves_loses_the_session_at_the_next_recheck(make_gateway, upstream, simulator):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["sessions"].update(recheck="1s", recheck_grace="5s"))
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/", "lisi")
    assert browser.call(gateway.origin("wiki.test") + "/x").status == 200
    simulator.control("member", userid="lisi", removed=True)
    wait_for(lambda: browser.call(gateway.origin("wiki.test") + "/x").status == 401, what="the end of the session", every=0.2)
    assert gateway.record("gone")["account"] == "lisi"
