"""Rules that ask for departments, tags, connections, networks, hours and the age of a login; sites that only observe; and the commands that speak of them."""
import datetime
import json
import subprocess
import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import Browser, WECOM
from harness.gateway import Gateway
from harness.http2_client import H2, status
from harness.raw import RawConnection
from harness.reloading import reloaded
from harness.simulator import SECOND_CORP
from harness.waiting import wait_for

HOST = "wiki.test"


def over1(gateway, browser, path, method="GET", headers=None):
    answer = (browser or Browser(gateway)).call(gateway.origin(HOST) + path, method, headers=headers)
    return answer.status, answer.body


def over2(gateway, browser, path, method="GET", headers=None):
    client = H2(gateway, host=HOST, timeout=60)
    fields = [("accept", "*/*"), *((name.lower(), value) for name, value in (headers or {}).items())]
    if browser:
        fields.append(("cookie", browser._cookie_header(HOST)))
    try:
        state = client.get(path, fields, method=method)
        return status(state), state["body"]
    finally:
        client.raw.close()


@pytest.fixture(params=[over1, over2], ids=["http1", "http2"])
def ask(request):
    return request.param


def two_corps(simulator):
    """The second corp has the same user ids, department and tag numbers as the first; `second` is not the one with plain names."""
    def change(configuration):
        configuration["connections"][0]["plain_names"] = True
        configuration["connections"].append(Gateway.connection(
            "second", simulator, corp_id=SECOND_CORP, auto_login=False, secret="second-secret"))
        configuration["listen"]["trusted_proxies"] = ["127.0.0.0/8"]
    return change


