"""Leaving means leaving, also where no event tells of it: the recheck finds who is gone, over both HTTP versions, and what of theirs is under way ends."""
import pytest

from harness.browser import Browser
from harness.http2_client import H2
from harness.raw import RawConnection
from harness.waiting import wait_for
from test_http2_websocket import Socket, messages
from test_session_streams import over, trickle  # noqa: F401
from test_sessions import websocket_opening

HOST = "wiki.test"
SOON = 30

LEAVING = {
    "deleted": (dict(userid="zhangsan", removed=True), "removed", 60111),
    "disabled": (dict(userid="zhangsan", status=2), "inactive", None),
    "not active any more": (dict(userid="zhangsan", status=4), "inactive", None),
    "left": (dict(userid="zhangsan", status=5), "inactive", None),
    "moved out of the visible range": (dict(userid="zhangsan", departments=[7]), "out-of-range", 60011),
}


@pytest.fixture
def gateway(make_gateway, upstream):
    return make_gateway([{"id": "wiki", "host": HOST, "upstreams": [upstream.base]}], lambda c: c["sessions"].update(recheck="1s", recheck_grace="1h"))


def log_in(gateway, user="zhangsan"):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin(HOST) + "/", user).status == 200
    return browser


def status_of(gateway, browser):
    return browser.call(gateway.origin(HOST) + "/x").status


@pytest.mark.parametrize("how", LEAVING)
def test_who_leaves_is_out_at_the_next_recheck(gateway, simulator, how):
    change, result, errcode = LEAVING[how]
    browser, other = log_in(gateway), log_in(gateway, "lisi")
    sid = browser.call(gateway.origin(HOST) + "/.menwei/me").json()["sid"]
    simulator.control("member", **change)
    wait_for(lambda: status_of(gateway, browser) == 401, SOON, "the end of the session")
    assert browser.call(gateway.auth + "/.menwei/me").status == 401 and status_of(gateway, other) == 200
    record = gateway.record("gone", sid=sid)
    assert record["result"] == result and record["account"] == "zhangsan" and record.get("errcode") == errcode


@pytest.mark.parametrize("how", ["deleted", "disabled", "moved out of the visible range"])
@pytest.mark.parametrize("path", ["/slow-download?bytes=900", "/events"])
def test_what_is_under_way_ends_with_the_recheck(gateway, simulator, over, trickle, how, path):  # noqa: F811
    request = over(gateway, log_in(gateway), "GET", path)
    assert request.begun() == 200
    simulator.control("member", **LEAVING[how][0])
    _, whole = request.rest()
    assert not whole
    assert gateway.record("gone")["result"] == LEAVING[how][1]


def test_websockets_over_both_versions_are_closed_with_1008(gateway, simulator):
    browser = log_in(gateway)
    with RawConnection(gateway.port, HOST, ca=gateway.ca, timeout=SOON) as raw:
        raw.send(websocket_opening(gateway, browser, "/ws"))
        assert raw.response().status == 101
        client = H2(gateway, host=HOST, timeout=SOON)
        socket = Socket(client, "/ws", [("cookie", browser._cookie_header(HOST)), ("origin", gateway.origin(HOST))])
        while socket.state["head"] is None and client.step():
            pass
        simulator.control("member", userid="zhangsan", removed=True)
        frame = raw.receive()
        assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame
        while not any(opcode == 8 for opcode, _ in messages(socket.state["body"])) and client.step():
            pass
        close = [payload for opcode, payload in messages(socket.state["body"]) if opcode == 8]
        assert close and int.from_bytes(close[0][:2], "big") == 1008


@pytest.mark.parametrize("path", ["/slow-download?bytes=900", "/events"])
def test_who_is_moved_out_of_a_rules_department_keeps_the_session_and_loses_what_the_rule_let_through(make_gateway, upstream, simulator, over, trickle, path):  # noqa: F811
    gateway = make_gateway([{"id": "wiki", "host": HOST, "upstreams": [upstream.base], "access": [{"path": "/x", "allow": "members"}, {"allow": {"departments": [3]}}]}],
                           lambda c: c["sessions"].update(recheck="1s", recheck_grace="1h"))
    browser = log_in(gateway)
    request = over(gateway, browser, "GET", path)
    assert request.begun() == 200
    simulator.control("member", userid="zhangsan", departments=[5])
    _, whole = request.rest()
    assert not whole
    wait_for(lambda: browser.call(gateway.origin(HOST) + "/page").status == 403, SOON)
    assert status_of(gateway, browser) == 200 and not gateway.records("gone")
