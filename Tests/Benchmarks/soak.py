#!/usr/bin/env python3
"""Runs the gateway for a long time under everything at once, and says whether its memory and its descriptors stay where they are.

    nice Tests/Benchmarks/soak.py [--minutes 30] [--every SECONDS]

HTTP/1.1 and HTTP/2, uploads, downloads, WebSockets, requests that are broken off, bytes that are no requests, logins and logouts with the simulator:
a thread each, in small steps, so that it runs beside other work. Needs what the end-to-end tests need (Tests/EndToEnd/requirements.txt) and a release
build of menwei (MENWEI_BIN names another). Exit status 1: it grew, crashed, or answered what it should not.
"""
import argparse
import collections
import os
import pathlib
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))

from harness.browser import Browser  # noqa: E402
from harness.certificates import Authority  # noqa: E402
from harness.gateway import Gateway, default_binary  # noqa: E402
from harness.http2_client import H2, status  # noqa: E402
from harness.raw import RawConnection  # noqa: E402
from harness.simulator import Simulator  # noqa: E402
from harness.upstream import Upstream  # noqa: E402

SITES = [{"id": "wiki", "host": "wiki.test", "access": [{"path": "/public/*", "allow": "anyone"}, {"allow": "members"}]}]
PEOPLE = ("zhangsan", "lisi")