def hours(begin, end):
    """Every day from `begin` to `end` minutes from now, in UTC."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return "-".join((now + datetime.timedelta(minutes=m)).strftime("%H:%M") for m in (begin, end)) + " UTC"


def site(upstream, access, **more):
    return {"id": "wiki", "host": HOST, "upstreams": [upstream.base], "access": access, **more}


def log_in(gateway, user, connection=None, path="/open-to-members"):
    browser = Browser(gateway)
    answer = browser.log_in(gateway.origin(HOST) + path, user, connection)
    assert answer.status in (200, 403), (answer.status, answer.body[:300])
    return browser


@pytest.fixture(scope="module")
def ruled(make_module_gateway, upstream, simulator):
    simulator.control("tag", corpid=SECOND_CORP, tagid=1, name="managers", users=["helen"])
    gateway = make_module_gateway([site(upstream, [
        {"path": "/users/*", "allow": {"users": ["zhangsan"]}},
        {"path": "/department/*", "allow": {"departments": [2]}},
        {"path": "/second-department/*", "allow": {"departments": ["second/2"]}},
        {"path": "/tag/*", "allow": {"tags": [1]}},
        {"path": "/tagged-department/*", "allow": {"tags": [3]}},
        {"path": "/second-tag/*", "allow": {"tags": ["second/1"]}},
        {"path": "/connection/*", "allow": {"connections": ["second"]}},
        {"path": "/network/*", "allow": {"networks": ["10.0.0.0/8", "2001:db8::/32"]}},
        {"path": "/open/*", "allow": {"hours": hours(-60, 60)}},
        {"path": "/closed/*", "allow": {"hours": [hours(60, 120), hours(180, 240)]}},
        {"path": "/all/*", "allow": {"departments": [5, 2], "networks": ["10.0.0.0/8"], "hours": hours(-60, 60), "connections": ["corp"]}},
        {"path": "/probe", "allow": {"anyone": True, "networks": ["10.0.0.0/8"]}},
    ])], two_corps(simulator))
    people = {
        "zhangsan": log_in(gateway, "zhangsan", "corp"), "lisi": log_in(gateway, "lisi", "corp"), "ZhaoLiu": log_in(gateway, "ZhaoLiu", "corp"),
        "second/zhangsan": log_in(gateway, "zhangsan", "second"), "second/helen": log_in(gateway, "helen", "second"),
    }
    return gateway, people


@pytest.mark.parametrize("path, may", [
    ("/users/x", ["zhangsan"]), ("/department/x", ["zhangsan", "ZhaoLiu"]), ("/second-department/x", ["second/zhangsan"]), ("/tag/x", ["zhangsan"]),
    ("/tagged-department/x", ["zhangsan", "ZhaoLiu"]), ("/second-tag/x", ["second/helen"]), ("/connection/x", ["second/zhangsan", "second/helen"]),
    ("/network/x", []), ("/open/x", ["zhangsan", "lisi", "ZhaoLiu", "second/zhangsan", "second/helen"]), ("/closed/x", []), ("/all/x", []),
    ("/open-to-members", ["zhangsan", "lisi", "ZhaoLiu", "second/zhangsan", "second/helen"]),
])
def test_each_key_lets_in_whom_it_names_and_two_corps_do_not_mix(ruled, ask, path, may):
    gateway, people = ruled
    assert ask(gateway, None, path)[0] == 401, "without a session it is the login, whatever else is asked"
    for name, browser in people.items():
        assert ask(gateway, browser, path)[0] == (200 if name in may else 403), name


@pytest.mark.parametrize("path, address, expected", [
    ("/network/x", "10.1.2.3", 200), ("/network/x", "2001:db8::7", 200), ("/network/x", "192.0.2.1", 403), ("/all/x", "10.1.2.3", 200), ("/all/x", "192.0.2.1", 403),
])
def test_networks_hold_by_the_clients_address_and_every_key_must_hold(ruled, ask, path, address, expected):
    gateway, people = ruled
    assert ask(gateway, people["zhangsan"], path, headers={"X-Forwarded-For": address})[0] == expected
    assert ask(gateway, None, path, headers={"X-Forwarded-For": address})[0] == 401
    assert ask(gateway, people["second/zhangsan"], "/all/x", headers={"X-Forwarded-For": "10.1.2.3"})[0] == 403


def test_machines_of_a_network_need_no_login(ruled, ask, upstream):
    gateway, people = ruled
    assert ask(gateway, None, "/probe", headers={"X-Forwarded-For": "10.9.9.9"})[0] == 200
    assert upstream.last().one("X-Forwarded-User") is None and upstream.last().one("X-Menwei-Assertion") is None
    assert ask(gateway, None, "/probe")[0] == 401
    assert ask(gateway, people["zhangsan"], "/probe")[0] == 403
    assert ask(gateway, people["zhangsan"], "/probe", headers={"X-Forwarded-For": "10.9.9.9"})[0] == 200
    assert upstream.last().one("X-Forwarded-User") == "zhangsan"


@pytest.mark.parametrize("path, reason", [
    ("/users/x", "user-not-listed"), ("/department/x", "department-not-listed"), ("/tag/x", "tag-not-listed"), ("/connection/x", "connection-not-listed"),
    ("/network/x", "network-not-listed"), ("/closed/x", "outside-hours"),
])
def test_a_refusal_says_in_a_fixed_word_which_key_did_not_hold(ruled, ask, path, reason):
    gateway, people = ruled
    code, body = ask(gateway, people["lisi"], path)
    problem = json.loads(body)
    assert code == 403 and problem["type"] == "urn:menwei:denied" and reason in problem["detail"]
    assert gateway.record("denied", request_id=problem["request_id"])["result"] == reason


def test_the_application_hears_of_departments_with_those_above_them_and_of_the_tags_that_rules_name(ruled, ask, upstream):
    gateway, people = ruled
    ask(gateway, people["ZhaoLiu"], "/open/x")
    # The root is not the app's to see.
    assert upstream.last().one("X-Forwarded-Groups") == "department:4,department:2,tag:3"
    ask(gateway, people["zhangsan"], "/open/x")
    assert set(upstream.last().one("X-Forwarded-Groups").split(",")) == {"department:3", "department:2", "tag:1", "tag:3"}
    ask(gateway, people["second/helen"], "/open/x")
    assert upstream.last().one("X-Forwarded-Groups") == "department:second/1,tag:second/1"
    ask(gateway, people["second/zhangsan"], "/open/x")
    assert upstream.last().one("X-Forwarded-Groups") == "department:second/2,department:second/1"
    me = people["ZhaoLiu"].call(gateway.origin(HOST) + "/.menwei/me").json()
    assert me["departments"] == [4, 2] and me["tags"] == [3]


def test_a_login_costs_one_look_at_the_directory(make_gateway, upstream, simulator):
    gateway = make_gateway([site(upstream, [{"allow": {"tags": [1, 3], "departments": [2]}}])])
    log_in(gateway, "zhangsan")
    before = simulator.counts()
    for user in ("ZhaoLiu", "sunqi", "lisi"):
        log_in(gateway, user)
    after = simulator.counts()
    assert {api: after.get(api, 0) - before.get(api, 0) for api in ("user/get", "department/simplelist", "tag/get")} == {
        "user/get": 3, "department/simplelist": 0, "tag/get": 0}


# What cannot be read

@pytest.mark.parametrize("api, access", [
    ("department/simplelist", {"departments": [2]}), ("tag/get", {"tags": [3]}), ("department/simplelist", {"tags": [3]}),
])
def test_a_login_is_refused_where_a_rule_needs_what_cannot_be_read(make_gateway, upstream, simulator, api, access):
    simulator.fault(api, errcode=45009)
    gateway = make_gateway([site(upstream, [{"path": "/x/*", "allow": access}])])
    answer = Browser(gateway).log_in(gateway.origin(HOST) + "/y", "zhangsan")
    assert answer.status != 200 and not upstream.requests
    failed = gateway.record("login_failed")
    assert failed["errcode"] == 45009 and failed["api"] == api


def test_a_login_does_not_fail_for_what_no_rule_needs(make_gateway, upstream, simulator):
    simulator.fault("department/simplelist", errcode=45009)
    gateway = make_gateway([site(upstream, [{"allow": {"users": ["zhangsan"]}}])])
    browser = log_in(gateway, "zhangsan")
    assert upstream.last().one("X-Forwarded-Groups") == "department:3,department:2"
    assert browser.call(gateway.origin(HOST) + "/.menwei/me").json()["departments"] == [3, 2]


@pytest.mark.parametrize("errcode", [40068, 81011])
def test_a_tag_that_is_none_or_not_the_apps_lets_nobody_in_and_keeps_nobody_out(make_gateway, upstream, simulator, errcode):
    simulator.fault("tag/get", errcode=errcode)
    gateway = make_gateway([site(upstream, [{"path": "/tag/*", "allow": {"tags": [3]}}, {"allow": {"departments": [2]}}])])
    browser = log_in(gateway, "zhangsan")
    assert over1(gateway, browser, "/x")[0] == 200 and over1(gateway, browser, "/tag/x")[0] == 403


# Streams end when the rule that let them in holds no more

@pytest.fixture
def events(upstream):
    """`/…/events`: an event stream that lasts as long as the test."""
    stop = threading.Event()

    def answer(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not stop.wait(0.1):
            exchange.send(b"1\r\n:\r\n")
        exchange.close()

    for path in ("/department/events", "/tag/events", "/hours/events", "/members/events"):
        upstream.script(path, answer)
    yield
    stop.set()


class Stream1:
    def __init__(self, gateway, browser, path):
        self.raw = RawConnection(gateway.port, HOST, ca=gateway.ca, timeout=90)
        self.raw.send(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nCookie: {browser._cookie_header(HOST)}\r\n\r\n".encode())
        assert self.raw.head().status == 200

    def wait_end(self):
        while self.raw.receive():
            pass

    def close(self):
        self.raw.close()


class Stream2:
    def __init__(self, gateway, browser, path):
        self.client = H2(gateway, host=HOST, timeout=90)
        self.state = self.client.streams[self.client.send("GET", path, [("cookie", browser._cookie_header(HOST))])]
        while self.state["head"] is None and self.client.step():
            pass
        assert status(self.state) == 200

    def wait_end(self):
        while not self.state["ended"] and self.state["reset"] is None and self.client.step():
            pass
        assert self.state["reset"] is not None

    def close(self):
        self.client.raw.close()


class WebSocket:
    """Open until the gateway closes it; `wait_end` reads up to the close frame."""

    def __init__(self, gateway, browser, path):
        self.raw = RawConnection(gateway.port, HOST, ca=gateway.ca, timeout=90)
        self.raw.send((f"GET {path} HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nOrigin: {gateway.origin(HOST)}\r\nCookie: {browser._cookie_header(HOST)}\r\n\r\n").encode())
        assert self.raw.response().status == 101

    def wait_end(self):
        frame = self.raw._exactly(4)
        assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame

    def close(self):
        self.raw.close()


@pytest.fixture(params=[Stream1, Stream2, WebSocket], ids=["http1", "http2", "websocket"])
def stream(request, upstream, events):
    opened = []
    if request.param is WebSocket:
        from harness.upstream import websocket
        for path in ("/department/events", "/tag/events", "/hours/events", "/members/events"):
            upstream.script(path, websocket)

    def build(*arguments):
        opened.append(request.param(*arguments))
        return opened[-1]

    yield build
    for one in opened:
        one.close()


def test_leaving_the_department_ends_what_its_rule_let_in(make_gateway, upstream, simulator, stream):
    gateway = make_gateway([site(upstream, [{"path": "/department/*", "allow": {"departments": [2]}}])], lambda c: c["sessions"].update(recheck="1s"))
    browser = log_in(gateway, "sunqi")
    let_in, other = stream(gateway, browser, "/department/events"), stream(gateway, browser, "/members/events")
    simulator.control("member", userid="sunqi", departments=[5])
    let_in.wait_end()
    assert over1(gateway, browser, "/department/x")[0] == 403
    assert over1(gateway, browser, "/x")[0] == 200, "the session goes on"
    assert not [r for r in gateway.records("gone")]
    other.close()


def test_losing_a_tag_ends_what_its_rule_let_in(make_gateway, upstream, simulator, stream):
    gateway = make_gateway([site(upstream, [{"path": "/tag/*", "allow": {"tags": [1]}}])], lambda c: c["sessions"].update(recheck="1s"))
    browser = log_in(gateway, "zhangsan")
    let_in = stream(gateway, browser, "/tag/events")
    simulator.control("tag", tagid=1, users=["chenzong"])
    let_in.wait_end()
    assert over1(gateway, browser, "/tag/x")[0] == 403 and over1(gateway, browser, "/x")[0] == 200


def test_a_moved_department_ends_what_its_rule_let_in(make_gateway, upstream, simulator, stream):
    gateway = make_gateway([site(upstream, [{"path": "/department/*", "allow": {"departments": [2]}}])], lambda c: c["sessions"].update(recheck="1s"))
    browser = log_in(gateway, "sunqi")
    let_in = stream(gateway, browser, "/department/events")
    simulator.control("department", id=3, parent=5)
    let_in.wait_end()
    assert over1(gateway, browser, "/department/x")[0] == 403


def test_the_end_of_the_hours_ends_what_they_let_in(make_gateway, upstream, events):
    """Hours end at a full minute: at the next, or at the one after it where that is close."""
    now = datetime.datetime.now(datetime.timezone.utc)
    end = 1 if now.second < 40 else 2
    gateway = make_gateway([site(upstream, [{"path": "/hours/*", "allow": {"hours": hours(-60, end)}}])])
    browser = log_in(gateway, "zhangsan")
    streams = [Stream1(gateway, browser, "/hours/events"), Stream2(gateway, browser, "/hours/events")]
    for one in streams:
        one.wait_end()
        one.close()
    over = now.replace(second=0, microsecond=0) + datetime.timedelta(minutes=end)
    assert datetime.datetime.now(datetime.timezone.utc) >= over
    assert over1(gateway, browser, "/hours/x")[0] == 403 and over1(gateway, browser, "/x")[0] == 200


def test_a_reload_brings_rules_to_sessions_that_are_there(make_gateway, upstream, simulator, stream):
    gateway = make_gateway([site(upstream, [{"allow": "members"}])])
    browser, other = log_in(gateway, "zhangsan"), log_in(gateway, "lisi")
    kept, ended = stream(gateway, browser, "/members/events"), stream(gateway, other, "/members/events")
    reloaded(gateway, lambda c: c["sites"][0].update(access=[{"path": "/tag/*", "allow": {"tags": [1]}}, {"allow": {"departments": [2]}}]))
    ended.wait_end()
    # Nobody had asked for tags before: they come without another login.
    wait_for(lambda: over1(gateway, browser, "/tag/x")[0] == 200, what="the tag")
    assert over1(gateway, other, "/x")[0] == 403
    kept.close()


# max_age

def test_an_older_login_gets_the_login_again(make_gateway, upstream, ask):
    gateway = make_gateway([site(upstream, [{"path": "/admin/*", "allow": "members", "max_age": "5s"}])])
    browser = log_in(gateway, "zhangsan")
    me = lambda: browser.call(gateway.origin(HOST) + "/.menwei/me").json()
    first = me()
    wait_for(lambda: ask(gateway, browser, "/admin/x")[0] == 401, what="the login to be too old")
    assert ask(gateway, browser, "/x")[0] == 200
    problem = json.loads(ask(gateway, browser, "/admin/x")[1])
    assert parse_qs(urlsplit(problem["login_url"]).query)["max_age"] == ["5"]
    upstream.clear()
    to_login = browser.get(gateway.origin(HOST) + "/admin/x?max_age=1&try=2")
    query = parse_qs(urlsplit(to_login.location).query)
    assert to_login.status == 302 and query["max_age"] == ["5"] and "try" not in query
    page = browser.follow(to_login)
    assert page.status == 200 and page.frame and not upstream.requests, "the login page, whatever session there is"
    # With a fresh login the way leads there.
    browser.log_in(gateway.origin(HOST) + "/admin/x")
    second = me()
    assert second["sid"] == first["sid"] and second["auth_time"] > first["auth_time"]


def test_inside_wecom_a_fresh_login_is_silent(make_gateway, upstream):
    gateway = make_gateway([site(upstream, [{"path": "/admin/*", "allow": "members", "max_age": "5s"}])])
    browser = Browser(gateway, agent=WECOM)
    url = gateway.origin(HOST) + "/admin/x"
    assert browser.go(url).status == 200
    wait_for(lambda: browser.get(url).status == 302, what="the login to be too old")
    answer = browser.go(url)
    assert answer.status == 200 and answer.url == url


def test_a_login_that_is_not_allowed_in_is_not_asked_for_again(make_gateway, upstream):
    gateway = make_gateway([site(upstream, [{"path": "/admin/*", "allow": {"users": ["lisi"]}, "max_age": "1s"}])])
    browser = log_in(gateway, "zhangsan")
    time.sleep(1.1)
    assert browser.call(gateway.origin(HOST) + "/admin/x").status == 403


# Enforcement

def test_observe_lets_everybody_through_and_records_who_would_have_been_stopped(make_gateway, upstream, simulator, ask):
    gateway = make_gateway([
        site(upstream, [{"path": "/open/*", "allow": "anyone"}, {"allow": {"users": ["lisi"]}, "max_age": "1h"}], enforcement="observe"),
        {"id": "app", "host": "app.test", "upstreams": [upstream.base]},
    ])
    assert ask(gateway, None, "/x")[0] == 200
    assert upstream.last().one("X-Forwarded-User") is None and upstream.last().one("X-Menwei-Assertion") is None
    assert gateway.record("access", path="/x")["decision"] == "observed" and gateway.record("access", path="/x")["rule"] == "2 *"
    assert Browser(gateway).get(gateway.origin(HOST) + "/page").status == 200, "no login for navigations either"
    ask(gateway, None, "/open/x")
    assert gateway.record("access", path="/open/x")["decision"] == "anyone"
    browser = Browser(gateway)
    browser.log_in(gateway.origin("app.test") + "/", "zhangsan")
    assert browser.go(gateway.origin(HOST) + "/.menwei/login?return=/back").status == 200
    assert ask(gateway, browser, "/y")[0] == 200
    assert upstream.last().one("X-Forwarded-User") == "zhangsan" and upstream.last().one("X-Menwei-Assertion")
    record = gateway.record("access", path="/y")
    assert record["decision"] == "observed" and record["account"] == "zhangsan"
    audit = gateway.record("observed", request_id=record["request_id"])
    assert audit["account"] == "zhangsan" and audit["result"] == "user-not-listed" and audit["site"] == "wiki"
    assert not gateway.records("denied")
    # What is no rule's doing is refused as ever.
    assert ask(gateway, None, "/a%00")[0] == 400


def test_what_only_observes_passes_foreign_websockets_as_nobodys(make_gateway, upstream):
    gateway = make_gateway([site(upstream, [{"allow": "members"}], enforcement="observe")])
    browser = Browser(gateway)
    browser.go(gateway.origin(HOST) + "/.menwei/login?return=/x")
    answer = browser.log_in(gateway.origin(HOST) + "/.menwei/login?return=/x")
    assert answer.status == 200 and upstream.last().one("X-Forwarded-User") == "zhangsan"
    with RawConnection(gateway.port, HOST, ca=gateway.ca) as raw:
        raw.send((f"GET /ws HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nOrigin: https://evil.test\r\nCookie: {browser._cookie_header(HOST)}\r\n\r\n").encode())
        assert raw.response().status == 101
    assert upstream.last().one("X-Forwarded-User") is None and upstream.last().one("X-Menwei-Assertion") is None


def test_login_lets_in_whoever_logs_in_and_records_the_rest(make_gateway, upstream, ask):
    gateway = make_gateway([site(upstream, [{"path": "/open/*", "allow": "anyone"}, {"allow": {"users": ["lisi"]}}], enforcement="login")])
    assert ask(gateway, None, "/x")[0] == 401 and ask(gateway, None, "/open/x")[0] == 200
    assert gateway.record("access", path="/x")["decision"] == "login"
    browser = log_in(gateway, "zhangsan")
    assert ask(gateway, browser, "/y")[0] == 200 and upstream.last().one("X-Forwarded-User") == "zhangsan"
    record = gateway.record("access", path="/y")
    assert record["decision"] == "observed"
    assert gateway.record("observed", request_id=record["request_id"])["account"] == "zhangsan"
    assert not gateway.records("denied")


def test_check_warns_of_sites_whose_rules_do_not_count(make_gateway, upstream, binary):
    gateway = make_gateway([site(upstream, [{"allow": "members"}])], lambda c: c.update(site_defaults={"enforcement": "observe"}), start=False)
    done = subprocess.run([binary, "check", "--config", gateway.file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == "ok\n"
    assert [line for line in done.stderr.splitlines() if ": warning: " in line and "observe" in line and '"wiki"' in line], done.stderr


# Commands

@pytest.mark.parametrize("options, path, exit_status, answer", [
    (["--user", "a", "--department", "2"], "/department/x", 0, "allow"), (["--user", "a", "--department", "4"], "/department/x", 4, "deny"),
    (["--user", "a", "--connection", "second", "--department", "2"], "/department/x", 4, "deny"), (["--user", "a", "--tag", "1"], "/tag/x", 0, "allow"),
    (["--user", "a", "--connection", "second"], "/connection/x", 0, "allow"), (["--user", "a", "--ip", "10.1.1.1"], "/network/x", 0, "allow"),
    (["--user", "a", "--ip", "192.0.2.1"], "/network/x", 4, "deny"), (["--ip", "10.1.1.1"], "/probe", 0, "allow"), ([], "/probe", 3, "login"),
])
def test_explain_answers_as_the_gateway_would(ruled, binary, options, path, exit_status, answer):
    gateway, _ = ruled
    done = subprocess.run([binary, "explain", "--config", gateway.file, *options, "GET", gateway.origin(HOST) + path], capture_output=True, text=True, timeout=60)
    assert done.returncode == exit_status and f"decision: {answer}" in done.stdout.splitlines(), done.stdout + done.stderr


def test_observe_report_required(make_gateway, upstream, binary, tmp_path):
    """The way of a rollout: what was recorded while nothing was enforced tells who would be shut out."""
    gateway = make_gateway([site(upstream, [{"path": "/open/*", "allow": "anyone"}, {"path": "/sales/*", "allow": {"departments": [5]}}, {"allow": {"users": ["lisi"]}}], enforcement="observe")])
    people = {}
    for user in ("zhangsan", "lisi"):
        people[user] = Browser(gateway)
        assert people[user].log_in(gateway.origin(HOST) + "/.menwei/login?return=/open/x", user).status == 200
        for path in ("/x", "/x", "/open/x", "/sales/x"):
            assert over1(gateway, people[user], path)[0] == 200
    over1(gateway, None, "/x")
    # All of them, whichever worker writes last: each login led to /open/x, and then there were the calls.
    wait_for(lambda: len([r for r in gateway.records("access") if r["path"] in ("/x", "/open/x", "/sales/x")]) == 11, what="the records")
    log = tmp_path / "records.log"
    log.write_text("\n".join(list(gateway.process.out)) + "\nnot a record\n")
    gateway.configuration["sites"][0]["enforcement"] = "required"
    gateway.write()
    done = subprocess.run([binary, "report", "--config", gateway.file, log], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr
    rows = [line.split() for line in done.stdout.split("\n\n")[0].splitlines()[1:]]
    assert [row[:4] for row in rows] == [
        ["wiki", "-", "login", "1"], ["wiki", "lisi", "unknown", "1"], ["wiki", "zhangsan", "loses", "2"], ["wiki", "zhangsan", "unknown", "1"]]
    assert "1 malformed" in done.stdout
    again = subprocess.run([binary, "report", "--config", gateway.file, "-"], stdin=log.open(), capture_output=True, text=True, timeout=60)
    assert again.stdout == done.stdout
    assert subprocess.run([binary, "report", "--config", gateway.file, tmp_path / "none"], capture_output=True, timeout=60).returncode == 1
