"""Bodies of any size in little memory, WebSockets, event streams."""
import base64
import hashlib
import os
import socket
import struct
import threading
import time

import h2.config
import h2.connection
import h2.events
import pytest

from harness.browser import Browser
from harness.raw import RawConnection
from harness.waiting import Stopwatch, wait_for, within

MIB = 1 << 20
SIZES = [256 * MIB] + ([2048 * MIB] if os.environ.get("MENWEI_LARGE") else [])
#: What the gateway may take for one stream, beside what it has; the promised figure, and what an allocator rounds up to.
ALLOWANCE = MIB
NOISE = 1536 << 10


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([{
        "id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "request_body_limit": 0,
        "access": [{"path": "/public/*", "allow": "anyone"}, {"allow": "members"}], "trusted_origins": ["https://portal.test"],
    }, {"id": "idle", "host": "idle.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "timeouts": {"idle": "1s"}}])


@pytest.fixture(autouse=True)
def paths(upstream, fresh_upstream):
    from harness.upstream import download
    upstream.script("/public/download", download)


def measured(gateway, work):
    """By how many bytes the gateway's memory grew at its highest while `work` ran."""
    gateway.process.reset_peak()
    before = gateway.process.memory("VmRSS")
    work()
    return gateway.process.memory("VmHWM") - before


def warm(gateway):
    """Buffers and pools that stay are not part of what a stream takes. Often enough that each worker had some: the kernel chooses which."""
    for _ in range(10):
        upload(gateway, 8 * MIB)
        fetch(gateway, 8 * MIB)


def upload(gateway, size, chunked=False):
    block = os.urandom(64 << 10) * 16
    digest = hashlib.sha256()
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca, timeout=60) as raw:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        raw.send(f"POST /public/up HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n{framing}\r\n\r\n".encode())
        left = size
        while left:
            part = block[: min(left, len(block))]
            raw.send(b"%x\r\n" % len(part) + part + b"\r\n" if chunked else part)
            digest.update(part)
            left -= len(part)
        if chunked:
            raw.send(b"0\r\n\r\n")
        answer = raw.response()
    assert answer.status == 200
    return digest.hexdigest(), answer


def fetch(gateway, size, more="", pause=None):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca, timeout=60) as raw:
        raw.send(f"GET /public/download?bytes={size}{more} HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nConnection: close\r\n\r\n".encode())
        head = raw.head()
        assert head.status == 200
        received = 0
        if pause:
            pause()
        while data := raw.receive(1 << 18):
            received += len(data)
        return received


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_takes_little_memory(gateway, upstream, size, chunked):
    warm(gateway)
    sent = []
    grown = measured(gateway, lambda: sent.append(upload(gateway, size, chunked)[0]))
    request = upstream.last()
    assert request.length == size and request.sha256 == sent[0]
    assert grown < ALLOWANCE + NOISE, f"{grown / MIB:.1f} MiB"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("more", ["", "&chunked=1", "&close=1"])
def test_a_download_takes_little_memory(gateway, size, more):
    warm(gateway)
    received = []
    grown = measured(gateway, lambda: received.append(fetch(gateway, size, more)))
    assert received[0] >= size
    assert grown < ALLOWANCE + NOISE, f"{grown / MIB:.1f} MiB"


def test_a_client_that_does_not_read_stops_the_upstream(gateway, upstream):
    """Back-pressure: what nobody reads is not collected."""
    progress = {}

    def endless(exchange):
        exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 * MIB))
        progress["sent"] = 0
        block = b"x" * (64 << 10)
        while progress["sent"] < 200 * MIB:
            exchange.send(block)
            progress["sent"] += len(block)

    upstream.script("/public/endless", endless)
    warm(gateway)
    gateway.process.reset_peak()
    before = gateway.process.memory()
    raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca)
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    raw.send(f"GET /public/endless HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    wait_for(lambda: "sent" in progress)
    last = [-1, time.monotonic()]

    def stalled():
        if progress["sent"] != last[0]:
            last[:] = [progress["sent"], time.monotonic()]
        return time.monotonic() - last[1] > 0.5

    wait_for(stalled, 60, "the upstream to be held up")
    assert progress["sent"] < 50 * MIB
    assert gateway.process.memory("VmHWM") - before < ALLOWANCE + NOISE
    raw.close()


def test_an_upstream_that_does_not_read_stops_the_client(gateway, upstream):
    gate = threading.Event()
    upstream.script("/public/stuck", lambda e: (gate.wait(60), e.read_body(), e.respond(200)))
    warm(gateway)
    gateway.process.reset_peak()
    before = gateway.process.memory()
    raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca)
    raw.send(f"POST /public/stuck HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nContent-Length: {200 * MIB}\r\n\r\n".encode())
    sent = 0
    raw.socket.settimeout(1)
    with pytest.raises(TimeoutError):
        while sent < 200 * MIB:
            sent += raw.socket.send(b"x" * (64 << 10))
    assert sent < 50 * MIB
    assert gateway.process.memory("VmHWM") - before < ALLOWANCE + NOISE
    raw.close()
    gate.set()


