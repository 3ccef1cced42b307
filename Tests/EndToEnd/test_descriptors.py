"""A process that has few descriptors: what it does when clients take them all."""
import os
import resource
import shutil
import time

import pytest

from harness.process import Process
from harness.raw import RawConnection
from harness.waiting import wait_for

GET = b"GET /public/x HTTP/1.1\r\nHost: wiki.test:%d\r\n\r\n"
LIMIT = 256


@pytest.fixture
def poor(make_gateway, upstream):
    """A gateway with 256 descriptors, of which a quarter is not for clients."""
    if not shutil.which("prlimit"):
        pytest.skip("prlimit (util-linux) is not installed")
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}], start=False)
    gateway.process = Process(["prlimit", f"--nofile={LIMIT}:{LIMIT}", gateway.binary, "run", "--config", gateway.file], f"menwei:{gateway.port}")
    gateway.processes.append(gateway.process)
    gateway.process.wait_line(lambda line: line == "menwei: ready")
    return gateway


def connect(gateway):
    raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca)
    raw.send(GET % gateway.port)
    return raw


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_idle_connections_make_room_for_newcomers(poor):
    """Twice as many clients as there are descriptors: each is served, because those before it wait for nothing."""
    kept = []
    for _ in range(2 * LIMIT):
        raw = connect(poor)
        assert raw.response().status == 200
        kept.append(raw)
    assert poor.operations("/healthz")[0] == 200
    assert poor.metrics()["menwei_connections"] < LIMIT * 3 / 4
    for raw in kept:
        raw.close()


def test_handshakes_that_never_end_do_not_take_the_last_descriptors(poor, upstream):
    upstream.clear()
    kept = RawConnection(poor.port, "wiki.test", ca=poor.ca)
    kept.send(f"POST /public/x HTTP/1.1\r\nHost: wiki.test:{poor.port}\r\nContent-Length: 4\r\n\r\nab".encode())
    upstream.wait_requests(1)
    silent = []
    for _ in range(2 * LIMIT):
        try:
            silent.append(RawConnection(poor.port))
        except ConnectionError:
            pass  # refused while it connected
    refused = 'menwei_connections_refused_total{reason="descriptors"}'
    wait_for(lambda: poor.metrics()[refused] > 0, what="somebody is refused")
    # Whose request is under way is served, and so are the operations.
    kept.send(b"cd")
    assert kept.response().status == 200
    assert poor.operations("/healthz")[0] == 200
    before, begun = cpu_seconds(poor.process.pid), time.monotonic()
    time.sleep(1)
    assert cpu_seconds(poor.process.pid) - before < 0.5 * (time.monotonic() - begun), "it spins"
    for raw in silent:
        raw.close()

    def served():
        try:
            with connect(poor) as raw:
                return raw.response().status == 200
        except (OSError, EOFError):
            return False
    wait_for(served, what="a newcomer is served again")
    kept.close()


def test_where_the_upstream_cannot_be_connected_to_the_answer_is_502_or_503(poor, upstream):
    """Requests that wait for the upstream take the descriptors that are kept for it."""
    hold = []
    upstream.script("/slow", lambda exchange: hold.append(exchange.connection.recv(1)))
    raws = []
    statuses = []
    try:
        for _ in range(LIMIT * 3 // 4):
            try:
                raw = RawConnection(poor.port, "wiki.test", ca=poor.ca)
            except OSError:
                continue
            raw.send(f"GET /slow HTTP/1.1\r\nHost: wiki.test:{poor.port}\r\n\r\n".encode())
            raws.append(raw)
        for raw in raws:
            raw.socket.settimeout(0.2)
            try:
                statuses.append(raw.response().status)
            except (TimeoutError, OSError, EOFError):
                pass
        assert set(statuses) <= {502, 503}, statuses
        assert poor.process.is_running and poor.operations("/healthz")[0] == 200
    finally:
        for raw in raws:
            raw.close()
        upstream.close_connections()

    def served():
        try:
            with connect(poor) as raw:
                return raw.response().status == 200
        except (OSError, EOFError):
            return False
    wait_for(served, what="it serves again")


def test_where_the_gateway_has_no_descriptor_to_connect_with_the_upstream_has_no_blame(poor, upstream):
    pid = poor.process.pid
    raws = [connect(poor) for _ in range(8)]
    for raw in raws:
        assert raw.response().status == 200
    descriptors = lambda: len(os.listdir(f"/proc/{pid}/fd"))
    left = descriptors() - len({request.connection_number for request in upstream.requests})
    upstream.close_connections()
    wait_for(lambda: descriptors() <= left, what="the kept connections to the upstream to be closed")
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    try:
        used = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(set(range(len(used) + 1)) - used), before[1]))
        for raw in raws:
            raw.send(b"POST /public/x HTTP/1.1\r\nHost: wiki.test:%d\r\nContent-Length: 0\r\n\r\n" % poor.port)
            assert raw.response().status == 502
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    poor.process.wait_line("Too many open files")
    assert not any("keeps failing" in line for line in poor.process.err)
    assert [value for name, value in poor.metrics().items() if name.startswith("menwei_upstream_healthy")] == [1]
    for raw in raws:
        raw.send(GET % poor.port)
        assert raw.response().status == 200
        raw.close()
