"""SIGHUP: a new configuration takes the place of the old, as a whole or not at all, and nobody who is served feels it."""
import signal
import socket
import threading
import time

import pytest

from harness.browser import Browser
from harness.http2_client import H2, status
from harness.ports import free_port
from harness.preload import preload
from harness.process import Process
from harness.raw import RawConnection, client_context
from harness.reloading import reload, reloaded
from harness.simulator import SECOND_CORP
from harness.upstream import Upstream
from harness.waiting import wait_for, within
from test_sessions import websocket_opening


@pytest.fixture
def own(make_gateway, upstream):
    return make_gateway([
        {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
         "access": [{"path": "/public/*", "allow": "anyone"}, {"allow": "members"}]},
        {"id": "app", "host": "app.test", "upstreams": [upstream.base]},
    ])


def site(configuration, identifier):
    return next(site for site in configuration["sites"] if site["id"] == identifier)


def rules(identifier, *access):
    """A change of one site's rules."""
    def change(configuration):
        site(configuration, identifier)["access"] = list(access)
    return change


def call(raw, gateway, path, host="wiki.test", *fields):
    raw.send(f"GET {path} HTTP/1.1\r\nHost: {host}:{gateway.port}\r\n{''.join(f + chr(13) + chr(10) for f in fields)}\r\n".encode())
    return raw.response()


def at(gateway, host="wiki.test", port=None, **more):
    return RawConnection(port or gateway.port, host, ca=gateway.ca, **more)


