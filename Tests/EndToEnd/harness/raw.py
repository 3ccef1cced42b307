"""Connections on which every byte is the test's own."""
import socket
import ssl


class Response:
    def __init__(self, raw_head):
        self.raw_head = raw_head
        lines = raw_head.split(b"\r\n")
        version, status, self.reason = (lines[0].decode("latin-1") + " ").split(" ", 2)
        self.version, self.status = version, int(status)
        self.headers = []
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(b":")
                self.headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        self.body = b""
        self.trailers = []

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def one(self, name):
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None


def client_context(ca=None, alpn=("http/1.1",), minimum=None, maximum=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        context.load_verify_locations(str(ca))
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    return context


class RawConnection:
    """`host` None: plain TCP. `preamble` goes out before TLS; `source` is the address to come from. Reads are bounded by `timeout` seconds each."""

    def __init__(self, port, host=None, ca=None, alpn=("http/1.1",), timeout=30, context=None, session=None, preamble=b"", source=None):
        plain = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0) if source else None)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if preamble:
            plain.sendall(preamble)
        if host:
            context = context or client_context(ca, alpn)
            self.socket = context.wrap_socket(plain, server_hostname=host, session=session)
        else:
            self.socket = plain
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def try_send(self, data):
        """Whether the other side may have closed already is no matter."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def end_sending(self):
        """Half-closes; whether the other side has closed already is no matter."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def send_what_is_taken(self, data, patience=0.5):
        """Until nothing more is taken for `patience` seconds. Not in a thread of its own beside one that reads: OpenSSL's connections are for one at a time."""
        limit = self.socket.gettimeout()
        self.socket.settimeout(patience)
        view = memoryview(data)
        try:
            while view:
                view = view[self.socket.send(view[:16384]):]
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.socket.settimeout(limit)

    def receive(self, size=65536):
        """Bytes, b"" at the end however it ends."""
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        try:
            return self.socket.recv(size)
        except (ConnectionError, ssl.SSLError):
            return b""

    def _fill(self):
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        self.rest += data
        return bool(data)

    def _until(self, mark):
        while mark not in self.rest:
            if not self._fill():
                raise EOFError(f"closed; received {self.rest[:200]!r}")
        before, _, self.rest = self.rest.partition(mark)
        return before

    def _exactly(self, count):
        while len(self.rest) < count:
            if not self._fill():
                raise EOFError(f"closed after {len(self.rest)} of {count} bytes")
        data, self.rest = self.rest[:count], self.rest[count:]
        return data

    def head(self):
        return Response(self._until(b"\r\n\r\n"))

    def response(self, method="GET"):
        """One final response with its body; informational ones are kept in `.interim`."""
        interim = []
        response = self.head()
        while response.status < 200 and response.status != 101:
            interim.append(response)
            response = self.head()
        response.interim = interim
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        if "chunked" in (response.one("Transfer-Encoding") or "").lower():
            while size := int(self._until(b"\r\n").split(b";")[0], 16):
                response.body += self._exactly(size)
                assert self._exactly(2) == b"\r\n"
            while line := self._until(b"\r\n"):
                response.trailers.append(line)
        elif response.one("Content-Length") is not None:
            response.body = self._exactly(int(response.one("Content-Length")))
        else:
            response.body = self.everything()
        return response

    def everything(self):
        """All bytes until the other side closes."""
        parts = []
        while data := self.receive():
            parts.append(data)
        return b"".join(parts)

    def is_closed(self):
        """Waits for the other side to close; False if it sends something instead."""
        return self.receive() == b""
