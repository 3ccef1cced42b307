#!/usr/bin/env python3
"""All gateways side by side: writes results.md and the pictures. Start it with run.sh, which brings the gateways."""
import argparse
import pathlib
import subprocess
import sys
import tomllib
from functools import partial

import growth
import handshakes
import latency
import logins
import proxy_cpu
import report
import transfers
from lab import ROOT, Lab, Missing
from peers import apache, caddy, envoy, haproxy, menwei, nginx, nghttpx

HERE = pathlib.Path(__file__).resolve().parent
#: In the order of the tables. Menwei comes first: without it there is nothing to compare.
PEERS = {
    menwei.NAME: menwei.start,
    nginx.PLAIN: nginx.start, nginx.ASKING: partial(nginx.start, asks=True),
    haproxy.PLAIN: haproxy.start, haproxy.name("HS256"): partial(haproxy.start, algorithm="HS256"), haproxy.name("ES256"): partial(haproxy.start, algorithm="ES256"),
    nghttpx.NAME: nghttpx.start, envoy.NAME: envoy.start, caddy.NAME: caddy.start, apache.NAME: apache.start,
}
#: What differs only in what it does per request has one row where that is not measured.
PER_CONNECTION = [name for name in PEERS if name not in (nginx.ASKING, haproxy.name("HS256"), haproxy.name("ES256"))]
WORKLOADS = ["requests", "handshakes", "transfers", "latency", "memory", "growth", "logins"]


class Scale:
    """How much of everything; --quick is for trying the benchmark itself."""

    def __init__(self, quick):
        self.rounds = 2 if quick else 5
        self.seconds = 0.3 if quick else 2.0
        self.handshakes = 400 if quick else 4000
        self.transfers = 8 if quick else 100
        self.latency = 2 if quick else 10
        self.connections = 200 if quick else 2000
        self.logins = 200 if quick else 4000
        self.sessions = 20_000 if quick else 1_000_000


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="small numbers: shows that all works, measures nothing")
    arguments.add_argument("--only", default=",".join(WORKLOADS), help="some of " + ",".join(WORKLOADS))
    arguments.add_argument("--output", type=pathlib.Path, help="a folder")
    arguments.add_argument("--readme", action="store_true", help="put the summary into the README, too")
    options = arguments.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(WORKLOADS):
        arguments.error(f"no workload {', '.join(unknown)}")
    folder = options.output or (ROOT / ".build/benchmarks" if options.quick else HERE)
    scale = Scale(options.quick)
    page = report.Report(folder, " ".join(["Tests/Benchmarks/run.sh", *sys.argv[1:]]))
    good = True
    with Lab() as lab:
        peers, page.missing = start_all(lab)
        page.peers = peers

        def some(names):
            return [peer for peer in peers if peer.name in names]

        if "requests" in wanted:
            result = proxy_cpu.measure(peers, scale.seconds, scale.rounds)
            report.requests(page, result)
            good = report.budgets(page, result, tomllib.loads((HERE / "budgets.toml").read_text())["cpu"])
        if "handshakes" in wanted:
            report.handshake(page, handshakes.measure(some(PER_CONNECTION), scale.handshakes, scale.rounds))
        if "transfers" in wanted:
            report.transfer(page, transfers.measure(lab, some(PER_CONNECTION), scale.transfers, scale.rounds))
        if "latency" in wanted:
            report.delay(page, *latency.measure(lab, some([menwei.NAME, nginx.PLAIN, haproxy.PLAIN, haproxy.name("HS256")]), scale.latency, scale.rounds))
    if "memory" in wanted:
        done = subprocess.run([sys.executable, HERE / "idle_memory.py", "--connections", str(scale.connections)], capture_output=True, text=True, check=True)
        page.section("Memory", "", done.stdout.strip())
    if "growth" in wanted:
        report.cost_growth(page, growth.measure(scale.seconds, scale.rounds, scale.sessions))
    if "logins" in wanted:
        report.login(page, *logins.measure(scale.logins))
    print(f"\n{folder / 'results.md'}")
    if options.readme:
        page.write_readme(ROOT / "README.md")
    sys.exit(0 if good or options.quick else 1)


def start_all(lab):
    peers, missing = [], []
    for name, start in PEERS.items():
        try:
            peers.append(start(lab))
        except Missing as why:
            if name == menwei.NAME:
                sys.exit(f"{name}: {why}")
            print(f"{name} is not here: {why}", file=sys.stderr)
            missing.append((name, why))
    return peers, missing


if __name__ == "__main__":
    main()
