"""RFC 9113 and RFC 7541 from the client's side, as a table: what is sent after the preface, and what may come of it."""
import pytest

from harness.http2_client import PREFACE, RawH2, each_frame, frame, frames
from harness.raw import RawConnection

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 0x20
NO_ERROR, PROTOCOL, INTERNAL, FLOW, TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION, CONNECT, CALM = range(12)

#: What may come of it: an answer on a stream; the stream's or the connection's end with a code; the connection goes on.
ALIVE = ("alive",)
PROBE = b"\x99probe\x99\x99"


def answer(stream=1):
    return ("answer", stream)


def stream_error(*codes):
    return [("stream", code) for code in codes] + connection_error(*codes)


def connection_error(*codes):
    """Closing without a word is as good (RFC 9113 section 5.4.1)."""
    return [("connection", code) for code in codes] + [("connection", None)]


class Sender:
    """What the cases are written with."""

    def __init__(self, gateway):
        self.gateway = gateway

    def head(self, method="GET", extra=(), **changed):
        fields = {":method": method, ":scheme": "https", ":authority": f"wiki.test:{self.gateway.port}", ":path": "/x"}
        fields.update({":" + name: value for name, value in changed.items()})
        return literals([(n, v) for n, v in fields.items() if v is not None] + list(extra))

    def get(self, stream=1, extra=(), **changed):
        return frame(HEADERS, END_HEADERS | END_STREAM, stream, self.head(extra=extra, **changed))

    def post(self, stream=1, extra=(), **changed):
        return frame(HEADERS, END_HEADERS, stream, self.head("POST", extra, **changed))


def literals(fields):
    """Field lines that touch no table (RFC 7541 section 6.2.2)."""
    return b"".join(b"\x00" + text_of(name) + text_of(value) for name, value in fields)


def text_of(text):
    raw = text.encode("latin-1")
    if len(raw) < 127:
        return bytes([len(raw)]) + raw
    rest, out = len(raw) - 127, bytearray([127])
    while rest >= 128:
        out.append(rest & 127 | 128)
        rest >>= 7
    return bytes(out) + bytes([rest]) + raw


def window(stream, size):
    return frame(WINDOW, 0, stream, size.to_bytes(4, "big"))


def setting(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(k.to_bytes(2, "big") + v.to_bytes(4, "big") for k, v in pairs))


def reset(stream, code=CANCEL):
    return frame(RESET, 0, stream, code.to_bytes(4, "big"))


def depend(stream, on):
    return frame(PRIORITY, 0, stream, on.to_bytes(4, "big") + b"\x0f")


