"""Latency at a steady rate: what a gateway adds to the upstream's own answer, while it is half as busy as the busiest would be.

The rate is the same for all: half of the requests per second that the slowest of them manages when the load asks as fast as it can. h2load sends on a
schedule (--rps) and writes down each request; the rest is counting.
"""
import re

import load
from lab import Peer
from load import HTTP1
from table import Rounds

CONNECTIONS = 32
MEDIAN, TAIL = "median", "99th percentile"


def measure(lab, peers, seconds, rounds):
    """Milliseconds by peer; "direct" is the upstream alone, without TLS. Returns the rate too, in requests per second."""
    shape = ["--h1", "-c", str(CONNECTIONS)]
    rate = min(saturation(peer, shape) for peer in peers) / 2
    direct = Peer("direct, without TLS", lab.upstream, None)
    result = Rounds([direct, *peers], (MEDIAN, TAIL))
    log = lab.folder / "requests.log"
    for _ in range(rounds):
        for peer in [direct, *peers]:
            times = at_rate(peer, shape, max(1, round(rate / CONNECTIONS)), seconds, lab.folder / "requests.log")
            result.take(peer, MEDIAN, lambda: times[len(times) // 2])
            result.take(peer, TAIL, lambda: times[len(times) * 99 // 100])
    return result, rate


def at_rate(peer, shape, each, seconds, log):
    """The sorted milliseconds of all requests after the first second, which is for connections and handshakes."""
    log.unlink(missing_ok=True)
    load.h2load(peer, each * CONNECTIONS * (seconds + 1), shape, more=[f"--rps={each}", f"--log-file={log}"], scheme="https" if peer.process else "http")
    entries = [tuple(map(int, line.split("\t")[::2])) for line in log.read_text().splitlines()]
    begin = min(entries)[0] + 1_000_000
    return sorted(duration / 1000 for start, duration in entries if start > begin)


def saturation(peer, shape):
    """Requests per second, the load asking as fast as it can."""
    return float(re.search(r"([\d.]+) req/s", load.h2load(peer, 10_000, shape)).group(1))
