"""Family D of the attacks, upgrades and WebSockets: a test a row, named by its id. That a session's end closes its streams (T-64, T-67) is in test_sessions.py and
test_attacks_sessions.py as well, with every way in which one ends."""
import struct
import subprocess
import threading

import pytest

from harness.asking import ask, cookie
from harness.browser import Browser
from harness.http2_client import H2, status
from harness.raw import RawConnection
from harness.waiting import wait_for, within
from test_http2_websocket import Socket, messages
from test_streaming import ACCEPT, KEY, frame, read_frame

HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}


def fields(**changed):
    """The fields of a handshake; a value of None leaves one out, a list repeats it."""
    merged = {**HANDSHAKE, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return [f"{name}: {value}" for name, values in merged.items() if values is not None for value in (values if isinstance(values, list) else [values])]


def send(gateway, raw, target, *lines):
    raw.send((f"GET {target} HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n" + "".join(line + "\r\n" for line in lines) + "\r\n").encode())


@pytest.mark.parametrize("answer", [
    pytest.param(b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13, 8\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n", id="T-58-426"),
    pytest.param(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", id="T-58-404"), pytest.param(b"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok", id="T-58-200"),
])
@pytest.mark.parametrize("version", ["777", "8", "13"])
def test_t58_a_refused_handshake_stays_http(gateway, connect, upstream, answer, version):
    upstream.script("/public/ws", lambda e: (e.read_body(), e.send(answer)))
    raw = connect()
    send(gateway, raw, "/public/ws", *fields(Sec_WebSocket_Version=version))
    response = raw.response()
    assert response.raw_head.split(b" ")[1] == answer.split(b" ")[1], "what the application says of the version is passed on"
    if response.status == 426:
        assert response.one("Sec-WebSocket-Version") == "13, 8"
    request = upstream.last()
    assert request.one("Upgrade") == "websocket" and request.one("Connection") == "Upgrade" and request.one("Sec-WebSocket-Version") == version
    send(gateway, raw, "/internal", "X-Forwarded-User: admin")
    assert raw.response().status == 401
    send(gateway, raw, "/public/next", "X-Forwarded-User: admin")
    assert raw.response().status == 200 and upstream.last().one("X-Forwarded-User") is None
    assert "/internal" not in upstream.targets()


@pytest.mark.parametrize("changed", [
    {"Upgrade": "h2c"}, {"Upgrade": "h2c, websocket"}, {"Upgrade": ["websocket", "websocket"]}, {"Upgrade": None}, {"Connection": "keep-alive"}, {"Connection": "xupgrade"}, {"Connection": None},
    {"Sec_WebSocket_Key": None}, {"Sec_WebSocket_Key": "short"}, {"Sec_WebSocket_Key": KEY + "="}, {"Sec_WebSocket_Key": [KEY, KEY]}, {"Sec_WebSocket_Key": KEY[:-1] + "A"},
    {"Sec_WebSocket_Version": None}, {"Sec_WebSocket_Version": ["13", "13"]}, {"Sec_WebSocket_Version": "13, 8"}, {"Sec_WebSocket_Version": "x"}, {"Sec_WebSocket_Version": ""},
], ids=str)
def test_what_falls_short_of_a_handshake_is_an_ordinary_request(gateway, connect, upstream, changed):
    """RFC 6455 section 4.2.1. A 101 to it is not believed (T-57)."""
    raw = connect()
    send(gateway, raw, "/public/x", *fields(**changed))
    assert raw.response().status == 200
    assert upstream.last().one("Upgrade") is None and upstream.last().one("Connection") is None
    upstream.script("/public/ws", lambda e: (e.read_body(), e.send(f"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n".encode())))
    send(gateway, raw, "/public/ws", *fields(**changed))
    assert raw.response().status == 502


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
def test_a_handshake_is_a_get_without_a_body(gateway, upstream, method):
    assert ask(gateway, "/public/x", *fields(), "Content-Length: 0", method=method).status == 200 and upstream.last().one("Upgrade") is None
    assert ask(gateway, "/public/x", *fields(), "Content-Length: 2", body=b"hi").status == 200 and upstream.last().one("Upgrade") is None


@pytest.mark.parametrize("lines", [
    ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"], ["Connection: Upgrade", "Upgrade: H2C"], ["Connection: HTTP2-Settings", "HTTP2-Settings: x"],
    ["Upgrade: h2c"], ["Connection: upgrade", "Upgrade: foo, h2c"], ["HTTP2_Settings: x", "Upgrade_: x"], ["Connection: Upgrade", "Upgrade: TLS/1.3"],
], ids=lambda lines: f"T-60-{lines[0]}")
def test_t60_no_other_upgrade_is_heard_of(gateway, connect, upstream, lines):
    raw = connect()
    send(gateway, raw, "/public/x", *lines)
    assert raw.response().status == 200
    assert not {"upgrade", "http2-settings", "connection", "http2_settings"} & set(upstream.last().names)
    raw.try_send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert raw.response().status in (400, 405, 505) and len(upstream.requests) == 1


@pytest.mark.parametrize("session", [None, "x" * 43, "A" * 43], ids=["T-62-none", "T-62-garbage", "T-62-unknown"])
def test_t62_nobody_gets_a_websocket(gateway, upstream, session):
    answer = ask(gateway, "/ws", *fields(Origin=gateway.origin("wiki.test"), Cookie=session and f"__Host-menwei={session}"))
    assert answer.status == 401 and not answer.all("Location") and len(answer.body) < 2048 and not upstream.requests


@pytest.mark.parametrize("end", ["expired", "logged-out"], ids=lambda end: f"T-62-{end}")
def test_t62_a_session_that_is_over_gets_no_websocket(make_gateway, upstream, end):
    """Its cookie is still recognised, which must not make a way in of it, nor a redirect, over either version."""
    over = {"expired": {"lifetime": "4s", "idle_timeout": "4s"}, "logged-out": {}}[end]
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["sessions"].update(over))
    wiki, browser = gateway.origin("wiki.test"), Browser(gateway)
    browser.log_in(wiki + "/")
    shown = cookie(browser)
    if end == "logged-out":
        assert browser.request("POST", wiki + "/.menwei/logout", headers={"Origin": wiki}, body=b"").status == 303
    wait_for(lambda: ask(gateway, "/x", shown).status == 401, 20, "the end of the session", every=0.1)
    upstream.clear()
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        send(gateway, raw, "/ws", *fields(Origin=wiki), shown)
        answer = raw.response()
        assert answer.status == 401 and not answer.all("Location") and not answer.all("Set-Cookie") and len(answer.body) < 2048
        raw.send(frame(1, b"taken for a request"))
        try:
            assert raw.response().status == 400, "what follows is HTTP still"
        except EOFError:
            pass
    client = H2(gateway)
    socket = Socket(client, extra=[("cookie", shown.split(": ", 1)[1]), ("origin", wiki)])
    state = client.wait(socket.stream)
    names = {name for name, _ in state["head"]}
    assert status(state) == 401 and not names & {"location", "set-cookie"} and len(state["body"]) < 2048
    client.raw.close()
    assert not upstream.requests


@pytest.mark.parametrize("origin, status", [
    ("https://evil.test", 403), ("null", 403), ("https://wiki.test.evil.test", 403), ("{wiki}/", 403), ("{wiki}", 101), (["{wiki}", "https://evil.test"], (400, 403)), (None, 101),
], ids=lambda value: f"T-63-{value}")
def test_t63_no_foreign_page_gets_a_websocket(gateway, connect, member, upstream, origin, status):
    wiki = gateway.origin("wiki.test")
    sent = [o.replace("{wiki}", wiki) for o in origin] if isinstance(origin, list) else origin and origin.replace("{wiki}", wiki)
    raw = connect()
    send(gateway, raw, "/ws", *fields(Origin=sent), cookie(member))
    answer = raw.response()
    assert answer.status in (status if isinstance(status, tuple) else (status,))
    assert status == 101 or not upstream.requests


def test_t64_a_logout_closes_with_1008_and_lets_nobody_in_again(gateway, connect):
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    shown = cookie(browser)
    raw = connect()
    send(gateway, raw, "/ws", *fields(), shown)
    assert raw.response().status == 101
    with within(2.5, "the end of the WebSocket"):
        browser.request("POST", wiki + "/.menwei/logout", headers={"Origin": wiki}, body=b"")
        assert read_frame(raw) == (8, struct.pack(">H", 1008))
    assert ask(gateway, "/ws", *fields(), shown).status == 401


def test_t64_an_administrators_kill_closes_within_two_seconds(gateway, connect, binary):
    """By session and by account, of sockets over both versions; wherever in the half second between two looks at the store it falls."""
    for number in range(4):
        browser = Browser(gateway)
        browser.log_in(gateway.origin("wiki.test") + "/", "wangwu")
        sid = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()["sid"]
        shown = cookie(browser)
        raw, client = connect(), H2(gateway, timeout=30)
        raw.socket.settimeout(30)
        send(gateway, raw, "/ws", *fields(), shown)
        assert raw.response().status == 101
        socket = Socket(client, extra=[("cookie", shown.split(": ", 1)[1])])
        assert socket.answered() == 200
        whom = [sid] if number % 2 else ["--user", "wangwu"]
        subprocess.run([binary, "sessions", "--config", gateway.file, "revoke", *whom], check=True, capture_output=True, timeout=60)
        with within(2, "the end of both"):
            assert read_frame(raw) == (8, struct.pack(">H", 1008))
            assert messages(socket.over()["body"])[-1] == (8, struct.pack(">H", 1008))
        assert ask(gateway, "/ws", *fields(), shown).status == 401
        client.raw.close()


def test_t66_pings_and_single_bytes_pass_and_take_no_memory(gateway, connect, member):
    raw = connect()
    send(gateway, raw, "/ws", *fields(), cookie(member))
    assert raw.response().status == 101
    before = gateway.process.memory()
    for _ in range(50):
        raw.send(frame(9, b"x") * 100)
        for _ in range(100):
            assert read_frame(raw) == (10, b"x")
    for byte in frame(1, b"one byte at a time"):
        raw.send(bytes([byte]))
    received = b""
    while len(received) < len(b"one byte at a time"):  # the application answers with the pieces that it saw
        received += read_frame(raw)[1]
    assert received == b"one byte at a time"
    assert gateway.process.memory() - before < 4 << 20


def test_t66_many_idle_sockets_take_little(gateway, connect, member):
    count = 300
    before = gateway.process.memory()
    opened = [connect() for _ in range(count)]
    for raw in opened:
        send(gateway, raw, "/ws", *fields(), cookie(member))
    for raw in opened:
        assert raw.response().status == 101
    assert (gateway.process.memory() - before) / count < 64 << 10
    for raw in opened[::50]:
        raw.send(frame(1, b"still here"))
        assert read_frame(raw) == (1, b"still here")


def test_t66_an_end_of_one_side_is_passed_on(gateway, connect, upstream):
    ended = threading.Event()

    def script(exchange):
        exchange.send(f"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n".encode())
        while exchange.receive():
            pass
        ended.set()
        exchange.send(b"\x81\x03end")
        exchange.close()

    upstream.script("/public/half", script)
    from test_messages import HalfClosing
    client = HalfClosing(gateway)
    client.send_and_end(("GET /public/half HTTP/1.1\r\nHost: wiki.test:%d\r\n" % gateway.port + "".join(line + "\r\n" for line in fields()) + "\r\n").encode() + frame(1, b"last"))
    received = client.everything()
    assert ended.is_set() and received.startswith(b"HTTP/1.1 101") and received.endswith(b"\x81\x03end")


def test_t67_events_arrive_one_by_one_and_end_with_the_session(gateway, connect, upstream):
    release = threading.Semaphore(0)

    def events(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(100):
            if not release.acquire(timeout=60):
                return
            exchange.send(b"b\r\n: comment%02d\r\n" % number)

    upstream.script("/events", events)
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    raw = connect()
    send(gateway, raw, "/events", cookie(browser))
    assert raw.head().status == 200
    for number in range(5):
        release.release()
        raw._until(b": comment%02d" % number)
    with within(2.5, "the end of the stream"):
        browser.request("POST", wiki + "/.menwei/logout", headers={"Origin": wiki}, body=b"")
        raw.everything()
    for _ in range(100):
        release.release()
    with within(2, "the end of the session"):
        wait_for(lambda: ask(gateway, "/events", cookie(browser)).status == 401, what="the end of the session")
