"""The gateway as a process, with a configuration made for it."""
import copy
import http.client
import json
import os
from pathlib import Path

from .ports import free_port
from .process import Process
from .simulator import CORP, SECOND_CORP, WECHAT_APP
from .waiting import wait_for

AUTH = "auth.test"


class Gateway:
    """`sites`: dictionaries of the configuration; `host` instead of `origin` gets the port of this gateway.
    `change` is handed the whole configuration before it is written."""

    def __init__(self, binary, folder, authority, simulator, sites, change=None, auth_host=AUTH, start=True, operations=True, environment=None):
        self.binary, self.folder = binary, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = environment
        self.ca = authority.file
        self.simulator = simulator
        self.port, self.http_port, self.operations_port = free_port(), free_port(), free_port()
        self.auth_host = auth_host
        self.auth = self.origin(auth_host)
        sites = [self._site(site) for site in copy.deepcopy(sites)]
        hosts = sorted({auth_host} | {site["origin"].split("//")[1].split(":")[0] for site in sites})
        chain, key = authority.issue(f"gateway-{self.port}", hosts)
        (self.folder / "secret").write_text("simulator-secret\n")
        (self.folder / "secret").chmod(0o600)
        self.configuration = {
            "listen": {
                "https": [f"127.0.0.1:{self.port}"], "http": [f"127.0.0.1:{self.http_port}"],
                "operations": f"127.0.0.1:{self.operations_port}",
            },
            "tls": {"certificates": [{"certificate": str(chain), "key": str(key)}]},
            "auth": {"origin": self.auth},
            "connections": [self.connection("corp", simulator)],
            "sites": sites,
            "sessions": {"store": "sqlite:menwei.db"},
        }
        if change:
            change(self.configuration)
        self.file = self.folder / "menwei.yaml"
        self.write()
        if simulator:
            simulator.trust(f"{auth_host}:{self.port}")
        self.process = None
        self.processes = []
        if start:
            self.start()

    @staticmethod
    def connection(identifier, simulator, **more):
        base = simulator.base if simulator else "http://127.0.0.1:1"
        return {
            "id": identifier, "type": "wecom", "name": {"zh": "企业微信", "en": "WeCom"}, "corp_id": CORP, "agent_id": 1000002,
            "secret": {"file": "secret"},
            "endpoints": {
                "api": base, "authorize": f"{base}/connect/oauth2/authorize", "web_login": f"{base}/wwlogin/sso/login",
            }, **more,
        }

    @staticmethod
    def second_connection(identifier, simulator, **more):
        """An app of the other corp, in which the same user ids are other people."""
        return Gateway.connection(identifier, simulator, **{
            "name": {"zh": "第二公司", "en": "Second Ltd"}, "corp_id": SECOND_CORP, "secret": "second-secret", "auto_login": False, **more})

    @staticmethod
    def wechat_connection(identifier, simulator, **more):
        base = simulator.base if simulator else "http://127.0.0.1:1"
        return {
            "id": identifier, "type": "wechat", "app_id": WECHAT_APP, "secret": "wechat-secret",
            "endpoints": {"api": base, "authorize": f"{base}/connect/qrconnect"}, **more,
        }

    def _site(self, site):
        if "host" in site:
            site["origin"] = self.origin(site.pop("host"))
        return site

    def origin(self, host):
        return f"https://{host}:{self.port}"

    def write(self):
        # JSON is YAML; one key a line, so that faults have lines of their own. In one step: a reload that is under way reads the old file or the new one.
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(self.configuration, indent=1, ensure_ascii=False))
        fresh.replace(self.file)

    def start(self):
        self.process = Process([self.binary, "run", "--config", self.file], f"menwei:{self.port}", env=self.environment)
        self.processes.append(self.process)
        self.process.wait_line(lambda line: line == "menwei: ready")
        return self

    def stop(self):
        if self.process:
            self.process.stop()

    def finish(self):
        """At the end of a test: stops what runs, and fails where any of the processes crashed."""
        for process in self.processes:
            process.stop()
            for line in process.out:
                json.loads(line)

    # What it says of itself

    def records(self, event=None, **fields):
        """The records so far; `event` and further members choose."""
        found = []
        for line in list(self.process.out):
            record = json.loads(line)
            if (event is None or record.get("event") == event) and all(record.get(k) == v for k, v in fields.items()):
                found.append(record)
        return found

    def record(self, event=None, deadline=30.0, **fields):
        """The last such record, waited for."""
        return wait_for(lambda: self.records(event, **fields), deadline, f"a record {event} {fields}")[-1]

    def operations(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.operations_port, timeout=30)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type"), response.read().decode()
        finally:
            connection.close()

    def metrics(self):
        """Sample name with labels → value."""
        status, _, text = self.operations("/metrics")
        assert status == 200
        samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples


def default_binary():
    root = Path(__file__).resolve().parents[3]
    named = os.environ.get("MENWEI_BIN")
    if named:
        return Path(named).resolve()
    for mode in ("release", "debug"):
        path = root / ".build" / mode / "menwei"
        if path.exists():
            return path
    raise RuntimeError("no menwei executable: build one, or name it in MENWEI_BIN")
