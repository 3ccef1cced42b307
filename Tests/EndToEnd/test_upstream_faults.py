"""Upstreams that lie, stop in the middle, or never stop: 502 or a cut that the client sees, the next user unharmed, memory flat."""
import json
import socket
import struct
import threading
import time

import pytest

from harness.http2_client import status
from harness.ports import free_port
from harness.raw import RawConnection
from harness.waiting import wait_for, within
from test_http2 import H2

OK = b"HTTP/1.1 200 OK\r\n"
#: 64 MiB: more than any of these may make the gateway keep.
ENDLESS = 64 << 20
#: What the process may grow by over a whole test, whatever was thrown at it.
GROWTH = 24 << 20


def ask(gateway, path, *fields, method="GET"):
    return (f"{method} {path} HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n").encode("latin-1")


def reset(exchange):
    """Ends the connection with a RST."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.close()


def pour(exchange, piece, total=ENDLESS):
    """The same bytes again and again, until it is enough or the gateway has had enough."""
    block = piece * max(1, 65536 // len(piece))
    sent = 0
    try:
        while sent < total:
            exchange.connection.sendall(block)
            sent += len(block)
    except OSError:
        pass
    exchange.server.poured = sent


def read_answer(gateway, path, method="GET", fields=()):
    """The whole answer; None where it was visibly cut."""
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(ask(gateway, path, *fields, method=method))
        try:
            return raw.response(method)
        except EOFError:
            return None


def nobody_was_harmed(gateway, upstream):
    """The next requests, on whatever connections were kept, get their own answers."""
    for number in range(3):
        answer = read_answer(gateway, f"/public/next-{number}")
        assert answer is not None and answer.status == 200 and f'"/public/next-{number}"'.encode() in answer.body


@pytest.fixture
def flat(gateway):
    """Fails where the process grew."""
    read_answer(gateway, "/public/warm")
    before = gateway.process.memory()
    gateway.process.reset_peak()
    yield
    grown = gateway.process.memory("VmHWM") - before
    assert grown < GROWTH, f"{grown >> 20} MiB"


# What is no answer

BROKEN = {
    "length and chunked": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
    "length over 2^63": OK + b"Content-Length: 9223372036854775808\r\n\r\nhello",
    "length over 2^64": OK + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "length with sign": OK + b"Content-Length: +5\r\n\r\nhello", "length in hex": OK + b"Content-Length: 0x5\r\n\r\nhello", "length list": OK + b"Content-Length: 5, 6\r\n\r\nhello",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "xchunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "blank before colon": OK + b"Content-Length : 5\r\n\r\nhello", "fold": OK + b"X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "bare CR": OK + b"X: a\rb\r\nContent-Length: 5\r\n\r\nhello", "name with blank": OK + b"X Y: z\r\nContent-Length: 5\r\n\r\nhello", "no colon": OK + b"Content-Length 5\r\n\r\nhello",
    "HTTP/0.9": b"<html><p>hello</html>", "nothing": b"", "blank lines": b"\r\n" * 10, "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.10": b"HTTP/1.10 200 OK\r\n\r\n", "ICY": b"ICY 200 OK\r\n\r\n",
    "status 99": b"HTTP/1.1 99 x\r\n\r\n", "status 1000": b"HTTP/1.1 1000 x\r\n\r\n", "status +200": b"HTTP/1.1 +200 x\r\n\r\n", "status 2 0": b"HTTP/1.1 2 0\r\n\r\n", "status 000": b"HTTP/1.1 000 x\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n", "two blanks": b"HTTP/1.1  200 OK\r\n\r\n", "NUL in reason": b"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n", "CR in reason": b"HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n", "17 interim answers": b"HTTP/1.1 103 x\r\nLink: a\r\n\r\n" * 17 + OK + b"Content-Length: 0\r\n\r\n",
    "interim with length": b"HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\nhello" + OK + b"Content-Length: 0\r\n\r\n", "connection nominates length": OK + b"Connection: content-length\r\nContent-Length: 5\r\n\r\nhello",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46", "h2 settings": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_is_502(gateway, upstream, name):
    upstream.script("/public/bad", lambda e: (e.read_body(), e.send(BROKEN[name]), e.close()))
    answer = read_answer(gateway, "/public/bad")
    assert answer is not None and answer.status == 502, answer and answer.raw_head
    assert b"hello" not in answer.body
    client = H2(gateway)
    assert dict(client.get("/public/bad")["head"])[":status"] == "502"
    assert dict(client.get("/public/next")["head"])[":status"] == "200", "other streams go on"
    client.raw.close()
    nobody_was_harmed(gateway, upstream)


# What breaks after its head: it is too late for a 502, so the client must see the cut

CUT = {
    "chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", "chunk size of 2^64": OK + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello",
    "chunk size of 2^63": OK + b"Transfer-Encoding: chunked\r\n\r\n8000000000000000\r\nhello", "chunk without end": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
    "chunk with bare LF": OK + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", "negative chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "trailer without colon": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nnonsense\r\n\r\n", "trailer with fold": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
    "length too long": OK + b"Content-Length: 50\r\n\r\nhello", "no last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "no end of trailers": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "one byte short": OK + b"Content-Length: 6\r\n\r\nhello",
}


@pytest.mark.parametrize("name", CUT)
def test_what_breaks_after_its_head_is_a_cut_that_the_client_sees(gateway, upstream, name):
    upstream.script("/public/bad", lambda e: (e.read_body(), e.send(CUT[name]), e.close()))
    answer = read_answer(gateway, "/public/bad")
    assert answer is None or answer.status == 502, answer.raw_head
    client = H2(gateway)
    state = client.get("/public/bad")
    assert state["reset"] is not None or dict(state["head"])[":status"] == "502", state
    assert dict(client.get("/public/next")["head"])[":status"] == "200", "other streams go on"
    client.raw.close()
    nobody_was_harmed(gateway, upstream)


# What is an answer, with more behind it: the answer counts, the rest reaches nobody

POISON = OK + b"Content-Length: 8\r\n\r\npoisoned"
STRAY = {
    "an answer after an answer": ("GET", OK + b"Content-Length: 5\r\n\r\nhello", 200), "an answer after a HEAD's": ("HEAD", OK + b"Content-Length: 65\r\n\r\n", 200),
    "a 204 with a body": ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 49\r\n\r\n", 204), "a 304 with a body": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 49\r\n\r\n", 304),
    "after chunks": ("GET", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200), "after an empty answer": ("GET", OK + b"Content-Length: 0\r\n\r\n", 200),
    "a 204 that is chunked": ("GET", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", (204, 502)),
}


@pytest.mark.parametrize("name", STRAY)
@pytest.mark.parametrize("late", [False, True], ids=["at once", "later"])
def test_bytes_behind_an_answer_reach_nobody(gateway, upstream, name, late):
    method, head, status = STRAY[name]
    gate = threading.Event()

    def script(exchange):
        exchange.read_body()
        exchange.send(head + (b"" if late else POISON))
        if late:
            assert gate.wait(60)
            try:
                exchange.send(POISON)
            except OSError:
                pass

    upstream.script("/public/stray", script)
    for _ in range(3):
        gate.clear()
        answer = read_answer(gateway, "/public/stray", method)
        assert answer is not None and (answer.status == status or answer.status in (status if isinstance(status, tuple) else ())) and b"poisoned" not in answer.body
        gate.set()
        nobody_was_harmed(gateway, upstream)


def test_an_upstream_that_speaks_before_it_is_asked_poisons_nobody(make_gateway):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    spoken = threading.Semaphore(0)

    def serve(connection):
        # The answer comes before the request was read, whatever it is; then another one, for whoever comes next.
        try:
            connection.sendall(POISON)
            connection.recv(65536)
            connection.sendall(POISON.replace(b"poisoned", b"too late"))
            spoken.release()
            connection.recv(65536)
        except OSError:
            spoken.release()
        connection.close()

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [f"http://127.0.0.1:{port}"], "access": [{"allow": "anyone"}]}])
    answers = []
    for number in range(10):
        answers.append(read_answer(gateway, f"/{number}"))
        assert spoken.acquire(timeout=60)
    # Whether the first bytes came before or after the request left cannot be seen; but what comes behind them never answers anything.
    assert {answer.status for answer in answers} <= {200, 502} and not any(b"too late" in answer.body for answer in answers)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    assert gateway.process.is_running


# Ends at each byte

WHOLE = {
    "length": OK + b"Content-Length: 5\r\nX-A: b\r\n\r\nhello", "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: u\r\n\r\n", "interim": b"HTTP/1.1 103 x\r\nLink: a\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("end", ["FIN", "RST"])
def test_an_answer_that_ends_at_any_byte_is_whole_or_visibly_not(gateway, upstream, name, end):
    """The last byte decides; a whole answer before a RST may be lost, but never a part of one pass for it."""
    data = WHOLE[name]

    def script(exchange):
        exchange.read_body()
        exchange.send(data[:int(exchange.request.query["at"])])
        (reset if end == "RST" else type(exchange).close)(exchange)

    upstream.script("/public/at", script)
    client = H2(gateway)
    for at in range(len(data) + 1):
        answer = read_answer(gateway, f"/public/at?at={at}")
        if answer is not None and answer.status == 200:
            assert at == len(data) and answer.body == b"hello", at
        else:
            assert at < len(data) or end == "RST", at
            assert answer is None or answer.status == 502, at
        state = client.get(f"/public/at?at={at}")
        if state["reset"] is None and dict(state["head"])[":status"] == "200":
            assert at == len(data) and state["body"] == b"hello", at
        else:
            assert at < len(data) or end == "RST", at
    client.raw.close()
    nobody_was_harmed(gateway, upstream)


def test_an_answer_until_close_that_is_reset_is_visibly_cut(gateway, upstream):
    upstream.script("/public/until", lambda e: (e.read_body(), e.send(OK + b"\r\nhello"), e.server.gate.wait(60), reset(e)))
    for version in ("HTTP/1.1", "HTTP/2"):
        upstream.gate = threading.Event()
        if version == "HTTP/2":
            client = H2(gateway)
            stream = client.send("GET", "/public/until")
            while not client.streams[stream]["body"]:
                assert client.step()
            upstream.gate.set()
            assert client.wait(stream)["reset"] is not None
            client.raw.close()
        else:
            with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
                raw.send(ask(gateway, "/public/until"))
                raw.head()
                upstream.gate.set()
                with pytest.raises(EOFError):
                    while raw._until(b"\r\n") != b"0":
                        pass


# What never ends

ENDLESS_ANSWERS = {
    "head": (OK, b"X-Long: " + b"v" * 1000 + b"\r\n", 502), "field": (OK + b"X: ", b"v", 502), "reason": (b"HTTP/1.1 200 ", b"x", 502), "status line": (b"", b"H", 502), "blank lines": (b"", b"\r\n", 502),
    "many fields": (OK, b"a:b\r\n", 502), "interim": (b"", b"HTTP/1.1 102 x\r\n\r\n", 502), "continue": (b"", b"HTTP/1.1 100 x\r\n\r\n", 502), "long interim": (b"", b"HTTP/1.1 103 x\r\nLink: " + b"a" * 8000 + b"\r\n\r\n", 502),
    "chunk extension": (OK + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a", None), "chunk extensions": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"a" * 200 + b"\r\nx\r\n", None),
    "chunk size": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0", None), "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", None), "trailer": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y", None),
}


@pytest.mark.parametrize("name", ENDLESS_ANSWERS)
def test_what_never_ends_is_ended(gateway, upstream, flat, name):
    begin, piece, status = ENDLESS_ANSWERS[name]

    def script(exchange):
        exchange.read_body()
        exchange.send(begin)
        pour(exchange, piece)
        exchange.close()

    upstream.script("/public/endless", script)
    for _ in range(3):
        upstream.poured = None
        answer = read_answer(gateway, "/public/endless")
        assert (answer and answer.status) in ((status,) if status else (None, 502))
        wait_for(lambda: upstream.poured is not None, what="the end of the upstream's connection")
        assert upstream.poured < ENDLESS // 4, "the gateway read on"
    nobody_was_harmed(gateway, upstream)


def test_a_stray_flood_behind_an_answer_is_not_read(gateway, upstream, flat):
    def script(exchange):
        exchange.read_body()
        exchange.send(OK + b"Content-Length: 5\r\n\r\nhello")
        pour(exchange, b"x")
        exchange.close()

    upstream.script("/public/flood", script)
    for _ in range(3):
        upstream.poured = None
        assert read_answer(gateway, "/public/flood").body == b"hello"
        wait_for(lambda: upstream.poured is not None, what="the end of the upstream's connection")
        assert upstream.poured < ENDLESS // 4
    nobody_was_harmed(gateway, upstream)


def test_a_head_that_drips_in_is_504_in_time(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "timeouts": {"response": "1s", "idle": "1s"}}])

    def drip(exchange):
        exchange.read_body()
        try:
            for byte in OK + b"X: " + b"y" * 1000:
                exchange.send(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass
        exchange.close()

    upstream.script("/drip", drip)
    with within(3, "the answer"):
        assert read_answer(gateway, "/drip").status == 504
    # Interim answers are no progress either.
    def interim(exchange):
        exchange.read_body()
        try:
            for _ in range(16):
                exchange.send(b"HTTP/1.1 103 x\r\nLink: a\r\n\r\n")
                time.sleep(0.3)
        except OSError:
            pass
        exchange.close()

    upstream.script("/interim", interim)
    with within(3, "the answer"):
        assert read_answer(gateway, "/interim").status == 504


def test_an_early_answer_to_an_upload_is_not_lost(gateway, upstream):
    """The upstream answers 413 by itself and resets, while the body is still on its way."""
    def refuse(exchange):
        exchange.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nenough"[:-1])
        exchange.close()

    upstream.script("/public/upload", refuse)
    seen = []
    for _ in range(10):
        with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
            raw.send(ask(gateway, "/public/upload", "Content-Length: 1000000", method="POST"))
            raw.try_send(b"x" * 300_000)
            try:
                seen.append(raw.response("POST").status)
            except EOFError:
                seen.append(None)
    assert set(seen) <= {413, 502} and 413 in seen, seen
    nobody_was_harmed(gateway, upstream)


@pytest.mark.parametrize("base", ["h2c://255.255.255.255:80", "https://255.255.255.255:80", "http://255.255.255.255:80"])
def test_a_connection_that_fails_at_once_is_502_and_no_loop(make_gateway, base):
    """The kernel refuses to connect to such an address before anything is sent."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [base], "access": [{"allow": "anyone"}]}])
    for _ in range(3):
        client = H2(gateway, timeout=30)
        try:
            streams = [client.send("GET", "/x", []) for _ in range(5)]
            assert [status(client.wait(stream)) for stream in streams] == [502] * 5
        finally:
            client.raw.close()
    assert gateway.operations("/healthz")[0] == 200


