"""HTTP/2: curl, and frames of our own making."""
import json
import socket
import ssl
import threading
import time

import h2.errors
import h2.exceptions
import pytest

from harness.http2_client import H2, frame, frames, status
from harness.raw import RawConnection, client_context
from harness.waiting import wait_for


@pytest.fixture
def h2c(gateway):
    made = []

    def build(**more):
        made.append(H2(gateway, **more))
        return made[-1]

    yield build
    for one in made:
        one.raw.close()


def test_curl_speaks_http_2(gateway, curl, upstream):
    done = curl("--http2", "-w", "\n%{http_version} %{http_code}", gateway.origin("wiki.test") + "/public/x?a=b", "-d", "hello")
    body, _, last = done.stdout.decode().rpartition("\n")
    assert last == "2 200" and json.loads(body)["body"] == "hello" and json.loads(body)["target"] == "/public/x?a=b"
    assert upstream.last().version == "HTTP/1.1" and upstream.last().one("Host") == f"wiki.test:{gateway.port}"


def test_curl_falls_back_to_http_1(gateway, curl):
    done = curl("--http1.1", "-w", "\n%{http_version}", gateway.origin("wiki.test") + "/public/x")
    assert done.stdout.endswith(b"\n1.1")


def test_many_streams_at_once(gateway, h2c):
    client = h2c()
    streams = [(n, client.send("GET", f"/public/{n}")) for n in range(50)]
    for number, stream in streams:
        state = client.wait(stream)
        assert status(state) == 200 and json.loads(state["body"])["target"] == f"/public/{number}"


def test_a_slow_stream_holds_no_other_up(gateway, h2c, upstream):
    gate = threading.Event()
    upstream.script("/public/slow", lambda e: (gate.wait(60), e.respond(200, [], b"slow")))
    client = h2c()
    slow = client.send("GET", "/public/slow")
    assert status(client.get("/public/fast")) == 200
    gate.set()
    assert client.wait(slow)["body"] == b"slow"


def test_bodies_both_ways(gateway, h2c, upstream):
    client = h2c()
    state = client.get("/public/x", method="POST", body=b"a" * 10000)
    assert json.loads(state["body"])["length"] == 10000
    stream = client.send("POST", "/public/y", body=b"first", end=False)
    client.connection.send_data(stream, b"second", end_stream=True)
    client.flush()
    assert json.loads(client.wait(stream)["body"])["body"] == "firstsecond"
    request = upstream.last()
    assert (request.one("Content-Length") is None) != (request.one("Transfer-Encoding") is None)


def test_a_body_that_is_announced_and_empty_ends_however_new_the_upstream_connection_is(gateway, h2c):
    # All in one write, and more of them than the gateway can have kept connections: their ends are there before the upstream is.
    client = h2c()
    streams = []
    for number in range(60):
        stream = client.connection.get_next_available_stream_id()
        client.connection.send_headers(stream, client.head("POST", f"/public/{number}"))
        client.connection.send_data(stream, b"", end_stream=True)
        client.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": []}
        streams.append(stream)
    client.flush()
    for stream in streams:
        state = client.wait(stream)
        assert status(state) == 200 and json.loads(state["body"])["length"] == 0