def endless(exchange):
    """An event stream: one event now, more as long as anybody listens."""
    exchange.respond(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
    exchange.close()
    while True:
        exchange.send(b"7\r\ndata:\n\n\r\n")
        time.sleep(0.05)


def test_a_reload_asked_for_before_it_serves_comes_when_it_does(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}], start=False)
    gateway.process = Process([gateway.binary, "run", "--config", gateway.file], f"menwei:{gateway.port}")
    gateway.processes.append(gateway.process)

    def holds_signals_back():
        with open(f"/proc/{gateway.process.pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        return fields["Name"].strip() == gateway.binary.name[:15] and int(fields["SigBlk"], 16) & 1
    wait_for(holds_signals_back, what="SIGHUP to be held back")
    gateway.process.signal(signal.SIGHUP)
    gateway.process.wait_line(lambda line: line == "menwei: reloaded")
    gateway.process.wait_line(lambda line: line == "menwei: ready")
    with at(gateway) as raw:
        assert call(raw, gateway, "/x").status == 200


def test_a_reload_asked_for_while_it_drains_is_refused_and_nothing_is_lost(own, upstream):
    gate, begun = threading.Event(), threading.Event()
    upstream.script("/public/slow", lambda e: (begun.set(), gate.wait(60), e.respond(200, [], b"finished")))
    raw = at(own, timeout=60)
    raw.send(f"GET /public/slow HTTP/1.1\r\nHost: wiki.test:{own.port}\r\n\r\n".encode())
    assert begun.wait(60)
    own.process.expect_exit(0)
    own.process.signal(signal.SIGTERM)
    wait_for(lambda: own.operations("/readyz")[0] == 503, what="it to drain")
    taken, said = reload(own, rules("wiki", {"allow": "members"}))
    assert not taken and "menwei: the gateway stops" in said
    gate.set()
    answer = raw.response()
    assert answer.status == 200 and answer.body == b"finished"
    assert own.process.wait() == 0
    raw.close()


def test_new_rules_hold_for_new_requests_on_old_connections_too(own):
    with at(own) as kept:
        assert call(kept, own, "/x").status == 401
        reloaded(own, rules("wiki", {"allow": "anyone"}))
        assert call(kept, own, "/x").status == 200
        with at(own) as new:
            assert call(new, own, "/x").status == 200
        reloaded(own, rules("wiki", {"allow": "members"}))
        assert call(kept, own, "/x").status == 401


def test_both_outcomes_are_recorded_and_measured(own):
    began = own.metrics()["menwei_config_loaded_timestamp_seconds"]
    assert own.metrics()["menwei_config_last_reload_successful"] == 1
    time.sleep(1.1)
    reloaded(own)
    after = own.metrics()
    assert after["menwei_config_loaded_timestamp_seconds"] > began and after["menwei_config_last_reload_successful"] == 1
    assert own.record("reload")["result"] == "ok"
    taken, _ = reload(own, lambda c: c.update(nonsense=1))
    assert not taken and own.record("reload", result="refused")
    assert own.metrics()["menwei_config_loaded_timestamp_seconds"] == after["menwei_config_loaded_timestamp_seconds"]
    assert own.metrics()["menwei_config_last_reload_successful"] == 0


def test_a_fault_is_named_with_its_place_and_the_old_configuration_stays(own):
    def broken(configuration):
        site(configuration, "wiki")["access"] = [{"allow": "anyone"}]
        site(configuration, "app")["acess"] = []
    taken, said = reload(own, broken)
    line = next(n for n, text in enumerate(own.file.read_text().splitlines(), 1) if '"acess"' in text)
    assert not taken and said == [f'{own.file}:{line}:4: unknown key "acess"; did you mean "access"?'] or str(line) in said[0], said
    with at(own) as raw:
        assert call(raw, own, "/x").status == 401
    own.file.write_text("{")
    assert not reload(own)[0]
    own.file.unlink()
    assert not reload(own)[0]
    with at(own) as raw:
        assert call(raw, own, "/public/x").status == 200
    own.write()
    del site(own.configuration, "app")["acess"]
    reloaded(own, lambda c: None)
    with at(own) as raw:
        assert call(raw, own, "/x").status == 200


@pytest.mark.parametrize("key, change", [
    ("listen.operations", lambda c: c["listen"].update(operations=f"127.0.0.1:{free_port()}")),
    ("sessions.store", lambda c: c["sessions"].update(store="memory:")),
    ("signing.keys", lambda c: c.update(signing={"keys": "other"})),
])
def test_what_needs_a_restart_is_a_fault(own, key, change):
    taken, said = reload(own, lambda c: (change(c), rules("wiki", {"allow": "anyone"})(c)))
    name = key.split(".")[1]
    line = next(n for n, text in enumerate(own.file.read_text().splitlines(), 1) if f'"{name}"' in text)
    assert not taken and len(said) == 1 and said[0].startswith(f"{own.file}:{line}:") and key in said[0] and "restart" in said[0], said
    with at(own) as raw:
        assert call(raw, own, "/x").status == 401


def test_a_site_that_is_gone_is_unknown_and_a_new_one_is_served(own, upstream):
    with at(own, "app.test") as kept:
        assert call(kept, own, "/x", "app.test").status == 401
        reloaded(own, lambda c: c["sites"].remove(site(c, "app")))
        assert call(kept, own, "/x", "app.test").status == 421
    reloaded(own, lambda c: c["sites"].append({
        "id": "later", "origin": own.origin("app.test"), "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}))
    with at(own, "app.test") as raw:
        assert call(raw, own, "/x", "app.test").status == 200
    own.record("access", site="later")
    counted = own.metrics()
    assert any('site="app"' in name for name in counted) and any('site="later"' in name for name in counted)


def test_listeners_come_and_go(own, upstream):
    second = free_port()

    def listens(port):
        try:
            socket.create_connection(("127.0.0.1", port), 20).close()
            return True
        except ConnectionRefusedError:
            return False
        except ConnectionResetError:
            return True  # somebody was there to end it

    def both(configuration):
        configuration["listen"]["https"] = [f"127.0.0.1:{own.port}", f"127.0.0.1:{second}"]

    def only_first(configuration):
        configuration["listen"]["https"] = [f"127.0.0.1:{own.port}"]

    assert not listens(second)
    for _ in range(3):
        reloaded(own, both)
        with at(own, port=second) as raw:
            assert call(raw, own, "/public/x").status == 200
            reloaded(own, only_first)
            wait_for(lambda: not listens(second), what="the listener to close")
            # Who is connected stays.
            assert call(raw, own, "/public/x").status == 200
    # A plain listener becomes one of TLS, and back.
    plain = own.configuration["listen"]["http"][0]
    reloaded(own, lambda c: c["listen"].update(http=[], https=[f"127.0.0.1:{own.port}", plain]))
    with at(own, port=own.http_port) as raw:
        assert call(raw, own, "/public/x").status == 200
    # From one address to all of them.
    reloaded(own, lambda c: c["listen"].update(http=[plain], https=[f"0.0.0.0:{own.port}"]))
    with at(own) as raw:
        assert call(raw, own, "/public/x").status == 200


def test_a_taken_port_refuses_the_whole_reload(own):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        free = f"127.0.0.1:{free_port()}"

        def more(configuration):
            configuration["listen"]["https"] += [free, taken]
            rules("wiki", {"allow": "anyone"})(configuration)
        was, said = reload(own, more)
        line = next(n for n, text in enumerate(own.file.read_text().splitlines(), 1) if taken in text)
        assert not was and said[-1].startswith(f"{own.file}:{line}:") and taken in said[-1], said
        with at(own) as raw:
            assert call(raw, own, "/x").status == 401
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(free.split(":")[1])), 5)
    reloaded(own)


def test_rules_that_refuse_a_stream_end_it_and_no_other(own, upstream):
    upstream.script("/events", endless)
    people = {}
    for name in ("zhangsan", "lisi"):
        people[name] = Browser(own)
        assert people[name].log_in(own.origin("wiki.test") + "/", name).status == 200
    sockets = {}
    for name, browser in people.items():
        ws, events = at(own), at(own)
        ws.send(websocket_opening(own, browser, "/ws"))
        assert ws.response().status == 101
        events.send(f"GET /events HTTP/1.1\r\nHost: wiki.test:{own.port}\r\nCookie: __Host-menwei={browser.cookie('wiki.test')}\r\n\r\n".encode())
        assert events.head().status == 200
        sockets[name] = (ws, events)
    reloaded(own, rules("wiki", {"allow": {"users": ["zhangsan"]}}))
    ws, events = sockets["lisi"]
    with within(2.3, "the end of both streams"):
        frame = ws.receive()
        assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame
        events.everything()
    ws, events = sockets["zhangsan"]
    ws.send(b"\x81\x82\x00\x00\x00\x00hi")
    assert ws.receive() == b"\x81\x02hi"
    assert events.receive()
    time.sleep(1.5)
    ws.send(b"\x81\x82\x00\x00\x00\x00ho")
    assert ws.receive() == b"\x81\x02ho"
    events.rest = b""
    assert events.receive()
    # The site goes, and with it everybody.
    reloaded(own, lambda c: c["sites"].remove(site(c, "wiki")))
    frame = ws.receive()
    assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame
    for pair in sockets.values():
        for raw in pair:
            raw.close()


def test_a_stream_for_anyone_ends_when_a_login_is_asked_for(own, upstream):
    upstream.script("/public/events", endless)
    with at(own) as raw:
        raw.send(f"GET /public/events HTTP/1.1\r\nHost: wiki.test:{own.port}\r\n\r\n".encode())
        assert raw.head().status == 200
        reloaded(own, rules("wiki", {"allow": "members"}))
        with within(2.5, "the end of the stream"):
            raw.everything()


def test_sessions_of_a_connection_that_is_gone_open_nothing(make_gateway, upstream):
    def two(configuration):
        configuration["connections"][0]["plain_names"] = True
        configuration["connections"].append({
            **configuration["connections"][0], "id": "second", "corp_id": SECOND_CORP, "secret": "second-secret", "plain_names": False, "auto_login": False})
    own = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], two)
    browser = Browser(own)
    assert browser.log_in(own.origin("wiki.test") + "/", connection="second").status == 200
    first = Browser(own)
    assert first.log_in(own.origin("wiki.test") + "/", connection="corp").status == 200
    with at(own) as ws:
        ws.send(websocket_opening(own, browser, "/ws"))
        assert ws.response().status == 101
        reloaded(own, lambda c: c["connections"].pop())
        frame = ws.receive()
        assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame
    assert browser.call(own.origin("wiki.test") + "/x").status == 401
    assert first.call(own.origin("wiki.test") + "/x").status == 200


