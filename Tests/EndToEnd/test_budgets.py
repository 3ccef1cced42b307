"""What a request and a connection may cost: the numbers are in Tests/Benchmarks/budgets.toml."""
import re
import shutil
import struct
import subprocess
import tomllib
from pathlib import Path

import pytest

from harness.browser import Browser
from harness.gateway import default_binary
from harness.raw import RawConnection, client_context

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
    out = subprocess.run([*command, gateway.origin("wiki.test") + "/page"], capture_output=True, text=True, timeout=100).stdout
    assert int(re.search(r"(\d+) 2xx", out).group(1)) == requests, out


@pytest.mark.timeout(180)
@pytest.mark.parametrize("budget, shape", [("http1", ["--h1", "-c", "4"]), ("http2", ["-c", "2", "-m", "8"])])
def test_a_request_allocates_no_more_than_its_budget(counted, counter, budget, shape):
    gateway, cookie = counted

    def allocations(requests):
        before = counter.read()
        load(gateway, cookie, requests, shape)
        return counter.read() - before

    few, many = 200, 2200
    allocations(few)  # warm
    # Connections and handshakes are the same in both, and cancel out.
    each = (allocations(many) - allocations(few)) / (many - few)
    print(f"{budget}: {each:.2f} allocations per request")
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
