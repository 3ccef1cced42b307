#!/usr/bin/env python3
"""Resident memory of the gateway at rest and per idle TLS connection that has served a request, beside nginx in the same run.

    Tests/Benchmarks/idle_memory.py [--connections N]

Needs what proxy_cpu.py needs.
"""
import argparse, pathlib, resource, socket, ssl, time

import proxy_cpu as bench


def resident(pids):
    """KiB, all processes of a peer together."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                total += int(line.split()[1])
    return total


def connect(peer, context):
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", peer.port)), server_hostname="wiki.localhost")
    fields = "".join(f"{header}\r\n" for header in peer.headers)
    connection.sendall(f"GET /1k HTTP/1.1\r\nHost: wiki.localhost:{peer.port}\r\n{fields}\r\n".encode())
    answer = b""
    while b"x" * 1024 not in answer:
        more = connection.recv(4096)
        assert more, f"{peer.name} closed a connection"
        answer += more
    return connection


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--connections", type=int, default=2000)
    options = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    context = ssl._create_unverified_context()
    with bench.peers_beside_each_other() as peers:
        print("| resident memory | at rest | per idle TLS connection |")
        print("|---|---|---|")
        for peer in peers:
            connect(peer, context).close()
            before = resident(peer.pids())
            connections = [connect(peer, context) for _ in range(options.connections)]
            # What a turn of the loop frees is freed by now.
            time.sleep(1)
            each = (resident(peer.pids()) - before) / options.connections
            print(f"| {peer.name} | {before / 1024:.0f} MiB | {each:.1f} KiB |")
            for connection in connections:
                connection.close()


if __name__ == "__main__":
    main()
