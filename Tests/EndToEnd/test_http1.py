"""HTTP/1.1 as clients speak it, byte for byte."""
import re

import pytest

from harness.raw import RawConnection


def ask(gateway, line, *fields, host="wiki.test"):
    return (f"{line} HTTP/1.1\r\nHost: {host}:{gateway.port}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n").encode("latin-1")


def test_one_connection_serves_many_requests(gateway, connect, upstream):
    raw = connect()
    ids = set()
    for number in range(20):
        raw.send(ask(gateway, f"GET /public/{number}"))
        answer = raw.response()
        assert answer.status == 200 and f"/public/{number}".encode() in answer.body
        ids.add(answer.one("X-Request-Id"))
    assert len(ids) == 20
    assert len({request.connection_number for request in upstream.requests}) == 1, "upstream connections are kept"


def test_pipelined_requests_are_answered_in_order(gateway, connect, upstream):
    def slow(exchange):
        exchange.read_body()
        exchange.server.wait_requests(1)
        exchange.respond(200, [], b"slow")

    upstream.script("/public/slow", slow)
    raw = connect()
    raw.send(ask(gateway, "GET /public/slow") + ask(gateway, "POST /public/2", "Content-Length: 3") + b"abc" + ask(gateway, "GET /admin")
             + ask(gateway, "HEAD /public/3") + ask(gateway, "GET /public/4"))
    assert raw.response().body == b"slow"
    assert b'"body": "abc"' in raw.response().body
    assert raw.response().status == 401
    assert raw.response("HEAD").body == b""
    assert b"/public/4" in raw.response().body


def test_a_request_may_come_a_byte_at_a_time(gateway, connect, upstream):
    raw = connect()
    for byte in ask(gateway, "POST /public/x", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n":
        raw.send(bytes([byte]))
    assert b'"body": "abc"' in raw.response().body


def test_chunked_requests_stream_to_the_upstream(gateway, connect, upstream):
    seen = []

    def script(exchange):
        # The first chunk is here although the second was not sent.
        while b"first" not in exchange.rest:
            exchange.rest += exchange.connection.recv(65536)
        seen.append("first")
        exchange.read_body()
        exchange.respond(200, [], b"done")

    upstream.script("/public/up", script)
    raw = connect()
    raw.send(ask(gateway, "POST /public/up", "Transfer-Encoding: chunked") + b"5\r\nfirst\r\n")
    from harness.waiting import wait_for
    wait_for(lambda: seen, what="the first chunk at the upstream")
    raw.send(b"6\r\nsecond\r\n0\r\n\r\n")
    assert raw.response().body == b"done"
    assert upstream.last().body == b"firstsecond"


def test_chunked_answers_stream_to_the_client(gateway, connect, upstream):
    import threading
    gate = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert gate.wait(60)
        exchange.send(b"6\r\nsecond\r\n0\r\n\r\n")

    upstream.script("/public/down", script)
    raw = connect()
    raw.send(ask(gateway, "GET /public/down"))
    head = raw.head()
    assert head.one("Transfer-Encoding").lower() == "chunked" and head.one("Content-Length") is None
    assert raw._until(b"\r\n") == b"5" and raw._exactly(7) == b"first\r\n"
    gate.set()
    assert raw._until(b"\r\n") == b"6" and raw._exactly(8) == b"second\r\n"
    assert raw._until(b"\r\n") == b"0" and raw._until(b"\r\n") == b""
    raw.send(ask(gateway, "GET /public/x"))
    assert raw.response().status == 200


def test_an_answer_until_close_becomes_chunked(gateway, connect, upstream):
    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\nhello world")
        exchange.close()

    upstream.script("/public/close", script)
    raw = connect()
    raw.send(ask(gateway, "GET /public/close"))
    answer = raw.response()
    assert answer.body == b"hello world"
    raw.send(ask(gateway, "GET /public/x"))
    assert raw.response().status == 200, "the client's connection lives on"


def test_http_1_0_clients_get_no_chunks_and_a_close(gateway, connect, upstream):
    raw = connect()
    raw.send(f"GET /public/download?bytes=10&chunked=1 HTTP/1.0\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    upstream.script("/public/download", lambda e: e.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    raw2 = connect()
    raw2.send(f"GET /public/download HTTP/1.0\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    everything = raw2.everything()
    head, _, body = everything.partition(b"\r\n\r\n")
    assert body == b"hello" and b"chunked" not in head.lower()


def test_expect_100_continue_is_answered_when_the_upstream_may_have_the_body(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "POST /public/x", "Content-Length: 5", "Expect: 100-continue"))
    interim = raw.head()
    assert interim.status == 100
    raw.send(b"hello")
    answer = raw.response()
    assert answer.status == 200 and b'"body": "hello"' in answer.body


def test_expect_100_continue_without_a_session_asks_for_no_body(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "POST /private", "Content-Length: 5000000", "Expect: 100-continue"))
    answer = raw.response()
    assert answer.status == 401 and not answer.interim and not upstream.requests


def test_an_unknown_expectation_is_417(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "POST /public/x", "Content-Length: 0", "Expect: 200-maybe"))
    assert raw.response().status == 417


