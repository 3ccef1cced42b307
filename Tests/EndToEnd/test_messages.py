"""What RFC 9110 and RFC 9112 ask of whoever stands in the middle: interim answers, bodies that may not be, trailers, half-closed connections, old versions."""
import re
import signal
import socket
import ssl
import threading
import time

import pytest

from harness.raw import RawConnection, client_context
from harness.waiting import wait_for


def ask(gateway, line, *fields, host="wiki.test", version="1.1"):
    return (f"{line} HTTP/{version}\r\nHost: {host}:{gateway.port}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n").encode("latin-1")


def sends(data, closes=False):
    """A script that reads the request and answers with these bytes."""
    def script(exchange):
        exchange.read_body()
        exchange.send(data)
        if closes:
            exchange.close()
    return script


class HalfClosing:
    """TLS whose sending side can be ended by close_notify while the other is still read."""

    def __init__(self, gateway, host="wiki.test"):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=30)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context(gateway.ca).wrap_bio(self.incoming, self.outgoing, server_hostname=host)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.socket.recv(65536))

    def flush(self):
        self.socket.sendall(self.outgoing.read())

    def send_and_end(self, data):
        self.tls.write(data)
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()
        self.socket.shutdown(socket.SHUT_WR)

    def everything(self):
        received = b""
        while True:
            try:
                data = self.tls.read(65536)
            except ssl.SSLWantReadError:
                more = self.socket.recv(65536)
                if not more:
                    return received
                self.incoming.write(more)
                continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError, ssl.SSLSyscallError):
                return received
            if not data:
                return received
            received += data


# Half-closed connections (RFC 9112 section 9.6)

def test_pipelined_requests_before_the_end_are_all_answered_over_tls(gateway, upstream):
    client = HalfClosing(gateway)
    client.send_and_end(b"".join(ask(gateway, f"GET /public/{n}") for n in range(5)) + ask(gateway, "POST /public/5", "Content-Length: 3") + b"abc")
    received = client.everything()
    assert received.count(b"HTTP/1.1 200") == 6 and b'"body": "abc"' in received
    assert upstream.targets() == [f"/public/{n}" for n in range(6)]


def test_pipelined_requests_before_the_end_are_all_answered_over_plain_http(make_gateway, upstream):
    from harness.ports import free_port
    port = free_port()
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["listen"].update(http=[f"127.0.0.1:{port}"]))
    with RawConnection(port) as raw:
        raw.send(b"".join(f"GET /{n} HTTP/1.1\r\nHost: wiki.test:{port}\r\n\r\n".encode() for n in range(5)))
        raw.socket.shutdown(socket.SHUT_WR)
        received = raw.everything()
    assert re.findall(rb"Location: https://wiki.test:\d+(\S+)\r\n", received) == [f"/{n}".encode() for n in range(5)]


def test_a_slow_answer_reaches_a_client_that_has_ended_its_side(gateway, upstream):
    gate = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert gate.wait(60)
        exchange.send(b"6\r\nsecond\r\n0\r\n\r\n")

    upstream.script("/public/slow", script)
    client = HalfClosing(gateway)
    client.send_and_end(ask(gateway, "GET /public/slow"))
    upstream.wait_requests(1)
    gate.set()
    received = client.everything()
    assert b"first" in received and b"second" in received and b"Connection: close" not in received.partition(b"\r\n\r\n")[2]


def test_a_half_request_before_the_end_is_no_request(gateway, upstream):
    for rest, count in ((b"GET /public/half HTTP/1.1\r\nHo", 1), (ask(gateway, "POST /public/half", "Content-Length: 10") + b"abc", 2)):
        upstream.clear()
        client = HalfClosing(gateway)
        client.send_and_end(ask(gateway, "GET /public/whole") + rest)
        assert client.everything().count(b"HTTP/1.1 200") == 1
        assert len(upstream.requests) <= count
        wait_for(lambda: not [r for r in upstream.requests if r.path == "/public/half" and not r.failed], what="the half request to fail at the application")