CASES = {
    # 3.4 and 4: preface, frames, sizes, header compression
    "3.4 a second settings frame": (lambda s: setting() + s.get(), [answer()]),
    "4.1 a frame of no known type": (lambda s: frame(0xEE, 0, 0, b"what") + s.get(), [answer()]),
    "4.1 flags that mean nothing": (lambda s: frame(PING, 0x16, 0, b"12345678"), [ALIVE]),
    "4.1 a reserved bit that is set": (lambda s: frame(PING, 0, 1 << 31, b"12345678"), [ALIVE]),
    "4.2 DATA of the greatest size": (lambda s: s.post() + frame(DATA, END_STREAM, 1, bytes(16384)), [answer()]),
    "4.2 DATA beyond it": (lambda s: s.post() + frame(DATA, END_STREAM, 1, bytes(16385)), stream_error(SIZE)),
    "4.2 HEADERS beyond it": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head(extra=[("x", "y" * 16385)])), connection_error(SIZE)),
    "4.3 a block that cannot be read": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x40"), connection_error(COMPRESSION)),
    "4.3 another frame inside a block": (lambda s: frame(HEADERS, END_STREAM, 1, s.head()) + frame(PRIORITY, 0, 1, b"\0\0\0\0\0"), connection_error(PROTOCOL)),
    "4.3 another stream inside a block": (lambda s: frame(HEADERS, END_STREAM, 1, s.head()) + s.get(3), connection_error(PROTOCOL)),
    "4.3 an unknown frame inside a block": (lambda s: frame(HEADERS, END_STREAM, 1, s.head()) + frame(0xEE, 0, 1), connection_error(PROTOCOL)),
    # 5.1: states
    "5.1 idle: DATA": (lambda s: frame(DATA, END_STREAM, 1, b"x"), connection_error(PROTOCOL)),
    "5.1 idle: RST_STREAM": (lambda s: reset(1), connection_error(PROTOCOL)),
    "5.1 idle: WINDOW_UPDATE": (lambda s: window(1, 100), connection_error(PROTOCOL)),
    "5.1 idle: CONTINUATION": (lambda s: frame(CONTINUATION, END_HEADERS, 1, s.head()), connection_error(PROTOCOL)),
    "5.1 idle: PRIORITY": (lambda s: depend(1, 0) + s.get(3), [answer(3)]),
    "5.1 half-closed: DATA": (lambda s: s.get() + frame(DATA, END_STREAM, 1, b"x"), stream_error(CLOSED)),
    "5.1 half-closed: HEADERS": (lambda s: s.get() + s.get(), stream_error(CLOSED)),
    "5.1 half-closed: CONTINUATION": (lambda s: s.get() + frame(CONTINUATION, END_HEADERS, 1, s.head()), stream_error(CLOSED, PROTOCOL)),
    "5.1 half-closed: WINDOW_UPDATE": (lambda s: s.get() + window(1, 100), [answer()]),
    "5.1 reset: DATA": (lambda s: s.post() + reset(1) + frame(DATA, END_STREAM, 1, b"x"), stream_error(CLOSED)),
    "5.1 reset: HEADERS": (lambda s: s.post() + reset(1) + s.get(), stream_error(CLOSED)),
    "5.1 reset: CONTINUATION": (lambda s: s.post() + reset(1) + frame(CONTINUATION, END_HEADERS, 1, s.head()), stream_error(CLOSED, PROTOCOL)),
    "5.1 reset: WINDOW_UPDATE": (lambda s: s.post() + reset(1) + window(1, 100), [ALIVE]),
    "5.1 reset: PRIORITY": (lambda s: s.post() + reset(1) + depend(1, 0), [ALIVE]),
    "5.1 reset: another reset": (lambda s: s.post() + reset(1) + reset(1), [ALIVE]),
    "5.1.1 an even number": (lambda s: s.get(2), connection_error(PROTOCOL)),
    "5.1.1 a number below the last": (lambda s: s.get(5) + s.get(3), connection_error(PROTOCOL)),
    "5.1.1 the same number again": (lambda s: s.post(1) + reset(1) + s.get(1), connection_error(CLOSED, PROTOCOL)),
    "5.1.2 more streams than are allowed": (lambda s: b"".join(s.post(n) for n in range(1, 2 * 129 + 2, 2)), stream_error(REFUSED, PROTOCOL)),
    "5.3.1 HEADERS that depend on themselves": (
        lambda s: frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0\0\1\xff" + s.head()), stream_error(PROTOCOL)),
    "5.3.1 PRIORITY that depends on itself": (lambda s: s.post() + depend(1, 1), stream_error(PROTOCOL)),
    "5.5 an unknown extension": (lambda s: frame(0x16, 0, 0, b"x" * 10) + s.get(), [answer()]),
    # 6.1 DATA
    "6.1 DATA on stream 0": (lambda s: frame(DATA, 0, 0, b"x"), connection_error(PROTOCOL)),
    "6.1 padding as long as the payload": (lambda s: s.post() + frame(DATA, END_STREAM | PADDED, 1, b"\x05test"), connection_error(PROTOCOL)),
    "6.1 padding with content": (lambda s: s.post() + frame(DATA, END_STREAM | PADDED, 1, b"\x03test\0\0\0"), [answer()]),
    "6.1 an empty last DATA": (lambda s: s.post() + frame(DATA, END_STREAM, 1), [answer()]),
    # 6.2 HEADERS
    "6.2 HEADERS on stream 0": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 0, s.head()), connection_error(PROTOCOL)),
    "6.2 padding beyond the payload": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\xff" + s.head()[:20]), connection_error(PROTOCOL)),
    "6.2 padding": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, b"\x04" + s.head() + bytes(4)), [answer()]),
    "6.2 with a priority": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0\0\0\x10" + s.head()), [answer()]),
    "6.2 too short for its priority": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM | WITH_PRIORITY, 1, b"\0\0"), stream_error(SIZE)),
    # 6.3 PRIORITY
    "6.3 PRIORITY": (lambda s: depend(1, 0) + s.get(), [answer()]),
    "6.3 PRIORITY on stream 0": (lambda s: depend(0, 1), connection_error(PROTOCOL)),
    "6.3 PRIORITY of four bytes": (lambda s: s.post() + frame(PRIORITY, 0, 1, bytes(4)), stream_error(SIZE)),
    # 6.4 RST_STREAM
    "6.4 RST_STREAM": (lambda s: s.post() + reset(1), [ALIVE]),
    "6.4 RST_STREAM with a code of no meaning": (lambda s: s.post() + reset(1, 0xFFFF) + s.get(3), [answer(3)]),
    "6.4 RST_STREAM on stream 0": (lambda s: reset(0), connection_error(PROTOCOL)),
    "6.4 RST_STREAM of three bytes": (lambda s: s.post() + frame(RESET, 0, 1, bytes(3)), connection_error(SIZE)),
    # 6.5 SETTINGS
    "6.5 SETTINGS": (lambda s: setting((3, 100)), [("settings", None)]),
    "6.5 an acknowledgement with content": (lambda s: frame(SETTINGS, ACK, 0, b"x"), connection_error(SIZE)),
    "6.5 SETTINGS on a stream": (lambda s: frame(SETTINGS, 0, 1), connection_error(PROTOCOL)),
    "6.5 SETTINGS of five bytes": (lambda s: frame(SETTINGS, 0, 0, bytes(5)), connection_error(SIZE)),
    "6.5.2 ENABLE_PUSH 2": (lambda s: setting((2, 2)), connection_error(PROTOCOL)),
    "6.5.2 a window beyond 2^31-1": (lambda s: setting((4, 1 << 31)), connection_error(FLOW)),
    "6.5.2 frames below 2^14": (lambda s: setting((5, 16383)), connection_error(PROTOCOL)),
    "6.5.2 frames beyond 2^24-1": (lambda s: setting((5, 1 << 24)), connection_error(PROTOCOL)),
    "6.5.2 a setting of no known name": (lambda s: setting((0xFF, 1)) + s.get(), [answer()]),
    "6.5.3 the last of two values counts": (lambda s: setting((4, 100), (4, 1)) + s.get(), [("data", 1)]),
    "6.6 PUSH_PROMISE": (lambda s: s.get() + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + s.head()), connection_error(PROTOCOL)),
    # 6.7 PING
    "6.7 PING": (lambda s: b"", [ALIVE]),
    "6.7 an answer that nobody asked for": (lambda s: frame(PING, ACK, 0, b"invalid!"), [ALIVE]),
    "6.7 PING on a stream": (lambda s: frame(PING, 0, 1, b"12345678"), connection_error(PROTOCOL)),
    "6.7 PING of six bytes": (lambda s: frame(PING, 0, 0, b"123456"), connection_error(SIZE)),
    # 6.8 GOAWAY
    "6.8 GOAWAY on a stream": (lambda s: frame(GOAWAY, 0, 1, bytes(8)), connection_error(PROTOCOL)),
    "6.8 GOAWAY with a request under way": (lambda s: s.get() + frame(GOAWAY, 0, 0, bytes(8)), [answer()]),
    # 6.9 WINDOW_UPDATE
    "6.9 a stream's window of one": (lambda s: setting((4, 1)) + s.get(), [("data", 1)]),
    "6.9 by nothing, of the connection": (lambda s: window(0, 0), connection_error(PROTOCOL)),
    "6.9 by nothing, of a stream": (lambda s: s.post() + window(1, 0), stream_error(PROTOCOL)),
    "6.9 of three bytes": (lambda s: frame(WINDOW, 0, 0, bytes(3)), connection_error(SIZE)),
    "6.9.1 the connection's beyond 2^31-1": (lambda s: window(0, 0x7FFFFFFF) * 2, connection_error(FLOW)),
    "6.9.1 a stream's beyond 2^31-1": (lambda s: s.post() + window(1, 0x7FFFFFFF) * 2, stream_error(FLOW)),
    "6.9.2 a window that opens later": (lambda s: setting((4, 0)) + s.get() + setting((4, 1)), [("data", 1)]),
    "6.9.2 a window below nothing": (lambda s: setting((4, 3)) + s.get() + setting((4, 2)) + window(1, 2), [("data", 4)]),
    # 6.10 CONTINUATION
    "6.10 several": (lambda s: frame(HEADERS, END_STREAM, 1, s.head()[:9]) + frame(CONTINUATION, 0, 1, s.head()[9:30]) + frame(CONTINUATION, END_HEADERS, 1, s.head()[30:]), [answer()]),
    "6.10 behind the end of a block": (lambda s: s.post() + frame(CONTINUATION, END_HEADERS, 1, s.head()), connection_error(PROTOCOL)),
    "6.10 behind the end of a continued block": (
        lambda s: frame(HEADERS, END_STREAM, 1, s.head()[:9]) + frame(CONTINUATION, END_HEADERS, 1, s.head()[9:]) + frame(CONTINUATION, END_HEADERS, 1, s.head()), connection_error(PROTOCOL)),
    "6.10 on stream 0": (lambda s: frame(HEADERS, END_STREAM, 1, s.head()[:9]) + frame(CONTINUATION, END_HEADERS, 0, s.head()[9:]), connection_error(PROTOCOL)),
    "6.10 behind DATA": (lambda s: s.post() + frame(DATA, 0, 1, b"x") + frame(CONTINUATION, END_HEADERS, 1, s.head()), connection_error(PROTOCOL)),
    # 7: codes
    "7 GOAWAY with a code of no meaning": (lambda s: s.get() + frame(GOAWAY, 0, 0, bytes(4) + b"\0\0\0\xff"), [answer()]),
    # 8.1: messages
    "8.1 a second HEADERS without END_STREAM": (lambda s: s.post() + frame(HEADERS, END_HEADERS, 1, literals([("x", "y")])), stream_error(PROTOCOL)),
    "8.1 trailers": (lambda s: s.post() + frame(DATA, 0, 1, b"x") + frame(HEADERS, END_HEADERS | END_STREAM, 1, literals([("x-trailer", "y")])), [answer()]),
    "8.1 trailers with a pseudo field": (lambda s: s.post() + frame(HEADERS, END_HEADERS | END_STREAM, 1, literals([(":path", "/")])), stream_error(PROTOCOL)),
    "8.1.1 a length beyond the DATA": (lambda s: s.post(extra=[("content-length", "5")]) + frame(DATA, END_STREAM, 1, b"four"), stream_error(PROTOCOL)),
    "8.1.1 a length below the DATA": (lambda s: s.post(extra=[("content-length", "1")]) + frame(DATA, END_STREAM, 1, b"four"), stream_error(PROTOCOL)),
    "8.1.1 a length below the DATA of several frames": (
        lambda s: s.post(extra=[("content-length", "1")]) + frame(DATA, 0, 1, b"fo") + frame(DATA, END_STREAM, 1, b"ur"), stream_error(PROTOCOL)),
    "8.1.1 a length and no DATA": (lambda s: s.get(extra=[("content-length", "5")]), stream_error(PROTOCOL)),
    # 8.2: fields
    "8.2 a name with a capital": (lambda s: s.get(extra=[("X-Y", "z")]), stream_error(PROTOCOL)),
    "8.2.1 a blank in a name": (lambda s: s.get(extra=[("x y", "z")]), stream_error(PROTOCOL)),
    "8.2.1 a line feed in a value": (lambda s: s.get(extra=[("x", "y\nz")]), stream_error(PROTOCOL, INTERNAL)),
    "8.2.1 a blank before a value": (lambda s: s.get(extra=[("x", " y")]), stream_error(PROTOCOL, INTERNAL)),
    "8.2.2 connection": (lambda s: s.get(extra=[("connection", "keep-alive")]), stream_error(PROTOCOL)),
    "8.2.2 te other than trailers": (lambda s: s.get(extra=[("te", "trailers, deflate")]), stream_error(PROTOCOL)),
    "8.2.2 te: trailers": (lambda s: s.get(extra=[("te", "trailers")]), [answer()]),
    # 8.3: pseudo fields
    "8.3 an unknown one": (lambda s: s.get(extra=[(":test", "x")]), stream_error(PROTOCOL)),
    "8.3 one of answers": (lambda s: s.get(extra=[(":status", "200")]), stream_error(PROTOCOL)),
    "8.3 behind a field": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, literals([("x", "y")]) + s.head()), stream_error(PROTOCOL)),
    "8.3.1 no :method": (lambda s: s.get(method=None), stream_error(PROTOCOL)),
    "8.3.1 no :scheme": (lambda s: s.get(scheme=None), stream_error(PROTOCOL)),
    "8.3.1 no :path": (lambda s: s.get(path=None), stream_error(PROTOCOL)),
    "8.3.1 an empty :path": (lambda s: s.get(path=""), stream_error(PROTOCOL)),
    "8.3.1 :method twice": (lambda s: s.get(extra=[(":method", "GET")]), stream_error(PROTOCOL)),
    "8.3.1 :path twice": (lambda s: s.get(extra=[(":path", "/")]), stream_error(PROTOCOL)),
    "8.3.1 :scheme twice": (lambda s: s.get(extra=[(":scheme", "https")]), stream_error(PROTOCOL)),
    "8.3.1 :authority twice": (lambda s: s.get(extra=[(":authority", "wiki.test")]), stream_error(PROTOCOL)),
    # RFC 7541
    "HPACK 2.3.3 an index beyond the table": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head() + b"\xc6"), connection_error(COMPRESSION)),
    "HPACK 2.3.3 a name beyond the table": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head() + b"\x7f\x07\x01x"), connection_error(COMPRESSION)),
    "HPACK 4.2 a size at the end of a block": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head() + b"\x20"), connection_error(COMPRESSION)),
    "HPACK 4.2 a size at the beginning": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x20" + s.head()), [answer()]),
    "HPACK 5.2 too much padding in a Huffman code": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head() + b"\x00\x01x\x82\x1f\xff"), connection_error(COMPRESSION)),
    "HPACK 5.2 a Huffman code padded by zeros": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head() + b"\x00\x01x\x81\x18"), connection_error(COMPRESSION)),
    "HPACK 5.2 a Huffman code with the end mark": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head() + b"\x00\x01x\x84\xff\xff\xff\xfc"), connection_error(COMPRESSION)),
    "HPACK 6.1 index 0": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, s.head() + b"\x80"), connection_error(COMPRESSION)),
    "HPACK 6.3 a size beyond the setting": (lambda s: frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe2\x1f" + s.head()), connection_error(COMPRESSION)),
}