def test_head_and_no_content(gateway, h2c, upstream):
    upstream.script("/public/head", lambda e: e.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"))
    upstream.script("/public/none", lambda e: e.respond(204))
    client = h2c()
    state = client.get("/public/head", method="HEAD")
    assert status(state) == 200 and dict(state["head"])["content-length"] == "99" and state["body"] == b""
    assert status(client.get("/public/none")) == 204


def test_logins_and_identity_are_the_same_as_over_http_1(gateway, h2c, member, upstream):
    client = h2c()
    assert status(client.get("/x")) == 401
    state = client.get("/x", [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")])
    assert status(state) == 302 and dict(state["head"])["location"].startswith(gateway.auth)
    state = client.get("/x", [("cookie", f"__Host-menwei={member.cookie('wiki.test')}")])
    assert status(state) == 200 and upstream.last().one("X-Forwarded-User") == "zhangsan"


def test_cookie_crumbs_are_joined_and_ours_taken_out(gateway, h2c, member, upstream):
    client = h2c()
    crumbs = [("cookie", "a=1"), ("cookie", f"__Host-menwei={member.cookie('wiki.test')}"), ("cookie", "b=2"), ("cookie", "__Host-menwei-try=zzz")]
    assert status(client.get("/x", crumbs)) == 200
    assert upstream.last().one("Cookie") == "a=1; b=2"


def test_a_browser_with_many_crumbs_works_and_a_bomb_does_not(gateway, h2c, member, upstream):
    client = h2c()
    crumbs = [("cookie", f"c{n}=v{n}") for n in range(60)] + [(f"x-{n}", "v") for n in range(30)] + [("cookie", f"__Host-menwei={member.cookie('wiki.test')}")]
    assert status(client.get("/x", crumbs)) == 200
    upstream.clear()
    state = client.get("/x", [("cookie", "a=b")] * 400)
    assert state["reset"] is not None or status(state) == 431
    assert not upstream.requests


def test_the_authority_and_not_the_sni_decides(gateway, h2c, upstream):
    client = h2c()
    assert status(client.get("/public/x", authority=f"app.test:{gateway.port}")) == 401
    assert status(client.get("/public/x", authority="unknown.test")) == 421
    assert status(client.get("/public/x")) == 200


@pytest.mark.parametrize("extra", [
    [("x-forwarded-user ", "admin")], [("X-Forwarded-User", "admin")], [("", "x")], [("x:y", "x")], [("connection", "close")], [("transfer-encoding", "chunked")],
    [("te", "gzip")], [("x-a", "b\r\nx-c: d")], [("x-a", "b\x00c")], [("keep-alive", "1")], [("upgrade", "h2c")], [("proxy-connection", "x")], [(":path", "/other")], [(":status", "200")],
    [(":unknown", "x")],
])
def test_malformed_fields_are_stream_errors_and_reach_nobody(gateway, h2c, upstream, extra):
    client = h2c(validate=False)
    state = client.get("/public/x", extra)
    assert state["reset"] is not None or client.goaway is not None or status(state) == 400
    assert not upstream.requests
    assert status(h2c().get("/public/y")) == 200


@pytest.mark.parametrize("head", [
    {":path": "/public/x y"}, {":path": "/public/x#y"}, {":path": "public"}, {":path": ""}, {":path": "/public/\r\nX: y"}, {":method": "GET /admin HTTP/1.1\r\nX:"},
    {":method": "G T"}, {":method": ""}, {":scheme": "http://evil"}, {":scheme": ""}, {":authority": "wiki.test@evil.test"}, {":authority": "a b"}, {":authority": ""},
    {":path": "*"}, {":path": "https://wiki.test/public"}, {":scheme": None}, {":path": None}, {":method": None},
])
def test_malformed_pseudo_fields_reach_nobody(gateway, h2c, upstream, head):
    client = h2c(validate=False)
    fields = [(n, head.get(n, v)) for n, v in client.head("GET", "/public/x") if head.get(n, v) is not None]
    stream = client.connection.get_next_available_stream_id()
    client.connection.send_headers(stream, fields, end_stream=True)
    client.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": []}
    client.flush()
    state = client.wait(stream)
    assert state["reset"] is not None or client.goaway is not None or status(state) in (400, 405, 421), state
    assert not upstream.requests


def test_authority_and_host_must_agree(gateway, h2c, upstream):
    client = h2c(validate=False)
    state = client.get("/public/x", [("host", f"app.test:{gateway.port}")])
    assert state["reset"] is not None or status(state) == 400
    assert not upstream.requests


def test_a_length_that_is_not_that_of_the_body_is_an_error(gateway, h2c, upstream):
    client = h2c(validate=False)
    state = client.get("/public/x", [("content-length", "5")], method="POST", body=b"0123456789")
    assert state["reset"] is not None or status(state) == 400
    assert not any(request.complete and request.length == 10 for request in upstream.requests)


def test_trailers_carry_no_identity(gateway, h2c, upstream, member):
    client = h2c()
    stream = client.send("POST", "/x", [("cookie", f"__Host-menwei={member.cookie('wiki.test')}")], body=b"x", end=False)
    client.connection.send_headers(stream, [("x-forwarded-user", "admin"), ("x_menwei_assertion", "forged"), ("x-other", "1")], end_stream=True)
    client.flush()
    assert status(client.wait(stream)) == 200
    request = upstream.last()
    assert b"admin" not in request.trailers and b"forged" not in request.trailers
    assert request.one("X-Forwarded-User") == "zhangsan"


def test_rapid_resets_are_answered_with_a_goaway(gateway, h2c, upstream):
    client = h2c()
    try:
        for _ in range(3000):
            stream = client.connection.get_next_available_stream_id()
            client.connection.send_headers(stream, client.head("GET", "/public/x"), end_stream=True)
            client.connection.reset_stream(stream)
            client.flush()
    except (h2.exceptions.ProtocolError, OSError):
        pass
    client.raw.socket.settimeout(30)
    while not client.closed and client.goaway is None and client.step():
        pass
    assert client.closed or client.goaway is not None
    assert client.goaway in (None, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, h2.errors.ErrorCodes.PROTOCOL_ERROR, h2.errors.ErrorCodes.INTERNAL_ERROR)
    assert len(upstream.requests) < 1500
    assert status(h2c().get("/public/alive")) == 200


@pytest.mark.parametrize("flood", [
    frame(4, 0, 0, b""), frame(6, 0, 0, b"12345678"), frame(2, 0, 1, b"\x00\x00\x00\x00\x10"),
], ids=["settings", "ping", "priority"])
def test_floods_of_control_frames_end_the_connection_or_cost_nothing(gateway, h2c, flood):
    client = h2c()
    before = gateway.process.memory()
    for _ in range(200):
        client.raw.try_send(flood * 100)
    assert gateway.process.memory() - before < 32 << 20
    assert status(h2c().get("/public/alive")) == 200


def test_endless_continuations_end_the_connection(gateway, h2c, upstream):
    client = h2c()
    client.raw.try_send(frame(1, 0x1, 1, b"\x82"))
    for _ in range(2000):
        client.raw.try_send(frame(9, 0, 1, b""))
    client.raw.socket.settimeout(30)
    assert client.raw.everything() is not None
    assert not upstream.requests
    assert status(h2c().get("/public/alive")) == 200


def test_a_preface_of_another_protocol_is_closed(gateway, upstream):
    raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca, alpn=("h2",))
    raw.try_send(b"GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
    assert b"200 OK" not in raw.everything() and not upstream.requests
    raw.close()


def test_tls_1_2_carries_http_2(gateway):
    context = client_context(gateway.ca, alpn=("h2",), maximum=ssl.TLSVersion.TLSv1_2)
    with RawConnection(gateway.port, "wiki.test", context=context) as raw:
        assert raw.socket.selected_alpn_protocol() == "h2"


def test_expect_100_continue_over_http_2(gateway, h2c):
    client = h2c()
    stream = client.send("POST", "/public/x", [("expect", "100-continue"), ("content-length", "5")], end=False)
    while not client.streams[stream]["interim"] and client.step():
        pass
    assert client.streams[stream]["interim"][0][":status"] == "100"
    client.connection.send_data(stream, b"hello", end_stream=True)
    client.flush()
    assert json.loads(client.wait(stream)["body"])["body"] == "hello"


def test_an_upload_whose_upstream_stops_taking_it_holds_a_window_and_no_more(gateway, upstream):
    """Windows grow with what is passed on, and what they hold is bounded when that ends."""
    gate, full = threading.Event(), threading.Event()

    def script(exchange):
        taken = 0
        # Some kernels would hold 32 MiB for us.
        exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        while taken < 32 << 20:
            piece = exchange.receive()
            if not piece:
                return
            taken += len(piece)
        full.set()
        gate.wait(90)
        exchange.close()

    upstream.script("/public/upload", script)
    client = H2(gateway)
    client.step()
    stream = client.send("POST", "/public/upload", end=False)
    before = gateway.process.memory()
    sent, end = 0, time.monotonic() + 90
    while sent < 90 << 20:
        room = min(client.connection.local_flow_control_window(stream), 16384)
        if room == 0:
            # The window stays shut once the upstream has stopped; before that a pause is only the machine's.
            stopped = full.is_set()
            client.raw.socket.settimeout(1)
            try:
                assert client.step()
                continue
            except TimeoutError:
                assert time.monotonic() < end, "the upstream never took what it wanted"
                if stopped:
                    break
                continue
            finally:
                client.raw.socket.settimeout(30)
        client.connection.send_data(stream, bytes(room))
        sent += room
        client.raw.send(client.connection.data_to_send())
    # What the kernel holds between gateway and upstream counts too.
    assert 32 << 20 <= sent < 64 << 20
    assert gateway.process.memory() - before < 12 << 20
    gate.set()
    client.raw.close()


@pytest.mark.parametrize("length, body, ends", [(5, b"0123456789", True), (50, b"0123456789", True), (50, b"0123456789", False)],
                         ids=["longer", "shorter", "reset"])
def test_a_body_that_breaks_its_word_is_never_whole_upstream(gateway, h2c, upstream, length, body, ends):
    client = h2c(validate=False)
    stream = client.send("POST", "/public/cut", [("content-length", str(length))], end=False)
    upstream.last()
    client.raw.send(frame(0, 1 if ends else 0, stream, body))
    if not ends:
        client.raw.send(frame(3, 0, stream, b"\0\0\0\x08"))
    else:
        assert client.wait(stream)["reset"] == h2.errors.ErrorCodes.PROTOCOL_ERROR
    wait_for(lambda: getattr(upstream.requests[-1], "failed", False), what="the end of the upstream's connection")
    assert not upstream.last().complete
    assert status(h2c().get("/public/alive")) == 200


def test_an_early_answer_arrives_whole_and_then_the_client_may_stop(gateway, h2c, upstream):
    upstream.script("/public/early", lambda e: (e.respond(413, [], b"too much"), e.close()))
    client = h2c()
    stream = client.send("POST", "/public/early", body=b"x" * 1000, end=False)
    state = client.wait(stream)
    assert status(state) == 413 and state["body"] == b"too much" and state["ended"]
    for _ in range(8):
        client.raw.send(frame(0, 0, stream, bytes(16000)))
    seen = frames(client.raw, lambda f: f[0] == 3)
    assert seen[-1] == (3, 0, stream, bytes(4)), "RST_STREAM with NO_ERROR"
    assert status(h2c().get("/public/alive")) == 200


def test_answers_carry_a_date_and_a_request_id_once(gateway, h2c, upstream):
    upstream.script("/public/dated", lambda e: e.respond(200, [("Date", "Tue, 15 Nov 1994 08:12:31 GMT")], b""))
    client = h2c()
    for path, own in (("/public/dated", False), ("/public/x", True), ("/.menwei/me", True)):
        head = client.get(path)["head"]
        dates = [v for n, v in head if n == "date"]
        assert len(dates) == 1 and (own or dates[0].endswith("1994 08:12:31 GMT"))
        assert len([v for n, v in head if n == "x-request-id"]) == 1


def test_interim_answers_and_trailers_pass(gateway, h2c, upstream):
    upstream.script("/public/early-hints", lambda e: e.send(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Menwei-A: b\r\n\r\n"))
    client = h2c()
    state = client.get("/public/early-hints")
    assert state["interim"][0][":status"] == "103" and state["body"] == b"ok"
    assert state["trailers"] == [("x-sum", "1")]