def test_http_2_bodies_stream_in_little_memory(gateway, upstream, tmp_path):
    import subprocess
    warm(gateway)
    url = gateway.origin("wiki.test") + f"/public/download?bytes={128 * MIB}"
    common = ["curl", "-sS", "--http2", "--noproxy", "*", "--cacert", str(gateway.ca), "--resolve", f"wiki.test:{gateway.port}:127.0.0.1"]

    def both(size, address):
        done = subprocess.run([*common, "-o", "/dev/null", "-w", "%{http_version} %{size_download}", address], capture_output=True, timeout=200)
        assert done.stdout.decode() == f"2 {size}", done.stderr
        file = tmp_path / "large"
        with open(file, "wb") as out:
            out.truncate(size)
        done = subprocess.run([*common, "-T", str(file), "-o", "/dev/null", "-w", "%{http_version} %{size_upload} %{http_code}",
                               gateway.origin("wiki.test") + "/public/up2"], capture_output=True, timeout=200)
        assert done.stdout.decode() == f"2 {size} 200", (done.stdout, done.stderr)

    both(8 * MIB, gateway.origin("wiki.test") + f"/public/download?bytes={8 * MIB}")
    grown = measured(gateway, lambda: both(128 * MIB, url))
    assert upstream.last().length == 128 * MIB
    assert grown < ALLOWANCE + NOISE, f"{grown / MIB:.1f} MiB"


# Event streams

def test_an_event_arrives_before_the_next_is_sent(gateway, upstream):
    gates = [threading.Event() for _ in range(3)]

    def events(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n")
        for number, gate in enumerate(gates):
            exchange.send(f"data: {number}\n\n".encode())
            assert gate.wait(60)
        exchange.close()

    upstream.script("/public/events", events)
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /public/events HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nAccept: text/event-stream\r\n\r\n".encode())
        assert raw.head().one("Content-Type") == "text/event-stream"
        for number, gate in enumerate(gates):
            raw._until(f"data: {number}\n\n".encode())
            gate.set()
        raw._until(b"0\r\n\r\n")


def test_an_event_arrives_at_once_over_http_2(gateway, upstream):
    gates = [threading.Event() for _ in range(3)]

    def events(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number, gate in enumerate(gates):
            exchange.send(b"9\r\ndata: %d\n\n\r\n" % number)
            assert gate.wait(60)
        exchange.send(b"0\r\n\r\n")

    upstream.script("/public/events", events)
    raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca, alpn=("h2",))
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()
    client.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", f"wiki.test:{gateway.port}"), (":path", "/public/events")], end_stream=True)
    raw.send(client.data_to_send())
    body, ended, number = b"", False, 0
    while not ended:
        for event in client.receive_data(raw.receive()):
            if isinstance(event, h2.events.DataReceived):
                body += event.data
                if f"data: {number}\n\n".encode() in body:
                    gates[number].set()
                    number += 1
            ended = ended or isinstance(event, h2.events.StreamEnded)
        raw.send(client.data_to_send())
    assert number == 3
    raw.close()


def test_a_stream_without_a_byte_ends_at_the_idle_limit(gateway, upstream):
    gate = threading.Event()
    upstream.script("/quiet", lambda e: (e.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), gate.wait(60)))
    with RawConnection(gateway.port, "idle.test", ca=gateway.ca) as raw:
        raw.send(f"GET /quiet HTTP/1.1\r\nHost: idle.test:{gateway.port}\r\n\r\n".encode())
        with Stopwatch() as watch:
            raw.everything()
        assert 0.5 < watch.elapsed and watch.seconds < 5
    gate.set()


# WebSockets

KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def opening(gateway, target="/ws", cookie=None, **fields):
    head = {"Host": f"wiki.test:{gateway.port}", "Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY,
            "Origin": gateway.origin("wiki.test"), "Cookie": cookie, **fields}
    return (f"GET {target} HTTP/1.1\r\n" + "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in head.items() if v is not None) + "\r\n").encode()


def frame(opcode, payload, final=True):
    mask = b"\x01\x02\x03\x04"
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        head += b"\xfe" + struct.pack(">H", len(payload))
    else:
        head += b"\xff" + struct.pack(">Q", len(payload))
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def read_frame(raw):
    first, second = raw._exactly(2)
    length = second & 0x7F
    if length == 126:
        length = struct.unpack(">H", raw._exactly(2))[0]
    elif length == 127:
        length = struct.unpack(">Q", raw._exactly(8))[0]
    return first & 0x0F, raw._exactly(length)


@pytest.fixture
def ws(gateway, member):
    opened = []

    def build(target="/ws", cookie=f"__Host-menwei={member.cookie('wiki.test')}; keep=1", **fields):
        raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca)
        opened.append(raw)
        raw.send(opening(gateway, target, cookie, **fields))
        return raw, raw.response()

    yield build
    for raw in opened:
        raw.close()


