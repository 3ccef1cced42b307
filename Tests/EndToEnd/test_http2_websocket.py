"""WebSockets over HTTP/2 (RFC 8441): the client speaks an extended CONNECT, the upstream HTTP/1.1."""
import base64
import hashlib
import os
import struct
import threading
from socket import SO_LINGER, SOL_SOCKET

import h2.config
import h2.connection
import h2.errors
import h2.settings
import pytest

from harness.browser import Browser
from harness.http2_client import H2, frames, status
from harness.raw import RawConnection
from harness.upstream import websocket
from harness.waiting import wait_for, within

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def message(opcode, payload=b""):
    """A masked frame (RFC 6455 section 5.2)."""
    head = bytes([0x80 | opcode])
    size = len(payload)
    head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size) if size < 1 << 16 else bytes([0x80 | 127]) + struct.pack(">Q", size)
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


def messages(data):
    """Whole unmasked frames at the beginning of `data`."""
    found = []
    while len(data) >= 2:
        size, at = data[1] & 127, 2
        if size == 126:
            size, at = struct.unpack(">H", data[2:4])[0], 4
        elif size == 127:
            size, at = struct.unpack(">Q", data[2:10])[0], 10
        if len(data) < at + size:
            break
        found.append((data[0] & 15, data[at:at + size]))
        data = data[at + size:]
    return found


def answer_to(exchange):
    """What a right `Sec-WebSocket-Accept` says."""
    return base64.b64encode(hashlib.sha1((exchange.request.one("Sec-WebSocket-Key") + MAGIC).encode()).digest())


def accept(exchange):
    exchange.send(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + answer_to(exchange) + b"\r\n\r\n")


class Socket:
    """One WebSocket on one stream."""

    def __init__(self, client, path="/ws", extra=(), protocol="websocket", **changed):
        self.client = client
        head = [(n, v) for n, v in client.head("CONNECT", path, **changed)]
        head.insert(1, (":protocol", protocol))
        if not any(name == "sec-websocket-version" for name, _ in extra):
            head.append(("sec-websocket-version", "13"))
        self.stream = client.connection.get_next_available_stream_id()
        client.connection.send_headers(self.stream, head + list(extra))
        client.streams[self.stream] = self.state = {"head": None, "body": b"", "ended": False, "reset": None, "interim": []}
        client.flush()

    def until(self, condition, what):
        while not condition():
            assert not self.state["ended"] and self.state["reset"] is None or condition(), f"{what}: {self.state}"
            assert self.client.step(), f"the connection closed before {what}"
        return self

    def answered(self):
        self.until(lambda: self.state["head"] is not None or self.state["reset"] is not None, "an answer")
        return status(self.state) if self.state["head"] else None

    def over(self):
        while not self.state["ended"] and self.state["reset"] is None and self.client.step():
            pass
        return self.state

    def send(self, data, end=False):
        self.client.connection.send_data(self.stream, data, end_stream=end)
        self.client.flush()

    def echo(self, opcode, payload):
        before = len(messages(self.state["body"]))
        self.send(message(opcode, payload))
        self.until(lambda: len(messages(self.state["body"])) > before, "the echo")
        return messages(self.state["body"])[-1]


@pytest.fixture
def client(gateway):
    made = H2(gateway)
    # The server's SETTINGS come first.
    made.step()
    yield made
    made.raw.close()


@pytest.fixture
def cookie(member):
    return [("cookie", f"__Host-menwei={member.cookie('wiki.test')}; keep=1")]


def test_the_setting_is_announced(client):
    assert client.connection.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL) == 1


def test_a_websocket_echoes(gateway, client, cookie, upstream):
    socket = Socket(client, extra=cookie + [("sec-websocket-protocol", "chat")])
    assert socket.answered() == 200
    names = dict(socket.state["head"])
    assert names["sec-websocket-protocol"] == "chat" and "sec-websocket-accept" not in names and "upgrade" not in names and "connection" not in names
    assert socket.echo(1, "你好".encode()) == (1, "你好".encode())
    assert socket.echo(2, bytes(range(256)) * 30) == (2, bytes(range(256)) * 30)
    assert socket.echo(9, b"ping") == (10, b"ping")
    request = upstream.last()
    assert request.method == "GET" and request.version == "HTTP/1.1" and request.target == "/ws"
    assert request.one("Upgrade").lower() == "websocket" and request.one("Connection").lower() == "upgrade"
    assert request.one("Sec-WebSocket-Version") == "13" and len(base64.b64decode(request.one("Sec-WebSocket-Key"))) == 16
    assert request.one("X-Forwarded-User") == "zhangsan" and request.one("Cookie") == "keep=1" and request.one("Host") == f"wiki.test:{gateway.port}"
    assert request.one("Transfer-Encoding") is None and request.one("Content-Length") is None
    socket.send(message(8, struct.pack(">H", 1000)))
    state = socket.over()
    assert state["ended"] and messages(state["body"])[-1] == (8, struct.pack(">H", 1000))
    record = gateway.record("access", path="/ws", protocol="HTTP/2")
    assert record["account"] == "zhangsan" and record["method"] == "GET" and record["status"] == 101


