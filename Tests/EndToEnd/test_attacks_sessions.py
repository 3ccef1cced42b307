"""Attempts to keep what a session gave after it is over, and to be let in by what is good no more."""
import time

import pytest

from harness.browser import Browser
from harness.raw import RawConnection
from harness.waiting import Stopwatch, wait_for
from test_sessions import websocket_opening


@pytest.fixture
def own(make_gateway, upstream):
    def build(**sessions):
        return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["sessions"].update(sessions))
    return build


def close_code(raw):
    frame = raw.receive()
    return int.from_bytes(frame[2:4], "big") if frame[:1] == b"\x88" else frame


def test_a_replaced_cookie_is_good_for_half_a_minute_however_busily_it_is_used(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    thief = Browser(gateway)
    thief.cookies = {"wiki.test": dict(browser.cookies["wiki.test"])}
    for _ in range(8):  # every worker remembers it
        assert thief.call(wiki + "/x").status == 200
    browser.go(wiki + "/.menwei/login?return=/")
    assert browser.cookie("wiki.test") != thief.cookie("wiki.test")
    with Stopwatch() as watch:
        assert thief.call(wiki + "/x").status == 200, "requests under way must not fail"
        wait_for(lambda: thief.call(wiki + "/x").status == 401, 90, "the end of the replaced cookie", every=0.5)
        assert watch.elapsed > 28 and watch.seconds < 34
    assert browser.call(wiki + "/x").status == 200


def test_a_websocket_ends_with_the_lifetime_of_its_session(own):
    gateway = own(lifetime="6s", idle_timeout="6s")
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    with Stopwatch() as watch, RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(websocket_opening(gateway, browser, "/ws"))
        assert raw.response().status == 101
        assert close_code(raw) == 1008
        assert watch.seconds < 8.5


def test_an_idle_sessions_stream_ends_and_one_in_use_goes_on(own, upstream):
    gateway = own(idle_timeout="5s")
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")

    def events(exchange):
        exchange.respond(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        while True:
            exchange.send(b"3\r\n:\n\n\r\n")
            time.sleep(0.1)

    upstream.script("/events", events)
    begun = time.monotonic()
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /events HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: {browser._cookie_header('wiki.test')}\r\n\r\n".encode())
        assert raw.head().status == 200
        used = begun
        while time.monotonic() - begun < 8:
            assert raw.receive(), "a session in use ended"
            if time.monotonic() - used >= 0.4:
                assert browser.call(wiki + "/x").status == 200
                used = time.monotonic()
        with Stopwatch() as left:
            while raw.receive():
                assert left.seconds < 8.5, "the stream outlived its session"


def test_a_member_who_leaves_loses_the_websocket_too(own, simulator):
    gateway = own(recheck="1s", recheck_grace="20s")
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/", "lisi")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(websocket_opening(gateway, browser, "/ws"))
        assert raw.response().status == 101
        simulator.control("member", userid="lisi", removed=True)
        assert close_code(raw) == 1008


def test_nobody_stays_on_a_websocket_while_wecom_cannot_be_asked_for_too_long(own, simulator):
    gateway = own(recheck="1s", recheck_grace="4s")
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(websocket_opening(gateway, browser, "/ws"))
        assert raw.response().status == 101
        simulator.fault("user/get", errcode=48002, times=1000)
        assert close_code(raw) == 1008
    assert browser.call(wiki + "/x").status == 503
    simulator.control("clear-faults")
    wait_for(lambda: browser.call(wiki + "/x").status == 200, what="WeCom answers again", every=0.2)


def test_a_logout_is_heard_by_every_worker_while_all_of_them_look_up(gateway):
    wiki = gateway.origin("wiki.test")
    for _ in range(5):
        browser = Browser(gateway)
        browser.log_in(wiki + "/")
        ask = (f"GET /x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nAccept: */*\r\nCookie: {browser._cookie_header('wiki.test')}\r\n\r\n").encode()
        connections = [RawConnection(gateway.port, "wiki.test", ca=gateway.ca) for _ in range(8)]
        try:
            again = Browser(gateway)
            again.cookies = {host: dict(jar) for host, jar in browser.cookies.items()}
            again.go(wiki + "/.menwei/login?return=/")  # drops what the workers remember
            for connection in connections:
                connection.send(ask)
            assert again.request("POST", wiki + "/.menwei/logout", headers={"Origin": wiki}, body=b"").status == 303
            for connection in connections:
                connection.response()
            with Stopwatch() as watch:
                for connection in connections:
                    asked = watch.seconds
                    connection.send(ask)
                    status = connection.response().status
                    assert status == 401 or asked < 0.5, status
                for connection in connections:
                    connection.send(ask)
                wait_for(lambda: watch.seconds > 1)
            for connection in connections:
                connection.response()
                connection.send(ask)
                assert connection.response().status == 401
        finally:
            for connection in connections:
                connection.close()


def test_while_the_store_is_gone_a_cookie_opens_nothing_and_open_paths_stay_open(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [
        {"path": "/open/*", "allow": "anyone"}, {"allow": "members"}]}])
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    assert browser.call(wiki + "/x").status == 200
    store = gateway.folder / "menwei.db"
    store.rename(gateway.folder / "away.db")
    # Each worker learns it within half a second.
    wait_for(lambda: {browser.call(wiki + "/x").status for _ in range(12)} == {503}, what="the store's absence", every=0.1)
    with Stopwatch() as watch:
        wait_for(lambda: watch.seconds > 0.6)
    for _ in range(4):
        refused = browser.call(wiki + "/x")
        assert refused.status == 503 and refused.one("Retry-After") and refused.json()["type"] == "urn:menwei:store-down"
    upstream.clear()
    assert browser.call(wiki + "/open/x").status == 200
    assert upstream.last().one("X-Forwarded-User") is None and upstream.last().one("X-Menwei-Assertion") is None
    assert Browser(gateway).call(wiki + "/x").status == 401
    (gateway.folder / "away.db").rename(store)
    wait_for(lambda: browser.call(wiki + "/x").status == 200, what="the store's return", every=0.1)
