"""WeCom's callbacks: who is heard at /.menwei/events/, and what it means for those who are logged in."""
import json
import signal
import time

import pytest

from harness.browser import Browser
from harness.events import AES_KEY, ENVIRONMENT, PAIR, Events
from harness.http2_client import H2, status
from harness.raw import RawConnection
from harness.simulator import SECOND_CORP
from harness.waiting import wait_for
from test_http2_websocket import Socket, messages
from test_sessions import websocket_opening
from test_session_streams import Over1, Over2, over, trickle  # noqa: F401

HOST = "wiki.test"
#: Long enough for a slow machine, and far below the ten minutes after which members are looked up anyway.
SOON = 30


@pytest.fixture
def own(make_gateway, upstream):
    """A gateway that hears of changes, and looks members up on its own initiative only every ten minutes."""
    def build(change=lambda c: None, **sessions):
        def changed(c):
            c["connections"][0]["events"] = PAIR
            c["sessions"].update(sessions)
            change(c)
        return make_gateway([{"id": "wiki", "host": HOST, "upstreams": [upstream.base]}, {"id": "app", "host": "app.test", "upstreams": [upstream.base]}],
                            changed, environment=ENVIRONMENT)
    return build


@pytest.fixture
def gateway(own):
    return own()


@pytest.fixture
def events(gateway):
    return Events(gateway)


def log_in(gateway, user="zhangsan", host=HOST):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin(host) + "/", user).status == 200
    return browser


def known_everywhere(gateway, browser, host=HOST):
    """Every request of the harness is a connection of its own: by now each worker holds the session."""
    for _ in range(24):
        assert browser.call(gateway.origin(host) + "/x").status == 200


def is_out(gateway, *browsers, host=HOST):
    """All of them are out, whichever worker is asked."""
    wait_for(lambda: all(b.call(gateway.origin(host) + "/x").status == 401 for b in browsers), SOON, "the end of the sessions")
    for _ in range(12):
        for browser in browsers:
            assert browser.call(gateway.origin(host) + "/x").status == 401


# Who is heard

def test_the_check_of_the_address_is_answered_with_the_bare_text(events):
    answer = events.check()
    assert answer.status == 200 and answer.body == b"1616140317555161061"
    assert "no-store" in answer.one("Cache-Control") and answer.one("Content-Type").startswith("text/plain")
    assert events.check("").body == b"" and events.check("中文 <b>").body == "中文 <b>".encode()
    assert events.check(change=lambda q: None).status == 200, "a check may come again"


def test_a_plus_in_the_address_is_a_plus(events):
    for _ in range(200):
        encrypted = events.encrypt("42")
        if "+" in encrypted:
            break
    query = events.query(encrypted)
    bare = "&".join(f"{k}={v}" for k, v in query.items()) + "&echostr=" + encrypted
    assert events.browser.request("GET", events.url + "?" + bare).body == b"42"


FAULTS = {
    "another signature": dict(change=lambda q: q.update(msg_signature="0" * 40)),
    "a signature in capitals": dict(change=lambda q: q.update(msg_signature=q["msg_signature"].upper().replace("0", "O"))),
    "another nonce": dict(change=lambda q: q.update(nonce="1")),
    "another time": dict(change=lambda q: q.update(timestamp=str(int(q["timestamp"]) + 1))),
    "no signature": dict(change=lambda q: q.pop("msg_signature")),
    "no time": dict(change=lambda q: q.pop("timestamp")),
    "no nonce": dict(change=lambda q: q.pop("nonce")),
    "another corp": dict(receiver=SECOND_CORP),
    "no corp": dict(receiver=""),
    "a broken padding": dict(pad=lambda count: bytes([count - 1] * (count - 1) + [0])),
    "a padding of differing bytes": dict(pad=lambda count: bytes(count - 1) + bytes([count])),
}


