"""Upstreams that speak HTTP/2: streams, flow control, refusals, ends."""
import hashlib
import json
import struct
import threading
import time

import h2.errors
import h2.settings
import pytest

from harness.h2_upstream import H2Upstream
from harness.raw import RawConnection
from harness.waiting import wait_for, within
from test_http2 import H2

MIB = 1 << 20
#: What a hundred streams with full windows may take, and what an allocator rounds up to.
GROWTH = 4 * MIB


@pytest.fixture(scope="module")
def upstream():
    upstream = H2Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([site(upstream)])


def site(upstream, **more):
    return {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "request_body_limit": 0, **more}


@pytest.fixture
def make(make_gateway):
    """A gateway before an upstream of its own."""
    made = []

    def make(settings=None, **more):
        made.append(H2Upstream(settings=settings))
        return make_gateway([site(made[-1], **more)]), made[-1]

    yield make
    for upstream in made:
        upstream.stop()


def ask(gateway, path, *fields, method="GET", body=b""):
    """Over HTTP/1.1; None where the answer was visibly cut."""
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca, timeout=60) as raw:
        lines = (f"{method} {path} HTTP/1.1", f"Host: wiki.test:{gateway.port}", "Accept: application/json", *fields)
        raw.send("".join(line + "\r\n" for line in lines).encode() + b"\r\n" + body)
        try:
            return raw.response(method)
        except EOFError:
            return None


# Heads

