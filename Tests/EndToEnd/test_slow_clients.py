"""Clients that take their time: each limit at its real value, all of them at once, since most of the test is waiting."""
import socket
import ssl
import threading
import time

import pytest

from harness.http2_client import RawH2, each_frame, frame, request_head
from harness.raw import RawConnection
from harness.waiting import Stopwatch

HOST = "wiki.test"


class SlowClient:
    """One client in a thread of its own; `watch` says how long it was put up with."""

    def __init__(self, gateway, life):
        self.gateway, self.problem = gateway, None
        self.thread = threading.Thread(target=self._run, args=(life,), daemon=True)
        self.name = life.__name__
        self.thread.start()

    def _run(self, life):
        try:
            self.watch = life(self.gateway)
            self.watch.stop()
        except BaseException as problem:  # told by the test
            self.problem = problem


def connect(gateway, **more):
    return RawConnection(gateway.port, HOST, ca=gateway.ca, timeout=170, **more)


def dripping(raw, data, every):
    """From now on whoever reads sends `data` after each `every` seconds of silence. One thread reads and writes, as a TLS connection wants it."""
    raw.socket.settimeout(every)
    plain, end = raw.socket.recv, time.monotonic() + 170

    def recv(size):
        while True:
            try:
                return plain(size)
            except TimeoutError:
                assert time.monotonic() < end, "it is never given up"
            try:
                raw.socket.sendall(data)
            except OSError:
                pass  # the other side has had enough; what it said comes yet

    raw.socket.recv = recv


def handshake(gateway):
    raw = RawConnection(gateway.port, timeout=170)
    watch = Stopwatch()
    raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert raw.everything() == b""
    return watch


def head(gateway):
    raw = connect(gateway)
    watch = Stopwatch()
    raw.send(f"GET /x HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nX-Slow: ".encode())
    dripping(raw, b"a", 2)
    answer = raw.response()
    assert answer.status == 408 and answer.one("Connection") == "close"
    return watch


def kept(gateway):
    raw = connect(gateway)
    raw.send(f"GET /x HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 200
    watch = Stopwatch()
    assert raw.everything() == b"", "it is closed without a word"
    return watch


def body(gateway):
    raw = connect(gateway)
    watch = Stopwatch()
    raw.send(f"POST /x HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nContent-Length: 1000000\r\n\r\n".encode())
    dripping(raw, b"a", 3)
    assert raw.response().status == 408
    return watch


def body_over_http_2(gateway):
    client = RawH2(gateway, timeout=170)
    watch = Stopwatch()
    client.send(frame(1, 4, 1, request_head(gateway, "POST")))
    dripping(client.raw, frame(0, 0, 1, b"a"), 3)
    for kind, flags, stream, payload in each_frame(client.raw):
        assert kind != 7, "the connection goes on"
        if kind == 3 and stream == 1:
            break
    watch.stop()
    client.send(frame(1, 5, 3, request_head(gateway)))
    assert any(kind == 0 and stream == 3 and flags & 1 for kind, flags, stream, payload in each_frame(client.raw)), "other streams are served"
    return watch


def answer(gateway):
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(170)
    plain.connect(("127.0.0.1", gateway.port))
    context = ssl._create_unverified_context()
    raw = context.wrap_socket(plain, server_hostname=HOST)
    watch = Stopwatch()
    raw.sendall(f"GET /large HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\n\r\n".encode())
    # Nothing is read. That the connection is cut shows to who sends.
    try:
        while watch.elapsed < 170:
            time.sleep(0.5)
            plain_send(raw)
    except OSError:
        pass
    return watch


def plain_send(raw):
    """A byte of the next request, which nobody looks at while the answer stands still."""
    raw.send(b"G")


def patient_body(gateway):
    """Slow, and fast enough: more than a KiB in each minute."""
    raw = connect(gateway)
    watch = Stopwatch()
    raw.send(f"POST /x HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nContent-Length: 28000\r\n\r\n".encode())
    for _ in range(14):
        time.sleep(9)
        raw.send(b"a" * 2000)
    assert raw.response().status == 200
    return watch


#: From the README: seconds that each is put up with, and at the most. A body and an answer are looked at once a minute, and what began to stand
#: still since the last look has not stood still long enough.
LIMITS = {handshake: (9, 25), head: (14, 30), kept: (74, 95), body: (59, 135), body_over_http_2: (59, 135), answer: (59, 150), patient_body: (125, 165)}


def stalled_over_http_2(gateway, drop=None):
    """T-72, T-78: an answer whose window stays shut, or is opened by a byte at a time. The stream ends, the connection and others on it go on."""
    client = RawH2(gateway, timeout=170, settings=[(4, 0)])
    watch = Stopwatch()
    client.send(frame(1, 5, 1, request_head(gateway, path="/large")))
    # Whoever is quiet says something now and then, so that the connection is no idle one.
    dripping(client.raw, drop or frame(6, 0, 0, b"12345678"), 3)
    for kind, flags, stream, payload in each_frame(client.raw):
        assert kind != 7, "the connection goes on"
        if kind == 3 and stream == 1:
            break
    watch.stop()
    client.send(frame(1, 5, 3, request_head(gateway)) + frame(8, 0, 3, (1 << 20).to_bytes(4, "big")))
    assert any(kind == 0 and stream == 3 and flags & 1 for kind, flags, stream, payload in each_frame(client.raw)), "other streams are served"
    return watch


def answer_over_http_2(gateway):
    return stalled_over_http_2(gateway)


def answer_over_http_2_in_drops(gateway):
    return stalled_over_http_2(gateway, frame(8, 0, 1, (1).to_bytes(4, "big")))


LIMITS |= {answer_over_http_2: (59, 150), answer_over_http_2_in_drops: (59, 150)}


@pytest.mark.timeout(500)
def test_who_takes_too_long_is_given_up_and_who_is_merely_slow_is_served(make_gateway, upstream):
    def large(exchange):
        exchange.respond(200, [("Content-Length", str(64 << 20))])
        try:
            for _ in range(1024):
                exchange.send(bytes(64 << 10))
        except OSError:
            pass
    upstream.script("/large", large)
    gateway = make_gateway([{"id": "wiki", "host": HOST, "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    clients = {life: SlowClient(gateway, life) for life in LIMITS}
    # Meanwhile everybody else is served.
    while any(client.thread.is_alive() for client in clients.values()):
        with connect(gateway) as raw:
            raw.send(f"GET /quick HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\n\r\n".encode())
            assert raw.response().status == 200
        for client in clients.values():
            client.thread.join(0.5)
    for life, (least, most) in LIMITS.items():
        if clients[life].problem:
            raise AssertionError(f"{life.__name__}: {clients[life].problem!r}") from clients[life].problem
        print(f"{life.__name__}: {clients[life].watch.seconds:.1f} s, {clients[life].watch.lost:.1f} s lost")
    for life, (least, most) in LIMITS.items():
        watch = clients[life].watch
        assert least <= watch.elapsed and watch.seconds <= most, f"{life.__name__}: {watch.seconds:.1f} s"
