"""The laboratory: one folder, one certificate, one upstream, and the gateways under test beside each other. All of it is gone afterwards.

A gateway runs on core 0 with one worker; the load and the upstream share core 1. Only the gateway's own CPU time counts.
"""
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MENWEI = os.environ.get("MENWEI_BIN", str(ROOT / ".build/release/menwei"))
TICKS = os.sysconf("SC_CLK_TCK")
GATEWAY_CORE, LOAD_CORE = "0", "1"
#: The one site that every gateway serves, and the answer of 1 KiB that most loads ask for.
HOST, PAGE = "wiki.localhost", "/1k"


class Missing(Exception):
    """A peer that cannot be had on this machine, and why."""


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Missing(f"{tool} is not installed")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def threads_of_children(pid):
    """All descendants of a process."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [p for child in map(int, found) for p in [child, *threads_of_children(child)]]


class Peer:
    """A gateway under test: its name, its port, what a client must send to be let in, and the processes whose CPU time counts."""

    def __init__(self, name, port, process, headers=(), version=""):
        self.name, self.port, self.process, self.headers, self.version = name, port, process, list(headers), version

    def pids(self):
        return [self.process.pid, *threads_of_children(self.process.pid)]

    def cpu_seconds(self):
        """User and system time of all its threads, those included that have ended; in steps of a tick (10 ms)."""
        total = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS


class Lab:
    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped then, too
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="menwei-bench-"))
        self.folder.chmod(0o755)  # a peer's workers may drop their rights
        self.processes = []
        try:
            self.make_certificate()
            self.start_upstream()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_certificate(self):
        self.certificate, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        self.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
                  "-addext", f"subjectAltName=DNS:{HOST},DNS:auth.localhost", "-keyout", self.key, "-out", self.certificate])
        self.key.chmod(0o640)
        (self.folder / "both.pem").write_bytes(self.certificate.read_bytes() + self.key.read_bytes())

    def start_upstream(self):
        """Answers from memory: /1k, /10m, /auth for auth_request; /upload reads all of a body before it answers."""
        need("nginx", "taskset")
        www = self.folder / "www"
        www.mkdir()
        (www / "1k").write_bytes(b"x" * 1024)
        (www / "10m").write_bytes(bytes(10 << 20))
        self.upstream = free_port()
        path = self.file("upstream.conf", f"""
daemon off; master_process off; pid {self.folder}/upstream.pid; error_log /dev/null;
events {{ worker_connections 8192; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; client_max_body_size 0; client_body_buffer_size 12m;
  client_body_temp_path {self.folder}/upstream-body; proxy_temp_path {self.folder}/upstream-proxy; fastcgi_temp_path {self.folder}/upstream-f;
  uwsgi_temp_path {self.folder}/upstream-u; scgi_temp_path {self.folder}/upstream-s;
  upstream self {{ server 127.0.0.1:{self.upstream}; keepalive 16; }}
  server {{ listen 127.0.0.1:{self.upstream} backlog=4096; root {www}; open_file_cache max=10;
    location /auth {{ add_header X-Forwarded-User zhangsan; return 204; }}
    location /empty {{ return 204; }}
    location /upload {{ proxy_pass http://self/empty; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_method GET; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; }} }} }}
""")
        self.start(["nginx", "-p", self.folder, "-c", path], LOAD_CORE)
        self.wait_port(self.upstream)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    @staticmethod
    def run(command, **more):
        return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **more).stdout

    def start(self, command, core=GATEWAY_CORE, output=None, **more):
        """Starts a process on one core; `output` names a file of the folder for both its outputs. `wait_port` reports on the process started last."""
        self.output = self.folder / (output or "output")
        sink = open(self.output, "w")
        process = subprocess.Popen(["taskset", "-c", core, *map(str, command)], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=self.folder, **more)
        self.processes.append(process)
        return process

    def stop(self, process):
        if process in self.processes:
            self.processes.remove(process)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def complaint(self):
        """What the process that was started last said, warnings left out."""
        return " | ".join([line for line in self.output.read_text(errors="replace").splitlines() if line and "warning" not in line][:3])

    def wait_port(self, port, seconds=20):
        deadline = time.monotonic() + seconds
        while not accepts(port):
            if time.monotonic() > deadline or self.processes[-1].poll() is not None:
                raise Missing(f"nothing listens on its port; it said: {self.complaint()}")
            time.sleep(0.05)