def test_a_request_arrives_as_http2_says(gateway, upstream):
    answer = ask(gateway, "/a?b=c", "X-Case: Kept", "Cookie: a=b; __Host-menwei=x; c=d", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: 5", "Content-Length: 3", method="POST", body=b"abc")
    assert answer.status == 200
    stream = upstream.last()
    assert stream.headers[:4] == [(":method", "POST"), (":scheme", "http"), (":path", "/a?b=c"), (":authority", f"wiki.test:{gateway.port}")]
    assert all(name == name.lower() for name, _ in stream.headers)
    assert stream.one("x-case") == "Kept" and stream.one("cookie") == "a=b; c=d" and stream.one("content-length") == "3"
    assert stream.one("x-forwarded-proto") == "https" and stream.one("x-request-id")
    for name in ("connection", "host", "x-hop", "keep-alive", "transfer-encoding", "te", "upgrade"):
        assert stream.all(name) == []
    assert stream.read() == b"abc"


def test_the_client_that_takes_trailers_is_told_of(gateway, upstream):
    client = H2(gateway)
    stream = client.send("GET", "/x", [("te", "trailers")])
    client.wait(stream)
    assert upstream.last().one("te") == "trailers"
    assert ask(gateway, "/x", "TE: trailers", "Connection: TE").status == 200
    assert upstream.last().one("te") == "trailers"


@pytest.mark.parametrize("status, headers, body, framing", [
    (200, [("content-length", "2")], b"ok", ("Content-Length", "2")),
    (200, [], b"ok", ("Transfer-Encoding", "chunked")),
    (200, [], None, ("Content-Length", "0")),
    (404, [("content-length", "0")], None, ("Content-Length", "0")),
    (204, [], None, None),
    (304, [("content-length", "5")], None, ("Content-Length", "5")),
])
def test_answers_are_framed_for_http1(gateway, upstream, status, headers, body, framing):
    upstream.script("/x", lambda s: s.respond(status, headers, body))
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        for _ in range(2):
            raw.send(f"GET /x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
            answer = raw.response("GET")
            assert answer.status == status and answer.body == (body or b"")
            lengths = [(n, v) for n, v in answer.headers if n.lower() in ("content-length", "transfer-encoding")]
            assert [(n.title(), v) for n, v in lengths] == ([framing] if framing else [])


def test_head_has_a_length_and_no_body(gateway, upstream):
    upstream.script("/x", lambda s: s.respond(200, [("content-length", "99")]))
    answer = ask(gateway, "/x", method="HEAD")
    assert answer.status == 200 and answer.one("content-length") == "99"


def test_interim_answers_pass(gateway, upstream):
    def script(stream):
        stream.connection.do(lambda h: h.send_headers(stream.number, [(":status", "103"), ("link", "</a>; rel=preload")]))
        stream.respond(200, [], b"ok")
    upstream.script("/x", script)
    client = H2(gateway)
    stream = client.send("GET", "/x")
    client.wait(stream)
    assert client.streams[stream]["interim"][0][":status"] == "103" and client.streams[stream]["body"] == b"ok"


def raw_headers(stream, block, flags=4):
    stream.connection.send_raw(len(block).to_bytes(3, "big") + bytes([1, flags]) + struct.pack(">I", stream.number) + block)


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


@pytest.mark.parametrize("block", [
    literal(b"x", b"no status"),
    literal(b":status", b"20"), literal(b":status", b"2000"), literal(b":status", b"abc"), literal(b":status", b"000"), literal(b":status", b"101"),
    literal(b":status", b"200") * 2,
    literal(b":status", b"200") + literal(b":path", b"/"),
    literal(b"x", b"y") + literal(b":status", b"200"),
    literal(b":status", b"200") + literal(b"X-Upper", b"a"),
    literal(b":status", b"200") + literal(b"x", b"a\r\nSet-Cookie: b=c"),
    literal(b":status", b"200") + literal(b"x y", b"a"),
    literal(b":status", b"200") + literal(b"connection", b"close"),
    literal(b":status", b"200") + literal(b"transfer-encoding", b"chunked"),
    literal(b":status", b"200") + literal(b"content-length", b"1") + literal(b"content-length", b"2"),
    literal(b":status", b"200") + literal(b"content-length", b"+1"),
    literal(b":status", b"200") + literal(b"x", b"y" * 120) * 2000,
], ids=lambda block: repr(block[:40]))
def test_a_malformed_head_is_a_502(gateway, upstream, block):
    def script(stream):
        at, first = 0, True
        while first or at < len(block):
            part = block[at:at + 16000]
            at += len(part)
            kind = 1 if first else 9
            flags = (4 if at >= len(block) else 0) | (1 if first else 0)
            with stream.connection.changed:
                stream.connection.raw.sendall(len(part).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream.number) + part)
            first = False
    upstream.script("/bad", script)
    answer = ask(gateway, "/bad")
    assert answer.status == 502 and b"Set-Cookie" not in answer.raw_head
    assert ask(gateway, "/x").status == 200


# Bodies

def test_a_body_longer_or_shorter_than_its_length_is_cut(gateway, upstream):
    upstream.script("/short", lambda s: s.respond(200, [("content-length", "10")], b"short"))
    upstream.script("/long", lambda s: s.respond(200, [("content-length", "3")], b"too long"))
    for path in ("/short", "/long"):
        assert ask(gateway, path) is None
        client = H2(gateway)
        stream = client.send("GET", path)
        client.wait(stream)
        assert client.streams[stream]["reset"] is not None
        client.raw.close()
    assert ask(gateway, "/x").status == 200, "the connection goes on"


def test_a_reset_in_the_middle_is_a_cut(gateway, upstream):
    def script(stream):
        stream.respond(200, [], b"half", end=False)
        stream.cancel(h2.errors.ErrorCodes.INTERNAL_ERROR)
    upstream.script("/x", script)
    assert ask(gateway, "/x") is None


def test_a_reset_instead_of_an_answer_is_a_502(gateway, upstream):
    upstream.script("/x", lambda s: s.cancel(h2.errors.ErrorCodes.INTERNAL_ERROR))
    assert ask(gateway, "/x").status == 502
    assert len([s for s in upstream.requests if s.path == "/x"]) == 1, "it may have been executed"


def measured(gateway, work):
    gateway.process.reset_peak()
    before = gateway.process.memory("VmRSS")
    work()
    return gateway.process.memory("VmHWM") - before


SIZE = 128 * MIB
BLOCK = bytes(range(256)) * 4096


def download(stream):
    stream.respond(200, [("content-length", str(SIZE))], end=False)
    for _ in range(SIZE // len(BLOCK)):
        if not stream.send(BLOCK):
            return
    stream.connection.do(lambda h: h.end_stream(stream.number))


def fetch(gateway, pause=0):
    digest, count = hashlib.sha256(), 0
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca, timeout=60) as raw:
        raw.send(f"GET /down HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nConnection: close\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += raw.receive()
        data = head.split(b"\r\n\r\n", 1)[1] or raw.receive()
        while data:
            digest.update(data)
            count += len(data)
            if count < MIB and pause:
                time.sleep(pause)
            data = raw.receive()
    assert count == SIZE
    return digest.hexdigest()


def test_a_large_download_takes_little_memory(gateway, upstream):
    upstream.script("/down", download)
    want = hashlib.sha256(BLOCK * (SIZE // len(BLOCK))).hexdigest()
    assert fetch(gateway) == want
    assert measured(gateway, lambda: fetch(gateway, pause=0.01)) < GROWTH


def test_a_large_upload_takes_little_memory(gateway, upstream):
    def upload():
        with RawConnection(gateway.port, "wiki.test", ca=gateway.ca, timeout=60) as raw:
            raw.send(f"POST /up HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nContent-Length: {SIZE}\r\n\r\n".encode())
            for _ in range(SIZE // len(BLOCK)):
                raw.send(BLOCK)
            return json.loads(raw.response("POST").body)["length"]
    assert upload() == SIZE
    assert measured(gateway, upload) < GROWTH


def test_a_client_that_does_not_read_holds_up_no_other(gateway, upstream):
    """They share a connection to the upstream, and its window."""
    upstream.script("/down", download)
    stalled = []
    before = gateway.process.memory("VmRSS")
    for _ in range(24):
        raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca)
        raw.send(f"GET /down HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
        stalled.append(raw)
    wait_for(lambda: len([s for s in upstream.requests if s.path == "/down"]) == 24, what="24 downloads")
    for _ in range(5):
        assert ask(gateway, "/x").status == 200
    assert gateway.process.memory("VmRSS") - before < 24 * 2 * MIB
    for raw in stalled:
        raw.close()
    wait_for(lambda: all(s.reset == h2.errors.ErrorCodes.CANCEL for s in upstream.requests if s.path == "/down"), what="the resets")


def test_an_upstream_that_never_opens_its_window_meets_the_limit(make):
    gateway, upstream = make(timeouts={"idle": "1s"})
    upstream.opens_windows = False
    upstream.script("/up", lambda s: s.wait(lambda s: s.reset is not None))
    body = b"x" * (4 * MIB)
    with within(10, "the answer"), RawConnection(gateway.port, "wiki.test", ca=gateway.ca, timeout=60) as raw:
        raw.send_what_is_taken(f"POST /up HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert raw.response("POST").status == 504
    assert upstream.last().length <= 65535, "no more than the window"


# Many at once

def test_many_streams_share_a_connection(gateway, upstream):
    gate = threading.Event()
    upstream.script("/wait", lambda s: (gate.wait(60), s.respond(200, [], b"ok")))
    clients = [H2(gateway) for _ in range(2)]
    asked = [(client, client.send("GET", "/wait")) for client in clients for _ in range(30)]
    before = len(upstream.connections)
    wait_for(lambda: len([s for s in upstream.requests if s.path == "/wait"]) == 60, what="60 requests")
    assert len({id(s.connection) for s in upstream.requests if s.path == "/wait"}) <= 2, "one a worker"
    gate.set()
    for client, stream in asked:
        client.wait(stream)
        assert client.streams[stream]["body"] == b"ok"


def test_the_limit_of_streams_is_kept_and_further_connections_are_opened(make):
    gateway, upstream = make(settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 10})
    gate = threading.Event()
    upstream.script("/wait", lambda s: (gate.wait(60), s.respond(200, [], b"ok")))
    clients = [H2(gateway) for _ in range(3)]
    asked = [(client, client.send("GET", "/wait")) for client in clients for _ in range(50)]
    wait_for(lambda: len(upstream.requests) == 150, what="150 requests")
    # Each worker fills its own.
    assert 15 <= len(upstream.connections) <= 18
    assert all(connection.most <= 10 for connection in upstream.connections)
    gate.set()
    for client, stream in asked:
        client.wait(stream)
        assert client.streams[stream]["body"] == b"ok"


def test_an_upstream_without_a_single_stream_is_a_502(make):
    gateway, upstream = make(settings={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 0})
    assert ask(gateway, "/x").status == 502
    assert len(upstream.connections) <= 2


# Refusals and ends

def test_a_refused_stream_is_asked_again(gateway, upstream):
    seen = []

    def script(stream):
        seen.append(stream)
        if len(seen) % 2:
            stream.cancel(h2.errors.ErrorCodes.REFUSED_STREAM)
        else:
            stream.read()
            stream.respond(200, [], b"second")
    upstream.script("/x", script)
    assert ask(gateway, "/x").body == b"second"
    assert ask(gateway, "/x", method="DELETE").body == b"second", "whatever the method: it was not executed"
    assert len(seen) == 4


def test_a_stream_that_is_always_refused_is_a_502(gateway, upstream):
    seen = []
    upstream.script("/x", lambda s: (seen.append(1), s.cancel(h2.errors.ErrorCodes.REFUSED_STREAM)))
    assert ask(gateway, "/x").status == 502
    assert len(seen) == 3


def goaway(stream, last, code=0):
    stream.connection.send_raw(b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + struct.pack(">II", last, code))


def test_streams_above_what_goaway_names_are_asked_again_and_the_others_finish(make):
    gateway, upstream = make()
    gate = threading.Event()
    again = []

    def first(stream):
        stream.respond(200, [], b"begun ", end=False)
        gate.wait(60)
        stream.send(b"finished", end=True)

    def second(stream):
        if again:
            return stream.respond(200, [], b"elsewhere")
        again.append(stream)
        goaway(stream, stream.number - 2)
        stream.wait(lambda s: s.connection.closed)

    upstream.script("/first", first)
    upstream.script("/second", second)
    client = H2(gateway)
    a = client.send("GET", "/first")
    wait_for(lambda: upstream.requests, what="the first")
    b = client.send("POST", "/second")
    client.wait(b)
    assert client.streams[b]["body"] == b"elsewhere"
    assert len(upstream.connections) == 2
    gate.set()
    client.wait(a)
    assert client.streams[a]["body"] == b"begun finished"
    wait_for(lambda: upstream.connections[0].closed, what="the first connection's end")


def test_a_connection_that_ends_is_a_502_where_it_may_have_been_executed(make):
    gateway, upstream = make()
    seen = []

    def script(stream):
        seen.append(stream)
        stream.connection.raw.shutdown(2)
    upstream.script("/x", script)
    assert ask(gateway, "/x", "Content-Length: 1", method="POST", body=b"x").status == 502
    assert len(seen) == 1
    assert ask(gateway, "/fine").status == 200


def test_an_upstream_that_speaks_http1_is_a_502(make_gateway):
    from harness.upstream import Upstream
    plain = Upstream()
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [plain.base.replace("http:", "h2c:")], "access": [{"allow": "anyone"}]}])
    plain.script("*", lambda e: (e.respond(400), e.close()))
    assert ask(gateway, "/x").status == 502
    plain.stop()


def test_a_client_that_leaves_cancels_its_stream(gateway, upstream):
    upstream.script("/wait", lambda s: s.wait(lambda s: s.reset is not None))
    client = H2(gateway)
    stream = client.send("GET", "/wait")
    asked = upstream.last()
    client.connection.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
    client.flush()
    wait_for(lambda: asked.reset == h2.errors.ErrorCodes.CANCEL, what="the reset")
    assert ask(gateway, "/x").status == 200
    assert not asked.connection.closed, "others use it"


def test_an_upstream_that_answers_before_the_end_of_the_request_ends_it(gateway, upstream):
    upstream.script("/early", lambda s: s.respond(403, [], b"no"))
    client = H2(gateway)
    stream = client.send("POST", "/early", body=b"x" * 1000, end=False)
    client.wait(stream)
    assert dict(client.streams[stream]["head"])[":status"] == "403"
    asked = upstream.last()
    wait_for(lambda: asked.reset is not None, what="the end of the request")


@pytest.mark.parametrize("frames", [
    b"\x00\x00\x00\x05\x04\x00\x00\x00\x01", b"\x00\x00\x08\x06\x00\x00\x00\x00\x01" + b"p" * 8, b"\x7f\xff\xff\x00\x00\x00\x00\x00\x01", b"HTTP/1.1 200 OK\r\n\r\n",
    b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00", b"\x00\x00\x04\x05\x04\x00\x00\x00\x01\x00\x00\x00\x02",
], ids=["push without promise", "ping on a stream", "giant", "http1", "window of 0", "push"])
def test_a_broken_frame_ends_the_connection_and_nothing_else(make, frames):
    gateway, upstream = make()
    upstream.script("/x", lambda s: s.connection.send_raw(frames))
    assert ask(gateway, "/x").status == 502
    assert ask(gateway, "/fine").status == 200


def test_floods_grow_nothing(make):
    gateway, upstream = make()

    def flood(stream):
        piece = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + b"p" * 8 + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
        stream.respond(200, [], b"x", end=False)
        for _ in range(2000):
            stream.connection.send_raw(piece * 100)
    upstream.script("/flood", flood)
    ask(gateway, "/x")
    assert measured(gateway, lambda: ask(gateway, "/flood")) < GROWTH
    assert ask(gateway, "/fine").status == 200


# WebSockets (RFC 8441)

SHAKE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


def test_a_websocket_goes_by_extended_connect(make):
    gateway, upstream = make(settings={h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})

    def script(stream):
        stream.respond(200, [], b"", end=False)
        stream.wait(lambda s: len(s.body) >= 8)
        stream.send(b"\x82\x02" + b"ok", end=False)
        stream.wait(lambda s: s.ended or s.reset is not None)
    upstream.script("/ws", script)
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send((f"GET /ws HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n" + "".join(line + "\r\n" for line in SHAKE) + "\r\n").encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += raw.receive()
        assert data.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in data
        raw.send(b"\x82\x82\x00\x00\x00\x00hi")
        data = data.split(b"\r\n\r\n", 1)[1]
        while len(data) < 4:
            data += raw.receive()
        assert data == b"\x82\x02ok"
        stream = upstream.last()
        assert stream.one(":method") == "CONNECT" and stream.one(":protocol") == "websocket" and stream.all("sec-websocket-key") == []
    wait_for(lambda: stream.ended or stream.reset is not None, what="the end of the stream")


def test_without_extended_connect_a_websocket_is_a_502(gateway):
    assert ask(gateway, "/ws", *SHAKE).status == 502