@pytest.fixture(scope="module")
def plain(make_module_gateway, upstream):
    return make_module_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])


def outcome(raw, accepted):
    """The first of what may come that does come."""
    kinds = {kind for kind, *_ in accepted}
    data = 0
    settings = 0
    for kind, flags, stream, payload in each_frame(raw.raw):
        if kind == GOAWAY:
            return "connection", int.from_bytes(payload[4:8], "big")
        if kind == RESET:
            return "stream", int.from_bytes(payload, "big")
        if kind == HEADERS and ("answer", stream) in accepted:
            return "answer", stream
        if kind == SETTINGS and flags & ACK:
            settings += 1
            if "settings" in kinds and settings == 2:
                return "settings", None
        if kind == DATA and payload:
            data += len(payload)
            if ("data", data) in accepted:
                return "data", data
        if kind == PING and flags & ACK and payload == PROBE and "alive" in kinds:
            return ALIVE
    return "connection", None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_conformance(plain, case):
    build, accepted = case
    raw = RawH2(plain)
    probe = frame(PING, 0, 0, PROBE) if ALIVE in accepted else b""
    raw.flood(build(Sender(plain)) + probe)
    assert outcome(raw, accepted) in accepted
    raw.close()


@pytest.mark.parametrize("first", [b"INVALID CONNECTION PREFACE\r\n\r\n" + bytes(20), PREFACE[:-2] + b"XX" + frame(SETTINGS, 0, 0), PREFACE + frame(PING, 0, 0, b"12345678"),
                                   PREFACE + frame(SETTINGS, ACK, 0)], ids=["none", "nearly", "no settings", "an acknowledgement first"])
def test_a_preface_that_is_none_ends_the_connection(plain, upstream, first):
    """RFC 9113 section 3.4."""
    raw = RawConnection(plain.port, "wiki.test", ca=plain.ca, alpn=("h2",))
    raw.try_send(first + Sender(plain).get())
    seen = frames(raw)
    assert all(kind in (SETTINGS, WINDOW, GOAWAY) for kind, *_ in seen) and upstream.targets() == []
    raw.close()