def test_what_the_client_says_early_waits_for_the_handshake(client, upstream):
    gate = threading.Event()
    upstream.script("/public/ws", lambda e: (gate.wait(60), websocket(e)))
    socket = Socket(client, "/public/ws")
    socket.send(message(1, b"early"))
    upstream.last()
    gate.set()
    socket.until(lambda: messages(socket.state["body"]), "the echo")
    assert messages(socket.state["body"]) == [(1, b"early")]


def test_many_websockets_share_a_connection_with_requests(client, cookie):
    sockets = [Socket(client, extra=cookie) for _ in range(20)]
    assert [s.answered() for s in sockets] == [200] * 20
    for number, socket in enumerate(sockets):
        assert socket.echo(1, b"%d" % number) == (1, b"%d" % number)
    assert status(client.get("/public/x")) == 200


def test_each_handshake_has_a_key_of_its_own_and_the_clients_goes_nowhere(client, upstream):
    for _ in range(2):
        assert Socket(client, "/public/ws", [("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-accept", "x")]).answered() in (200, 404, 502)
    keys = [r.one("Sec-WebSocket-Key") for r in upstream.wait_requests(2)]
    assert len(set(keys)) == 2 and "dGhlIHNhbXBsZSBub25jZQ==" not in keys
    assert all(r.one("Sec-WebSocket-Accept") is None for r in upstream.requests)


def test_without_a_session_it_is_401_and_reaches_nobody(client, upstream):
    socket = Socket(client)
    state = client.wait(socket.stream)
    assert status(state) == 401 and dict(state["head"])["content-type"] == "application/problem+json" and not upstream.requests
    assert not [v for n, v in state["head"] if n == "set-cookie"]


@pytest.mark.parametrize("origin, expected", [
    ("https://evil.test", 403), ("null", 403), ("http://wiki.test", 403), ("", 403), ("own", 200), (None, 200),
])
def test_its_origin_must_be_known(gateway, client, cookie, upstream, origin, expected):
    origin = gateway.origin("wiki.test") if origin == "own" else origin
    socket = Socket(client, extra=cookie + ([("origin", origin)] if origin is not None else []))
    assert socket.answered() == expected
    assert expected == 200 or not upstream.requests


def test_it_is_judged_as_a_get(client, upstream):
    upstream.script("/read/ws", websocket)
    assert Socket(client, "/read/ws").answered() == 200


