"""results.md and its pictures."""
import datetime
import os
import pathlib
import platform
import re
import subprocess

import handshakes
import latency
import proxy_cpu
import svg
import transfers
from load import HTTP1, HTTP2
from table import markdown, number, times


#: Between these the README has what the last whole run found.
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


class Report:
    """Sections in the order in which they were measured, each with a table and perhaps a picture beside it."""

    def __init__(self, folder, command):
        self.folder, self.command, self.sections = pathlib.Path(folder), command, []
        (self.folder / "pictures").mkdir(parents=True, exist_ok=True)
        self.load_before = os.getloadavg()[0]
        self.summary, self.peers, self.missing = {}, [], []

    def section(self, title, text, table, picture=None):
        parts = [f"## {title}", text, table]
        if picture:
            name, drawing = picture
            (self.folder / "pictures" / f"{name}.svg").write_text(drawing)
            parts.insert(2, f"![{title}](pictures/{name}.svg)")
        self.sections.append("\n\n".join(part for part in parts if part))
        print(f"\n{self.sections[-1]}", flush=True)
        self.write()  # what was measured stays where the run is cut off

    def summarize(self, column, values):
        """A column of the README's table: gateway → text."""
        self.summary[column] = values

    def write_readme(self, path):
        """Puts the summary between the README's two marks."""
        names = list(dict.fromkeys(name for values in self.summary.values() for name in values))
        table = markdown(["", *self.summary], [[name, *(values.get(name) for values in self.summary.values())] for name in names])
        text = path.read_text()
        before, rest = text.split(BEGIN)
        path.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")

    def write(self):
        head = ["# Measured", self.preface(), "## Gateways", markdown(["gateway", "version"], [[peer.name, peer.version] for peer in self.peers])]
        head += [f"- {name} is not here: {why}" for name, why in self.missing]
        (self.folder / "results.md").write_text("\n\n".join([*head, *self.sections]) + "\n")

    def preface(self):
        cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / (1 << 20)
        openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split("(")[0].strip()
        return f"""Written by `{self.command}`.

| | |
|---|---|
| machine | {cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} processors, {memory:.0f} GiB |
| system | {_system()}, Linux {platform.release()}, {openssl} |
| date | {datetime.date.today().isoformat()} |
| load average | {self.load_before:.1f} before, {os.getloadavg()[0]:.1f} after (2 is the benchmark itself; more means that others worked on the machine) |

Each gateway has one worker on one core; the load (h2load) and the upstream (nginx, from memory) share another core. All use TLS 1.3, the same certificate (ECDSA, P-256),
kept connections to the upstream, and write an access record. Only the gateway's own CPU time counts. The gateways take turns in every round; medians are shown, and ratios are medians of
the rounds' own ratios. Menwei checks a real session, cleans and adds headers, and signs the assertion; *plain* proxies only terminate TLS and pass on."""


def _system():
    release = pathlib.Path("/etc/os-release")
    found = re.search(r'PRETTY_NAME="(.*)"', release.read_text()) if release.exists() else None
    return found.group(1) if found else platform.system()


def requests(report, result):
    rows = [(name, [result.median(name, protocol) for protocol in (HTTP1, HTTP2)]) for name in result.names]
    for protocol in (HTTP1, HTTP2):
        report.summarize(f"µs a request, {protocol}", {name: f"{number(result.median(name, protocol))} ({times(result.ratio(name, protocol, proxy_cpu.BASES['HAProxy']))})"
                                                       for name in result.names if result.median(name, protocol) is not None})
    drawing = svg.bars("CPU time per request (µs, less is better)", "1 KiB answers; one worker on one core", ["HTTP/1.1, 64 connections", "HTTP/2, 16 × 16 streams"], rows)
    report.section("CPU time per request", faults(result), proxy_cpu.table(result), ("requests", drawing))


