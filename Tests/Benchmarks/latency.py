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
            log.unlink(missing_ok=True)
            each = max(1, round(rate / CONNECTIONS))
            load.h2load(peer, each * CONNECTIONS * seconds, shape, more=[f"--rps={each}", f"--log-file={log}"], scheme="https" if peer.process else "http")
            # The first second: connections and handshakes.
            entries = sorted(tuple(map(int, line.split("\t")[::2])) for line in log.read_text().splitlines())
            begin = entries[0][0] + 1_000_000
            times = sorted(duration / 1000 for start, duration in entries if start > begin)
            result.add(peer.name, MEDIAN, times[len(times) // 2])
            result.add(peer.name, TAIL, times[len(times) * 99 // 100])
    return result, rate


def saturation(peer, shape):
    """Requests per second, the load asking as fast as it can."""
    return float(re.search(r"([\d.]+) req/s", load.h2load(peer, 10_000, shape)).group(1))