@pytest.mark.parametrize("answer, expected", [
    (b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nSec-WebSocket-Version: 13\r\n\r\nno", 426),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404),
    (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302),
    # Any 2xx would open it.
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 502),
    (b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: other\r\nSec-WebSocket-Accept: KEY\r\n\r\n", 502),
    (b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 502),
    (b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 502),
    (b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Accept: KEY\r\n\r\n", 502),
    (b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: KEY\r\n\r\n", 200),
])
def test_it_opens_with_a_good_101_only(client, upstream, answer, expected):
    def script(exchange):
        exchange.send(answer.replace(b"KEY", answer_to(exchange)))
        exchange.close()

    upstream.script("/public/ws", script)
    socket = Socket(client, "/public/ws")
    assert socket.answered() == expected
    socket.over()
    assert status(client.get("/public/alive")) == 200


def test_own_paths_open_none(client):
    for path in ("/.menwei/me", "/.menwei/jwks.json", "/.menwei/login"):
        assert Socket(client, path).answered() >= 300, path


def test_other_connects_are_405(gateway, client, upstream):
    assert Socket(client, protocol="connect-udp").answered() == 405
    assert Socket(client, protocol="").answered() in (405, None)
    plain = client.connection.get_next_available_stream_id()
    client.connection.send_headers(plain, [(":method", "CONNECT"), (":authority", f"wiki.test:{gateway.port}")])
    client.streams[plain] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": []}
    client.flush()
    assert status(client.wait(plain)) == 405 and not upstream.requests


@pytest.mark.parametrize("build", [
    lambda c: Socket(c, extra=[("content-length", "5")]),
    lambda c: Socket(c, "*"),
    lambda c: Socket(c, extra=[("sec-websocket-version", "13"), ("sec-websocket-version", "8")]),
    lambda c: Socket(c, extra=[("upgrade", "websocket")]),
    lambda c: Socket(c, extra=[("connection", "upgrade")]),
    lambda c: Socket(c, scheme="ftp"),
    lambda c: Socket(c, extra=[("host", "app.test")]),
], ids=["length", "asterisk", "two versions", "upgrade", "connection", "scheme", "two hosts"])
def test_a_malformed_connect_is_a_stream_error(gateway, upstream, build):
    client = H2(gateway, validate=False)
    client.step()
    socket = build(client)
    assert client.wait(socket.stream)["reset"] == h2.errors.ErrorCodes.PROTOCOL_ERROR
    assert status(client.get("/public/alive")) == 200
    assert upstream.targets() == ["/public/alive"]
    client.raw.close()


def test_protocol_without_connect_is_a_stream_error(gateway, upstream):
    client = H2(gateway, validate=False)
    state = client.get("/public/x", [(":protocol", "websocket")])
    assert state["reset"] == h2.errors.ErrorCodes.PROTOCOL_ERROR and not upstream.requests
    client.raw.close()


def test_a_clients_end_reaches_the_upstream_as_one(client, upstream):
    ended = threading.Event()

    def script(exchange):
        accept(exchange)
        while exchange.receive():
            pass
        ended.set()
        exchange.send(b"\x81\x03end")
        exchange.close()

    upstream.script("/public/ws", script)
    socket = Socket(client, "/public/ws")
    assert socket.answered() == 200
    socket.send(message(1, b"last"), end=True)
    assert ended.wait(60)
    state = socket.over()
    assert state["ended"] and messages(state["body"]) == [(1, b"end")]


def hold(upstream, path, seen):
    def script(exchange):
        accept(exchange)
        try:
            while exchange.receive():
                pass
            seen.append("end")
        except ConnectionResetError:
            seen.append("reset")
        exchange.close()

    upstream.script(path, script)


def test_a_reset_by_the_client_reaches_the_upstream_as_one(client, upstream):
    seen = []
    hold(upstream, "/public/ws", seen)
    socket = Socket(client, "/public/ws")
    assert socket.answered() == 200
    client.connection.reset_stream(socket.stream, h2.errors.ErrorCodes.CANCEL)
    client.flush()
    wait_for(lambda: seen, what="what the upstream sees")
    assert seen == ["reset"]


def test_a_reset_by_the_upstream_reaches_the_client_as_one(client, upstream):
    def script(exchange):
        accept(exchange)
        exchange.receive()
        exchange.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        exchange.close()

    upstream.script("/public/ws", script)
    socket = Socket(client, "/public/ws")
    assert socket.answered() == 200
    socket.send(message(1, b"x"))
    assert socket.over()["reset"] == h2.errors.ErrorCodes.CANCEL


def test_logout_closes_it_with_1008(gateway, upstream):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    client = H2(gateway)
    client.step()
    cookie = [("cookie", f"__Host-menwei={browser.cookie('wiki.test')}")]
    socket = Socket(client, extra=cookie)
    assert socket.answered() == 200 and socket.echo(1, b"x") == (1, b"x")
    with within(2.5, "the end of the WebSocket"):
        browser.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"")
        state = socket.over()
    assert messages(state["body"])[-1] == (8, struct.pack(">H", 1008)) and state["ended"]
    assert Socket(client, extra=cookie).answered() == 401
    client.raw.close()


def test_a_drain_closes_it_with_1001(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    client = H2(gateway)
    client.step()
    socket = Socket(client)
    assert socket.answered() == 200
    threading.Thread(target=gateway.process.stop).start()
    seen = frames(client.raw, lambda f: f[0] == 0 and f[1] & 1)
    assert messages(b"".join(f[3] for f in seen if f[0] == 0))[-1] == (8, struct.pack(">H", 1001))
    assert any(f[0] == 7 for f in seen), "a GOAWAY"
    client.raw.close()
    wait_for(lambda: not gateway.process.is_running, what="the end of the process")


def test_idleness_ends_it(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "timeouts": {"idle": "4s"}}])
    client = H2(gateway)
    client.step()
    socket = Socket(client)
    assert socket.answered() == 200 and socket.echo(1, b"x") == (1, b"x")
    assert socket.over()["reset"] == h2.errors.ErrorCodes.CANCEL
    assert status(client.get("/x")) == 200
    client.raw.close()


def test_who_does_not_read_holds_the_other_side_up(gateway, upstream):
    """A flood in either direction stops at the windows, and the process does not grow."""
    sent, stopped = [0], threading.Event()

    def script(exchange):
        accept(exchange)
        exchange.connection.settimeout(3)
        block = b"\x82\x7f" + struct.pack(">Q", 1 << 40) + bytes(1 << 16)
        try:
            while sent[0] < 256 << 20:
                exchange.send(block)
                sent[0] += len(block)
        except OSError:
            pass
        stopped.set()
        exchange.close()

    upstream.script("/public/ws", script)
    before = gateway.process.memory()
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca, alpn=("h2",)) as raw:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        connection.initiate_connection()
        connection.send_headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", f"wiki.test:{gateway.port}"),
                                    (":path", "/public/ws"), ("sec-websocket-version", "13")])
        raw.send(connection.data_to_send())
        wait_for(lambda: sent[0] > 0, what="bytes from the upstream")
        wait_for(stopped.is_set, 60, "the end of the flood")
        assert sent[0] < 32 << 20
        assert gateway.process.memory() - before < 8 << 20
    client = H2(gateway)
    assert status(client.get("/public/alive")) == 200
    client.raw.close()
