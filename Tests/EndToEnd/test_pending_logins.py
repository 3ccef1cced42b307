"""Everybody may begin any number of logins; the store keeps a bounded number of them."""
import threading

import pytest

from harness.browser import Browser
from harness.gateway import Gateway
from harness.http2_client import RawH2, frame, request_head
from harness.raw import RawConnection
from harness.reloading import reloaded
from harness.waiting import wait_for, within

# A store keeps 100,000 of them (`OneTimeBounds`).
ENOUGH = 100_500
AT_ONCE = 500


def begin_many(gateway, source, count):
    """Pipelined; of an answer no more is looked at than that it leads to WeCom."""
    request = f"GET /.menwei/start/corp?return={gateway.origin('wiki.test')}/ HTTP/1.1\r\nHost: auth.test:{gateway.port}\r\n\r\n".encode()
    mark = b"HTTP/1.1 302"
    with RawConnection(gateway.port, "auth.test", timeout=60, source=source) as raw:
        for _ in range(count // AT_ONCE):
            raw.send(request * AT_ONCE)
            seen, tail = 0, b""
            while seen < AT_ONCE:
                got = raw.socket.recv(1 << 18)
                assert got, "the connection was closed"
                piece = tail + got
                seen += piece.count(mark)
                tail = piece[-(len(mark) - 1):]
            assert seen == AT_ONCE


@pytest.mark.timeout(300)
def test_who_begins_too_many_logins_loses_only_their_own(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(gateway)
    page = browser.go(gateway.origin("wiki.test") + "/x?y=1")
    at_wecom = browser.get(page.frame)
    assert at_wecom.status == 302
    threads = [threading.Thread(target=begin_many, args=(gateway, "127.0.0.2", ENOUGH // 2)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scanned = browser.get(at_wecom.location.split("#")[0] + "&sim_user=zhangsan")
    assert scanned.status == 302
    answer = browser.go(scanned.location)
    assert answer.status == 200 and answer.url.endswith("/x?y=1")


@pytest.mark.timeout(300)
def test_a_flood_of_logins_keeps_nobodys_session_or_logout_waiting(make_gateway, upstream):
    """Tens of thousands of requests at once, each of which is written into the store."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    leaving, staying = Browser(gateway), Browser(gateway)
    for browser in (leaving, staying):
        assert browser.log_in(gateway.origin("wiki.test") + "/").status == 200
    # What the workers know of sessions is gone; each has to ask the store.
    gateway.stop()
    gateway.start()
    crowd = [RawH2(gateway, host="auth.test") for _ in range(300)]
    head = request_head(gateway, path="/.menwei/start/corp?return=x", host="auth.test")
    batch = b"".join(frame(1, 5, 1 + 2 * stream, head) for stream in range(120))
    try:
        for connection in crowd:
            connection.send(batch)
        with within(2.2, "the logout"):
            assert leaving.post(gateway.auth + "/.menwei/logout", b"").status < 400
        for _ in range(8):
            assert staying.call(gateway.origin("wiki.test") + "/x").status == 200
        wait_for(lambda: leaving.call(gateway.origin("wiki.test") + "/x").status == 401, what="the end of the session")
    finally:
        for connection in crowd:
            connection.close()
    assert staying.call(gateway.origin("wiki.test") + "/x").status == 200


def test_what_waits_for_its_body_is_answered_by_the_configuration_of_the_time_when_it_came(make_gateway, upstream, simulator):
    def second(c):
        c["connections"][0].update(plain_names=True)
        c["connections"].append(Gateway.second_connection("second", simulator))
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], second)
    with RawConnection(gateway.port, "auth.test", ca=gateway.ca, timeout=60) as raw:
        raw.send(f"GET /.menwei/start/second?return=x HTTP/1.1\r\nHost: auth.test:{gateway.port}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n".encode())
        assert raw.head().status == 100
        reloaded(gateway, lambda c: c["connections"].pop())
        raw.send(b"abcd")
        assert raw.response().status == 404


def test_own_paths_take_small_bodies_only(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(gateway)
    assert browser.post(gateway.auth + "/.menwei/logout", b"x" * 4096).status < 400
    assert browser.post(gateway.auth + "/.menwei/logout", b"x" * 4097).status == 413


def test_a_body_for_the_gateway_becomes_a_sites_where_a_reload_says_so(make_gateway, upstream):
    """What was read already must not be missing behind its Content-Length: the next request would be taken for it."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    head = f"POST / HTTP/1.1\r\nHost: auth.test:{gateway.port}\r\nExpect: 100-continue\r\n"
    with RawConnection(gateway.port, "auth.test", ca=gateway.ca) as exact, RawConnection(gateway.port, "auth.test", ca=gateway.ca) as chunked:
        exact.send(f"{head}Content-Length: 20\r\n\r\n".encode())
        chunked.send(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert exact.head().status == 100 and chunked.head().status == 100
        site = {"id": "lobby", "origin": gateway.auth, "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}
        reloaded(gateway, lambda c: c["sites"].append(site))
        exact.send(b"a" * 20)
        chunked.send(b"a\r\n0123456789\r\n0\r\n\r\n")
        assert exact.response().status == 200 and chunked.response().status == 200
    assert sorted(request.body for request in upstream.requests if request.method == "POST") == [b"0123456789", b"a" * 20]
    assert Browser(gateway).call(gateway.auth + "/next").status == 200
    assert [request.path for request in upstream.requests] == ["/", "/", "/next"]
