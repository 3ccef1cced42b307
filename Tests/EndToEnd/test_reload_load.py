"""Fifty reloads under load, and not one request that fails."""
import hashlib
import os
import threading
import time

import h2.config
import h2.connection
import h2.events
from harness.raw import RawConnection
from harness.reloading import reloaded
from harness.waiting import wait_for

RELOADS = 50
WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
BLOCK = bytes(range(256)) * 4


class Load:
    """Clients that ask until they are told to stop. Whatever is not as it must be is kept in `failures`."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.over = threading.Event()
        self.failures = []
        self.done = {}
        self.threads = []

    def run(self, client):
        def body():
            try:
                client(self)
            except Exception as failure:
                self.failures.append(f"{client.__name__} after {self.done.get(client.__name__, 0)}: {failure!r}")
        self.threads.append(threading.Thread(target=body, daemon=True))
        self.threads[-1].start()

    def count(self, name):
        self.done[name] = self.done.get(name, 0) + 1

    def connect(self, **more):
        return RawConnection(self.gateway.port, "wiki.test", ca=self.gateway.ca, **more)

    def head(self, line, fields=""):
        return f"{line} HTTP/1.1\r\nHost: wiki.test:{self.gateway.port}\r\n{fields}\r\n".encode()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive()


def keep_alive(load):
    while not load.over.is_set():
        with load.connect() as raw:
            for _ in range(200):
                raw.send(load.head("GET /keep"))
                answer = raw.response()
                assert answer.status == 200 and b"/keep" in answer.body, (answer.status, answer.body[:200])
                load.count("keep_alive")
                if load.over.is_set() or answer.one("Connection") == "close":
                    break


def newcomers(load):
    while not load.over.is_set():
        with load.connect() as raw:
            raw.send(load.head("POST /new", "Content-Length: 5\r\n") + b"hello")
            answer = raw.response()
            assert answer.status == 200 and b"hello" in answer.body, (answer.status, answer.body[:200])
            load.count("newcomers")


def http2(load):
    with load.connect(alpn=("h2",)) as raw:
        client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        client.initiate_connection()
        raw.send(client.data_to_send())
        statuses, open_streams = {}, set()
        while True:
            while len(open_streams) < 8 and not load.over.is_set():
                stream = client.get_next_available_stream_id()
                client.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", f"wiki.test:{load.gateway.port}"), (":path", "/two")], end_stream=True)
                open_streams.add(stream)
            raw.send(client.data_to_send())
            if not open_streams:
                return
            data = raw.receive()
            assert data, "the connection was closed"
            for event in client.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    statuses[event.stream_id] = dict(event.headers)[":status"]
                elif isinstance(event, h2.events.DataReceived):
                    client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    assert statuses.pop(event.stream_id) == "200"
                    open_streams.discard(event.stream_id)
                    load.count("http2")
                else:
                    assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event


def websocket(load):
    with load.connect() as raw:
        raw.send(load.head("GET /ws", WEBSOCKET))
        assert raw.response().status == 101
        while not load.over.is_set():
            raw.send(b"\x81\x82\x00\x00\x00\x00hi")
            assert raw._exactly(4) == b"\x81\x02hi"
            load.count("websocket")
            time.sleep(0.01)


def events(load):
    with load.connect() as raw:
        raw.send(load.head("GET /events"))
        assert raw.head().status == 200
        while not load.over.is_set():
            try:
                event = raw._exactly(12)
            except EOFError:
                # Its end is the application's, which hears of it as we do.
                assert load.over.is_set()
                return
            assert event == b"7\r\ndata:\n\n\r\n"
            load.count("events")


def upload(load):
    digest = hashlib.sha256()
    with load.connect() as raw:
        raw.send(load.head("POST /upload", "Transfer-Encoding: chunked\r\n"))
        while not load.over.is_set():
            raw.send(b"%x\r\n" % len(BLOCK) + BLOCK + b"\r\n")
            digest.update(BLOCK)
            load.count("upload")
            time.sleep(0.01)
        raw.send(b"0\r\n\r\n")
        answer = raw.response()
        assert answer.status == 200 and digest.hexdigest().encode() in answer.body, answer.body[-200:]


def download(load):
    with load.connect() as raw:
        raw.send(load.head("GET /slow"))
        answer = raw.response()
        assert answer.status == 200 and answer.body == BLOCK * (len(answer.body) // len(BLOCK)) and len(answer.body) > len(BLOCK)
        load.done["download"] = len(answer.body)


def alternate(gateway, number, upstream):
    """One of two configurations in turn: rules, headers, a site, a listener, limits of sessions."""
    def change(configuration):
        odd = number % 2 == 1
        wiki = configuration["sites"][0]
        wiki["identity"] = {"headers": {"Remote-User": "{account}" if odd else None}}
        wiki["access"] = [{"path": "/admin/*", "allow": "members"}] * odd + [{"allow": "anyone"}]
        wiki["request_body_limit"] = "0" if odd else "1GiB"
        configuration["sites"] = configuration["sites"][:1]
        if odd:
            configuration["sites"].append({"id": "app", "origin": gateway.origin("app.test"), "upstreams": [upstream.base]})
        configuration["sessions"]["idle_timeout"] = "11h" if odd else "12h"
        configuration["listen"]["http"] = [f"127.0.0.1:{gateway.http_port}"] if odd else []
    return change


def test_fifty_reloads_fail_no_request_and_leave_nothing_behind(make_gateway, upstream):
    load = None

    def slow(exchange):
        exchange.respond(200, [("Transfer-Encoding", "chunked")])
        while not load.over.is_set():
            exchange.send(b"%x\r\n" % len(BLOCK) + BLOCK + b"\r\n")
            time.sleep(0.02)
        exchange.send(b"0\r\n\r\n")

    def endless(exchange):
        exchange.respond(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        exchange.close()
        while not load.over.is_set():
            exchange.send(b"7\r\ndata:\n\n\r\n")
            time.sleep(0.01)

    upstream.script("/slow", slow)
    upstream.script("/events", endless)
    own = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    load = Load(own)
    for client in (keep_alive, keep_alive, newcomers, newcomers, http2, websocket, events, upload, download):
        load.run(client)
    wait_for(lambda: len(load.done) == 6 or load.failures, what="all clients to be served")
    files, memory = {}, {}
    try:
        for number in range(1, RELOADS + 1):
            before = dict(load.done)
            reloaded(own, alternate(own, number, upstream))
            assert not load.failures, load.failures
            # Everybody was served by the new one before the next comes.
            wait_for(lambda: all(load.done[name] > before[name] for name in before if name != "download") or load.failures, what="progress")
            files[number] = len(os.listdir(f"/proc/{own.process.pid}/fd"))
            memory[number] = own.process.memory()
    finally:
        load.stop()
    assert not load.failures, load.failures
    assert load.done["download"] > 0
    # How many connections are open at one instant is chance; what is open at all times is not.
    early, late = (min(files[number] for number in range(first, first + 10)) for first in (6, RELOADS - 9))
    assert late - early <= 8, files
    assert memory[RELOADS] - memory[6] < 6 << 20, memory
    # What old configurations counted is not lost, and their counters are not kept one by one.
    total = sum(value for name, value in own.metrics().items() if name.startswith("menwei_requests_total") and 'site="wiki"' in name)
    assert total >= load.done["keep_alive"] + load.done["newcomers"] + load.done["http2"]
