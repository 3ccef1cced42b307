"""The WeCom simulator as a process, and its control interface."""
import http.client
import json
import time

from .ports import free_port
from .process import Process
from .waiting import wait_for

CORP = "ww0123456789abcdef"
SECOND_CORP = "wwfedcba9876543210"
WECHAT_APP = "wx0123456789abcdef"
#: What a gateway waits for an answer, in milliseconds.
PATIENCE = 5000


class Simulator:
    def __init__(self, binary):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.authorities = []
        self._changed = False
        #: How long answers are held back at present, where nobody waits for them; and until when the last of them may be.
        self._delay, self._late = 0, 0
        self.process = Process([binary, "simulator", "--listen", f"127.0.0.1:{self.port}"], "simulator")
        wait_for(self._answers, 60, "the simulator")

    def _answers(self):
        if not self.process.is_running:
            raise AssertionError("simulator: " + "\n".join(self.process.err))
        try:
            return self.report("people")
        except (ConnectionError, OSError):
            return None

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body is not None else {})
            response = connection.getresponse()
            data = response.read()
            assert response.status == 200, (path, response.status, data)
            return json.loads(data)
        finally:
            connection.close()

    def control(self, name, /, **body):
        self._changed = self._changed or name not in ("faults", "clear-faults", "clear-calls", "scan", "phone", "reset")
        if name == "clear-faults":
            self._late = max(self._late, time.monotonic() + self._delay if self._delay else 0)
            self._delay = 0
        if name == "clear-calls":
            # A call counts when it is answered: one that was given up long ago must not count among those that come from now on.
            wait_for(lambda: time.monotonic() >= self._late, 90)
        return self._ask("POST", f"/_simulator/{name}", json.dumps(body))

    def report(self, name):
        return self._ask("GET", f"/_simulator/{name}")

    def trust(self, authority):
        """The host and port of an auth origin, for all apps of both corps."""
        self.authorities.append(authority)
        changed = self._changed
        self._trust()
        # What a test changed before it made the gateway is to be undone all the same.
        self._changed = changed

    def _trust(self):
        for corp, agent in ((CORP, 1000002), (CORP, 1000003), (SECOND_CORP, 1000002)):
            self.control("app", corpid=corp, agentid=agent, trusted_domains=self.authorities, web_callback_domains=self.authorities)
        # WeChat knows hosts without their ports.
        self.control("wechat-app", callback_domains=sorted({authority.split(":")[0] for authority in self.authorities}))
        self._changed = False

    def undo(self):
        """After a test. A whole reset forgets all tokens, which gateways that live on would have to fetch again: only where the world was changed."""
        self.control("clear-faults")
        self.control("scan")
        if self._changed:
            self.control("reset")
            self._trust()

    def fault(self, api, **what):
        delay = what.get("delay_ms", 0)
        self._delay = max(self._delay, delay / 1000 + 1 if delay > PATIENCE else 0)
        self.control("faults", api=api, **what)

    def counts(self):
        return self.report("calls")["counts"]

    def stop(self):
        self.process.stop()