def budgets(report, result, limits):
    """Compares with budgets.toml; whether all is within."""
    base = {"nginx": proxy_cpu.BASES["nginx"], "haproxy": proxy_cpu.BASES["HAProxy"], "haproxy_jwt": proxy_cpu.BASES["HAProxy with JWT"]}
    rows = []
    good = True
    for name, limit in limits.items():
        peer, protocol = name.rsplit("_", 1)
        ours = next(known for known in result.names if known.startswith("Menwei"))
        value = result.ratio(ours, {"http1": HTTP1, "http2": HTTP2}[protocol], base[peer])
        within = value is None or value <= limit
        good = good and within
        rows.append([name, times(value), times(limit), "within" if within else "**passed**"])
    report.section("Budgets", "CPU time per request of Menwei, as a multiple of another's; the limits are in `budgets.toml`.", markdown(["budget", "measured", "at the most", ""], rows))
    return good


def handshake(report, result):
    kinds = (handshakes.FULL, handshakes.RESUMED)
    rows = [(name, [result.median(name, kind) for kind in kinds]) for name in result.names]
    for index, kind in enumerate(kinds):
        report.summarize(f"{kind} handshakes", {name: number(values[index], 0) for name, values in rows})
    drawing = svg.bars("TLS 1.3 handshakes per second of CPU (more is better)", "ECDSA P-256; accepting and closing the connection are in it", ["full", "resumed by ticket"], rows, 0)
    table = markdown(["handshakes per CPU second", "full", "resumed"], [[name, *(number(value, 0) for value in values)] for name, values in rows])
    report.section("Handshakes", faults(result), table, ("handshakes", drawing))


def transfer(report, result):
    rows = [(name, [result.median(name, column) for column in transfers.COLUMNS]) for name in result.names]
    table = markdown(["MiB per CPU second", *(f"{direction}, {protocol}" for direction, protocol in transfers.COLUMNS)],
                     [[name, *(number(value, 0) for value in values)] for name, values in rows])
    for direction in ("download", "upload"):
        report.summarize(f"MiB of {direction}", {name: number(result.median(name, (direction, HTTP2)), 0) for name in result.names})
    drawing = svg.bars("10 MiB bodies over HTTP/2: MiB per second of CPU (more is better)", "uploads are read whole by the upstream before it answers", ["download", "upload"],
                       [(name, [result.median(name, ("download", HTTP2)), result.median(name, ("upload", HTTP2))]) for name in result.names], 0)
    report.section("Large bodies", faults(result), table, ("transfers", drawing))


def delay(report, result, rate):
    rows = [(name, [result.median(name, latency.MEDIAN), result.median(name, latency.TAIL)]) for name in result.names]
    direct = rows[0][1]
    table = markdown(["milliseconds", "median", "99th percentile", "added to the median", "added to the 99th"],
                     [[name, *(number(v, 2) for v in values), *(number(v - d, 2) for v, d in zip(values, direct))] for name, values in rows])
    drawing = svg.bars(f"Latency at {rate:,.0f} requests a second (ms, less is better)", "HTTP/1.1, 32 connections, half of what the slowest of them can do", ["median", "99th percentile"], rows, 2)
    report.section("Latency at half load", faults(result), table, ("latency", drawing))


def login(report, per_cpu, per_second):
    report.section("Logins", "Whole logins inside WeCom, each with a browser of its own, against the simulator (`logins.py`).",
                   markdown(["", "logins a second"], [["of the gateway's CPU", number(per_cpu, 0)], ["by the clock, 8 people at once", number(per_second, 0)]]))


def cost_growth(report, result):
    first = result.names[0]
    rows = [[name, *(cell for protocol in (HTTP1, HTTP2) for cell in (number(result.median(name, protocol)), times(result.ratio(name, protocol, first))))] for name in result.names]
    drawing = svg.bars("CPU time per request of Menwei as things grow (µs)", "", [HTTP1, HTTP2], [(name, [result.median(name, p) for p in (HTTP1, HTTP2)]) for name in result.names], ours=first)
    report.section("As things grow", faults(result), markdown(["Menwei, µs of CPU per request", HTTP1, "", HTTP2, ""], rows), ("growth", drawing))


def faults(result):
    return "\n".join(f"- {name}, {column if isinstance(column, str) else ', '.join(column)}: {why}" for (name, column), why in result.faults.items())
