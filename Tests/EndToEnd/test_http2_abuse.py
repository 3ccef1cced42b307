"""Clients that make HTTP/2 cost the gateway more than themselves: the connection ends early, nobody else notices, and the process does not grow."""
import os
import struct
import time

import hpack
import pytest

from harness.http2_client import H2, RawH2, frame, request_head, status
from harness.waiting import wait_for

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION, PRIORITY_UPDATE = 0, 1, 2, 3, 4, 6, 7, 8, 9, 16
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
CALM = 0xB


@pytest.fixture
def own(make_gateway, upstream):
    return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])


@pytest.fixture
def open_raw(own):
    opened = []

    def build(**more):
        opened.append(RawH2(own, **more))
        return opened[-1]

    yield build
    for one in opened:
        one.close()


def abuses(gateway, budget):
    return gateway.metrics().get(f'menwei_http2_abuse_total{{budget="{budget}"}}', 0)


def endured(gateway, budget, before, grown=16 << 20):
    """What holds after each attack."""
    wait_for(lambda: any(abuses(gateway, name) for name in budget.split()), what=f"the metric of {budget}")
    assert gateway.process.memory() - before < grown
    other = H2(gateway)
    assert status(other.get("/alive")) == 200
    other.raw.close()


def diagnostics(gateway):
    return [line for line in gateway.process.err if "an HTTP/2 client broke a bound" in line]


def opened(gateway, stream, **more):
    return frame(HEADERS, END_HEADERS, stream, request_head(gateway, **more))


# Rapid reset and its mirror

def test_rapid_reset_in_one_breath_reaches_nobody(own, open_raw, upstream):
    raw = open_raw()
    before = own.process.memory()
    raw.flood(b"".join(opened(own, s) + frame(RESET, 0, s, struct.pack(">I", 8)) for s in range(1, 200_001, 2)))
    assert raw.goaway() == CALM
    endured(own, "client_resets", before)
    assert upstream.targets() == ["/alive"]
    wait_for(lambda: diagnostics(own), what="a diagnostic")
    assert len(diagnostics(own)) == 1 and '"budget":"client_resets"' in diagnostics(own)[0]


def test_rapid_reset_in_separate_packets_reaches_the_application_a_few_times(own, open_raw, upstream):
    raw = open_raw()
    before, begun = own.process.memory(), time.monotonic()
    for stream in range(1, 4001, 2):
        if not raw.flood(opened(own, stream, method="GET")) or not raw.flood(frame(RESET, 0, stream, struct.pack(">I", 8))):
            break
    assert raw.goaway() == CALM
    # A slow machine gives it time to earn some more, 20 a second.
    most = 201 + 20 * int(time.monotonic() - begun)
    endured(own, "client_resets", before)
    assert len(upstream.requests) <= most


PROVOKED = {
    "a window of nothing": lambda g, s: opened(g, s, method="POST") + frame(WINDOW, 0, s, bytes(4)),
    "a window that overflows": lambda g, s: opened(g, s, method="POST") + frame(WINDOW, 0, s, b"\x7f\xff\xff\xff"),
    "a priority on itself": lambda g, s: opened(g, s, method="POST") + frame(PRIORITY, 0, s, struct.pack(">IB", s, 1)),
    "a head that is malformed": lambda g, s: opened(g, s, extra=[("te", "gzip")]),
    "trailers with a pseudo field": lambda g, s: opened(g, s, method="POST") + frame(HEADERS, END_HEADERS | END_STREAM, s, b"\x82"),
    "more body than was said": lambda g, s: opened(g, s, method="POST", extra=[("content-length", "1")]) + frame(DATA, 0, s, b"12"),
    "less body than was said": lambda g, s: opened(g, s, method="POST", extra=[("content-length", "3")]) + frame(DATA, END_STREAM, s, b"12"),
}


@pytest.mark.parametrize("goodbye", [False, True], ids=["", "after GOAWAY"])
@pytest.mark.parametrize("provoked", PROVOKED.values(), ids=PROVOKED.keys())
def test_resets_that_the_client_provokes_are_counted(own, open_raw, upstream, provoked, goodbye):
    raw = open_raw()
    before, begun = own.process.memory(), time.monotonic()
    if goodbye:
        # With a stream open a connection goes on after the client's GOAWAY.
        raw.flood(opened(own, 1, method="POST") + frame(GOAWAY, 0, 0, bytes(8)))
    for stream in range(3, 2003, 2):
        if not raw.flood(provoked(own, stream)):
            break
    # Some of it is an error of the connection at once.
    assert raw.goaway() in (CALM, 1)
    assert not [r for r in upstream.requests if r.complete] and len(upstream.requests) <= 110 + 2 * int(time.monotonic() - begun)
    if raw.code == CALM:
        endured(own, "own_resets", before)


