"""An upstream that speaks HTTP/2, frame by frame: over TLS, or with prior knowledge."""
import socket
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from .ports import free_port


class Stream:
    """One request and what is answered to it. A script runs on a thread of its own and may wait for what comes."""

    def __init__(self, connection, number, headers):
        self.connection, self.number = connection, number
        self.headers = [(n.decode() if isinstance(n, bytes) else n, v.decode() if isinstance(v, bytes) else v) for n, v in headers]
        self.body = b""
        self.length = 0
        self.trailers = None
        self.ended = False
        self.reset = None

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    def one(self, name):
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    @property
    def path(self):
        return (self.one(":path") or "").partition("?")[0]

    def wait(self, condition, deadline=60):
        with self.connection.changed:
            assert self.connection.changed.wait_for(lambda: condition(self) or self.connection.closed, deadline), "it did not come"
            return condition(self)

    def read(self):
        self.wait(lambda s: s.ended or s.reset is not None, 60)
        return self.body

    def respond(self, status=200, headers=(), body=None, trailers=None, end=True):
        last = body is None and trailers is None
        self.connection.do(lambda h: h.send_headers(self.number, [(":status", str(status)), *headers], end_stream=end and last))
        if body is not None:
            self.send(body, end=end and trailers is None)
        if trailers is not None:
            self.connection.do(lambda h: h.send_headers(self.number, list(trailers), end_stream=True))

    def send(self, data, end=False, deadline=60):
        """As the windows let it."""
        limit = time.monotonic() + deadline
        view = memoryview(bytes(data))
        while True:
            with self.connection.changed:
                assert self.connection.changed.wait_for(
                    lambda: self.connection.closed or self.reset is not None or not view
                    or self.connection.h2.local_flow_control_window(self.number) > 0, limit - time.monotonic()), "no window"
                if self.connection.closed or self.reset is not None:
                    return False
                count = min(len(view), self.connection.h2.local_flow_control_window(self.number), 16384)
                self.connection.h2.send_data(self.number, bytes(view[:count]), end_stream=end and count == len(view))
                view = view[count:]
                self.connection.flush()
            if not view:
                return True

    def cancel(self, code=h2.errors.ErrorCodes.CANCEL):
        self.connection.do(lambda h: h.reset_stream(self.number, code))


class Connection:
    def __init__(self, server, raw):
        self.server, self.raw = server, raw
        self.changed = threading.Condition(threading.RLock())
        self.closed = False
        self.streams = {}
        self.most = 0
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        if server.settings:
            self.h2.local_settings.update(server.settings)
            self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            try:
                self.raw.sendall(data)
            except OSError:
                self.closed = True

    def do(self, action):
        with self.changed:
            try:
                action(self.h2)
            except h2.exceptions.ProtocolError:
                if not self.closed:
                    raise
            self.flush()

    def send_raw(self, data):
        with self.changed:
            try:
                self.raw.sendall(data)
            except OSError:
                # The gateway has had enough of it, as tests of floods want it to.
                self.closed = True
                raise

    def serve(self):
        try:
            while data := self.raw.recv(65536):
                with self.changed:
                    events = self.h2.receive_data(data)
                    for event in events:
                        self.act(event)
                    self.flush()
                    self.changed.notify_all()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            with self.changed:
                self.closed = True
                self.changed.notify_all()
            self.raw.close()

    def act(self, event):
        number = getattr(event, "stream_id", None)
        stream = self.streams.get(number)
        if isinstance(event, h2.events.RequestReceived):
            stream = self.streams[number] = Stream(self, number, event.headers)
            self.most = max(self.most, len([s for s in self.streams.values() if not s.ended]))
            self.server.began(stream)
        elif isinstance(event, h2.events.DataReceived) and stream:
            stream.length += len(event.data)
            if len(stream.body) < 1 << 20:
                stream.body += event.data
            if self.server.opens_windows:
                self.h2.acknowledge_received_data(event.flow_controlled_length, number)
        elif isinstance(event, h2.events.TrailersReceived) and stream:
            stream.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded) and stream:
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset) and stream:
            stream.reset = event.error_code


class H2Upstream:
    """`tls`: an SSLContext of a server. `settings`: SETTINGS other than the usual. Scripts answer by path; the rest is an echo of the head."""

    def __init__(self, tls=None, settings=None):
        self.port = free_port()
        self.base = f"{'https' if tls else 'h2c'}://127.0.0.1:{self.port}"
        self.tls, self.settings = tls, settings
        self.opens_windows = True
        self.scripts = {}
        self.requests = []
        self.connections = []
        self.lock = threading.Condition()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    def script(self, path, function):
        self.scripts[path] = function

    def clear(self):
        with self.lock:
            self.requests = []

    def last(self, deadline=30):
        with self.lock:
            assert self.lock.wait_for(lambda: self.requests, deadline), "no request came"
            return self.requests[-1]

    def stop(self):
        # See Upstream.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            try:
                connection.raw.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def began(self, stream):
        with self.lock:
            self.requests.append(stream)
            self.lock.notify_all()
        script = self.scripts.get(stream.path) or self.scripts.get("*") or echo
        threading.Thread(target=self._run, args=(script, stream), daemon=True).start()

    @staticmethod
    def _run(script, stream):
        try:
            script(stream)
        except (OSError, h2.exceptions.ProtocolError, AssertionError):
            if not stream.connection.closed and stream.reset is None:
                raise

    def _accept(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        try:
            if self.tls:
                raw = self.tls.wrap_socket(raw, server_side=True)
        except OSError:
            return raw.close()
        connection = Connection(self, raw)
        self.connections.append(connection)
        connection.serve()


def echo(stream):
    import json
    body = stream.read()
    answer = json.dumps({"headers": stream.headers, "body": body[:65536].decode("latin-1"), "length": stream.length, "trailers": stream.trailers}).encode()
    stream.respond(200, [("content-type", "application/json"), ("content-length", str(len(answer)))], answer)
