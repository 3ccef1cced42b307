"""An HTTP/2 client with the h2 package, on a connection whose bytes are the test's own."""
import h2.config
import h2.connection
import h2.events

from .raw import RawConnection


class H2:
    """An HTTP/2 client on a raw connection; `validate=False` lets malformed heads out."""

    def __init__(self, gateway, host="wiki.test", validate=True, timeout=10):
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


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def frames(raw, until=lambda frame: False):
    """What comes, as (type, flags, stream, payload), until one is as wanted or the other side closes. For what the h2 package would not read: it
    takes GOAWAY for the end of everything."""
    rest = b""
    seen = []
    while True:
        while len(rest) >= 9 and len(rest) >= 9 + int.from_bytes(rest[:3], "big"):
            size = int.from_bytes(rest[:3], "big")
            seen.append((rest[3], rest[4], int.from_bytes(rest[5:9], "big") & 0x7FFFFFFF, rest[9:9 + size]))
            rest = rest[9 + size:]
            if until(seen[-1]):
                return seen
        data = raw.receive()
        if not data:
            return seen
        rest += data