BROKEN = {
    # Errors of the connection (RFC 9113, sections 5.1, 6.4 and 6.9), and of the stream (section 6.3), each counted or fatal.
    "a head after the end": lambda g, s: 2 * frame(HEADERS, END_HEADERS | END_STREAM, s, request_head(g)),
    "data after the end": lambda g, s: frame(HEADERS, END_HEADERS | END_STREAM, s, request_head(g)) + frame(DATA, 0, s, b"x"),
    "a window of three bytes": lambda g, s: opened(g, s, method="POST") + frame(WINDOW, 0, s, bytes(3)),
    "a reset of five bytes": lambda g, s: opened(g, s, method="POST") + frame(RESET, 0, s, bytes(5)),
    "a priority of four bytes": lambda g, s: opened(g, s, method="POST") + frame(PRIORITY, 0, s, bytes(4)),
}


@pytest.mark.parametrize("goodbye", [False, True], ids=["T-69", "T-69-after-GOAWAY"])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_frames_that_make_the_gateway_reset_end_the_connection_early(own, open_raw, upstream, broken, goodbye):
    raw = open_raw(timeout=30)
    before = own.process.memory()
    if goodbye:
        raw.flood(opened(own, 1, method="POST") + frame(GOAWAY, 0, 0, bytes(8)))
    for stream in range(3, 2003, 2):
        if not raw.flood(broken(own, stream)):
            break
    # PROTOCOL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, or the budget.
    assert raw.goaway() in (1, 5, 6, CALM)
    assert len(upstream.requests) <= 110
    assert own.process.memory() - before < 16 << 20
    other = H2(own, timeout=30)
    assert status(other.get("/alive")) == 200
    other.raw.close()


