"""Family C of the attacks: requests with two readings get 400, the connection closes, and nothing reaches the application."""
import pytest

from harness.raw import RawConnection
from harness.waiting import wait_for

HOST = b"Host: wiki.test:%d\r\n"
SMUGGLED = b"GET /public/smuggled HTTP/1.1\r\nHost: wiki.test:%d\r\n\r\n"


def send(gateway, data):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.try_send(data.replace(b"PORT", str(gateway.port).encode()))
        response = raw.response()
        return response, raw.everything()


def post(*lines, body=b"", first=b"POST /public/x HTTP/1.1"):
    return b"\r\n".join((first, b"Host: wiki.test:PORT", *lines)) + b"\r\n\r\n" + body + b"GET /public/smuggled HTTP/1.1\r\nHost: wiki.test:PORT\r\n\r\n"


BAD_LENGTH = [b"", b"+5", b"-1", b"0x10", b"1_0", b"5, 6", b"1Z", b"9" * 20, b"5 5", b"5;", b"\xb2", b"5.0", b"1e1", b"5,", b",5", b"\x00"]
BAD_CODING = [
    b"xchunked", b"chunked, identity", b", chunked", b"chunked\x0b", b"\x0bchunked", b"chunked, chunked", b"gzip, chunked", b"identity", b"", b"chunked;q=1", b"\"chunked\"", b"chunke",
    b"gzip", b"chunked\x00", b"chunked, ", b"CHUNKED\xa0",
]
BAD_HEADS = {
    "two-codings": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "two-codings-other": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "length-then-coding": post(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nX"),
    "coding-then-length": post(b"Transfer-Encoding: chunked", b"Content-Length: 6", body=b"0\r\n\r\nX"),
    "blank-before-colon": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "tab-before-colon": post(b"Content-Length\t: 0"),
    "folded": post(b"X: y", b" z"), "folded-coding": post(b"X: y", b"\tTransfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "coding-in-folded-line": post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n"),
    "two-lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "no-colon": post(b"garbage"), "empty-name": post(b": x"), "colon-alone": post(b":"), "blank-in-name": post(b"X Y: z"),
    "nul-in-value": post(b"X: a\x00b"), "cr-in-value": post(b"X: a\rb"), "nul-in-name": post(b"X\x00: b"), "high-byte-in-name": post(b"X\xff: b"), "control-in-value": post(b"X: a\x01b"),
    "bare-lf": b"GET /public/x HTTP/1.1\nHost: wiki.test:PORT\n\nGET /public/smuggled HTTP/1.1\r\nHost: wiki.test:PORT\r\n\r\n",
    "bare-lf-in-head": post(b"X: y\nZ: w"), "lf-cr-end": b"GET /public/x HTTP/1.1\r\nHost: wiki.test:PORT\r\n\r\rX",
    "blank-first": b" GET /public/x HTTP/1.1\r\nHost: wiki.test:PORT\r\n\r\n", "blank-before-first-field": b"GET /public/x HTTP/1.1\r\n Host: wiki.test:PORT\r\n\r\n",
    "no-host": b"GET /public/x HTTP/1.1\r\n\r\n", "two-hosts": post(b"Host: wiki.test:PORT"), "host-blank": b"GET /public/x HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host-path": b"GET /public/x HTTP/1.1\r\nHost: wiki.test:PORT/x\r\n\r\n", "host-user": b"GET /public/x HTTP/1.1\r\nHost: wiki.test@evil.test\r\n\r\n",
    "host-port": b"GET /public/x HTTP/1.1\r\nHost: wiki.test:99999\r\n\r\n", "host-bracket": b"GET /public/x HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "host-comma": b"GET /public/x HTTP/1.1\r\nHost: wiki.test, evil.test\r\n\r\n", "host-empty": b"GET /public/x HTTP/1.1\r\nHost:\r\n\r\n",
    "version-1.10": post(first=b"GET /public/x HTTP/1.10"), "version-lower": post(first=b"GET /public/x http/1.1"), "version-none": post(first=b"GET /public/x"),
    "version-2": post(first=b"GET /public/x HTTP/2.0"), "version-huge": post(first=b"GET /public/x HTTP/4294967295.255"), "version-0.9": b"GET /public/x\r\n\r\n",
    "two-blanks": post(first=b"GET  /public/x HTTP/1.1"), "tab": post(first=b"GET\t/public/x\tHTTP/1.1"), "trailing-blank": post(first=b"GET /public/x HTTP/1.1 "),
    "method-tab": post(first=b"GE\tT /public/x HTTP/1.1"), "method-chars": post(first=b'G=":<> /public/x HTTP/1.1'), "method-none": post(first=b"/public/x HTTP/1.1"),
    "coding-on-1.0": b"POST /public/x HTTP/1.0\r\nHost: wiki.test:PORT\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\nGET /public/smuggled HTTP/1.1\r\nHost: wiki.test:PORT\r\n\r\n",
    "h2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("value", BAD_LENGTH)
def test_a_length_that_is_no_plain_number(gateway, upstream, value):
    response, rest = send(gateway, post(b"Content-Length: " + value, body=b"hello"))
    assert response.status == 400 and rest == b"" and not upstream.requests


@pytest.mark.parametrize("value", BAD_CODING)
def test_a_coding_that_is_not_chunked(gateway, upstream, value):
    response, rest = send(gateway, post(b"Transfer-Encoding: " + value, body=b"5\r\nhello\r\n0\r\n\r\n"))
    assert response.status in (400, 501) and rest == b"" and not upstream.requests


@pytest.mark.parametrize("name", BAD_HEADS)
def test_heads_with_two_readings(gateway, upstream, name):
    response, rest = send(gateway, BAD_HEADS[name])
    assert response.status in ((400, 505) if "version" in name or "preface" in name else (400,)), response.raw_head
    assert rest == b"" and not upstream.requests
    assert response.one("Connection") == "close"


@pytest.mark.parametrize("chunks", [
    b"0x5\r\nhello\r\n0\r\n\r\n", b"5_\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5;a=b\nhello\r\n0\r\n\r\n", b"5 ;\r\rhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", b"-1\r\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhello\r\n0\r\nX:\n\r\n",
    b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n", b"5\r\nhello\r\n0\r\n : x\r\n\r\n", b"5\r\r\nhello\r\n0\r\n\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n", b"5\x0b\r\nhello\r\n0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n",
    b"5;" + b"a" * 20000 + b"\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 5000 + b"\r\n", b"1\r\n\r\n\r\n0\r\n\r\nX",
])
def test_chunks_with_two_readings(gateway, upstream, chunks):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.try_send(b"POST /public/x HTTP/1.1\r\nHost: wiki.test:%d\r\nTransfer-Encoding: chunked\r\n\r\n" % gateway.port)
        raw.try_send(chunks + SMUGGLED % gateway.port)
        try:
            first = raw.response()
            rest = raw.everything()
        except EOFError:
            first, rest = None, b""
    assert first is None or first.status in (400, 431), first.raw_head if chunks != b"1\r\n\r\n\r\n0\r\n\r\nX" else None
    assert b"smuggled" not in rest
    assert "/public/smuggled" not in upstream.targets()
    assert not [r for r in upstream.requests if r.complete], "the application must not take it for whole"


def test_equal_lengths_may_be_one(gateway, upstream):
    response, _ = send(gateway, b"POST /public/x HTTP/1.1\r\nHost: wiki.test:PORT\r\nContent-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    assert response.status in (200, 400)
    if response.status == 200:
        assert upstream.last().one("Content-Length") == "2"


def test_harmless_oddities_pass(gateway, upstream):
    response, _ = send(gateway, b"\r\nPOST /public/x HTTP/1.1\r\nHost:wiki.test:PORT\r\nTRANSFER-encoding:  Chunked  \r\nX: \r\nConnection: close\r\n\r\n00005;a=b;c=\"d\"\r\nhello\r\n000\r\nX-T: y\r\n\r\n")
    assert response.status == 200 and upstream.last().body == b"hello"


def test_a_body_shorter_than_its_length_never_counts_as_whole(gateway, upstream):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(b"POST /public/x HTTP/1.1\r\nHost: wiki.test:%d\r\nContent-Length: 100\r\n\r\npart" % gateway.port)
        request = upstream.wait_requests(1)[0]
    wait_for(lambda: request.failed, what="the end of the upstream's connection")
    assert not request.complete and request.length <= 4


def test_random_bytes_never_crash_it(gateway, upstream):
    import random
    seed = 20240607
    generator = random.Random(seed)
    alphabet = [b"GET ", b"POST ", b"/public/x", b" HTTP/1.1", b"\r\n", b"\n", b"\r", b"Host: wiki.test:%d" % gateway.port, b"Content-Length: ", b"5", b"Transfer-Encoding: chunked", b": ", b"\x00", b"\xff",
                b"0\r\n\r\n", b"Connection: close", b" ", b"\t", b"%2e", b";", b"Upgrade: websocket", b"A" * 1000]
    for _ in range(150):
        data = b"".join(generator.choice(alphabet) for _ in range(generator.randrange(1, 40)))
        with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
            raw.socket.settimeout(0.02)
            raw.try_send(data)
            try:
                raw.everything()
            except TimeoutError:
                pass
    response, _ = send(gateway, b"GET /public/alive HTTP/1.1\r\nHost: wiki.test:PORT\r\nConnection: close\r\n\r\n")
    assert response.status == 200, f"seed {seed}"
    assert gateway.process.is_running