def test_a_client_that_vanishes_takes_its_request_with_it(gateway, upstream):
    ended = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                exchange.send(b"5\r\nevent\r\n")
                time.sleep(0.02)
        except OSError:
            ended.set()
            raise

    upstream.script("/public/events", script)
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(ask(gateway, "GET /public/events"))
        raw._until(b"event")
    assert ended.wait(60)


# Interim answers

def test_early_hints_pass_and_old_clients_see_none(gateway, connect, upstream):
    upstream.script("/public/hints", sends(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x.css>; rel=preload\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Menwei-A: b\r\n"
                                           b"Set-Cookie: __Host-menwei=x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    raw = connect()
    raw.send(ask(gateway, "GET /public/hints"))
    answer = raw.response()
    assert [i.status for i in answer.interim] == [102, 103] and answer.body == b"ok"
    hints = answer.interim[1]
    assert hints.one("Link") == "</x.css>; rel=preload" and [n for n, _ in hints.headers] == ["Link"]
    old = connect()
    old.send(ask(gateway, "GET /public/hints", version="1.0"))
    assert old.everything().startswith(b"HTTP/1.1 200 ")


def test_100_continue_is_told_once(gateway, connect, upstream):
    def script(exchange):
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        exchange.read_body()
        exchange.respond(200, [], b"ok")

    upstream.script("/public/up", script)
    raw = connect()
    raw.send(ask(gateway, "POST /public/up", "Content-Length: 5", "Expect: 100-Continue"))
    assert raw.head().status == 100
    raw.send(b"hello")
    answer = raw.response()
    assert answer.status == 200 and not answer.interim
    assert upstream.last().one("Expect") is None and upstream.last().body == b"hello"
    raw.send(ask(gateway, "GET /public/next"))
    assert raw.response().status == 200


def test_a_client_that_does_not_wait_for_100_is_served(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "POST /public/up", "Content-Length: 5", "Expect: 100-continue") + b"hello" + ask(gateway, "GET /public/next"))
    assert b'"body": "hello"' in raw.response().body
    assert b"/public/next" in raw.response().body


def test_an_application_that_answers_before_the_body_is_heard(gateway, connect, upstream):
    upstream.script("/public/no", lambda e: (e.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"), e.close()))
    raw = connect()
    raw.send(ask(gateway, "POST /public/no", "Content-Length: 5", "Expect: 100-continue"))
    answer = raw.response()
    assert answer.status == 403 and answer.body == b"no"
    raw.try_send(b"hello" + ask(gateway, "GET /public/next"))
    try:
        assert b"/public/next" in raw.response().body
    except EOFError:
        pass  # what comes next may as well be unknown: then the connection closes
    assert all("hello" not in target for target in upstream.targets())


def test_a_refusal_before_the_body_ends_the_connection_of_who_waits(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "POST /private", "Content-Length: 5", "Expect: 100-continue"))
    answer = raw.response()
    assert answer.status == 401 and answer.one("Connection") == "close"
    assert raw.is_closed() and not upstream.requests


def test_http_1_0_knows_no_expectations(gateway, connect, upstream):
    raw = connect()
    raw.send(ask(gateway, "POST /public/up", "Content-Length: 5", "Expect: 100-continue", version="1.0") + b"hello")
    assert raw.everything().startswith(b"HTTP/1.1 200 ")


# Early answers

@pytest.mark.parametrize("size", [10_000, 20 << 20])
def test_an_answer_that_comes_before_a_large_body_arrives(gateway, connect, upstream, size):
    """The client writes all of it before it reads: the answer must not be lost to a reset."""
    def script(exchange):
        exchange.respond(507, [("Connection", "close")], b"full")
        exchange.close()

    upstream.script("/public/full", script)
    raw = connect()
    raw.send(ask(gateway, "POST /public/full", f"Content-Length: {size}"))
    raw.try_send(b"x" * size)
    answer = raw.response()
    assert answer.status == 507 and answer.body == b"full"


def test_a_slow_sender_gets_its_early_answer(gateway, connect, upstream):
    """Longer than anybody lingers without a byte, but bytes come all the time."""
    upstream.script("/public/full", lambda e: (e.respond(507, [("Connection", "close")], b"full"), e.close()))
    while True:
        raw = connect()
        raw.send(ask(gateway, "POST /public/full", "Content-Length: 100000000"))
        begun = sent = time.monotonic()
        longest = 0
        while time.monotonic() - begun < 4 and longest < 1:
            raw.try_send(b"x" * 65536)
            time.sleep(0.05)
            longest, sent = max(longest, time.monotonic() - sent), time.monotonic()
        # A machine that stood still makes us somebody who sent nothing for a while, which is not who is looked at here.
        if longest < 1:
            break
    answer = raw.response()
    assert answer.status == 507 and answer.body == b"full"


# Bodies where none may be

@pytest.mark.parametrize("method, head", [
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"), ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"), ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n"),
    ("GET", b"HTTP/1.1 204 No Content\r\n"), ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n"), ("GET", b"HTTP/1.1 304 Not Modified\r\n"),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"),
])
def test_bodies_that_may_not_be_reach_nobody(gateway, connect, upstream, method, head):
    upstream.script("/public/body", sends(head + b"\r\n" + b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"))
    raw = connect()
    for _ in range(3):
        raw.send(ask(gateway, f"{method} /public/body"))
        answer = raw.response(method)
        assert answer.body == b"" and answer.one("Transfer-Encoding") is None
        raw.send(ask(gateway, "GET /public/next"))
        answer = raw.response()
        assert b"/public/next" in answer.body
    numbers = [r.connection_number for r in upstream.requests]
    assert numbers[0] != numbers[1], "its connection is not used again"


def test_a_205_is_framed_as_any_other(gateway, connect, upstream):
    upstream.script("/public/reset", sends(b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"))
    raw = connect()
    raw.send(ask(gateway, "POST /public/reset", "Content-Length: 0") + ask(gateway, "GET /public/next"))
    answer = raw.response()
    assert answer.status == 205 and answer.one("Content-Length") == "0"
    assert raw.response().status == 200


def test_an_answer_longer_than_it_says_ends_where_it_said(gateway, connect, upstream):
    upstream.script("/public/long", sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more"))
    raw = connect()
    raw.send(ask(gateway, "GET /public/long") + ask(gateway, "GET /public/next"))
    assert raw.response().body == b"ok"
    assert b"/public/next" in raw.response().body
    numbers = [r.connection_number for r in upstream.wait_requests(2)]
    assert numbers[0] != numbers[1]


# Trailers

def test_trailers_of_a_request_arrive_but_for_what_none_may_say(gateway, connect, upstream):
    refused = ["X-Forwarded-User", "x_menwei_assertion", "Content-Length", "Transfer-Encoding", "Host", "Cookie", "Authorization", "Connection", "TE", "Content-Type", "X-Mine", "Via", "Trailer"]
    raw = connect()
    raw.send(ask(gateway, "POST /public/t", "Transfer-Encoding: chunked", "Connection: X-Mine", "Trailer: X-Checksum") + b"2\r\nhi\r\n0\r\nX-Checksum: abc\r\n"
             + b"".join(f"{name}: forged\r\n".encode() for name in refused) + b"\r\n" + ask(gateway, "GET /public/next"))
    assert b'"body": "hi"' in raw.response().body
    request = upstream.requests[0]
    assert request.trailers == b"X-Checksum: abc\r\n" and not [v for _, v in request.headers if "forged" in v]
    assert b"/public/next" in raw.response().body


def test_trailers_of_an_answer_arrive_but_for_what_none_may_say(gateway, connect, upstream):
    upstream.script("/public/t", sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n\r\n2\r\nok\r\n0\r\nX-Checksum: abc\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n"
                                       b"Location: /x\r\nX-Menwei-Assertion: x\r\nX_Menwei_A: x\r\nTransfer-Encoding: chunked\r\nX-Request-Id: x\r\n\r\n"))
    raw = connect()
    raw.send(ask(gateway, "GET /public/t", "TE: trailers", "Connection: TE"))
    answer = raw.response()
    assert answer.body == b"ok" and answer.trailers == [b"X-Checksum: abc"] and answer.one("Trailer") == "X-Checksum"
    request = upstream.last()
    assert request.one("TE") == "trailers" and request.one("Connection").lower() == "te"
    old = connect()
    old.send(ask(gateway, "GET /public/t", version="1.0"))
    received = old.everything()
    assert received.endswith(b"\r\n\r\nok") and b"X-Checksum" not in received.partition(b"\r\n\r\n")[2]


def test_trailers_are_asked_of_the_application_only_for_who_takes_them(gateway, connect, upstream):
    raw = connect()
    for fields in ([], ["TE: gzip"], ["TE: gzip;q=0.5", "Connection: TE"]):
        raw.send(ask(gateway, "GET /public/x", *fields))
        assert raw.response().status == 200
        assert upstream.last().one("TE") is None and upstream.last().one("Connection") is None


# Old versions

def test_http_1_0_clients_may_keep_their_connection(gateway, connect, upstream):
    raw = connect()
    for _ in range(3):
        raw.send(ask(gateway, "GET /public/x", "Connection: keep-alive", version="1.0"))
        answer = raw.response()
        assert answer.status == 200 and answer.one("Connection").lower() == "keep-alive" and answer.one("Content-Length")
    upstream.script("/public/download", sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    raw.send(ask(gateway, "GET /public/download", "Connection: keep-alive", version="1.0"))
    received = raw.everything()
    assert received.endswith(b"\r\n\r\nhello") and b"Connection: close" in received, "only the end of the connection can say where it ends"
    raw = connect()
    raw.send(ask(gateway, "GET /public/x", version="1.0"))
    assert raw.response().one("Connection") == "close" and raw.is_closed()


def test_http_1_0_applications_are_read_as_such(gateway, connect, upstream):
    raw = connect()
    upstream.script("/public/old", sends(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", closes=True))
    raw.send(ask(gateway, "GET /public/old"))
    answer = raw.response()
    assert answer.version == "HTTP/1.1" and answer.body == b"until the end"
    for field, kept in ((b"", False), (b"Connection: Keep-Alive\r\n", True)):
        upstream.clear()
        upstream.script("/public/old", sends(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n" + field + b"\r\nok"))
        for _ in range(2):
            raw.send(ask(gateway, "GET /public/old"))
            assert raw.response().body == b"ok"
        assert (len({r.connection_number for r in upstream.requests}) == 1) == kept


def test_a_date_is_added_where_there_is_none(gateway, connect, upstream):
    upstream.script("/public/none", sends(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    upstream.script("/public/one", sends(b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"))
    raw = connect()
    raw.send(ask(gateway, "GET /public/none") + ask(gateway, "GET /public/one"))
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", raw.response().one("Date"))
    assert raw.response().one("Date") == "Thu, 01 Jan 1970 00:00:00 GMT"


# What goes on as it is, and what stays at its hop

def test_every_hop_by_hop_field_stays(gateway, connect, upstream):
    hop = ["Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authenticate: x", "Proxy-Authorization: Basic x", "TE: gzip", "Trailer: X", "Upgrade: h2c", "HTTP2-Settings: x",
           "X-Nominated: 1", "Keep_Alive: x", "Transfer_Encoding: x"]
    fields = [("Connection", "X-Nominated, Upgrade, x-other"), ("X-Other", "1"), ("X-Kept", "1")] + [tuple(f.split(": ", 1)) for f in hop if "Trailer" not in f]
    upstream.script("/public/hop", lambda e: (e.read_body(), e.respond(200, fields, b"x")))
    raw = connect()
    raw.send(ask(gateway, "GET /public/hop", "Connection: X-Nominated, Upgrade, HTTP2-Settings, x-other", "X-Other: 1", "X-Kept: 1", *hop))
    answer = raw.response()
    names = {name.lower() for name, _ in answer.headers}
    assert not names & {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "upgrade", "http2-settings", "x-nominated", "x-other", "keep_alive",
                        "transfer_encoding"}
    assert "x-kept" in names
    assert set(upstream.last().names) == {"host", "x-kept", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id", "via", "traceparent"}


def test_ranges_pass_untouched(gateway, connect, upstream):
    body = b"--b\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--b--\r\n"
    upstream.script("/public/part", lambda e: (e.read_body(), e.respond(206, [("Content-Type", "multipart/byteranges; boundary=b")], body)))
    raw = connect()
    raw.send(ask(gateway, "GET /public/part", "Range: bytes=0-0, 5-6 ,-1", 'If-Range: "x"', "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"))
    answer = raw.response()
    assert answer.status == 206 and answer.body == body and answer.one("Content-Type") == "multipart/byteranges; boundary=b"
    request = upstream.last()
    assert request.one("Range") == "bytes=0-0, 5-6 ,-1" and request.one("If-Range") == '"x"' and request.one("If-Modified-Since")


@pytest.mark.parametrize("method", ["PROPFIND", "M-SEARCH", "PURGE", "REPORT", "QUERY", "X!#$%&'*+-.^_`|~9"])
def test_methods_that_nobody_here_knows_pass(gateway, connect, upstream, method):
    raw = connect()
    raw.send(ask(gateway, f"{method} /public/x", "Content-Length: 2") + b"hi" + ask(gateway, f"{method} /private"))
    assert raw.response().status == 200 and upstream.last().method == method and upstream.last().body == b"hi"
    assert raw.response().status == 401


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", b"ICY 200 OK\r\n\r\n", b"HTTP/1.1 099 X\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok",
    b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
])
def test_answers_with_two_readings_are_502(gateway, connect, upstream, answer):
    """RFC 9112 lets a proxy mend some of these. What one reader mends another may read as something else: they are refused."""
    upstream.script("/public/odd", sends(answer))
    raw = connect()
    raw.send(ask(gateway, "GET /public/odd") + ask(gateway, "GET /public/next"))
    assert raw.response().status == 502
    assert b"/public/next" in raw.response().body


# Bytes of an application that belong to no request

def test_bytes_on_an_idle_connection_are_nobodys_answer(gateway, connect, upstream):
    connections = []

    def script(exchange):
        connections.append(exchange.connection)
        exchange.read_body()
        exchange.respond(200, [], b"ok")

    upstream.script("/public/kept", script)
    raw = connect()
    for _ in range(20):
        raw.send(ask(gateway, "GET /public/kept"))
        assert raw.response().body == b"ok"
        try:
            connections[-1].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned")
        except OSError:
            pass
        raw.send(ask(gateway, "GET /public/next"))
        assert b"/public/next" in raw.response().body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_bytes_that_came_before_the_request_went_out_are_not_its_answer(gateway, connect, upstream, method):
    """The gateway looks away while both come, the stray answer and the next request: it sees them in one turn."""
    connections = []
    upstream.script("/public/kept", lambda e: (connections.append(e.connection), e.read_body(), e.respond(200, [], b"ok")))
    raw = connect()
    for _ in range(10):
        raw.send(ask(gateway, "GET /public/kept"))
        assert raw.response().body == b"ok"
        gateway.process.signal(signal.SIGSTOP)
        try:
            connections[-1].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned")
            raw.send(ask(gateway, f"{method} /public/next", "Content-Length: 0"))
        finally:
            gateway.process.signal(signal.SIGCONT)
        answer = raw.response()
        assert answer.status == 200 and b"/public/next" in answer.body
