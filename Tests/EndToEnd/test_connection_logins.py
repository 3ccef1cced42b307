"""Applications that log in connections (NTLM, Negotiate): one connection carries the whole login and what follows it, for one client and one session alone."""
import base64
import json
import os
import struct
import threading

import pytest

from harness.browser import Browser
from harness.h2_upstream import H2Upstream
from harness.http2_client import H2, status
from harness.raw import RawConnection
from harness.reloading import reloaded
from harness.upstream import Upstream
from harness.waiting import wait_for, within
from test_upstream_tls import server_context, tls


class Directory:
    """The application's side of NTLM: three legs over one connection, which is somebody's from then on. Tokens say in clear what NTLM says in secret."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.challenged, self.people = {}, {}
        self.lock = threading.Lock()
        upstream.script("*", self.answer)

    def answer(self, exchange):
        exchange.read_body()
        number = exchange.request.connection_number
        scheme, _, token = (exchange.request.one("Authorization") or "").partition(" ")
        with self.lock:
            if not scheme and number in self.people:
                return exchange.respond(200, [("X-Connection", number)], self.people[number].encode())
            self.people.pop(number, None)
            kind, _, rest = base64.b64decode(token).decode().partition(":")
            if kind == "1":
                self.challenged[number] = f"challenge-{number}"
                asked = f"{scheme} {base64.b64encode(('2:' + self.challenged[number]).encode()).decode()}"
            elif kind == "3" and rest.partition(":")[0] == self.challenged.pop(number, None):
                self.people[number] = rest.partition(":")[2]
                return exchange.respond(200, [("X-Connection", number)], self.people[number].encode())
            else:
                asked = scheme or "NTLM"
        exchange.respond(401, [("WWW-Authenticate", asked), ("X-Connection", number)], b"who?")

    @property
    def open(self):
        return len(self.upstream._open)


def token(text, scheme="NTLM"):
    return f"{scheme} {base64.b64encode(text.encode()).decode()}"


class Client:
    """A client of HTTP/1.1 or HTTP/2 on one connection."""

    def __init__(self, gateway, version, cookie=None):
        self.version, self.cookie, self.gateway = version, cookie, gateway
        self.one = H2(gateway) if version == 2 else RawConnection(gateway.port, "wiki.test", ca=gateway.ca)
        self.raw = self.one.raw if version == 2 else self.one

    def ask(self, path="/x", authorization=None, method="GET"):
        """Status, challenge, number of the connection to the application, body."""
        extra = [("cookie", f"__Host-menwei={self.cookie}")] if self.cookie else []
        extra += [("authorization", authorization)] if authorization else []
        if self.version == 2:
            state = self.one.get(path, extra, method)
            head = dict(state["head"])
            return status(state), head.get("www-authenticate"), head.get("x-connection"), state["body"].decode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: wiki.test:{self.gateway.port}", *[f"{n}: {v}" for n, v in extra], *(["Content-Length: 0"] if method == "POST" else [])]
        self.raw.send("".join(line + "\r\n" for line in lines).encode() + b"\r\n")
        answer = self.raw.response(method)
        return answer.status, answer.one("WWW-Authenticate"), answer.one("X-Connection"), answer.body.decode()

    def log_in(self, name, scheme="NTLM", method="GET"):
        """All legs; the number of the connection over which they went."""
        first = self.ask(method=method)
        assert first[0] == 401
        number = first[2]
        second = self.ask(authorization=token("1:", scheme), method=method)
        assert second[0] == 401 and second[2] == number, (first, second)
        challenge = base64.b64decode(second[1].partition(" ")[2]).decode().partition(":")[2]
        third = self.ask(authorization=token(f"3:{challenge}:{name}", scheme), method=method)
        assert third == (200, None, number, name), third
        return number

    def close(self):
        self.raw.close()


SITES = [{"path": "/inside/*", "allow": "members"}, {"allow": "anyone"}]


@pytest.fixture
def site(make_gateway, upstream):
    upstream.close_connections()
    wait_for(lambda: not upstream._open)
    return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": SITES}])


@pytest.fixture
def directory(upstream):
    return Directory(upstream)


@pytest.fixture
def connect(site):
    made = []

    def build(version, **more):
        made.append(Client(site, version, **more))
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_all_of_a_login_goes_over_one_connection_that_nobody_else_gets(connect, directory, version, scheme):
    client, other = connect(version), connect(version)
    number = client.log_in("alice", scheme)
    for method in ("GET", "POST", "GET"):
        assert client.ask(method=method) == (200, None, number, "alice")
    # Another client is nobody, whatever waits; then somebody else.
    for _ in range(3):
        assert other.ask()[0] == 401
    assert other.log_in("bob", scheme) != number
    for version in (1, 2):
        assert connect(version).ask()[0] == 401
    assert client.ask() == (200, None, number, "alice") and other.ask()[3] == "bob"


@pytest.fixture
def gateway(site):
    """Whom `curl` asks."""
    return site


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("options, method", [((), "GET"), (("-d", "hello"), "POST")])
def test_curl_logs_in_with_real_ntlm_messages(gateway, curl, upstream, version, options, method):
    legs, people = [], {}

    def answer(exchange):
        body = exchange.read_body()
        number = exchange.request.connection_number
        scheme, _, message = (exchange.request.one("Authorization") or "").partition(" ")
        message = base64.b64decode(message)
        kind = message[8] if message[:8] == b"NTLMSSP\0" else None
        legs.append((number, kind, exchange.request.method))
        if kind == 1:
            # MS-NLMP 2.2.1.2: no target; Unicode, NTLM, extended session security; the challenge.
            question = b"NTLMSSP\0" + struct.pack("<IHHII8s8sHHI", 2, 0, 0, 48, 0x00080201, b"menwei!!", bytes(8), 0, 0, 48)
            return exchange.respond(401, [("WWW-Authenticate", "NTLM " + base64.b64encode(question).decode())])
        if kind == 3:
            length, _, start = struct.unpack("<HHI", message[36:44])
            people[number] = message[start:start + length].decode("utf-16-le")
        if number not in people:
            return exchange.respond(401, [("WWW-Authenticate", "NTLM")])
        exchange.respond(200, [], people[number].encode() + b" " + body + b"\n")

    upstream.script("*", answer)
    url = gateway.origin("wiki.test")
    done = curl(version, "--ntlm", "-u", "alice:secret", *options, url + "/one", url + "/two", url + "/three")
    said = "alice hello" if method == "POST" else "alice "
    assert done.stdout.decode().splitlines() == 3 * [said], legs
    # Over HTTP/2 curl begins, and then turns to HTTP/1.1 by itself, on another connection.
    if version == "--http2":
        assert legs.pop(0)[1] == 1
    assert len({number for number, *_ in legs}) == 1, legs
    # Logged in once: what follows is not asked again.
    assert [kind for _, kind, _ in legs].count(3) == 1 and {used for *_, used in legs} == {method}


@pytest.mark.parametrize("kind", ["tls", "unix"])
def test_over_tls_and_over_a_socket_in_the_file_system(make_gateway, authority, tmp_path, kind):
    upstream = Upstream(tls=server_context(authority, "logins", alpn=["http/1.1"])) if kind == "tls" else Upstream(unix=tmp_path / "application")
    try:
        Directory(upstream)
        more = {"upstream_tls": tls(authority, server_name="upstream.test")} if kind == "tls" else {}
        gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": SITES, **more}])
        client, other = Client(gateway, 1), Client(gateway, 1)
        number = client.log_in("alice")
        assert client.ask() == (200, None, number, "alice") and other.ask()[0] == 401
        client.close(), other.close()
    finally:
        upstream.stop()


@pytest.mark.parametrize("version", [1, 2])
def test_it_ends_with_the_client_connection(connect, directory, version):
    clients = [connect(version) for _ in range(5)]
    for client in clients:
        client.log_in("alice")
    assert directory.open == 5
    for client in clients:
        client.close()
    wait_for(lambda: directory.open == 0, what="the end of the connections to the application")


@pytest.mark.parametrize("version", [1, 2])
def test_another_session_on_the_same_client_connection_does_not_get_it(site, connect, directory, version):
    cookies = []
    for user in ("zhangsan", "lisi"):
        browser = Browser(site)
        browser.log_in(site.origin("wiki.test") + "/inside/x", user)
        cookies.append(browser.cookie("wiki.test"))
    client = connect(version)
    for cookie, name in ((None, "nobody"), (cookies[0], "alice"), (cookies[1], "bob"), (None, "nobody")):
        before = directory.open
        client.cookie = cookie
        assert client.ask()[0] == 401, "somebody else's login served"
        number = client.log_in(name)
        assert client.ask("/inside/x" if cookie else "/x") == (200, None, number, name)
        # The one before is gone, and not only passed by.
        wait_for(lambda: directory.open <= max(before, 1))


@pytest.mark.parametrize("version", [1, 2])
def test_an_application_that_closes_it_is_asked_over_another(connect, directory, upstream, version):
    client = connect(version)
    client.log_in("alice")
    upstream.close_connections()
    wait_for(lambda: directory.open == 0)
    assert client.ask(method="POST")[0] == 401
    number = client.log_in("alice", method="POST")
    assert client.ask() == (200, None, number, "alice")
    # Closed under a request that may be repeated: it is sent once more, as nobody's.
    upstream.script("/last", lambda e: e.close() if e.request.connection_number == int(number) else directory.answer(e))
    assert client.ask("/last")[0] == 401


def test_a_reload_ends_it(site, connect, directory):
    client = connect(1)
    client.log_in("alice")
    reloaded(site)
    wait_for(lambda: directory.open == 0)
    assert client.ask()[0] == 401
    client.log_in("alice")


@pytest.mark.parametrize("version", [1, 2])
def test_the_end_of_the_gateway_does_not_wait_for_it(site, connect, directory, version):
    connect(version).log_in("alice")
    with within(8, "the end of the gateway"):
        site.stop()
    wait_for(lambda: directory.open == 0)


def test_streams_that_find_it_busy_use_ordinary_connections_and_eight_wait_at_the_most(connect, directory, upstream):
    client = connect(2)
    number = client.log_in("alice")
    gate, came = threading.Event(), threading.Semaphore(0)

    def slow(exchange):
        came.release()
        assert gate.wait(60)
        directory.answer(exchange)

    upstream.script("/slow", slow)
    streams = [client.one.send("GET", "/slow") for _ in range(20)]
    for _ in streams:
        assert came.acquire(timeout=60)
    gate.set()
    answers = [client.one.wait(stream) for stream in streams]
    # One had the connection that is logged in; the others were asked who they are.
    assert sorted(status(answer) for answer in answers) == [200] + 19 * [401]
    wait_for(lambda: directory.open == 8, what="the end of all but eight")
    # Of those that wait the one that is logged in may have gone first; a login finds its way among them all the same.
    last = client.log_in("alice") if client.ask()[0] == 401 else number
    for _ in range(3):
        assert client.ask() == (200, None, last, "alice")
    client.close()
    wait_for(lambda: directory.open == 0)


def test_two_logins_at_once_over_http2_find_their_connections(connect, directory):
    client = connect(2)
    challenge = client.ask(authorization=token("1:"))
    # What knows nothing of the login, and what begins another, over the same client connection.
    assert client.ask()[2] != challenge[2]
    assert client.ask()[2] != challenge[2]
    answer = base64.b64decode(challenge[1].partition(" ")[2]).decode().partition(":")[2]
    assert client.ask(authorization=token(f"3:{answer}:alice")) == (200, None, challenge[2], "alice")
    assert client.ask() == (200, None, challenge[2], "alice")


def test_of_several_applications_the_one_that_logged_in_serves(make_gateway, upstream):
    other = Upstream()
    try:
        first, second = Directory(upstream), Directory(other)
        gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base, other.base], "balance": "round_robin", "access": SITES}])
        clients = [Client(gateway, version) for version in (1, 2, 1, 2)]
        for number, client in enumerate(clients):
            client.log_in(f"person-{number}")
        for _ in range(4):
            for number, client in enumerate(clients):
                assert client.ask()[3] == f"person-{number}"
        assert len(first.people) + len(second.people) == len(clients)
        for client in clients:
            client.close()
    finally:
        other.stop()


def test_many_clients_come_and_go_and_nothing_is_left(site, connect, directory):
    def descriptors():
        return len(os.listdir(f"/proc/{site.process.pid}/fd"))

    def come_and_go(count):
        for number in range(count):
            client = Client(site, 1 + number % 2)
            client.log_in("alice")
            client.close()
        wait_for(lambda: directory.open == 0)

    come_and_go(4)
    before = descriptors()
    come_and_go(60)
    wait_for(lambda: descriptors() <= before, what="as few descriptors as before")


def test_an_application_over_http2_is_not_bound_and_serves_on(make_gateway):
    upstream = H2Upstream()
    try:
        upstream.script("/ntlm", lambda s: (s.read(), s.respond(401, [("www-authenticate", "NTLM"), ("content-length", "0")])))
        gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": SITES}])
        clients = [Client(gateway, 1), Client(gateway, 2)]
        for client in clients:
            for _ in range(3):
                assert client.ask("/ntlm")[0] == 401
                assert json.loads(client.ask("/x")[3])["length"] == 0
            client.close()
    finally:
        upstream.stop()