def test_a_websocket_echoes(gateway, ws, upstream):
    raw, answer = ws(Sec_WebSocket_Protocol="chat")
    assert answer.status == 101 and answer.one("Sec-WebSocket-Accept") == ACCEPT and answer.one("Upgrade").lower() == "websocket"
    assert answer.one("Sec-WebSocket-Protocol") == "chat"
    for opcode, payload in ((1, "你好".encode()), (2, bytes(range(256))), (1, b""), (2, os.urandom(70000))):
        raw.send(frame(opcode, payload))
        received = b""
        while len(received) < len(payload) or not payload:
            kind, data = read_frame(raw)
            received += data
            if not payload:
                break
        assert received == payload
    raw.send(frame(9, b"ping"))
    assert read_frame(raw) == (10, b"ping")
    raw.send(frame(8, struct.pack(">H", 1000)))
    kind, data = read_frame(raw)
    assert kind == 8 and data[:2] == struct.pack(">H", 1000)
    request = upstream.last()
    assert request.one("X-Forwarded-User") == "zhangsan" and request.one("Cookie") == "keep=1" and request.one("X-Menwei-Assertion")
    assert gateway.record("access", path="/ws", status=101)["account"] == "zhangsan"


def test_a_websocket_without_a_session_is_401(ws, upstream):
    _, answer = ws(cookie=None)
    assert answer.status == 401 and not answer.all("Set-Cookie") and not upstream.requests


@pytest.mark.parametrize("origin, status", [
    ("https://evil.test", 403), ("null", 403), ("http://wiki.test", 403), ("https://wiki.test.evil.test", 403), ("https://wiki.test", 403), ("", 403),
    ("https://portal.test", 101), (None, 101),
])
def test_a_websockets_origin_must_be_known(ws, upstream, origin, status):
    _, answer = ws(Origin=origin)
    assert answer.status == status
    assert status == 101 or not upstream.requests


def test_a_websocket_is_judged_as_a_get(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
                             "access": [{"path": "/ws", "methods": ["GET"], "allow": "anyone"}, {"path": "/ws", "allow": {"users": ["nobody"]}}]}])
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(opening(gateway))
        assert raw.response().status == 101


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nSec-WebSocket-Version: 13\r\n\r\n", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
])
def test_a_refused_upgrade_stays_http(gateway, upstream, answer):
    """The next bytes are a request, judged as such, and no tunnel to the application."""
    upstream.script("/public/ws", lambda e: (e.read_body(), e.send(answer)))
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(opening(gateway, "/public/ws", Sec_WebSocket_Version="777"))
        assert raw.response().status in (200, 400, 404, 426)
        raw.try_send(f"GET /private HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nX-Forwarded-User: admin\r\n\r\n".encode())
        try:
            assert raw.response().status == 401
        except EOFError:
            pass  # closing is right as well
    assert "/private" not in upstream.targets()


def test_a_101_without_a_proper_accept_is_no_tunnel(gateway, upstream):
    upstream.script("/public/ws", lambda e: (e.read_body(), e.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"), e.close()))
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(opening(gateway, "/public/ws"))
        assert raw.response().status == 502


def test_an_upstream_that_ends_ends_the_websocket(gateway, upstream, ws):
    raw, answer = ws()
    assert answer.status == 101
    upstream.close_connections()
    rest = raw.everything()
    assert rest == b"" or rest[:1] == b"\x88"


def test_a_client_that_ends_ends_the_upstreams_side(gateway, upstream, ws):
    raw, _ = ws()
    raw.send(frame(1, b"x"))
    read_frame(raw)
    before = len(upstream._open)
    raw.close()
    wait_for(lambda: len(upstream._open) < before, what="the end of the upstream's connection")


def test_messages_on_a_websocket_keep_the_session(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["sessions"].update(idle_timeout="5s"))
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(opening(gateway, cookie=browser._cookie_header("wiki.test")))
        assert raw.response().status == 101
        begun = time.monotonic()
        while time.monotonic() - begun < 8:
            raw.send(frame(1, b"still here"))
            kind, data = read_frame(raw)
            assert (kind, data) == (1, b"still here")
            threading.Event().wait(0.25)
        assert browser.call(gateway.origin("wiki.test") + "/x").status == 200


def test_the_end_of_a_session_ends_its_event_streams(gateway, upstream):
    gate = threading.Event()
    upstream.script("/events", lambda e: (e.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), gate.wait(60)))
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /events HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: {browser._cookie_header('wiki.test')}\r\n\r\n".encode())
        assert raw.head().status == 200
        raw._until(b"abc")
        origin = gateway.auth
        with within(2.5, "the end of the stream"):
            browser.request("POST", origin + "/.menwei/logout", headers={"Origin": origin}, body=b"")
            raw.everything()
    gate.set()
