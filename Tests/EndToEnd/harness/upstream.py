"""A recording upstream application on raw sockets: what arrives is kept byte for byte, what is answered is scripted."""
import hashlib
import json
import socket
import threading
import time
from urllib.parse import parse_qs, urlsplit

from .ports import free_port

KEPT_BODY = 1 << 20


class Request:
    """One request as it arrived. `body` holds at most KEPT_BODY bytes; `length` and `sha256` are of all of it."""

    def __init__(self, raw_head, connection_number):
        self.raw_head = raw_head
        self.connection_number = connection_number
        self.body = b""
        self.length = 0
        self.trailers = b""
        self._digest = hashlib.sha256()
        self.complete = False
        #: The connection ended before the request did.
        self.failed = False
        lines = raw_head[:-4].split(b"\r\n")
        self.method, self.target, self.version = lines[0].decode("latin-1").split(" ")
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return {k: v[0] for k, v in parse_qs(urlsplit(self.target).query).items()}

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def one(self, name):
        """The value, None where there is none; a name given twice fails the test."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def names(self):
        return [n.lower() for n, _ in self.headers]

    @property
    def sha256(self):
        return self._digest.hexdigest()

    def took(self, data):
        self.length += len(data)
        self._digest.update(data)
        if len(self.body) < KEPT_BODY:
            self.body += bytes(data[: KEPT_BODY - len(self.body)])


class Exchange:
    """What a script works with: the request's head has been read, its body not."""

    def __init__(self, server, connection, request, rest):
        self.server, self.connection, self.request = server, connection, request
        self.rest = rest
        self.closes = False

    def receive(self, size=1 << 18):
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        return self.connection.recv(size)

    def _line(self):
        while b"\n" not in self.rest:
            data = self.connection.recv(65536)
            if not data:
                raise ConnectionError("the gateway closed in the middle of a line")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line.rstrip(b"\r")

    def _exactly(self, count):
        while count:
            data = self.receive()
            if not data:
                raise ConnectionError("the gateway closed in the middle of a body")
            self.request.took(data[:count])
            if len(data) > count:
                self.rest = data[count:] + self.rest
                data = data[:count]
            count -= len(data)

    def read_body(self):
        request = self.request
        if request.complete:
            return request.body
        if "chunked" in (request.one("Transfer-Encoding") or "").lower():
            while True:
                size = int(self._line().split(b";")[0], 16)
                if size == 0:
                    break
                self._exactly(size)
                assert self._line() == b""
            while line := self._line():
                request.trailers += line + b"\r\n"
        else:
            self._exactly(int(request.one("Content-Length") or 0))
        request.complete = True
        return request.body

    def send(self, data):
        self.connection.sendall(data)

    def respond(self, status=200, headers=(), body=b"", reason="Fine"):
        head = f"HTTP/1.1 {status} {reason}\r\n"
        names = [n.lower() for n, _ in headers]
        if "content-length" not in names and "transfer-encoding" not in names and status >= 200 and status not in (204, 304):
            head += f"Content-Length: {len(body)}\r\n"
        for name, value in headers:
            head += f"{name}: {value}\r\n"
        self.send(head.encode("latin-1") + b"\r\n" + (b"" if self.request.method == "HEAD" else body))

    def close(self):
        self.closes = True


