"""Health, metrics, records, and the orderly end."""
import json
import re
import signal
import socket
import struct
import threading
import time

import pytest

from harness.browser import Browser
from harness.http2_client import H2
from harness.process import Process
from harness.raw import RawConnection
from harness.waiting import wait_for, within

ACCESS = {
    "event", "time", "request_id", "site", "host", "method", "path", "status", "decision", "rule", "account", "sid", "client", "user_agent", "protocol", "bytes_in", "bytes_out",
    "duration_ms", "upstream", "upstream_ms",
}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def ask(gateway, line, *fields, host="wiki.test"):
    with RawConnection(gateway.port, host, ca=gateway.ca) as raw:
        raw.send((f"{line} HTTP/1.1\r\nHost: {host}:{gateway.port}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n").encode("latin-1"))
        return raw.response()


def test_health_and_readiness(gateway):
    status, _, _ = gateway.operations("/healthz")
    assert status == 200
    status, kind, body = gateway.operations("/readyz")
    assert status == 200 and kind.startswith("application/json")
    assert json.loads(body) == {"status": "ready", "listeners": "ok", "store": "ok", "keys": "ok"}
    assert gateway.operations("/none")[0] == 404
    assert gateway.operations("/healthz", "POST")[0] == 405
    assert gateway.operations("/.menwei/login")[0] == 404


