"""An HTTP/2 client with the h2 package, on a connection whose bytes are the test's own."""
import h2.config
import h2.connection
import h2.events

from .raw import RawConnection


class H2:
    """An HTTP/2 client on a raw connection; `validate=False` lets malformed heads out."""

    def __init__(self, gateway, host="wiki.test", validate=True, timeout=30):
        self.gateway, self.host = gateway, host
        self.raw = RawConnection(gateway.port, host, ca=gateway.ca, alpn=("h2",))
        assert self.raw.socket.selected_alpn_protocol() == "h2"
        self.raw.socket.settimeout(timeout)
        config = h2.config.H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=validate, normalize_outbound_headers=validate)
        self.connection = h2.connection.H2Connection(config)
        self.connection.initiate_connection()
        self.flush()
        self.streams = {}
        self.goaway = None
        self.closed = False

    def flush(self):
        data = self.connection.data_to_send()
        if data:
            self.raw.try_send(data)

    def head(self, method, path, extra=(), authority=None, scheme="https"):
        return [(":method", method), (":scheme", scheme), (":authority", authority or f"{self.host}:{self.gateway.port}"), (":path", path), *extra]

    def send(self, method, path, extra=(), body=None, end=True, **more):
        stream = self.connection.get_next_available_stream_id()
        self.connection.send_headers(stream, self.head(method, path, extra, **more), end_stream=end and body is None)
        if body is not None:
            self.connection.send_data(stream, body, end_stream=end)
        self.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": []}
        self.flush()
        return stream

    def step(self):
        data = self.raw.receive()
        if not data:
            self.closed = True
            return False
        for event in self.connection.receive_data(data):
            stream = self.streams.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.InformationalResponseReceived) and stream:
                stream["interim"].append(dict(event.headers))
            elif isinstance(event, h2.events.ResponseReceived) and stream:
                stream["head"] = event.headers
            elif isinstance(event, h2.events.TrailersReceived) and stream:
                stream["trailers"] = event.headers
            elif isinstance(event, h2.events.DataReceived) and stream:
                stream["body"] += event.data
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded) and stream:
                stream["ended"] = True
            elif isinstance(event, h2.events.StreamReset) and stream:
                stream["reset"] = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = event.error_code
        self.flush()
        return True

    def wait(self, stream):
        state = self.streams[stream]
        while not (state["ended"] or state["reset"] is not None or self.goaway is not None) and self.step():
            pass
        return state

    def get(self, path, extra=(), method="GET", body=None, **more):
        return self.wait(self.send(method, path, extra, body, **more))


def status(state):
    return int(dict(state["head"])[":status"])


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def each_frame(raw):
    """What comes, as (type, flags, stream, payload), until the other side closes. For what the h2 package would not read: it takes GOAWAY for
    the end of everything."""
    rest = b""
    while data := raw.receive():
        rest += data
        while len(rest) >= 9 and len(rest) >= 9 + int.from_bytes(rest[:3], "big"):
            size = int.from_bytes(rest[:3], "big")
            yield rest[3], rest[4], int.from_bytes(rest[5:9], "big") & 0x7FFFFFFF, rest[9:9 + size]
            rest = rest[9 + size:]


def frames(raw, until=lambda frame: False):
    """The same as a list that ends with the first that is as wanted."""
    seen = []
    for one in each_frame(raw):
        seen.append(one)
        if until(one):
            break
    return seen


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def request_head(gateway, method="GET", path="/x", extra=(), encoder=None, host="wiki.test"):
    """A header block, for whoever writes frames by hand. Without an encoder it touches no table."""
    fields = [(":method", method), (":scheme", "https"), (":authority", f"{host}:{gateway.port}"), (":path", path), *extra]
    if encoder:
        return encoder.encode(fields)
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)


def _text(text):
    raw = text.encode("latin-1")
    assert len(raw) < 127
    return bytes([len(raw)]) + raw


class RawH2:
    """A connection past the preface, on which every frame is the test's own."""

    def __init__(self, gateway, host="wiki.test", settings=(), acknowledges=True, greets=True, timeout=30):
        self.raw = RawConnection(gateway.port, host, ca=gateway.ca, alpn=("h2",), timeout=timeout)
        self.code = None
        if greets:
            self.send(PREFACE + frame(4, 0, 0, b"".join(k.to_bytes(2, "big") + v.to_bytes(4, "big") for k, v in settings)))
            if acknowledges:
                self.send(frame(4, 1, 0))

    def send(self, data):
        self.raw.send(data)

    def flood(self, data, read=False):
        """Sends as much as is taken; False once the other side has had enough. With `read` what came meanwhile is thrown away, but for GOAWAY."""
        self.raw.socket.settimeout(20)
        try:
            self.raw.socket.sendall(data)
        except OSError:
            return False
        if read:
            self.raw.socket.settimeout(0)
            try:
                while piece := self.raw.socket.recv(65536):
                    self.raw.rest += piece
            except (BlockingIOError, OSError):
                pass
        return True

    def goaway(self):
        """The code of the last GOAWAY, once the other side has closed; -1 where it closed without one."""
        self.raw.socket.settimeout(30)
        self.code = -1
        for kind, _, _, payload in frames(self.raw):
            if kind == 7:
                self.code = int.from_bytes(payload[4:8], "big")
        return self.code

    def close(self):
        self.raw.close()