def test_a_login_goes_on_over_a_reload(own):
    browser = Browser(own)
    page = browser.go(own.origin("wiki.test") + "/page")
    web = browser.get(page.frame, headers={"Sec-Fetch-Dest": "iframe"})
    reloaded(own, rules("wiki", {"allow": "members"}))
    scanned = browser.get(web.location + "&sim_user=zhangsan")
    reloaded(own)
    ticket = browser.get(scanned.location)
    assert ticket.status in (302, 303) and "/.menwei/finish" in ticket.location
    reloaded(own)
    done = browser.go(ticket.location)
    assert done.status == 200 and done.url == own.origin("wiki.test") + "/page"


def test_reloads_that_are_asked_for_at_once_come_to_the_last_configuration(own):
    for _ in range(5):
        own.process.signal(1)
    rules("wiki", {"allow": "anyone"})(own.configuration)
    own.write()
    reloaded(own)

    def open_to_all():
        with at(own) as raw:
            return call(raw, own, "/x").status == 200
    wait_for(open_to_all)


def test_an_upstream_that_is_unwell_stays_so_over_a_reload(make_gateway, upstream):
    """Its checks have to say otherwise first."""
    sick = Upstream()
    try:
        sick.script("/healthz", lambda e: e.respond(503))
        own = make_gateway([{
            "id": "wiki", "host": "wiki.test", "upstreams": [upstream.base, sick.base], "access": [{"allow": "anyone"}], "balance": "round_robin",
            "health": {"path": "/healthz", "interval": "3s", "unhealthy_after": 2}}])
        name = f'menwei_upstream_healthy{{site="wiki",upstream="{sick.base}"}}'
        wait_for(lambda: own.metrics()[name] == 0, what="the checks to fail")
        sick.clear()
        for _ in range(3):
            reloaded(own)
            assert own.metrics()[name] == 0
            with at(own) as raw:
                for _ in range(8):
                    assert call(raw, own, "/x").status == 200
        assert "/x" not in sick.targets()
        del sick.scripts["/healthz"]
        wait_for(lambda: own.metrics()[name] == 1, what="the checks to succeed")
    finally:
        sick.stop()


