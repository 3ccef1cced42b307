"""Requests that have not gone out yet when the session ends or the rules change: they wait for an upstream that takes no connection."""
import base64
import hashlib
import re
import socket
import threading

import pytest

from harness.browser import Browser
from harness.raw import RawConnection
from harness.reloading import reloaded

HOST = "wiki.test"


class Busy:
    """An upstream whose queue of connections is full until `serve`."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.heads, self.waiting, self.thread = [], [], None

    def serve(self):
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.listener.settimeout(0.05)
        self.stopped = False
        self.thread.start()

    def _run(self):
        while not self.stopped:
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            connection.settimeout(60)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            try:
                piece = connection.recv(65536)
            except OSError:
                return
            if not piece:
                return
            data += piece
        self.heads.append(data)
        key = re.search(rb"(?i)sec-websocket-key: (\S+)", data)
        if key:
            accept = base64.b64encode(hashlib.sha1(key.group(1) + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n\x81\x06secret")
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        connection.close()

    def pause(self):
        """No connection is taken any more, and the queue is filled, so that the kernel lets new ones wait."""
        self.stopped = True
        self.thread.join()
        for _ in range(3):
            self.waiting.append(socket.socket())
            self.waiting[-1].setblocking(False)
            self.waiting[-1].connect_ex(("127.0.0.1", self.port))

    def stop(self):
        self.stopped = True
        self.listener.close()
        for one in self.waiting:
            one.close()


@pytest.fixture
def busy():
    busy = Busy()
    yield busy
    busy.stop()


@pytest.fixture
def member(make_gateway, busy):
    """Somebody who is logged in at a site of which the upstream has no room now."""
    gateway = make_gateway([{"id": "wiki", "host": HOST, "upstreams": [f"http://127.0.0.1:{busy.port}"], "timeouts": {"connect": "30s"}}])
    busy.serve()
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin(HOST) + "/").status == 200
    busy.pause()
    busy.heads.clear()
    return browser


def send(member, head):
    raw = RawConnection(member.gateway.port, HOST, ca=member.gateway.ca, timeout=60)
    raw.send(f"{head[0]} HTTP/1.1\r\nHost: {HOST}:{member.gateway.port}\r\nCookie: {member._cookie_header(HOST)}\r\n{head[1]}\r\n".encode())
    # The one behind it on the same worker's listener is answered: by then this one is judged, too.
    for _ in range(4):
        assert Browser(member.gateway).call(member.gateway.origin(HOST) + "/x").status == 401
    return raw


POST = ("POST /transfer", "Content-Length: 0\r\n")
SOCKET = ("GET /ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


@pytest.mark.parametrize("head", [POST, SOCKET], ids=["post", "websocket"])
def test_a_logout_keeps_back_what_has_not_gone_out(member, busy, head):
    gateway = member.gateway
    with send(member, head) as raw:
        assert member.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"").status < 400
        busy.serve()
        assert raw.response().status == 401
    assert not [data for data in busy.heads if data.startswith(head[0].encode())]


def test_rules_that_refuse_it_keep_back_what_has_not_gone_out(member, busy):
    with send(member, POST) as raw:
        reloaded(member.gateway, lambda c: c["sites"][0].update(access=[{"allow": {"users": ["nobody"]}}]))
        busy.serve()
        assert raw.response().status in (401, 403)
    assert not [data for data in busy.heads if data.startswith(b"POST /transfer")]
