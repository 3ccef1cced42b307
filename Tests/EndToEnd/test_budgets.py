"""What a request and a connection may cost: the numbers are in Tests/Benchmarks/budgets.toml."""
import multiprocessing
import re
import resource
import shutil
import socket
import ssl
import struct
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.gateway import default_binary
from harness.raw import RawConnection, client_context
from harness.waiting import wait_for

BENCHMARKS = Path(__file__).resolve().parents[1] / "Benchmarks"
BUDGETS = tomllib.loads((BENCHMARKS / "budgets.toml").read_text())
pytestmark = pytest.mark.skipif("debug" in default_binary().resolve().parts, reason="budgets are of the release")
BROWSER = {"user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/129.0 Safari/537.36", "accept": "text/html", "accept-language": "zh-CN,zh;q=0.9"}


class AllocationCounter:
    """The number that Tests/Benchmarks/allocations.c keeps for a process that is started with `environment`."""

    def __init__(self, folder):
        compiler = shutil.which("clang") or shutil.which("cc")
        assert compiler, "the Swift toolchain brings clang; is it in PATH?"
        library, self.file = folder / "allocations.so", folder / "allocations"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, BENCHMARKS / "allocations.c"], check=True)
        self.file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(library), "MENWEI_ALLOCATIONS": str(self.file)}

    def read(self):
        return struct.unpack("=Q", self.file.read_bytes())[0]


@pytest.fixture
def counter(tmp_path):
    return AllocationCounter(tmp_path)


@pytest.fixture
def counted(make_gateway, upstream, counter):
    """A gateway whose allocations are counted, and somebody who is logged in there."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], environment=counter.environment)
    member = Browser(gateway)
    assert member.log_in(gateway.origin("wiki.test") + "/").status == 200
    return gateway, member.cookie("wiki.test")


def load(gateway, cookie, requests, shape):
    command = ["h2load", "-n", str(requests), "-t", "1", f"--connect-to=127.0.0.1:{gateway.port}", *shape]
    for name, value in {"cookie": f"app=1; __Host-menwei={cookie}; theme=dark", **BROWSER}.items():
        command += ["-H", f"{name}: {value}"]
    out = subprocess.run([*command, gateway.origin("wiki.test") + "/page"], capture_output=True, text=True, timeout=180).stdout
    assert int(re.search(r"(\d+) 2xx", out).group(1)) == requests, out


@pytest.mark.timeout(600)
@pytest.mark.parametrize("budget, shape", [("http1", ["--h1", "-c", "4"]), ("http2", ["-c", "2", "-m", "8"])])
def test_a_request_allocates_no_more_than_its_budget(counted, counter, budget, shape):
    gateway, cookie = counted

    def while_idle():
        """Allocations of a second in which nobody asks: clocks go on, and a slow machine takes longer for the same requests."""
        before, began = counter.read(), time.monotonic()
        wait_for(lambda: time.monotonic() - began > 3)
        return (counter.read() - before) / (time.monotonic() - began)

    def allocations(requests):
        before, began = counter.read(), time.monotonic()
        load(gateway, cookie, requests, shape)
        return counter.read() - before - idle * (time.monotonic() - began)

    few, many, idle = 200, 2200, 0
    allocations(few)  # warm
    idle = while_idle()
    # Connections and handshakes are the same in both, and cancel out.
    each = (allocations(many) - allocations(few)) / (many - few)
    print(f"{budget}: {each:.2f} allocations per request, {idle:.1f} in an idle second")
    assert 0 < each <= BUDGETS["allocations"][budget]


def test_an_idle_connection_keeps_no_more_memory_than_its_budget(gateway, member):
    context = client_context(gateway.ca)
    request = f"GET /page HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: __Host-menwei={member.cookie('wiki.test')}\r\n\r\n".encode()

    def idle_connections(count):
        opened = [RawConnection(gateway.port, "wiki.test", context=context) for _ in range(count)]
        for connection in opened:
            connection.send(request)
            assert connection.response().status == 200
        return opened

    for connection in idle_connections(50):  # warm
        connection.close()
    count = 400
    before = gateway.process.memory()
    opened = idle_connections(count)
    each = (gateway.process.memory() - before) / count / 1024
    for connection in opened:
        connection.close()
    print(f"{each:.1f} KiB per idle connection")
    assert each <= BUDGETS["memory"]["idle_connection"]


def idle_clients(port, request, count, opened, done):
    """A process that opens connections, asks for one thing on each, and keeps their sockets alone: what the client's TLS holds is given back."""
    context = ssl._create_unverified_context()
    sockets, times = [], []
    for _ in range(count):
        plain = socket.create_connection(("127.0.0.1", port), timeout=60)
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(coming, going, server_hostname="wiki.test")

        def through(step):
            while True:
                try:
                    result = step()
                    plain.sendall(going.read())
                    return result
                except ssl.SSLWantReadError:
                    plain.sendall(going.read())
                    more = plain.recv(65536)
                    assert more, "the gateway closed a connection"
                    coming.write(more)

        through(tls.do_handshake)
        through(lambda: tls.write(request))
        answer = b""
        while not answer.endswith(b"ok"):
            answer += through(lambda: tls.read(65536))
        sockets.append(plain)
        times.append(time.monotonic())
    opened.send(times)
    done.wait()


@pytest.mark.timeout(600)
def test_ten_thousand_idle_connections_are_kept_within_their_budget_of_memory(make_gateway, upstream):
    count, processes, kept_for = 10_000, 4, 75
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard == resource.RLIM_INFINITY or hard >= count + 2000, f"`ulimit -Hn` is {hard}: this test needs {count + 2000}"
    upstream.script("/idle", lambda exchange: (exchange.read_body(), exchange.respond(200, [], b"ok")))
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    request = f"GET /idle HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode()

    def ask():
        with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
            raw.send(request)
            return raw.response().status

    for _ in range(50):  # warm
        assert ask() == 200
    before = gateway.process.memory()
    context = multiprocessing.get_context("fork")
    done = context.Event()
    ways = [context.Pipe(duplex=False) for _ in range(processes)]
    clients = [context.Process(target=idle_clients, args=(gateway.port, request, count // processes, way[1], done), daemon=True) for way in ways]
    for client in clients:
        client.start()
    for _, way in ways:
        way.close()  # the clients' own: where one dies, its end is seen
    try:
        times = [moment for way, _ in ways for moment in way.recv()]
        memory, kept = gateway.process.memory() - before, gateway.metrics()["menwei_connections"]
        now = time.monotonic()
        # On a machine that needs longer than that the first ones are closed again, as they should be.
        assert len(times) == count and kept >= sum(now - moment < kept_for - 5 for moment in times)
        print(f"{kept:.0f} connections, opened in {now - min(times):.0f} s, {memory / kept / 1024:.1f} KiB each")
        assert memory / kept / 1024 <= BUDGETS["memory"]["idle_connection"]
        assert ask() == 200, "newcomers are served beside them"
    finally:
        done.set()
        for client in clients:
            client.join(60)
    wait_for(lambda: gateway.metrics()["menwei_connections"] < 20, 120, "all to be forgotten")
    assert ask() == 200