class Upstream:
    """`tls`: an SSLContext of a server; `unix`: the path of a socket instead of a port."""

    def __init__(self, tls=None, unix=None):
        self.port = None if unix else free_port()
        self.base = f"unix:{unix}" if unix else f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._tls = tls
        self._lock = threading.Condition()
        self.requests = []
        self.connections = 0
        self.scripts = {}
        #: Of each connection over TLS: whether a session was resumed, and the client's certificate.
        self.handshakes = []
        self._open = set()
        self._listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(str(unix) if unix else ("127.0.0.1", self.port))
        self._listener.listen(1024)
        threading.Thread(target=self._accept, daemon=True).start()

    # For tests

    def script(self, path, function):
        """`function(exchange)` answers requests for exactly this path from now on."""
        self.scripts[path] = function

    def clear(self):
        with self._lock:
            self.requests = []

    def last(self, deadline=30.0):
        return self.wait_requests(1, deadline)[-1]

    def wait_requests(self, count, deadline=30.0):
        end = time.monotonic() + deadline
        with self._lock:
            while len(self.requests) < count:
                left = end - time.monotonic()
                assert left > 0, f"{len(self.requests)} requests came, {count} were awaited"
                self._lock.wait(left)
            return list(self.requests)

    def targets(self):
        with self._lock:
            return [request.target for request in self.requests]

    def close_connections(self):
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        # The thread in accept() has to wake up: a process that is stopped and goes on would have it accept at whatever has the descriptor's number by then.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()

    # The server

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection, number):
        if self._tls:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                return connection.close()
            self.handshakes.append((connection.session_reused, connection.getpeercert()))
        self._open.add(connection)
        request = None
        try:
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest:
                    data = connection.recv(65536)
                    if not data:
                        return
                    rest += data
                head, _, rest = rest.partition(b"\r\n\r\n")
                request = Request(head + b"\r\n\r\n", number)
                with self._lock:
                    self.requests.append(request)
                    self._lock.notify_all()
                exchange = Exchange(self, connection, request, rest)
                script = self.scripts.get(request.path) or self.scripts.get("*") or DEFAULTS.get(request.path) or echo
                script(exchange)
                if exchange.closes:
                    return
                exchange.read_body()
                rest = exchange.rest
        except (ConnectionError, OSError):
            if request:
                request.failed = not request.complete
        finally:
            self._open.discard(connection)
            connection.close()


# Scripts

def echo(exchange):
    """JSON of what came."""
    request = exchange.request
    body = exchange.read_body()
    answer = json.dumps({
        "method": request.method, "target": request.target, "headers": request.headers, "length": request.length,
        "body": body[:65536].decode("latin-1"), "sha256": request.sha256,
    }).encode()
    exchange.respond(200, [("Content-Type", "application/json"), ("X-Upstream", "yes")], answer)


def page(exchange):
    exchange.read_body()
    exchange.respond(200, [("Content-Type", "text/html; charset=utf-8")],
                     b"<!doctype html><title>Wiki</title><h1 id=who>" + (exchange.request.one("X-Forwarded-User") or "nobody").encode() + b"</h1>")


def download(exchange):
    """`?bytes=N`: N bytes, with a length; `&chunked=1` in chunks; `&close=1` until the connection closes."""
    request = exchange.request
    count = int(request.query["bytes"])
    block = bytes(range(256)) * 1024
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
    if request.query.get("chunked"):
        exchange.send((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
    elif request.query.get("close"):
        exchange.send((head + "Connection: close\r\n\r\n").encode())
        exchange.close()
    else:
        exchange.send((head + f"Content-Length: {count}\r\n\r\n").encode())
    left = count
    while left:
        part = block[:left] if left < len(block) else block
        if request.query.get("chunked"):
            exchange.send(b"%x\r\n" % len(part) + part + b"\r\n")
        else:
            exchange.send(part)
        left -= len(part)
    if request.query.get("chunked"):
        exchange.send(b"0\r\n\r\n")


def websocket(exchange):
    """Echoes messages with wsproto; `?frames=1` closes nothing by itself."""
    from wsproto import ConnectionType, WSConnection
    from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request as Opening, TextMessage

    exchange.close()
    ws = WSConnection(ConnectionType.SERVER)
    ws.receive_data(exchange.request.raw_head + exchange.rest)
    while True:
        for event in ws.events():
            if isinstance(event, Opening):
                protocol = event.subprotocols[0] if event.subprotocols else None
                exchange.send(ws.send(AcceptConnection(subprotocol=protocol)))
            elif isinstance(event, TextMessage):
                exchange.send(ws.send(TextMessage(data=event.data, message_finished=event.message_finished)))
            elif isinstance(event, BytesMessage):
                exchange.send(ws.send(BytesMessage(data=event.data, message_finished=event.message_finished)))
            elif isinstance(event, Ping):
                exchange.send(ws.send(event.response()))
            elif isinstance(event, CloseConnection):
                exchange.server.closes.append((event.code, event.reason))
                try:
                    exchange.send(ws.send(event.response()))
                except Exception:
                    pass
                return
        data = exchange.connection.recv(65536)
        if not data:
            return
        ws.receive_data(data)


Upstream.closes = []
DEFAULTS = {"/download": download, "/page": page, "/ws": websocket}
