#!/usr/bin/env python3
"""Resident memory of the gateway at rest, per idle TLS connection that has served a request, and per idle WebSocket, beside nginx in the same run.

    Tests/Benchmarks/idle_memory.py [--connections N] [--websockets N]

The clients are processes of their own, each with an address of its own in 127.0.0.0/8, so that neither their descriptors nor their ports run out.
Needs what proxy_cpu.py needs; `ulimit -Hn` of at least twice the greatest number and some.
"""
import argparse
import asyncio
import base64
import hashlib
import multiprocessing
import pathlib
import re
import socket
import ssl
import time

from lab import HOST, PAGE, Lab, free_port
from peers import menwei, nginx
from table import markdown

#: What one client process holds.
SHARE = 2500
KEY = base64.b64encode(bytes(16)).decode()
ACCEPT = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def resident(pids):
    """KiB, all processes of a peer together."""
    return sum(int(re.search(r"^VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)) for pid in pids)


# The clients

def connect(peer, context, source, websocket):
    plain = socket.create_connection(("127.0.0.1", peer["port"]), source_address=(source, 0), timeout=60)
    connection = context.wrap_socket(plain, server_hostname=HOST)
    fields = "".join(f"{header}\r\n" for header in peer["headers"])
    if websocket:
        fields += f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nOrigin: https://{HOST}:{peer['port']}\r\n"
    connection.sendall(f"GET {'/ws' if websocket else PAGE} HTTP/1.1\r\nHost: {HOST}:{peer['port']}\r\n{fields}\r\n".encode())
    wanted, answer = (b"\r\n\r\n" if websocket else b"x" * 1024), b""
    while wanted not in answer:
        more = connection.recv(4096)
        assert more, f"{peer['name']} closed a connection: {answer[:300]!r}"
        answer += more
    if websocket:
        assert b" 101 " in answer.split(b"\r\n")[0], answer[:300]
        # One message there and back: the tunnel has been used.
        connection.sendall(b"\x82\x84\0\0\0\0ping")
        answer = b""
        while len(answer) < 6:
            answer += connection.recv(6)
    return connection


def client(peer, number, count, websocket, opened, done):
    context = ssl._create_unverified_context()
    connections = [connect(peer, context, f"127.0.0.{number + 2}", websocket) for _ in range(count)]
    opened.release()
    done.wait()
    for connection in connections:
        connection.close()


def hold(peer, count, websocket=False):
    """KiB that the peer grew by for each of `count` connections, all of which wait."""
    before, began = resident(peer.pids()), time.monotonic()
    opened, done = multiprocessing.Semaphore(0), multiprocessing.Event()
    shares = [min(SHARE, count - at) for at in range(0, count, SHARE)]
    told = {"port": peer.port, "name": peer.name, "headers": peer.headers}
    clients = [multiprocessing.Process(target=client, args=(told, n, share, websocket, opened, done), daemon=True) for n, share in enumerate(shares)]
    for each in clients:
        each.start()
    for _ in clients:
        assert opened.acquire(timeout=300), "the clients did not get their connections"
    assert websocket or time.monotonic() - began < 70, "it took so long that the first ones are closed again (75 s): fewer connections, or a quieter machine"
    time.sleep(2)  # what a turn of the loop frees is freed by now
    grown = (resident(peer.pids()) - before) / count
    done.set()
    for each in clients:
        each.join(60)
    return grown


# The upstream of the WebSockets

async def echo(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    if b"upgrade: websocket" in head.lower():
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n".encode())
        while len(frame := await reader.read(65536)) >= 6:
            writer.write(b"\x82\x04" + frame[6:10])
    else:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024)
    writer.close()


def serve(port):
    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", port, backlog=4096)
        await server.serve_forever()
    asyncio.run(main())


class EchoLab(Lab):
    """Its upstream speaks WebSocket."""

    def start_upstream(self):
        self.upstream = free_port()
        self.echo = multiprocessing.Process(target=serve, args=(self.upstream,), daemon=True)
        self.echo.start()

    def __exit__(self, *arguments):
        super().__exit__(*arguments)
        self.echo.kill()


def peers_beside_each_other(lab, count, tunnels):
    return [nginx.start(lab, tunnels=tunnels, connections=2 * count + 1024), menwei.start(lab)]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--connections", type=int, default=2000)
    arguments.add_argument("--websockets", type=int, default=1000)
    options = arguments.parse_args()
    rest, idle, tunnels, names = {}, {}, {}, []
    with Lab() as lab:
        for peer in peers_beside_each_other(lab, options.connections, tunnels=False):
            hold(peer, 1)
            names.append(peer.name)
            rest[peer.name] = resident(peer.pids()) / 1024
            idle[peer.name] = hold(peer, options.connections)
    with EchoLab() as lab:
        for peer in peers_beside_each_other(lab, options.websockets, tunnels=True):
            hold(peer, 1, websocket=True)
            tunnels[peer.name] = hold(peer, options.websockets, websocket=True)
    head = ["resident memory", "at rest", f"per idle TLS connection, of {options.connections}", f"per idle WebSocket over TLS, of {options.websockets}"]
    print(markdown(head, [[name, f"{rest[name]:.0f} MiB", f"{idle[name]:.1f} KiB", f"{tunnels[name]:.1f} KiB"] for name in names]))


if __name__ == "__main__":
    main()
