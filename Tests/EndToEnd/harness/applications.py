"""Applications as processes (`application.py`), which may be killed and come back at the same port."""
import http.client
import sys
from pathlib import Path

from .ports import free_port
from .process import Process

PROGRAM = Path(__file__).with_name("application.py")


class RunningApplication:
    def __init__(self, name):
        self.name, self.port = name, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.before = []
        self.start()

    def start(self):
        if self.process:
            self.before += self.process.out
        self.process = Process([sys.executable, PROGRAM, self.port, self.name], f"application {self.name}")
        self.process.wait_line("ready", self.process.out)

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process.is_running:
            self.process.kill()

    def took(self, method=None):
        """What it took so far, as (method, target, user agent)."""
        requests = [tuple(line.split(" ", 2)) for line in self.before + list(self.process.out) if " " in line]
        return [request for request in requests if method in (None, request[0])]

    def ask(self, method, target, body=None):
        """Asks it directly, past the gateway."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body)
            return connection.getresponse().status
        finally:
            connection.close()
