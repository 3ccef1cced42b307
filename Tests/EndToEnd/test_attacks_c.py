"""Family C of the attacks, HTTP/1 framing: a test a row, named by its id. Each is followed by a request that would be served where the gateway lost count."""
import pytest

from harness.raw import RawConnection
from harness.waiting import wait_for

NEXT = b"GET /public/smuggled HTTP/1.1\r\nHost: wiki.test:PORT\r\n\r\n"
BODY = b"0\r\n\r\n"


def post(*lines, body=b"", first=b"POST /public/x HTTP/1.1", host=b"Host: wiki.test:PORT"):
    return b"\r\n".join([first, *([host] if host is not None else []), *lines]) + b"\r\n\r\n" + body


def rows(number, *cases):
    return [pytest.param(case, id=f"T-{number}-{index}") for index, case in enumerate(cases)]


def exchange(gateway, data, more=NEXT):
    """The first answer, and whatever comes after it until the gateway closes."""
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.try_send((data + more).replace(b"PORT", b"%d" % gateway.port))
        return raw.response(), raw.everything()


CODED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize("data", [
    *rows(41, post(b"Content-Length: 6", CODED, body=BODY), post(CODED, b"Content-Length: 6", body=BODY), post(b"Content-Length: 0", CODED, body=BODY)),
    *rows(42, *(post(line, body=BODY) for line in (
        b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: , chunked", b"Transfer-Encoding: chunked\x0b", b"Transfer-Encoding:\tchunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding : chunked", b"X: y\r\n \nTransfer-Encoding: chunked", b"X: y\r\n Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding:\x00chunked", b"Transfer-Encoding: \"chunked\""))),
    *rows(43, post(CODED, body=BODY, first=b"POST /public/x HTTP/1.0"), post(CODED, b"Connection: keep-alive", body=BODY, first=b"POST /public/x HTTP/1.0")),
    *[
        pytest.param(post(b"Content-Length: " + value, body=b"hello"), id=f"T-44-{value!r}")
        for value in (b"", b"+5", b"-1", b"0x10", b"010", b"1_0", b"5, 5", b"5, 6", b"1Z", b"9" * 20, b"5\x00", b"5;a", b"5.0", b"\xef\xbc\x95")],
    *rows(45, post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"), post(b"Content-Length: 0", b"Content-Length: 5", body=b"hello")),
    *rows(48, post(b"X: y\nZ: w"), b"GET /public/x HTTP/1.1\nHost: wiki.test:PORT\n\n", post(b"X: a\rb"), b"GET /public/x HTTP/1.1\r\nHost: wiki.test:PORT\r\n\r\rX", post(b"X: a\r\r")),
    *rows(49, b"GET /public/x HTTP/1.1\r\n Host: wiki.test:PORT\r\n\r\n", b"GET /public/x HTTP/1.1\r\n\tX: y\r\nHost: wiki.test:PORT\r\n\r\n", post(b"X: y", b" folded"), post(b"no colon"),
          post(b": x"), post(b":"), post(b" ")),
    *rows(50, post(b"X\x00Y: z"), post(b"X\x80: z"), post(b"\xff: z"), post(b"X: a\x00b")),
    *rows(51, *(post(first=first) for first in (
        b"GET /public/x HTTP/1.10", b"GET /public/x HTTP/4294967295.255", b"GET /public/x HTTP/2.0", b"GET /public/x http/1.1", b"GET /public/x", b"GE\tT /public/x HTTP/1.1",
        b'G=":<> /public/x HTTP/1.1', b"GET /public/x HTTP/1.1 ", b"GET  /public/x HTTP/1.1", b"GET /public/x HTTP/01.1", b"GET /public/x HTTP/1,1"))),
    *rows(52, *(post(first=b"GET /public/x HTTP/1.1", host=host) for host in (
        None, b"Host: wiki.test:PORT\r\nHost: wiki.test:PORT", b"Host: a b", b"Host: wiki.test/x", b"Host: wiki.test@evil.test", b"Host: wiki.test:99999", b"Host: [::1", b"Host : wiki.test:PORT",
        b"Host: ", b"Host: wiki.test,evil.test", b"Host: wiki.test:PORT#x"))),
])
def test_heads_with_two_readings_are_400_and_the_end(gateway, upstream, data):
    answer, rest = exchange(gateway, data)
    assert answer.status in (400, 505) and answer.one("Connection") == "close" and rest == b""
    assert not upstream.requests


@pytest.mark.parametrize("chunks", [
    *rows(46, *(size + b"\r\nhello\r\n0\r\n\r\n" for size in (b"0x5", b"5_", b"+5", b" 5", b"5;a=b\n", b"5 ;\r", b"", b"F" * 17, b"5 ", b"5\t", b"-5", b"5;\x00", b"5;a=\"\n\"", b"\xb5"))),
    *rows(47, b"5\r\nhello\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhello\r\n0\r\nX:\n\r\n", b"5\r\nhello\r\n0\r\nX\r\n\r\n", b"5\r\nhello\r\n0\n\n", b"5\r\nhello\r0\r\n\r\n"),
])
def test_chunks_with_two_readings_are_no_message(gateway, upstream, chunks):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.try_send((post(CODED, body=chunks) + NEXT).replace(b"PORT", b"%d" % gateway.port))
        received = raw.everything()
    assert b"smuggled" not in received and (received == b"" or received.startswith(b"HTTP/1.1 400"))
    assert "/public/smuggled" not in upstream.targets() and not [r for r in upstream.requests if r.complete]


def test_t45_equal_lengths_are_one(gateway, upstream):
    answer, _ = exchange(gateway, post(b"Content-Length: 2", b"Content-Length: 2", b"Connection: close", body=b"hi"))
    assert answer.status == 200 and upstream.requests[0].one("Content-Length") == "2"


def test_t50_bytes_beyond_ascii_pass_in_values(gateway, upstream):
    answer, _ = exchange(gateway, post(b"X-Latin: caf\xe9 \xff", b"Content-Length: 0", b"Connection: close"))
    assert answer.status == 200 and upstream.last().one("X-Latin") == "caf\xe9 \xff"


def test_t52_a_host_of_nobody_is_421(gateway, upstream):
    answer, _ = exchange(gateway, post(b"Connection: close", first=b"GET /public/x HTTP/1.1", host=b"Host: nobody.test"))
    assert answer.status == 421 and not upstream.requests


def test_t53_a_body_behind_get_is_a_body(gateway, upstream):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        hidden = NEXT.replace(b"PORT", b"%d" % gateway.port)
        raw.send(post(b"Content-Length: %d" % len(hidden), body=hidden, first=b"GET /public/x HTTP/1.1").replace(b"PORT", b"%d" % gateway.port) + hidden.replace(b"smuggled", b"next"))
        assert raw.response().status == 200 and b"/public/next" in raw.response().body
    assert upstream.targets() == ["/public/x", "/public/next"] and upstream.requests[0].body == hidden


@pytest.mark.parametrize("size", [1 << 10, 10 << 20], ids=lambda n: f"T-55-{n}")
def test_t55_what_is_refused_is_drained_or_ended(gateway, upstream, size):
    hidden = NEXT.replace(b"PORT", b"%d" % gateway.port)
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.try_send(post(b"Content-Length: %d" % (len(hidden) * (size // len(hidden))), first=b"POST /admin HTTP/1.1").replace(b"PORT", b"%d" % gateway.port))
        raw.try_send(hidden * (size // len(hidden)))
        assert raw.response().status == 401
        raw.try_send(hidden.replace(b"smuggled", b"after"))
        try:
            assert b"/public/after" in raw.response().body
        except EOFError:
            pass
    assert "/public/smuggled" not in upstream.targets()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("answer, status", [
    pytest.param(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 502, id="T-57-both"), pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", 502, id="T-57-two"),
    pytest.param(OK + b"Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned", 200, id="T-57-short"), pytest.param(b"<html>poisoned</html>", 502, id="T-57-0.9"),
    pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000 + OK + b"Content-Length: 8\r\n\r\npoisoned", 502, id="T-57-1xx"),
    pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\npoisoned", 502, id="T-57-101"),
    pytest.param(OK + b"Content-Length: +2\r\n\r\nok", 502, id="T-57-sign"), pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n", None, id="T-57-chunk"),
    pytest.param(OK + b"Transfer-Encoding: identity\r\n\r\nok", 502, id="T-57-coding"), pytest.param(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 502, id="T-57-lf"),
])
def test_t57_an_application_that_misframes_harms_nobody_else(gateway, connect, upstream, answer, status):
    upstream.script("/public/bad", lambda e: (e.read_body(), e.send(answer)))
    for _ in range(3):
        raw, other = connect(), connect()
        raw.send(b"GET /public/bad HTTP/1.1\r\nHost: wiki.test:%d\r\nAccept: application/json\r\n\r\n" % gateway.port)
        if status is None:
            with pytest.raises(EOFError):
                raw.response()
        else:
            assert raw.response().status == status
        other.send(b"GET /public/other HTTP/1.1\r\nHost: wiki.test:%d\r\n\r\n" % gateway.port)
        received = other.response()
        assert received.status == 200 and b"/public/other" in received.body and b"poisoned" not in received.body
    wait_for(lambda: len({r.connection_number for r in upstream.requests if r.path == "/public/bad"}) == 3, what="each bad answer to have a connection of its own")