def test_who_waits_in_a_queue_when_the_end_comes_is_answered(own):
    """Connections that no worker has accepted yet, and a request that no worker has read: the process is stopped while they come."""
    kept = at(own)
    assert call(kept, own, "/public/x").status == 200
    own.process.signal(signal.SIGSTOP)
    kept.send(f"GET /public/y HTTP/1.1\r\nHost: wiki.test:{own.port}\r\n\r\n".encode())
    waiting = [socket.create_connection(("127.0.0.1", own.port), 60) for _ in range(20)]
    own.process.expect_exit(0)
    own.process.signal(signal.SIGTERM)
    own.process.signal(signal.SIGCONT)
    answer = kept.response()
    # The worker may come to the request before the main thread comes to the signal.
    assert answer.status == 200 and (answer.one("Connection") == "close" or kept.is_closed())
    kept.close()
    wait_for(lambda: own.operations("/readyz")[0] == 503, what="it to drain")
    context = client_context(own.ca)
    for number, plain in enumerate(waiting):
        raw = RawConnection.__new__(RawConnection)
        raw.socket, raw.rest = context.wrap_socket(plain, server_hostname="wiki.test"), b""
        waiting[number] = raw
    for raw in waiting:
        answer = call(raw, own, "/public/x")
        assert answer.status == 200 and answer.one("Connection") == "close"
        raw.close()
    assert own.process.wait() == 0


def test_a_look_up_may_outlive_the_configuration_for_which_it_was_begun(make_gateway, upstream, tmp_path):
    """The name server answers when nobody is there any more who asked."""
    sites = [{"id": "wiki", "host": "wiki.test", "upstreams": ["h2c://slow.test:9"], "access": [{"allow": "anyone"}], "timeouts": {"connect": "1s"}}]
    gateway = make_gateway(sites, environment=preload("slow_dns", tmp_path) | {"MENWEI_SLOW_DNS": "6"})
    client = H2(gateway)
    begun = time.monotonic()
    assert status(client.get("/x")) == 502
    client.raw.close()
    reloaded(gateway, lambda c: site(c, "wiki").update(upstreams=[upstream.base]))

    def served():
        with at(gateway) as raw:
            assert call(raw, gateway, "/x").status == 200
        return time.monotonic() - begun > 8  # the answer is there by then
    wait_for(served, every=0.2, what="the answer of the name server")
