#!/usr/bin/env python3
"""CPU time per request of the gateways, in the same run.

Menwei does everything it does in earnest: TLS 1.3, session check, hygiene, identity headers with the assertion, an access record. Each gateway runs on
one core with one worker; the load (h2load) and the upstream (nginx, 1 KiB from memory) share the other. What counts is the ratio: these machines are noisy.

    Tests/Benchmarks/proxy_cpu.py [--seconds N] [--rounds N]     Menwei beside nginx and HAProxy; run.sh takes all peers

Needs: nginx, haproxy, nghttp2-client (h2load), openssl, curl, util-linux (taskset); a release build of menwei (MENWEI_BIN names another).
"""
import argparse
import contextlib

import load
from lab import Lab
from load import HTTP1, HTTP2
from peers import haproxy, menwei, nginx
from table import Rounds, markdown, number, times

#: What the others are compared with, and what is written above the column.
BASES = {"nginx": nginx.PLAIN, "HAProxy": haproxy.PLAIN, "HAProxy with JWT": haproxy.name("HS256")}


@contextlib.contextmanager
def peers_beside_each_other():
    """nginx and the gateway with the same certificate before the same upstream; all of it is gone afterwards."""
    with Lab() as lab:
        yield [nginx.start(lab), menwei.start(lab)]


def measure(peers, seconds, rounds):
    """Microseconds of CPU time per request, each measurement as many requests as take `seconds` of the gateway's CPU."""
    result = Rounds(peers, (HTTP1, HTTP2))
    requests = {}
    for number in range(rounds):
        for protocol in (HTTP1, HTTP2):
            for peer in peers:
                def once():
                    if number == 0:
                        requests[peer.name, protocol] = load.requests_for(peer, seconds, protocol)
                    return load.cpu_per_request(peer, requests[peer.name, protocol], protocol) * 1e6

                result.take(peer, protocol, once)
    return result


def table(result):
    head = ["µs of CPU per request", "HTTP/1.1, 64 connections", *(f"÷ {name}" for name in BASES), "HTTP/2, 16 × 16 streams", *(f"÷ {name}" for name in BASES)]
    rows = []
    for name in result.names:
        row = [name]
        for protocol in (HTTP1, HTTP2):
            row += [number(result.median(name, protocol)), *(times(result.ratio(name, protocol, base)) for base in BASES.values())]
        rows.append(row)
    return markdown(head, rows)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=2)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with Lab() as lab:
        peers = [nginx.start(lab), haproxy.start(lab), haproxy.start(lab, "HS256"), menwei.start(lab)]
        print(table(measure(peers, options.seconds, options.rounds)))


if __name__ == "__main__":
    main()
