import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.browser import Browser, DESKTOP
from harness.certificates import Authority
from harness.gateway import Gateway, default_binary
from harness.raw import RawConnection
from harness.simulator import Simulator
from harness.upstream import Upstream


#: Files whose tests measure memory or processor time, hold the gateway to seconds, or put the whole machine under load.
MEASURING = {
    "test_attacks_sessions.py", "test_budgets.py", "test_chaos.py", "test_descriptors.py", "test_reload_load.py", "test_session_streams.py", "test_streaming.py", "test_wecom_table.py",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.name in MEASURING:
            item.add_marker(pytest.mark.measuring)
    # What waits longest begins first.
    items.sort(key=lambda item: item.path.name != "test_slow_clients.py")


@pytest.fixture(scope="session")
def binary():
    return default_binary()


@pytest.fixture(scope="session")
def workspace():
    """A folder for the run; kept, with its screenshots and records, where MENWEI_KEEP names one."""
    kept = os.environ.get("MENWEI_KEEP")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    folder = Path(tempfile.mkdtemp(prefix="menwei-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(workspace):
    return Authority(workspace / "tls")


@pytest.fixture(scope="session")
def simulator(binary):
    simulator = Simulator(binary)
    yield simulator
    simulator.stop()


@pytest.fixture(autouse=True)
def no_planned_faults(request):
    """What one test plans to go wrong must not meet the next."""
    yield
    if "simulator" in request.fixturenames:
        request.getfixturevalue("simulator").undo()


@pytest.fixture(scope="module")
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(autouse=True)
def fresh_upstream(request):
    if "upstream" in request.fixturenames:
        upstream = request.getfixturevalue("upstream")
        upstream.clear()
        upstream.scripts.clear()


class Factory:
    def __init__(self, binary, workspace, authority, simulator):
        self.binary, self.workspace, self.authority, self.simulator = binary, workspace, authority, simulator
        self.made = []

    def __call__(self, sites, change=None, **more):
        folder = Path(tempfile.mkdtemp(prefix="gateway-", dir=self.workspace))
        gateway = Gateway(self.binary, folder, self.authority, self.simulator, sites, change, **more)
        self.made.append(gateway)
        return gateway

    def finish(self):
        for gateway in self.made:
            gateway.finish()


@pytest.fixture
def make_gateway(binary, workspace, authority, simulator):
    """Starts gateways for one test; fails it where one of them crashed or would not stop."""
    factory = Factory(binary, workspace, authority, simulator)
    yield factory
    factory.finish()


@pytest.fixture(scope="module")
def make_module_gateway(binary, workspace, authority, simulator):
    factory = Factory(binary, workspace, authority, simulator)
    yield factory
    factory.finish()


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    """The gateway that most tests of a module share: two sites, a few rules."""
    return make_module_gateway([
        {
            "id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
            "access": [
                {"path": "/public/*", "allow": "anyone"},
                {"path": "/admin/*", "allow": {"users": ["zhangsan"]}},
                {"path": "/read/*", "methods": ["GET"], "allow": "anyone"},
                {"allow": "members"},
            ],
            "identity": {"headers": {"Remote-User": "{account}"}},
        },
        {"id": "app", "host": "app.test", "upstreams": [upstream.base]},
    ])


@pytest.fixture
def browser(gateway):
    return Browser(gateway)


@pytest.fixture(scope="module")
def member(gateway):
    """Somebody who is logged in at wiki.test: zhangsan. Shared, so tests must not log them out."""
    browser = Browser(gateway)
    answer = browser.log_in(gateway.origin("wiki.test") + "/")
    assert answer.status == 200, answer.body
    return browser


@pytest.fixture
def connect(gateway):
    """Opens raw TLS connections to the shared gateway; all are closed at the end."""
    opened = []

    def open_one(host="wiki.test", **more):
        opened.append(RawConnection(gateway.port, host, ca=gateway.ca, **more))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def curl(gateway):
    """curl with the gateway's names resolved to this machine."""
    def run(*arguments, check=True):
        names = ["wiki.test", "app.test", "auth.test"]
        resolve = [part for name in names for part in ("--resolve", f"{name}:{gateway.port}:127.0.0.1")]
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "--cacert", str(gateway.ca), "--max-time", "60", *resolve, *map(str, arguments)],
            capture_output=True, timeout=90)
        if check:
            assert done.returncode == 0, done.stderr.decode()
        return done

    return run