def test_a_body_that_is_too_large_is_413_though_a_part_of_it_waits(make_gateway, upstream):
    """All of it comes before the upstream is connected; what is handed over then ends the exchange under whose hands it is."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "request_body_limit": "32KiB", "access": [{"allow": "anyone"}]}])
    client = H2(gateway, timeout=30)
    for _ in range(20):  # The connection's window is given back each time, or it would be used up by now.
        stream = client.connection.get_next_available_stream_id()
        client.connection.send_headers(stream, client.head("POST", "/x"))
        for _ in range(3):
            client.connection.send_data(stream, b"a" * 16000)
        client.connection.send_data(stream, b"a" * 100, end_stream=True)
        client.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": []}
        client.flush()
        assert status(client.wait(stream)) == 413
    assert gateway.process.popen.poll() is None
    client.raw.close()


@pytest.mark.parametrize("base, why", [("http://127.0.0.1:{port}", "refused"), ("h2c://127.0.0.1:{port}", "refused"), ("http://no-such-host.invalid:80", "no address")])
def test_the_first_502_says_why_to_the_administrator(make_gateway, base, why):
    base = base.format(port=free_port())
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [base], "access": [{"allow": "anyone"}]}])
    answer = read_answer(gateway, "/x")
    assert answer.status == 502
    told = wait_for(lambda: [json.loads(line) for line in list(gateway.process.err) if '"upstream connection"' in line], what="a diagnostic")
    assert [(record["site"], record["upstream"]) for record in told] == [("wiki", base)] and why in told[0]["problem"], told