def test_while_it_starts_it_says_so_and_is_not_ready(make_gateway, upstream):
    """A worker makes a TLS context a certificate before it accepts: with many of them there is time to ask. Should this machine not run the asker in
    that time, it starts again."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}],
                           lambda c: c["tls"].update(certificates=c["tls"]["certificates"] * 300), start=False)

    def answers():
        """Each answer from the start of the process to the first that says that it is ready."""
        gateway.process = Process([gateway.binary, "run", "--config", gateway.file], f"menwei:{gateway.port}")
        gateway.processes.append(gateway.process)
        seen = []

        def is_ready():
            assert gateway.process.is_running, gateway.process.err
            try:
                status, _, body = gateway.operations("/readyz")
            except ConnectionError:  # it does not listen yet
                return False
            seen.append((status, json.loads(body)))
            return status == 200

        wait_for(is_ready, 60, "readiness", every=0.005)
        assert ask(gateway, "GET /x").status == 200, "it serves by now"
        gateway.process.wait_line(lambda line: line == "menwei: ready")
        return seen

    for _ in range(10):
        seen = answers()
        assert seen[-1] == (200, {"status": "ready", "listeners": "ok", "store": "ok", "keys": "ok"})
        assert all(answer == (503, {"status": "starting", "listeners": "starting", "store": "ok", "keys": "ok"}) for answer in seen[:-1]), seen
        if len(seen) > 1:
            return
        gateway.stop()
    raise AssertionError("in ten starts nobody heard that it starts")


def test_metrics_have_their_names(gateway, member):
    ask(gateway, "GET /public/x")
    ask(gateway, "GET /private")
    wait_for(lambda: "menwei_sessions" in gateway.metrics(), what="the number of sessions")
    status, kind, text = gateway.operations("/metrics")
    assert status == 200 and kind.startswith("text/plain")
    names = {re.match(r"[a-zA-Z_:]+", line).group() for line in text.splitlines() if line and not line.startswith("#")}
    for name in ("menwei_requests_total", "menwei_request_duration_seconds_bucket", "menwei_request_duration_seconds_sum", "menwei_request_duration_seconds_count", "menwei_connections",
                 "menwei_sessions", "menwei_logins_total", "menwei_wecom_calls_total", "menwei_config_loaded_timestamp_seconds", "menwei_certificate_expiry_timestamp_seconds",
                 "menwei_records_dropped_total", "menwei_build_info"):
        assert name in names, name
    assert all(name.startswith("menwei_") for name in names)
    for line in text.splitlines():
        assert line == "" or line.startswith("#") or re.fullmatch(r'[a-z][a-z0-9_]*(\{([a-z_]+="(\\.|[^"\\])*",?)*\})? [-+0-9.eEInfNa]+', line), line
    samples = gateway.metrics()
    assert samples['menwei_logins_total{connection="corp",result="ok"}'] >= 1
    assert samples['menwei_wecom_calls_total{api="gettoken",errcode="0"}'] >= 1
    assert any(re.match(r'menwei_certificate_expiry_timestamp_seconds\{name=".*"\}', n) and v > time.time() for n, v in samples.items())
    assert abs(samples["menwei_config_loaded_timestamp_seconds"] - time.time()) < 3600


def test_requests_are_counted_by_site_code_and_decision(make_gateway, upstream):
    # Of its own: what others asked before is counted when their answers have gone out, which may be now.
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"path": "/public/*", "allow": "anyone"}]}])

    def count(**labels):
        return sum(v for n, v in gateway.metrics().items() if n.startswith("menwei_requests_total{") and all(f'{k}="{w}"' in n for k, w in labels.items()))

    for _ in range(5):
        ask(gateway, "GET /public/x")
    ask(gateway, "GET /private")
    wait_for(lambda: (count(site="wiki", code="200", decision="anyone"), count(code="401"), count()) == (5, 1, 6), what="the counters")


def test_sessions_are_counted(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    for user in ("zhangsan", "lisi"):
        Browser(gateway).log_in(gateway.origin("wiki.test") + "/", user)
    wait_for(lambda: gateway.metrics().get("menwei_sessions") == 2, what="two sessions", every=0.2)


# Records

def test_an_access_record_a_request(gateway, member, upstream):
    upstream.script("/page1", lambda e: (e.read_body(), e.respond(201, [], b"hello")))
    answer = ask(gateway, "POST /page1?secret=hunter2", "Content-Length: 0", "User-Agent: test/1.0", f"Cookie: __Host-menwei={member.cookie('wiki.test')}")
    record = gateway.record("access", request_id=answer.one("X-Request-Id"))
    assert set(record) == ACCESS
    assert TIME.match(record["time"]) and record["duration_ms"] >= 0 and record["upstream_ms"] >= 0
    me = member.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    wanted = {"site": "wiki", "host": f"wiki.test:{gateway.port}", "method": "POST", "path": "/page1", "status": 201, "decision": "allow", "account": "zhangsan", "sid": me["sid"],
              "client": "127.0.0.1", "user_agent": "test/1.0", "bytes_in": 0, "bytes_out": 5, "upstream": upstream.base}
    assert {k: record[k] for k in wanted} == wanted
    assert record["protocol"] == "HTTP/1.1" and record["rule"]
    assert "hunter2" not in json.dumps(record)


def test_decisions_have_their_words(gateway, member):
    cookie = f"Cookie: __Host-menwei={member.cookie('wiki.test')}"
    lisi = Browser(gateway)
    lisi.log_in(gateway.origin("wiki.test") + "/", "lisi")
    for line, fields, decision in (
        ("GET /x", [cookie], "allow"), ("GET /public/x", [], "anyone"), ("GET /x", [], "login"), ("GET /admin", [f"Cookie: __Host-menwei={lisi.cookie('wiki.test')}"], "deny"),
        ("GET /.menwei/jwks.json", [], "own"), ("GET /a/../b", [], "refused"), ("GET /public/x", ["Content-Length: x"], "refused"),
    ):
        answer = ask(gateway, line, *fields)
        assert gateway.record("access", request_id=answer.one("X-Request-Id"))["decision"] == decision, line


def test_whatever_a_client_sends_a_record_is_one_line_of_json(gateway, upstream):
    odd = "\xff\xfe\"\\\x7f\u00e9</script>\x01".replace("\x01", "")
    answer = ask(gateway, "GET /public/%22%5C", f"User-Agent: {odd}", "Referer: \"\\\xff")
    gateway.record("access", request_id=answer.one("X-Request-Id"))
    raw = RawConnection(gateway.port, "wiki.test", ca=gateway.ca)
    raw.try_send(b"G\x00T \xff\xff\"\\\n HTTP/1.1\r\n\r\n")
    raw.everything()
    raw.close()
    for line in list(gateway.process.out):
        record = json.loads(line)
        assert record["event"] and TIME.match(record["time"])


def test_audit_records_of_a_login_and_a_logout(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/", "wangwu")
    sid = browser.call(wiki + "/.menwei/me").json()["sid"]
    login = gateway.record("login", sid=sid)
    assert login["account"] == "wangwu" and login["connection"] == "corp" and login["client"] == "127.0.0.1" and login["result"] == "ok"
    browser.request("POST", wiki + "/.menwei/logout", headers={"Origin": wiki}, body=b"")
    assert gateway.record("logout", sid=sid)["account"] == "wangwu"


def test_a_reader_that_stalls_holds_no_request_up(binary, make_gateway, upstream):
    """Standard output is a pipe that nobody reads."""
    import os
    import subprocess
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}], start=False)
    read, write = os.pipe()
    popen = subprocess.Popen([str(binary), "run", "--config", str(gateway.file)], stdout=write, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        while b"menwei: ready" not in popen.stderr.readline():
            assert popen.poll() is None
        with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
            for _ in range(6000):
                raw.send(f"GET /x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nUser-Agent: {'a' * 2000}\r\n\r\n".encode())
                assert raw.response().status == 200
        assert gateway.metrics()["menwei_records_dropped_total"] > 0
    finally:
        popen.kill()
        popen.wait()
        popen.stderr.close()
        os.close(read)
        os.close(write)


# The end

@pytest.fixture
def own(make_gateway, upstream):
    return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])


def refused(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20):
            return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it was in the listener's queue when that was closed
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_on_sigterm_what_was_accepted_finishes_and_nothing_new_begins(own, upstream, number):
    gate, begun = threading.Event(), threading.Event()

    def slow(exchange):
        exchange.read_body()
        begun.set()
        assert gate.wait(60)
        exchange.respond(200, [], b"finished")

    upstream.script("/slow", slow)
    raw = RawConnection(own.port, "wiki.test", ca=own.ca, timeout=60)
    raw.send(f"GET /slow HTTP/1.1\r\nHost: wiki.test:{own.port}\r\n\r\n".encode())
    assert begun.wait(60)
    idle = RawConnection(own.port, "wiki.test", ca=own.ca, timeout=60)
    idle.send(f"GET /x HTTP/1.1\r\nHost: wiki.test:{own.port}\r\n\r\n".encode())
    idle.response()
    own.process.expect_exit(0)
    own.process.signal(number)
    wait_for(lambda: refused(own.port), what="new connections to be refused")
    assert idle.is_closed(), "a connection without a request is closed"
    assert own.process.is_running
    gate.set()
    answer = raw.response()
    assert answer.status == 200 and answer.body == b"finished" and answer.one("Connection") == "close"
    assert own.process.wait() == 0
    raw.close()
    idle.close()
    assert own.records("access", path="/slow")[0]["status"] == 200, "no record is lost"


def test_readiness_says_draining(own, upstream):
    gate, begun = threading.Event(), threading.Event()
    upstream.script("/slow", lambda e: (begun.set(), gate.wait(60), e.respond(200)))
    raw = RawConnection(own.port, "wiki.test", ca=own.ca, timeout=60)
    raw.send(f"GET /slow HTTP/1.1\r\nHost: wiki.test:{own.port}\r\n\r\n".encode())
    assert begun.wait(60)
    own.process.expect_exit(0)
    own.process.signal(signal.SIGTERM)
    wait_for(lambda: refused(own.port))
    status, _, body = own.operations("/readyz")
    assert status == 503 and json.loads(body)["status"] == "draining"
    gate.set()
    assert own.process.wait() == 0
    raw.close()


def test_on_sigterm_websockets_are_told_1001(own, upstream):
    raw = RawConnection(own.port, "wiki.test", ca=own.ca, timeout=60)
    raw.send(f"GET /ws HTTP/1.1\r\nHost: wiki.test:{own.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    assert raw.response().status == 101
    own.process.expect_exit(0)
    own.process.signal(signal.SIGTERM)
    first, length = raw._exactly(2)
    assert first == 0x88 and raw._exactly(length)[:2] == struct.pack(">H", 1001)
    raw.everything()
    raw.close()
    assert own.process.wait() == 0


def test_on_sigterm_http_2_gets_a_goaway_and_streams_finish(own, upstream):
    import h2.config
    import h2.connection
    import h2.events
    gate, begun = threading.Event(), threading.Event()
    upstream.script("/slow", lambda e: (begun.set(), gate.wait(60), e.respond(200, [], b"finished")))
    raw = RawConnection(own.port, "wiki.test", ca=own.ca, alpn=("h2",), timeout=60)
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()
    client.send_headers(1, [(":method", "GET"), (":scheme", "https"), (":authority", f"wiki.test:{own.port}"), (":path", "/slow")], end_stream=True)
    raw.send(client.data_to_send())
    assert begun.wait(60)
    own.process.expect_exit(0)
    own.process.signal(signal.SIGTERM)
    # The h2 package takes nothing after a GOAWAY, so frames are read by hand.
    goaway, body, ended = [], b"", False
    while not ended:
        length, kind, flags, stream = struct.unpack(">IBBI", b"\0" + raw._exactly(9))
        payload = raw._exactly(length)
        if kind == 6 and not flags & 1:
            raw.send(b"\0\0\x08\x06\x01\0\0\0\0" + payload)
        if kind == 7:
            goaway.append(struct.unpack(">II", payload[:8]))
            gate.set()
        if kind == 0 and stream == 1:
            body += payload
        ended = stream == 1 and bool(flags & 1)
    assert goaway and all(code == 0 for _, code in goaway) and goaway[-1][0] >= 1
    assert body == b"finished"
    assert own.process.wait() == 0
    raw.close()


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_a_client_that_sleeps_does_not_hold_the_end_up(own, protocol):
    import h2.connection
    raw = RawConnection(own.port, "wiki.test", ca=own.ca, alpn=(protocol,))
    if protocol == "h2":
        client = h2.connection.H2Connection()
        client.initiate_connection()
        raw.send(client.data_to_send())
        raw.receive()
    own.process.expect_exit(0)
    with within(8, "the end"):
        own.process.signal(signal.SIGTERM)
        assert own.process.wait() == 0
    raw.close()


def test_on_sigterm_what_never_ends_is_cut_after_half_a_minute(own, upstream):
    """An answer that never comes, one that never ends, and a stream of HTTP/2, each of which would go on for ever."""
    gate, begun = threading.Event(), [threading.Event() for _ in range(3)]

    def silent(exchange):
        begun[int(exchange.request.one("X-Number"))].set()
        gate.wait(100)

    def endless(exchange):
        exchange.respond(200, [("Content-Type", "text/plain"), ("Content-Length", "1000000")])
        exchange.send(b"x")
        silent(exchange)

    upstream.script("/silent", silent)
    upstream.script("/endless", endless)
    fields = f"Host: wiki.test:{own.port}\r\n"
    waits, reads = (RawConnection(own.port, "wiki.test", ca=own.ca, timeout=90) for _ in range(2))
    streams = H2(own, timeout=90)
    with waits, reads, streams.raw:
        waits.send(f"GET /silent HTTP/1.1\r\n{fields}X-Number: 0\r\n\r\n".encode())
        reads.send(f"GET /endless HTTP/1.1\r\n{fields}X-Number: 1\r\n\r\n".encode())
        streams.send("GET", "/silent", [("x-number", "2")])
        for one in begun:
            assert one.wait(20)
        assert reads.head().status == 200
        own.process.expect_exit(0)
        told = time.monotonic()
        own.process.signal(signal.SIGTERM)
        wait_for(lambda: own.operations("/readyz")[0] == 503, 20, "it to drain")
        assert own.process.wait(90) == 0
        assert 29 < time.monotonic() - told, "what is under way gets half a minute"
        assert waits.everything() == b"" and len(reads.everything()) <= 1
        while streams.step():
            pass
        assert streams.streams[1]["head"] is None and streams.goaway in (None, 0)
    gate.set()
    records = own.records("access")
    assert sorted((record["path"], record["status"], record["protocol"]) for record in records) == [
        ("/endless", 200, "HTTP/1.1"), ("/silent", 0, "HTTP/1.1"), ("/silent", 0, "HTTP/2")], "each request has its record, however it ended"


def test_a_second_signal_does_not_wait(own, upstream):
    gate, begun = threading.Event(), threading.Event()
    upstream.script("/slow", lambda e: (begun.set(), gate.wait(60)))
    raw = RawConnection(own.port, "wiki.test", ca=own.ca)
    raw.send(f"GET /slow HTTP/1.1\r\nHost: wiki.test:{own.port}\r\n\r\n".encode())
    assert begun.wait(60)
    own.process.expect_exit(0)
    own.process.signal(signal.SIGTERM)
    wait_for(lambda: refused(own.port))
    with within(5, "the end"):
        own.process.signal(signal.SIGTERM)
        assert own.process.wait() == 0
    gate.set()
    raw.close()
