#!/usr/bin/env python3
"""Where the gateway's instructions go, by valgrind's callgrind; and its system calls per request, by strace. See profile.sh."""
import argparse
import re
import subprocess
import sys
import time

import load
from lab import MENWEI, Lab, need
from load import HTTP1, HTTP2
from peers import menwei


#: Few connections, so that handshakes do not hide the requests.
SHAPES = {HTTP1: ["--h1", "-c", "8"], HTTP2: ["-c", "4", "-m", "32"]}
#: What is cheap once, and dear in numbers.
COSTLY = ["malloc", "CRYPTO_malloc", "CRYPTO_zalloc", "posix_memalign", "realloc", "swift_slowAlloc", "swift_allocObject", "swift_retain", "swift_release", "swift_beginAccess", "__memcpy_avx_unaligned_erms", "swift_bridgeObjectRetain"]


def callgrind(lab, protocol, requests, top):
    output = lab.folder / f"callgrind-{protocol.replace('/', '')}"
    # valgrind cannot read Swift's debug information; the symbols are enough for names.
    stripped = lab.folder / "menwei-symbols"
    lab.run(["strip", "--strip-debug", "-o", stripped, MENWEI])
    peer = menwei.start(lab, binary=stripped, wrapper=["valgrind", "--tool=callgrind", "--instr-atstart=no", "--cache-sim=no", "--dump-line=no", f"--callgrind-out-file={output}"])
    load.h2load(peer, requests, SHAPES[protocol])  # warm: lazy set-up and the growth of buffers are no part of a request
    subprocess.run(["callgrind_control", "-i", "on", str(peer.process.pid)], check=True, capture_output=True)
    load.h2load(peer, requests, SHAPES[protocol])
    subprocess.run(["callgrind_control", "-i", "off", str(peer.process.pid)], check=True, capture_output=True)
    lab.stop(peer.process)
    print_functions(protocol, output, requests, top)
    print_callers(output, requests)


def print_functions(protocol, output, requests, top):
    for title, more in (("by their own instructions", ["--inclusive=no"]), ("with what they call", ["--inclusive=yes"])):
        report = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=99.9", *more, str(output)], capture_output=True, text=True).stdout
        report = demangled(report)
        total = int(re.search(r"^\s*([\d,]+) .*PROGRAM TOTALS", report, re.M).group(1).replace(",", ""))
        if more == ["--inclusive=no"]:
            print(f"\n## {protocol}: {total / requests:,.0f} instructions per request (the run's few handshakes included)")
        print(f"\n### Functions {title}\n\n| instructions per request | share | function |\n|---:|---:|---|")
        for instructions, function in functions(report)[:top]:
            print(f"| {instructions / requests:,.0f} | {instructions / total * 100:.1f} % | `{function}` |")


def print_callers(output, requests):
    report = demangled(subprocess.run(
        ["callgrind_annotate", "--auto=no", "--threshold=100", "--inclusive=yes", "--tree=caller", str(output)], capture_output=True, text=True).stdout)
    print("\n### Who calls the costly ones\n\n| calls per request | caller | called |\n|---:|---|---|")
    calls = {}
    pending = []
    for line in report.splitlines():
        row = re.match(r"\s*[\d,.]+ \([ \d.]+%\)\s+([<*])\s+[^: ]*:(.*)$", line)
        if not row:
            pending = []
        elif row.group(1) == "<":
            caller = re.match(r"(.*?) \(([\d,]+)x\)", row.group(2))
            if caller:
                pending.append((int(caller.group(2).replace(",", "")), caller.group(1)))
        else:
            calls.setdefault(re.sub(r" \[[^\]]*\]$", "", row.group(2)), []).extend(pending)
            pending = []
    for called in COSTLY:
        for count, caller in sorted(calls.get(called, []), reverse=True)[:25]:
            if count / requests >= 0.05:
                print(f"| {count / requests:.2f} | `{caller[:120]}` | `{called}` |")


def functions(report):
    """Instructions and name of each line of callgrind_annotate's table."""
    found = []
    for line in report.splitlines():
        row = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(.*)$", line)
        if row and "PROGRAM TOTALS" not in line:
            name, object = re.fullmatch(r"[^: ]*:(.*?)(?: \[([^\]]*)\])?", row.group(2)).groups()
            if name.startswith("0x"):
                name += f" of {object.rsplit('/', 1)[-1]}"
            found.append((int(row.group(1).replace(",", "")), name[:150]))
    return found


def demangled(text):
    return subprocess.run(["swift", "demangle", "--simplified"], input=text, capture_output=True, text=True, check=True).stdout


def system_calls(lab, protocol, requests):
    """Attaches only after the warm-up, so that the start does not count."""
    peer = menwei.start(lab)
    load.h2load(peer, requests, SHAPES[protocol])
    output = lab.folder / "strace"
    strace = subprocess.Popen(["strace", "-c", "-f", "-p", str(peer.process.pid), "-o", str(output)], stderr=subprocess.PIPE, text=True)
    strace.stderr.readline()  # "attached"
    load.h2load(peer, requests, SHAPES[protocol])
    strace.send_signal(2)
    strace.wait()
    lab.stop(peer.process)
    print(f"\n### System calls, {protocol}\n\n| calls per request | errors per request | call |\n|---:|---:|---|")
    for line in output.read_text().splitlines():
        row = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(\d*)\s*(\w+)$", line)
        if row and int(row.group(1)) * 1000 >= requests:
            print(f"| {int(row.group(1)) / requests:.3f} | {int(row.group(2) or 0) / requests:.3f} | {row.group(3)} |")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=20_000)
    arguments.add_argument("--top", type=int, default=40)
    options = arguments.parse_args()
    need("valgrind", "callgrind_annotate", "strace", "h2load", "swift")
    with Lab() as lab:
        for protocol in (HTTP1, HTTP2):
            callgrind(lab, protocol, options.requests, options.top)
            system_calls(lab, protocol, options.requests)


if __name__ == "__main__":
    main()