class Soak:
    def __init__(self, gateway, upstream, member, seed):
        self.gateway, self.upstream, self.member = gateway, upstream, member
        self.random = random.Random(seed)
        self.done, self.failed = collections.Counter(), collections.Counter()
        self.examples = {}
        self.stopped = threading.Event()

    # What there is to do

    @property
    def identity(self):
        return f"Cookie: app=1; __Host-menwei={self.member.cookie('wiki.test')}\r\n"

    def open(self):
        return RawConnection(self.gateway.port, "wiki.test", ca=self.gateway.ca)

    def head(self, method, path, fields=""):
        return f"{method} {path} HTTP/1.1\r\nHost: wiki.test:{self.gateway.port}\r\n{self.identity}{fields}\r\n".encode()

    def http1(self):
        with self.open() as raw:
            for _ in range(self.random.randrange(1, 30)):
                raw.send(self.head("GET", "/app"))
                assert raw.response().status == 200

    def http2(self):
        client = H2(self.gateway)
        try:
            cookie = [("cookie", f"__Host-menwei={self.member.cookie('wiki.test')}")]
            for _ in range(self.random.randrange(1, 5)):
                streams = [client.send("GET", "/app", cookie) for _ in range(self.random.randrange(1, 20))]
                for stream in streams:
                    assert status(client.wait(stream)) == 200
        finally:
            client.raw.close()

    def http2_reset(self):
        client = H2(self.gateway)
        try:
            stream = client.send("GET", "/download?bytes=3000000", [("cookie", f"__Host-menwei={self.member.cookie('wiki.test')}")])
            client.step()
            client.connection.reset_stream(stream)
            client.flush()
            assert status(client.get("/public/x")) == 200
        finally:
            client.raw.close()

    def upload(self):
        body = os.urandom(self.random.randrange(1, 2 << 20))
        with self.open() as raw:
            raw.send(self.head("POST", "/app", f"Content-Length: {len(body)}\r\n") + body)
            assert raw.response().status == 200

    def download(self):
        with self.open() as raw:
            raw.send(self.head("GET", "/download?bytes=4000000&chunked=1"))
            assert len(raw.response().body) == 4000000

    def websocket(self):
        with self.open() as raw:
            raw.send(self.head("GET", "/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                               f"Origin: {self.gateway.origin('wiki.test')}\r\n"))
            assert raw.response().status == 101
            for _ in range(self.random.randrange(20)):
                raw.send(b"\x82\x84\0\0\0\0abcd")
                assert raw._exactly(6) == b"\x82\x04abcd"
            if self.random.random() < 0.5:
                raw.send(b"\x88\x82\0\0\0\0\x03\xe8")
                raw.everything()

    def broken_off(self):
        with self.open() as raw:
            kind = self.random.randrange(3)
            if kind == 0:
                raw.send(self.head("GET", "/download?bytes=8000000"))
                raw.receive()
            elif kind == 1:
                raw.send(self.head("POST", "/app", "Content-Length: 1000000\r\n") + bytes(5000))
            else:
                raw.send(self.head("GET", "/app")[:-4])

    def bad_bytes(self):
        kind = self.random.randrange(3)
        raw = RawConnection(self.gateway.port) if kind == 0 else self.open()
        with raw:
            if kind == 2:
                raw.try_send(self.head("POST", "/app", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"))
            else:
                raw.try_send(self.random.randbytes(self.random.randrange(1, 3000)) + b"\r\n\r\n")
            raw.everything()

    def idle(self):
        """Connections that wait, so that there are always some to keep."""
        raws = [self.open() for _ in range(20)]
        for raw in raws:
            raw.send(self.head("GET", "/app"))
            assert raw.response().status == 200
        self.stopped.wait(2)
        for raw in raws:
            raw.close()

    def login(self):
        browser = Browser(self.gateway)
        answer = browser.log_in(self.gateway.origin("wiki.test") + "/page", self.random.choice(PEOPLE))
        assert answer.status == 200
        # Sessions that live on would be memory that grows for a good reason.
        origin = self.gateway.origin("wiki.test")
        browser.request("POST", origin + "/.menwei/logout", headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"}, body=b"")
        assert browser.call(origin + "/app").status == 401

    # How it is done

    KINDS = ("http1", "http2", "http2_reset", "upload", "download", "websocket", "broken_off", "bad_bytes", "idle", "login")

    def work(self, kind, pause):
        while not self.stopped.is_set():
            try:
                getattr(self, kind)()
                self.done[kind] += 1
            except Exception as error:  # whatever it is, the others go on and the verdict tells
                self.failed[kind] += 1
                self.examples.setdefault(kind, f"{type(error).__name__}: {error}"[:200])
            if kind == "http1":
                self.upstream.clear()
                del self.upstream.closes[:]
            self.stopped.wait(pause)

    def start(self, pause):
        for kind in self.KINDS:
            threading.Thread(target=self.work, args=(kind, pause), daemon=True).start()


def state(pid):
    """Resident memory in KiB, and how many descriptors are open."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]), len(os.listdir(f"/proc/{pid}/fd"))


def observe(process, soak, minutes, every):
    samples = []
    print("| minute | resident | descriptors | done | failed |\n|---|---|---|---|---|", flush=True)
    end, printed = time.monotonic() + minutes * 60, 0
    begun = time.monotonic()
    while time.monotonic() < end and process.poll() is None:
        soak.stopped.wait(min(every, 5))
        if process.poll() is not None:
            break
        samples.append(state(process.pid))
        if time.monotonic() - begun >= printed * every:
            printed += 1
            minute = (time.monotonic() - begun) / 60
            print(f"| {minute:.1f} | {samples[-1][0] / 1024:.1f} MiB | {samples[-1][1]} | {sum(soak.done.values())} | {sum(soak.failed.values())} |", flush=True)
    return samples


def verdict(samples, crashed, failed):
    """The first fifth is for warming up; then the fifth behind it is compared with the last."""
    if crashed or len(samples) < 10:
        return "it ended by itself" if crashed else "too short to tell"
    fifth = len(samples) // 5
    early, late = (statistics.median(memory for memory, _ in part) for part in (samples[fifth:2 * fifth], samples[-fifth:]))
    grown = late - early
    print(f"\nresident: {early / 1024:.1f} MiB in the second fifth, {late / 1024:.1f} MiB in the last ({grown / 1024:+.1f} MiB); descriptors at the end: {samples[-1][1]}")
    if grown > max(2048, early * 0.05):
        return "it grew"
    return "it answered what it should not, or not at all" if failed else None


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--every", type=float, default=60, help="seconds between two lines of the table")
    arguments.add_argument("--pause", type=float, default=0.05, help="seconds between two pieces of work of one kind")
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    options = arguments.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="menwei-soak-"))
    simulator, upstream = Simulator(default_binary()), Upstream()
    process = None
    try:
        gateway = Gateway(default_binary(), folder / "gateway", Authority(folder / "tls"), simulator, [{**SITES[0], "upstreams": [upstream.base]}], start=False)
        process = subprocess.Popen([gateway.binary, "run", "--config", gateway.file], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line == "menwei: ready\n":
                break
        threading.Thread(target=lambda: sys.stderr.writelines(process.stderr), daemon=True).start()
        member = Browser(gateway)
        member.log_in(gateway.origin("wiki.test") + "/page")
        soak = Soak(gateway, upstream, member, options.seed)
        print(f"seed {options.seed}")
        soak.start(options.pause)
        samples = observe(process, soak, options.minutes, options.every)
        crashed = process.poll() is not None
        soak.stopped.set()
        print("\n" + ", ".join(f"{kind} {soak.done[kind]}" for kind in soak.KINDS))
        for kind, count in soak.failed.items():
            print(f"{kind}: {count} failed, such as {soak.examples[kind]}")
        why = verdict(samples, crashed, sum(soak.failed.values()) > sum(soak.done.values()) // 1000)
        print("verdict: " + (why or "flat"))
        return 1 if why else 0
    finally:
        if process and process.poll() is None:
            process.terminate()
            process.wait(40)
        simulator.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