def test_every_fault_is_answered_alike_and_says_why_in_the_log_alone(gateway, events):
    browser = log_in(gateway)
    message = events.event("change_contact", ChangeType="delete_user", UserID="zhangsan")
    answers = {name: events.send(message, **how) for name, how in FAULTS.items()}
    answers |= {"check, " + name: events.check(**how) for name, how in FAULTS.items()}
    for age in (-601, 700, -10**9):
        answers[f"{age} s old"] = events.send(message, timestamp=int(time.time()) - age)
    good = events.encrypt(message)
    for name, body in {"no envelope": b"", "no document": b"<xml>", "a list": b"[]", "nothing in it": b"<xml/>", "two of it": f"<xml><Encrypt>{good}</Encrypt><Encrypt>{good}</Encrypt></xml>".encode(),
                       "a document type": f"<!DOCTYPE x [<!ENTITY e '{good}'>]><xml><Encrypt>&e;</Encrypt></xml>".encode(),
                       "deep": b"<a>" * 20000, "entities": b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><xml><Encrypt>&b;</Encrypt></xml>"}.items():
        answers[name] = events.post(events.query(good), body)
    shapes = {name: (a.status, a.body, sorted(k.lower() for k, _ in a.headers if k.lower() != "x-request-id")) for name, a in answers.items()}
    assert len(set(map(str, shapes.values()))) == 1, shapes
    assert answers["no time"].status == 403 and answers["no time"].body == b""
    assert browser.call(gateway.origin(HOST) + "/x").status == 200
    wait_for(lambda: {json_line(line).get("reason") for line in gateway.process.err if "callback not taken" in line} >= {"signature", "timestamp", "cipher", "malformed"})
    everything = "\n".join(gateway.process.out + gateway.process.err)
    assert AES_KEY not in everything and good not in everything


def json_line(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"reason": line}


def test_the_address_is_the_auth_origins_and_only_where_it_is_configured(gateway, events, make_gateway, upstream):
    url = events.url.replace(gateway.auth, gateway.origin(HOST))
    assert events.browser.request("GET", url).status == 404
    assert events.browser.request("GET", events.url + "x").status == 404
    for method in ("PUT", "DELETE", "PATCH", "HEAD"):
        answer = events.browser.request(method, events.url)
        assert answer.status == 405 and answer.one("Allow") == "GET, POST"
    silent = make_gateway([{"id": "wiki", "host": HOST, "upstreams": [upstream.base]}])
    assert Events(silent).check().status == 404 and Events(silent).send("<xml/>").status == 404


def test_an_event_in_json_is_heard_too(gateway, events, simulator):
    browser = log_in(gateway)
    simulator.control("member", userid="zhangsan", removed=True)
    message = '{"ToUserName":"x","FromUserName":"sys","CreateTime":1,"MsgType":"event","Event":"change_contact","ChangeType":"delete_user","UserID":"zhangsan"}'
    assert events.send(message, json=True).status == 200
    is_out(gateway, browser)


def test_messages_that_are_too_large_are_413_and_do_no_harm(events):
    answer = events.post(events.query("A"), b"<xml>" + b" " * (65 << 10))
    assert answer.status == 413
    assert events.check().status == 200


def test_a_flood_of_unsigned_messages_does_not_keep_out_what_is_signed(gateway, events, simulator):
    browser = log_in(gateway)
    connection = H2(gateway, host="auth.test", timeout=60)
    body = b"<xml><Encrypt>" + b"A" * 12000 + b"</Encrypt></xml>"
    query = events.query("A")
    statuses = {}
    for _ in range(320):
        stream = connection.send("POST", f"/.menwei/events/corp?msg_signature={'0' * 40}&timestamp={query['timestamp']}&nonce=1", [("content-length", str(len(body)))], end=False)
        connection.connection.send_data(stream, body, end_stream=True)
        connection.flush()
        answer = connection.wait(stream)
        statuses[status(answer)] = statuses.get(status(answer), 0) + 1
    assert statuses == {403: 300, 429: 20}, statuses
    simulator.control("member", userid="zhangsan", removed=True)
    events.contact("delete_user", UserID="zhangsan")
    is_out(gateway, browser)


# What is heard

@pytest.mark.parametrize("name, change, event, result", [
    ("deleted", dict(removed=True), dict(change="delete_user", UserID="ZhangSan"), "removed"),
    ("disabled", dict(status=2), dict(change="update_user", UserID="zhangsan", Status="2"), "inactive"),
    ("left", dict(status=5), dict(change="update_user", UserID="zhangsan", Status="5"), "inactive"),
    ("moved out of the visible range", dict(departments=[7]), dict(change="update_user", UserID="zhangsan", Department="7"), "out-of-range"),
])
def test_a_member_who_is_gone_is_out_at_once_in_every_browser_and_at_every_site(gateway, events, simulator, name, change, event, result):
    phone, desktop, other = log_in(gateway), log_in(gateway), log_in(gateway, "lisi")
    desktop.go(gateway.origin("app.test") + "/")
    known_everywhere(gateway, phone)
    known_everywhere(gateway, desktop, "app.test")
    sids = {b.call(gateway.origin(HOST) + "/.menwei/me").json()["sid"] for b in (phone, desktop)}
    simulator.control("member", userid="zhangsan", **change)
    simulator.control("clear-calls")
    assert phone.call(gateway.origin(HOST) + "/x").status == 200, "nobody has told the gateway yet"
    events.contact(event.pop("change"), **event)
    is_out(gateway, phone, desktop)
    assert desktop.call(gateway.origin("app.test") + "/x").status == 401
    assert other.call(gateway.origin(HOST) + "/x").status == 200
    assert {r["sid"] for r in wait_for(lambda: len(gateway.records("gone")) >= 2 and gateway.records("gone"))} == sids
    assert all(r["result"] == result and r["account"] == "zhangsan" and r["connection"] == "corp" for r in gateway.records("gone"))
    assert simulator.counts()["user/get"] == 1, "one question for all sessions of a member"


def test_leaving_the_visible_range_is_told_to_the_app(gateway, events, simulator):
    browser, other = log_in(gateway), log_in(gateway, "lisi")
    simulator.control("app", visible={"departments": [5]})
    assert events.send(events.event("unsubscribe", sender="zhangsan", AgentID=1000002)).status == 200
    is_out(gateway, browser)
    assert other.call(gateway.origin(HOST) + "/x").status == 200
    assert gateway.record("gone")["errcode"] == 60011


def test_after_a_change_of_the_id_the_old_one_is_out(gateway, events, simulator):
    browser = log_in(gateway)
    simulator.control("member", userid="zhangsan", removed=True)
    simulator.control("member", userid="zhangsan2", name="张三", departments=[2])
    events.contact("update_user", UserID="zhangsan", NewUserID="zhangsan2")
    is_out(gateway, browser)
    assert gateway.record("gone")["result"] == "removed"
    browser.log_in(gateway.origin(HOST) + "/", "zhangsan2")
    assert browser.call(gateway.origin(HOST) + "/.menwei/me").json()["sub"] == "zhangsan2"


def test_what_changed_of_a_member_goes_upstream_at_once(gateway, events, simulator):
    browser = log_in(gateway)
    known_everywhere(gateway, browser)
    simulator.control("member", userid="zhangsan", name="张三丰")
    events.contact("update_user", UserID="zhangsan", Name="张三丰")
    wait_for(lambda: browser.call(gateway.origin(HOST) + "/.menwei/me").json()["name"] == "张三丰", SOON)
    for _ in range(12):
        assert dict(browser.call(gateway.origin(HOST) + "/x").json()["headers"])["X-Forwarded-Name"] == "%E5%BC%A0%E4%B8%89%E4%B8%B0"


@pytest.mark.parametrize("event", [dict(change="update_party", Id="2", ParentId="7"), dict(change="delete_party", Id="2"),
                                   dict(change="update_tag", TagId="2", DelPartyItems="2"), dict(change="update_tag", TagId="2", DelUserItems="zhangsan,lisi")])
def test_a_change_of_departments_or_tags_makes_those_be_looked_up_whom_it_may_concern(gateway, events, simulator, event):
    browsers = [log_in(gateway, user) for user in ("zhangsan", "lisi")]
    simulator.control("app", visible={"departments": [6]})
    events.contact(event.pop("change"), **event)
    is_out(gateway, *browsers)
    assert {r["account"] for r in gateway.records("gone", errcode=60011)} == {"zhangsan", "lisi"}


def test_events_that_concern_nobody_who_is_logged_in_ask_wecom_nothing(gateway, events, simulator):
    browser = log_in(gateway)
    simulator.control("clear-calls")
    simulator.control("member", userid="zhangsan", removed=True)
    for message in ("<xml/>", "hello", "", events.event("enter_agent", sender="zhangsan"), events.event("change_external_contact", ChangeType="delete_user", UserID="zhangsan"),
                    events.event("change_contact", ChangeType="create_party", Id="9", ParentId="1"), events.event("change_contact", ChangeType="delete_user", UserID="nobody"),
                    events.event("batch_job_result")):
        assert events.send(message).status == 200, message
    events.contact("update_user", UserID="lisi")
    # The event after them is heard last.
    events.contact("delete_user", UserID="zhangsan")
    is_out(gateway, browser)
    assert simulator.counts().get("user/get", 0) == 1


def test_an_event_that_comes_again_is_answered_and_not_acted_upon_again(gateway, events, simulator):
    browser = log_in(gateway)
    known_everywhere(gateway, browser)
    encrypted = events.encrypt(events.event("change_contact", ChangeType="update_user", UserID="zhangsan"))
    query, body = events.query(encrypted), f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
    simulator.control("clear-calls")
    for _ in range(30):
        assert events.post(query, body).status == 200
    wait_for(lambda: simulator.counts().get("user/get", 0) >= 1, SOON)
    # Another event, whose effect shows that the ones before were looked at.
    simulator.control("member", userid="zhangsan", name="张三丰")
    events.contact("update_user", UserID="zhangsan")
    wait_for(lambda: browser.call(gateway.origin(HOST) + "/.menwei/me").json()["name"] == "张三丰", SOON)
    assert simulator.counts()["user/get"] == 2


def test_a_deletion_is_not_lost_while_wecom_cannot_be_asked(gateway, events, simulator):
    browser = log_in(gateway)
    simulator.fault("user/get", status=502)
    simulator.control("member", userid="zhangsan", removed=True)
    simulator.control("clear-calls")
    events.contact("delete_user", UserID="zhangsan")
    wait_for(lambda: simulator.counts().get("user/get", 0) >= 2, SOON, "a second try")
    assert browser.call(gateway.origin(HOST) + "/x").status == 200, "the last answer stands while WeCom is in trouble"
    simulator.control("clear-faults")
    is_out(gateway, browser)


def test_a_deletion_survives_a_reload(gateway, events, simulator):
    browser = log_in(gateway)
    simulator.fault("user/get", status=502)
    simulator.control("member", userid="zhangsan", removed=True)
    simulator.control("clear-calls")
    events.contact("delete_user", UserID="zhangsan")
    wait_for(lambda: simulator.counts().get("user/get", 0) >= 1, SOON)
    gateway.process.signal(signal.SIGHUP)
    gateway.process.wait_line(lambda line: line == "menwei: reloaded")
    simulator.control("clear-faults")
    is_out(gateway, browser)


def test_who_left_while_the_gateway_was_down_is_out_soon_after_it_is_back(gateway, simulator):
    browser = log_in(gateway)
    gateway.stop()
    simulator.control("member", userid="zhangsan", removed=True)
    gateway.start()
    is_out(gateway, browser)


def test_many_events_about_one_member_at_once_are_few_questions(gateway, events, simulator):
    browser = log_in(gateway)
    simulator.fault("user/get", delay_ms=2000)
    simulator.control("clear-calls")
    begun = time.monotonic()
    connection = H2(gateway, host="auth.test", timeout=60)
    streams = []
    for _ in range(50):
        encrypted = events.encrypt(events.event("change_contact", ChangeType="update_user", UserID="zhangsan"))
        query = events.query(encrypted)
        body = f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()
        stream = connection.send("POST", "/.menwei/events/corp?" + "&".join(f"{k}={v}" for k, v in query.items()), [("content-length", str(len(body)))], end=False)
        connection.connection.send_data(stream, body, end_stream=True)
        connection.flush()
        streams.append(stream)
    assert {status(connection.wait(stream)) for stream in streams} == {200}
    wait_for(lambda: simulator.counts().get("user/get", 0) >= 1, SOON)
    simulator.control("clear-faults")
    # Each question takes two seconds: a slow machine has time for some more of them.
    most = 5 + (time.monotonic() - begun) // 2
    simulator.control("member", userid="zhangsan", removed=True)
    events.contact("delete_user", UserID="zhangsan")
    is_out(gateway, browser)
    assert simulator.counts()["user/get"] <= most


# What is under way

@pytest.mark.parametrize("path", ["/slow-download?bytes=900", "/events", "/chunked?pieces=900"])
def test_an_event_ends_what_is_under_way(gateway, events, simulator, over, trickle, path):  # noqa: F811
    browser = log_in(gateway)
    request = over(gateway, browser, "GET", path)
    assert request.begun() == 200
    simulator.control("member", userid="zhangsan", status=2)
    events.contact("update_user", UserID="zhangsan", Status="2")
    _, whole = request.rest()
    assert not whole


def test_an_event_closes_a_websocket_with_1008(gateway, events, simulator):
    browser = log_in(gateway)
    with RawConnection(gateway.port, HOST, ca=gateway.ca, timeout=SOON) as raw:
        raw.send(websocket_opening(gateway, browser, "/ws"))
        assert raw.response().status == 101
        simulator.control("member", userid="zhangsan", removed=True)
        events.contact("delete_user", UserID="zhangsan")
        frame = raw.receive()
        assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame


def test_an_event_closes_a_websocket_over_http2_with_1008(gateway, events, simulator):
    browser = log_in(gateway)
    client = H2(gateway, host=HOST, timeout=SOON)
    socket = Socket(client, "/ws", [("cookie", browser._cookie_header(HOST)), ("origin", gateway.origin(HOST))])
    while socket.state["head"] is None and client.step():
        pass
    simulator.control("member", userid="zhangsan", removed=True)
    events.contact("delete_user", UserID="zhangsan")
    while not any(opcode == 8 for opcode, _ in messages(socket.state["body"])) and client.step():
        pass
    close = [payload for opcode, payload in messages(socket.state["body"]) if opcode == 8]
    assert close and int.from_bytes(close[0][:2], "big") == 1008


# Departments and tags

def ruled(c):
    c["sites"][0]["access"] = [{"path": "/tag/*", "allow": {"tags": [1]}}, {"path": "/department/*", "allow": {"departments": [2]}}]


def test_an_event_of_a_tag_changes_who_may_at_once(own, simulator, upstream):
    gateway = own(ruled)
    browser = log_in(gateway)
    url = gateway.origin(HOST) + "/tag/x"
    assert browser.call(url).status == 200
    simulator.control("tag", tagid=1, users=["chenzong"])
    events = Events(gateway)
    assert events.send(events.event("change_contact", ChangeType="update_tag", TagId="1", DelUserItems="zhangsan")).status == 200
    wait_for(lambda: browser.call(url).status == 403, SOON, "the end of the tag")
    assert browser.call(gateway.origin(HOST) + "/x").status == 200
    simulator.control("tag", tagid=1, users=["chenzong", "zhangsan"])
    assert events.send(events.event("change_contact", ChangeType="update_tag", TagId="1", AddUserItems="zhangsan")).status == 200
    wait_for(lambda: browser.call(url).status == 200, SOON, "the tag")


def test_an_event_of_a_department_changes_who_may_below_it(own, simulator, upstream):
    gateway = own(ruled)
    browser = log_in(gateway, "sunqi")
    url = gateway.origin(HOST) + "/department/x"
    assert browser.call(url).status == 200
    simulator.control("department", id=3, parent=5)
    events = Events(gateway)
    assert events.send(events.event("change_contact", ChangeType="update_party", Id="3", ParentId="5")).status == 200
    wait_for(lambda: browser.call(url).status == 403, SOON, "the move of the department")