def test_after_a_rapid_reset_the_gateway_rests(own, open_raw, upstream):
    """T-68: nothing of the attack goes on behind the connection that was closed. Only the gateway's own time is looked at, whatever else this machine does."""
    def used():
        with open(f"/proc/{own.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    for _ in range(3):
        raw = open_raw(timeout=30)
        raw.flood(b"".join(opened(own, s) + frame(RESET, 0, s, struct.pack(">I", 8)) for s in range(1, 200_001, 2)))
        assert raw.goaway() == CALM
    assert len(upstream.requests) <= 3 * 201
    looks = [(time.monotonic(), used())]

    def rests():
        """Less than a tenth of a processor for a second."""
        looks.append((time.monotonic(), used()))
        then = next((look for look in reversed(looks) if looks[-1][0] - look[0] >= 1), None)
        return then and (looks[-1][1] - then[1]) / (looks[-1][0] - then[0]) < 0.1

    wait_for(rests, 30, "rest", every=0.1)
    other = H2(own, timeout=30)
    assert status(other.get("/alive")) == 200
    other.raw.close()


def test_streams_beyond_the_limit_are_counted_though_nobody_reads_the_refusals(own, open_raw):
    """Who does not acknowledge the limit is refused stream by stream."""
    raw = open_raw(acknowledges=False)
    before = own.process.memory()
    raw.flood(b"".join(opened(own, s, method="POST") for s in range(1, 200_001, 2)))
    assert raw.goaway() == CALM
    endured(own, "own_resets", before)


# Heads

@pytest.mark.parametrize("piece", [b"", b"\x82" * 16384], ids=["of nothing", "of 16 KiB"])
def test_endless_continuations(own, open_raw, upstream, piece):
    raw = open_raw()
    before = own.process.memory()
    raw.flood(frame(HEADERS, END_STREAM, 1, b"") + frame(CONTINUATION, 0, 1, piece) * (50_000 if not piece else 500))
    assert raw.goaway() == CALM
    endured(own, "continuations", before)
    assert upstream.targets() == ["/alive"]


@pytest.mark.parametrize("name, value", [("cookie", "a=b"), ("x", "y" * 50), ("a", "")])
def test_bombs_of_references_of_one_byte(own, open_raw, upstream, name, value):
    """A field in the table, and tens of thousands of references to it, on a hundred streams whose windows are shut."""
    raw = open_raw(settings=[(4, 0)])
    before = own.process.memory()
    encoder = hpack.Encoder()
    first = request_head(own, extra=[(name, value)], encoder=encoder)
    reference = encoder.encode([(name, value)])
    assert len(reference) == 1
    for stream in range(1, 201, 2):
        block = (first if stream == 1 else request_head(own, encoder=encoder)) + reference * 190
        raw.flood(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
    wait_for(lambda: len(upstream.requests) >= 100, what="the requests that keep to the limits")
    raw.flood(frame(HEADERS, END_STREAM, 201, request_head(own, encoder=encoder) + reference * 12_000)
              + frame(CONTINUATION, 0, 201, reference * 16_000) * 4)
    assert raw.goaway() == CALM
    endured(own, "head_bytes", before, grown=24 << 20)


def test_two_hundred_crumbs_are_enough_and_more_are_431(own, upstream):
    client = H2(own)
    head = [("cookie", f"c{n}=v{n}") for n in range(60)] + [(f"x-{n}", "v") for n in range(30)]
    assert status(client.get("/browser", head)) == 200
    assert upstream.last().one("Cookie") == "; ".join(f"c{n}=v{n}" for n in range(60))
    assert status(client.get("/x", [("cookie", "a=b")] * 200)) == 200
    assert status(client.get("/x", [("cookie", "a=b")] * 201)) == 431
    assert status(client.get("/x", [("cookie", "a=b")])) == 200
    client.raw.close()


# Floods

FLOODS = {
    "settings": ("settings", frame(SETTINGS, 0, 0)),
    "settings that move every window": ("settings", frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0" + b"\0\4\x7f\xff\xff\xff")),
    "the same window again and again": ("settings", frame(SETTINGS, 0, 0, b"\0\4\0\1\0\0") + frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0")),
    # So many at once that their answers are too many to wait.
    "pings": ("pings unread_frames", frame(PING, 0, 0, b"12345678")),
    "answers to pings": ("unknown_frames", frame(PING, ACK, 0, b"12345678")),
    "acknowledged settings": (None, frame(SETTINGS, ACK, 0)),
    "empty data": ("empty_data", frame(DATA, 0, 1)),
    "padding": ("empty_data", frame(DATA, PADDED, 1, b"\xff" + bytes(255))),
    "priorities": ("priority", frame(PRIORITY, 0, 5, struct.pack(">IB", 0, 1))),
    "priorities of idle streams": ("priority", b"".join(frame(PRIORITY, 0, s, struct.pack(">IB", s - 2, 1)) for s in range(1001, 1101, 2))),
    "priority updates": ("priority", frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", 1) + b"u=1")),
    "windows": ("window_updates", frame(WINDOW, 0, 0, struct.pack(">I", 1))),
    "frames of no known type": ("unknown_frames", frame(0xEE, 0, 1, b"x")),
    "goodbyes": ("unknown_frames", frame(GOAWAY, 0, 0, bytes(8))),
}


@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_floods_end_the_connection(own, open_raw, upstream, flood, reads):
    budget, frames = flood
    raw = open_raw()
    before = own.process.memory()
    raw.flood(opened(own, 1, method="POST"))
    for _ in range(400):
        if not raw.flood(frames * 200, read=reads):
            break
    if budget:
        assert raw.goaway() == CALM
        endured(own, budget, before)
    else:
        assert raw.goaway() is not None
        assert own.process.memory() - before < 16 << 20


def test_what_honest_clients_do_is_free(own, upstream):
    """Pings, windows and settings as browsers and gRPC send them."""
    client = H2(own)
    for number in range(300):
        client.connection.ping(b"%08d" % number)
        if number % 20 == 0:
            client.connection.update_settings({4: 65535 + number})
        client.connection.increment_flow_control_window(1)
        assert status(client.get(f"/{number}")) == 200
    assert client.goaway is None
    client.raw.close()


# Windows that stand still

def test_streams_whose_windows_stay_shut_hold_little_and_others_go_on(own, open_raw, upstream):
    size = 1 << 20
    raw = open_raw(settings=[(4, 0)])
    before = own.process.memory()
    raw.flood(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, s, request_head(own, path=f"/download?bytes={size}")) for s in range(1, 201, 2)))
    wait_for(lambda: len(upstream.requests) >= 100, what="a hundred requests")
    other = H2(own)
    for number in range(50):
        # One byte at a time, as the attack has it.
        raw.flood(b"".join(frame(WINDOW, 0, s, struct.pack(">I", 1)) for s in range(1, 201, 20)), read=True)
        assert status(other.get(f"/{number}")) == 200
    assert own.process.memory() - before < 32 << 20
    other.raw.close()


@pytest.mark.parametrize("streams", [1, 100])
def test_slow_bodies_hold_nobody_up(own, open_raw, upstream, streams):
    raw = open_raw()
    before = own.process.memory()
    raw.flood(b"".join(opened(own, s, method="POST") + frame(DATA, 0, s, b"x") for s in range(1, 2 * streams, 2)))
    other = H2(own)
    for number in range(20):
        assert status(other.get(f"/{number}")) == 200
    assert own.process.memory() - before < 16 << 20
    other.raw.close()


def test_many_connections_that_each_flood_leave_nothing_behind(own):
    """What one connection may not, many small ones may not either."""
    before = own.process.memory()
    for _ in range(100):
        raw = RawH2(own)
        raw.flood(frame(PING, 0, 0, b"12345678") * 2000)
        raw.close()
    other = H2(own)
    assert status(other.get("/alive")) == 200
    assert own.process.memory() - before < 16 << 20
    assert len(diagnostics(own)) <= 2
    other.raw.close()
