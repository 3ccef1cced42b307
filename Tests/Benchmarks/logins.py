#!/usr/bin/env python3
"""Logins per second: people inside WeCom open a page, and end there with a session; each with a browser of their own.

A login is what a browser really does: the page, the auth origin, WeCom (the simulator), the callback, the site's ticket, the page again. The gateway has
one worker on one core, the people and the simulator share the other.

    Tests/Benchmarks/logins.py [--count N]
"""
import argparse
import http.client
import ssl
import threading
import time
import urllib.parse

from lab import HOST, PAGE, Lab
from peers import menwei
from table import PeerFailed

AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/116.0 Safari/537.36 wxwork/4.1.39 MicroMessenger/7.0.1"
NAVIGATION = {"User-Agent": AGENT, "Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


class Line:
    """Kept connections of one thread, as of one person after another; TLS is measured elsewhere."""

    def __init__(self):
        self.connections, self.context = {}, ssl._create_unverified_context()

    def get(self, url, cookies):
        parts = urllib.parse.urlsplit(url)
        at = (parts.scheme, parts.netloc)
        if at not in self.connections:
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            more = {"context": self.context} if parts.scheme == "https" else {}
            self.connections[at] = kind("127.0.0.1", parts.port, timeout=30, **more)  # not every resolver knows *.localhost
        jar = cookies.setdefault(parts.hostname, {})
        fields = {"Host": parts.netloc, **NAVIGATION}
        if jar:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        self.connections[at].request("GET", parts.path + ("?" + parts.query if parts.query else ""), headers=fields)
        answer = self.connections[at].getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.split(";")[0].partition("=")
            jar[name] = value
        return answer.status, answer.headers.get("Location")


def log_in(line, port):
    """One person, from the first address to the page."""
    # Straight to the auth origin's way in: the small page before it only keeps what stands after "#".
    page = f"https://{HOST}:{port}{PAGE}"
    url = f"https://auth.localhost:{port}/.menwei/start/corp?return={urllib.parse.quote(page, safe='')}"
    cookies = {}
    for _ in range(12):
        status, location = line.get(url, cookies)
        if status == 200 and url == page:
            return
        if location is None:
            break
        url = urllib.parse.urljoin(url, location)
    raise PeerFailed(f"a login ended with {status} at {url.split('?')[0]}")


def measure(count, threads=8):
    """Logins per second of the gateway's CPU, and per second of the clock."""
    with Lab() as lab:
        peer = menwei.start(lab, more_logins=True)
        faults = []

        def some(number):
            line = Line()
            try:
                for _ in range(number):
                    log_in(line, peer.port)
            except (PeerFailed, OSError, http.client.HTTPException) as fault:
                faults.append(fault)

        def all_of(number):
            workers = [threading.Thread(target=some, args=(number // threads,)) for _ in range(threads)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            if faults:
                raise PeerFailed(f"{peer.name}: {faults[0]}")

        all_of(threads * 5)  # warm
        before, begin = peer.cpu_seconds(), time.monotonic()
        all_of(count)
        done = count // threads * threads
        return done / (peer.cpu_seconds() - before), done / (time.monotonic() - begin)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--count", type=int, default=4000)
    per_cpu, per_second = measure(arguments.parse_args().count)
    print(f"{per_cpu:.0f} logins per second of the gateway's CPU; {per_second:.0f} a second by the clock")


if __name__ == "__main__":
    main()