def test_head_has_the_length_and_no_body(gateway, connect, upstream):
    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nX-A: b\r\n\r\n")

    upstream.script("/public/head", script)
    raw = connect()
    raw.send(ask(gateway, "HEAD /public/head") + ask(gateway, "GET /public/x"))
    answer = raw.response("HEAD")
    assert answer.one("Content-Length") == "12345" and answer.one("X-A") == "b"
    assert raw.response().status == 200


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(gateway, connect, upstream, status):
    upstream.script("/public/none", lambda e: e.respond(status, [("ETag", '"x"')]))
    raw = connect()
    raw.send(ask(gateway, "GET /public/none") + ask(gateway, "GET /public/x"))
    answer = raw.response()
    assert answer.status == status and answer.one("Transfer-Encoding") is None
    assert raw.response().status == 200


def test_trailers_of_an_answer_reach_the_client_or_are_dropped_but_never_break_it(gateway, connect, upstream):
    upstream.script("/public/t", lambda e: e.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: v\r\nX-Menwei-Assertion: forged\r\nSet-Cookie: __Host-menwei=x\r\n\r\n"))
    raw = connect()
    raw.send(ask(gateway, "GET /public/t") + ask(gateway, "GET /public/x"))
    answer = raw.response()
    assert answer.body == b"ok" and not any(b"menwei" in t.lower() for t in answer.trailers)
    assert raw.response().status == 200


def test_informational_answers_reach_the_client(gateway, connect, upstream):
    def script(exchange):
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream.script("/public/hints", script)
    raw = connect()
    raw.send(ask(gateway, "GET /public/hints"))
    answer = raw.response()
    assert answer.status == 200 and answer.body == b"ok"
    assert all(i.status in (100, 103) for i in answer.interim)


def test_connection_close_closes(gateway, connect):
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", "Connection: close"))
    answer = raw.response()
    assert answer.one("Connection") == "close" and raw.is_closed()


def test_hop_by_hop_fields_stay_at_their_hop(gateway, connect, upstream):
    upstream.script("/public/hop", lambda e: (e.read_body(), e.respond(200, [
        ("Connection", "X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"), ("Proxy-Authenticate", "Basic"), ("X-Public", "1"), ("Alt-Svc", 'h3=":443"')], b"x")))
    raw = connect()
    raw.send(ask(gateway, "GET /public/hop", "Connection: X-Mine, keep-alive", "X-Mine: 1", "Keep-Alive: 300", "TE: gzip", "Upgrade: h2c", "HTTP2-Settings: AAA",
                 "Proxy-Authorization: Basic x", "X-Kept: 1"))
    answer = raw.response()
    assert answer.one("X-Public") == "1"
    for name in ("X-Private", "Keep-Alive", "Alt-Svc"):
        assert answer.one(name) is None, name
    request = upstream.last()
    for name in ("x-mine", "keep-alive", "upgrade", "http2-settings", "te"):
        assert name not in request.names, name
    assert request.one("X-Kept") == "1"


def test_h2c_upgrades_are_not_taken(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"))
    assert raw.response().status == 200
    assert not {"upgrade", "http2-settings"} & set(upstream.last().names)


def test_everything_else_arrives_as_it_was_sent(gateway, connect, upstream):
    raw = connect()
    fields = ["X-Case: KeePs", "x-lower: 1", "Accept-Encoding: gzip, br", "X-Twice: 1", "X-Twice: 2", "X-Latin: caf\xe9", "X-Empty:", "Range: bytes=0-4",
              "Cookie: a=b; c=\"d e\"", "If-None-Match: \"x\"", "Authorization: Bearer abc"]
    raw.send(ask(gateway, "GET /public/x?q=%2F&&=&%E4%BD%A0&'()*", *fields))
    assert raw.response().status == 200
    request = upstream.last()
    assert request.target == "/public/x?q=%2F&&=&%E4%BD%A0&'()*" and request.version == "HTTP/1.1"
    assert request.one("X-Case") == "KeePs" and request.all("X-Twice") in (["1", "2"], ["1, 2"]) and request.one("X-Latin") == "caf\xe9"
    assert request.one("X-Empty") == "" and request.one("Cookie") == 'a=b; c="d e"' and request.one("Authorization") == "Bearer abc"
    assert request.one("Host") == f"wiki.test:{gateway.port}"


def test_upstream_answers_arrive_as_they_were_sent(gateway, connect, upstream):
    upstream.script("/public/a", lambda e: (e.read_body(), e.respond(418, [("X-Twice", "1"), ("X-Twice", "2"), ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"),
                                                                          ("Content-Type", "x/y"), ("Server", "legacy")], b"\x00\xff", reason="Teapot Short")))
    raw = connect()
    raw.send(ask(gateway, "GET /public/a"))
    answer = raw.response()
    assert answer.status == 418 and answer.body == b"\x00\xff"
    assert answer.all("Set-Cookie") == ["a=1; Path=/", "b=2"] and answer.all("X-Twice") == ["1", "2"] and answer.one("Content-Type") == "x/y"


def test_a_head_over_its_limit_is_431(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", *(f"X-{n}: {'v' * 1000}" for n in range(40))))
    assert raw.response().status == 431
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", *(f"X-{n}: v" for n in range(201))))
    assert raw.response().status == 431
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", *(f"X-{n}: v" for n in range(190))))
    assert raw.response().status == 200
    assert len(upstream.requests) == 1


def test_a_target_over_its_limit_is_414(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "GET /public/" + "a" * (17 << 10)))
    assert raw.response().status == 414 and not upstream.requests
    raw = connect()
    raw.send(ask(gateway, "GET /public/" + "a" * (15 << 10)))
    assert raw.response().status == 200


def test_a_declared_body_over_the_limit_is_413_before_the_upstream(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "request_body_limit": "1KiB"}])
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(ask(gateway, "POST /x", "Content-Length: 1025"))
        answer = raw.response()
        assert answer.status == 413 and answer.one("X-Request-Id") and not upstream.requests
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(ask(gateway, "POST /x", "Content-Length: 1024") + b"x" * 1024)
        assert raw.response().status == 200
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(ask(gateway, "POST /x", "Transfer-Encoding: chunked"))
        for _ in range(5):
            raw.try_send(b"200\r\n" + b"x" * 512 + b"\r\n")
        raw.try_send(b"0\r\n\r\n")
        assert raw.response().status == 413
    assert all(request.length <= 1024 for request in upstream.requests)
    from harness.waiting import wait_for
    wait_for(lambda: len(upstream.requests) <= 2)


def test_an_unread_body_is_drained_or_the_connection_closes(gateway, connect, upstream):
    """The bytes of a refused body must never be taken for a request."""
    for size in (100, 10 << 20):
        body = (b"GET /public/smuggled HTTP/1.1\r\nHost: wiki.test:%d\r\n\r\n" % gateway.port)
        body = body * (size // len(body) + 1)
        raw = connect()
        raw.try_send(ask(gateway, "POST /private", f"Content-Length: {len(body)}"))
        raw.try_send(body)
        raw.try_send(ask(gateway, "GET /public/after"))
        assert raw.response().status == 401
        rest = raw.everything() if size > 1000 else raw.response().body
        assert b"smuggled" not in rest
    assert "/public/smuggled" not in upstream.targets()


@pytest.mark.parametrize("length", [100_000, 1 << 33, (1 << 63) - 1])
def test_a_body_too_long_to_drop_is_refused_with_the_end_of_the_connection(gateway, connect, length):
    raw = connect()
    raw.send(ask(gateway, "POST /private", f"Content-Length: {length}"))
    answer = raw.response()
    assert answer.status in (401, 413) and answer.one("Connection") == "close" and raw.is_closed()


def test_the_body_of_a_get_goes_along(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", "Content-Length: 5") + b"hello" + ask(gateway, "GET /public/y"))
    assert b'"body": "hello"' in raw.response().body
    assert b"/public/y" in raw.response().body


def test_absolute_form_goes_by_its_own_host(gateway, connect, upstream):
    raw = connect()
    raw.send(f"GET https://wiki.test:{gateway.port}/public/x?y HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 200
    assert upstream.last().target == "/public/x?y"
    raw = connect("wiki.test")
    raw.send(f"GET https://app.test:{gateway.port}/public/x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 401, "app.test has no open path"
    assert len(upstream.requests) == 1
    raw = connect()
    raw.send(f"GET https://evil.test/public/x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 421
    raw = connect()
    raw.send(f"GET https://wiki.test:{gateway.port}/public/x HTTP/1.1\r\nHost: app.test:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 200
    assert upstream.last().one("Host") == upstream.last().one("X-Forwarded-Host") == f"wiki.test:{gateway.port}", "the application is told of the same one"


@pytest.mark.parametrize("line", ["CONNECT wiki.test:443", "TRACE /public/x", "CONNECT /public/x"])
def test_connect_and_trace_are_405(gateway, connect, upstream, line):
    raw = connect()
    raw.send(ask(gateway, line))
    assert raw.response().status in ((405,) if "TRACE" in line or ":443" in line else (400, 405)) and not upstream.requests


# Upstreams that misbehave

@pytest.mark.parametrize("answer", [
    b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 999999 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100000 + b"\r\n\r\n",
    b"<html>no head</html>", b"HTTP/1.1 100 Continue\r\n\r\n" * 200, b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
])
def test_a_broken_answer_is_502_and_its_connection_is_not_used_again(gateway, connect, upstream, answer):
    def script(exchange):
        exchange.read_body()
        exchange.send(answer)
        exchange.close()

    upstream.script("/public/bad", script)
    raw = connect()
    raw.send(ask(gateway, "GET /public/bad", "Accept: application/json"))
    response = raw.response()
    assert response.status == 502, response.raw_head
    assert b"urn:menwei:upstream" in response.body
    raw.send(ask(gateway, "GET /public/next"))
    assert b"/public/next" in raw.response().body


def test_stray_bytes_after_an_answer_reach_nobody(gateway, connect, upstream):
    def script(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned")

    upstream.script("/public/stray", script)
    raw = connect()
    for _ in range(5):
        raw.send(ask(gateway, "GET /public/stray"))
        assert raw.response().body == b"ok"
        raw.send(ask(gateway, "GET /public/next"))
        answer = raw.response()
        assert b"poisoned" not in answer.body and b"/public/next" in answer.body


def test_an_answer_that_breaks_off_is_never_made_to_look_whole(gateway, connect, upstream):
    def short(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        exchange.close()

    def chunks(exchange):
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
        exchange.close()

    for path, script in (("/public/short", short), ("/public/chunks", chunks)):
        upstream.script(path, script)
        raw = connect()
        raw.send(ask(gateway, f"GET {path}"))
        with pytest.raises(EOFError):
            raw.response()


def test_a_dead_upstream_is_502_and_a_silent_one_504(make_gateway, upstream):
    import threading
    release = threading.Event()
    from harness.ports import free_port
    gateway = make_gateway([
        {"id": "dead", "host": "dead.test", "upstreams": [f"http://127.0.0.1:{free_port()}"], "access": [{"allow": "anyone"}]},
        {"id": "slow", "host": "slow.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "timeouts": {"response": "1s"}},
    ])
    upstream.script("/never", lambda e: release.wait(60))
    for host, path, status in (("dead.test", "/", 502), ("slow.test", "/never", 504)):
        for accept, kind in (("text/html", "text/html"), ("application/json", "application/problem+json")):
            with RawConnection(gateway.port, host, ca=gateway.ca) as raw:
                raw.send(ask(gateway, f"GET {path}", f"Accept: {accept}", host=host))
                answer = raw.response()
                assert answer.status == status and answer.one("Content-Type").startswith(kind), answer.raw_head
                assert answer.one("X-Request-Id").encode() in answer.body
    release.set()


def test_a_kept_connection_that_the_upstream_closed_is_replaced(gateway, connect, upstream):
    raw = connect()
    for _ in range(10):
        raw.send(ask(gateway, "GET /public/x"))
        assert raw.response().status == 200
        upstream.close_connections()


def test_bodies_over_a_closed_kept_connection_are_not_sent_twice(gateway, connect, upstream):
    """A POST whose connection dies after it was sent must not be repeated."""
    def dies(exchange):
        exchange.read_body()
        exchange.close()

    upstream.script("/public/once", dies)
    raw = connect()
    raw.send(ask(gateway, "GET /public/warm"))
    raw.response()
    raw.send(ask(gateway, "POST /public/once", "Content-Length: 2") + b"hi")
    assert raw.response().status == 502
    assert upstream.targets().count("/public/once") == 1


def test_request_ids_are_ours_and_new(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", "X-Request-Id: forged"))
    answer = raw.response()
    assert upstream.last().one("X-Request-Id") == answer.one("X-Request-Id") != "forged"
    assert re.fullmatch(r"[A-Za-z0-9_-]{16,64}", answer.one("X-Request-Id"))


def test_pages_name_the_request_id(gateway, connect):
    raw = connect()
    raw.send(ask(gateway, "GET /.menwei/none", "Accept: text/html"))
    answer = raw.response()
    assert answer.status == 404 and answer.one("X-Request-Id").encode() in answer.body


@pytest.mark.parametrize("kind", ["page", "own", "forwarded"])
def test_who_asks_on_and_does_not_read_gets_no_more_answers(make_gateway, upstream, kind):
    """Pipelined without an end, nothing read: the answers wait in a bounded queue, and the requests in the client's own."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"path": "/public/*", "allow": "anyone"}, {"allow": "members"}]}])
    host = "x" if kind == "page" else f"wiki.test:{gateway.port}"
    target = "/public/x" if kind == "forwarded" else "/.menwei/jwks.json"
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n".encode()
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        before = gateway.process.memory()
        raw.socket.settimeout(2)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 64 << 20:
                raw.socket.sendall(request * 1000)
                sent += len(request) * 1000
        assert gateway.process.memory() - before < 16 << 20
        # Once it reads, all goes on.
        raw.socket.settimeout(60)
        seen = 0
        while seen < 2 << 20:
            seen += len(raw.socket.recv(1 << 16))
