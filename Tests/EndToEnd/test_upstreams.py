"""Several upstreams a site: who serves, who is passed over, what is tried again, and what is said of it."""
import socket
import threading
import time
from collections import Counter

import pytest

from harness.applications import RunningApplication
from harness.ports import free_port
from harness.raw import RawConnection
from harness.waiting import Stopwatch, wait_for, within

HOST = "wiki.test"


@pytest.fixture
def applications():
    made = []

    def make(*names):
        made.extend(RunningApplication(name) for name in names)
        return made[-len(names):]

    yield make
    for application in made:
        application.stop()


def site(upstreams, **more):
    return {"id": "wiki", "host": HOST, "upstreams": [u if isinstance(u, str) else u.base for u in upstreams], "access": [{"allow": "anyone"}], **more}


class Client:
    """One kept connection to the gateway, made anew where it ended."""

    def __init__(self, gateway):
        self.gateway, self.raw = gateway, None

    def ask(self, method, target, body=b""):
        """The status, and which application answered."""
        for _ in range(2):
            try:
                if not self.raw:
                    self.raw = RawConnection(self.gateway.port, HOST, ca=self.gateway.ca, timeout=90)
                length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
                self.raw.send(f"{method} {target} HTTP/1.1\r\nHost: {HOST}:{self.gateway.port}\r\n{length}\r\n".encode() + body)
                answer = self.raw.response(method)
                if (answer.one("Connection") or "").lower() == "close":
                    self.close()
                return answer.status, answer.body.decode()
            except EOFError:
                # Our own kept connection had ended.
                self.close()
        raise AssertionError("the gateway ended two connections without an answer")

    def close(self):
        if self.raw:
            self.raw.close()
        self.raw = None


def ask(gateway, method="GET", target="/", body=b""):
    client = Client(gateway)
    try:
        return client.ask(method, target, body)
    finally:
        client.close()


def healthy(gateway, application):
    base = application if isinstance(application, str) else application.base
    return gateway.metrics()[f'menwei_upstream_healthy{{site="wiki",upstream="{base}"}}']


def total(gateway, name):
    return sum(value for sample, value in gateway.metrics().items() if sample.startswith(name))


def said(gateway, text, application):
    return [line for line in gateway.process.err if text in line and application.base in line]


def test_in_turn_everyone_gets_the_same(make_gateway, applications):
    three = applications("a", "b", "c")
    gateway = make_gateway([site(three, balance="round_robin")])
    client = Client(gateway)
    answers = Counter(client.ask("GET", "/")[1] for _ in range(30))
    client.close()
    assert answers == {"a": 10, "b": 10, "c": 10}


def test_by_default_one_after_another_gets_the_same_too(make_gateway, applications):
    two = applications("a", "b")
    gateway = make_gateway([site(two)])
    client = Client(gateway)
    answers = Counter(client.ask("GET", "/")[1] for _ in range(20))
    client.close()
    assert answers == {"a": 10, "b": 10}


def test_a_slow_upstream_gets_fewer_requests(make_gateway, applications, upstream):
    fast, = applications("fast")
    release = threading.Event()
    upstream.script("*", lambda exchange: (release.wait(90), exchange.respond(200, [], b"slow")))
    gateway = make_gateway([site([upstream, fast])])
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(gateway)[1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    # Whoever got the slow one waits there; all who come now go to the other, but for one a worker while the loads are equal.
    wait_for(lambda: len(upstream.targets()) + len(answers) == 8, what="all requests at an upstream")
    held = len(upstream.targets())
    assert 0 < held < 8
    client = Client(gateway)
    for _ in range(40):
        raw, before = threading.Thread(target=lambda: answers.append(ask(gateway)[1])), len(upstream.targets())
        raw.start()
        # Answered, or held at the slow one: the next comes when this one is no load on the way any more.
        wait_for(lambda: not raw.is_alive() or len(upstream.targets()) > before, what="the answer, or the request at the slow upstream")
        threads.append(raw)
    client.close()
    # With n held there is no worker whose count at the fast one is higher.
    assert len(upstream.targets()) <= held + 2 and answers.count("fast") >= 38
    release.set()
    for thread in threads:
        thread.join(90)
    assert answers.count("slow") == len(upstream.targets())


def test_one_of_three_is_killed_under_load_and_comes_back(make_gateway, applications):
    three = applications("a", "b", "c")
    gateway = make_gateway([site(three)])
    stop = threading.Event()
    results = []

    def load(number):
        client = Client(gateway)
        count = 0
        while not stop.is_set():
            count += 1
            method = "POST" if count % 4 == 0 else "GET"
            target = f"/{number}-{count}"
            results.append((method, target) + client.ask(method, target, b"x" if method == "POST" else b""))
        client.close()

    threads = [threading.Thread(target=load, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(results) > 500, 60, "requests")
        three[1].kill()
        reached = len(results)
        wait_for(lambda: len(results) > reached + 1500, 120, "requests without it")
    finally:
        stop.set()
        for thread in threads:
            thread.join(90)
    failed = [result for result in results if result[2] != 200]
    assert all(method == "POST" and status == 502 for method, _, status, _ in failed), failed[:5]
    # No more than were under way.
    assert len(failed) <= len(threads), failed
    done = {target for method, target, status, _ in results if method == "POST" and status == 200}
    wait_for(lambda: done <= {target for application in three for _, target, _ in application.took("POST")}, what="what the applications say")
    executed = Counter(target for application in three for _, target, _ in application.took("POST"))
    assert max(executed.values()) == 1, "a POST was executed twice"
    assert all(executed[target] == 1 for method, target, status, _ in results if method == "POST" and status == 200)
    served = Counter(name for _, _, _, name in results[reached + 200:])
    assert set(served) <= {"a", "c", ""}, served
    assert healthy(gateway, three[1]) == 0 and healthy(gateway, three[0]) == 1 and healthy(gateway, three[2]) == 1
    assert total(gateway, "menwei_upstream_retries_total") > 0
    wait_for(lambda: said(gateway, "upstream keeps failing and is passed over", three[1]), what="the diagnostic")

    three[1].start()
    client = Client(gateway)
    wait_for(lambda: client.ask("GET", "/again") == (200, "b"), 90, "the upstream to serve again")
    client.close()
    wait_for(lambda: (ask(gateway), healthy(gateway, three[1]))[1] == 1, 90, "the gauge to say so")
    wait_for(lambda: said(gateway, "upstream answers again", three[1]), what="the diagnostic")


def test_where_all_are_down_the_answer_comes_at_once_and_the_first_back_serves(make_gateway, applications):
    three = applications("a", "b", "c")
    gateway = make_gateway([site(three)])
    assert ask(gateway)[0] == 200
    for application in three:
        application.kill()
    client = Client(gateway)
    times = []
    for _ in range(30):
        with Stopwatch() as watch:
            assert client.ask("GET", "/")[0] == 502
        times.append(watch.seconds)
    client.close()
    # Nothing is waited for; only the machine may be slow.
    assert sorted(times)[15] < 0.5, times
    assert [healthy(gateway, application) for application in three] == [0, 0, 0]
    three[2].start()
    # At once: no verdict stands in the way of the only one that serves.
    assert [ask(gateway) for _ in range(6)] == [(200, "c")] * 6


def test_an_upstream_that_takes_no_connections_costs_a_part_of_the_time_for_connecting(make_gateway, applications):
    good, = applications("good")
    hole = socket.socket()
    hole.bind(("127.0.0.1", 0))
    hole.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(hole.getsockname())
        fillers.append(filler)
    try:
        gateway = make_gateway([site([f"http://127.0.0.1:{hole.getsockname()[1]}", good], balance="round_robin", timeouts={"connect": "5s"})])
        for number in range(6):
            with within(5, "the answer"):
                assert ask(gateway, "POST", f"/{number}", b"x") == (200, "good")
        wait_for(lambda: len(good.took("POST")) == 6, what="each of them, once")
    finally:
        for each in fillers + [hole]:
            each.close()


def test_a_site_of_one_upstream_has_its_gauges_too(make_gateway, upstream):
    gateway = make_gateway([site([upstream])])
    assert ask(gateway)[0] == 200
    samples = gateway.metrics()
    labels = f'{{site="wiki",upstream="{upstream.base}"}}'
    assert samples[f"menwei_upstream_healthy{labels}"] == 1
    assert samples[f"menwei_upstream_retries_total{labels}"] == 0 and samples[f"menwei_upstream_ejections_total{labels}"] == 0
    assert samples['menwei_upstream_queue_length{site="wiki"}'] == 0 and samples['menwei_upstream_queue_refused_total{site="wiki"}'] == 0


HEALTH = {"path": "/healthz", "interval": "1s", "unhealthy_after": 2, "healthy_after": 1}


def test_an_upstream_that_fails_its_checks_gets_no_requests_until_it_passes_them(make_gateway, applications):
    two = applications("a", "b")
    gateway = make_gateway([site(two, health=HEALTH)])
    assert {ask(gateway)[1] for _ in range(8)} == {"a", "b"}
    checks = [request for request in two[1].took() if request[1] == "/healthz"]
    assert all(request[0] == "GET" and request[2] == "menwei-health" for request in checks)
    two[1].ask("POST", "/set-health", b"500")
    wait_for(lambda: healthy(gateway, two[1]) == 0, what="the checks to fail")
    assert [ask(gateway)[1] for _ in range(8)] == ["a"] * 8
    assert healthy(gateway, two[0]) == 1
    # Who looks at it must not think that nobody asks any more.
    before = len(two[1].took())
    wait_for(lambda: len(two[1].took()) >= before + 2, what="further checks")
    two[1].ask("POST", "/set-health", b"302")
    wait_for(lambda: healthy(gateway, two[1]) == 1, what="the checks to pass")
    assert {ask(gateway)[1] for _ in range(8)} == {"a", "b"}
    wait_for(lambda: said(gateway, "upstream passes its health checks again", two[1]), what="the diagnostic")
    assert len(said(gateway, "upstream fails its health checks", two[1])) == 1
    assert "status 500" in said(gateway, "upstream fails its health checks", two[1])[0]
    assert len(said(gateway, "upstream passes its health checks again", two[1])) == 1
    assert not gateway.records(path="/healthz"), "checks are nobody's requests"


def test_checks_tell_nothing_of_anybody_and_come_once_an_interval(make_gateway, upstream):
    began = time.monotonic()
    gateway = make_gateway([site([upstream], health=HEALTH)])
    requests = upstream.wait_requests(6)
    # Five intervals, however many workers there are.
    assert time.monotonic() - began > 4.5
    for request in requests:
        assert (request.method, request.target) == ("GET", "/healthz")
        assert request.one("User-Agent") == "menwei-health" and request.one("Host") == f"{HOST}:{gateway.port}"
        assert not [name for name in request.names if name.startswith(("x-menwei", "x-forwarded-user", "x-forwarded-pref", "x-forwarded-name", "cookie", "authorization"))]


def test_where_no_upstream_passes_its_checks_all_are_used(make_gateway, applications):
    two = applications("a", "b")
    for application in two:
        application.ask("POST", "/set-health", b"503")
    gateway = make_gateway([site(two, health=HEALTH)])
    wait_for(lambda: [healthy(gateway, application) for application in two] == [0, 0], what="the checks to fail")
    assert {ask(gateway) for _ in range(8)} == {(200, "a"), (200, "b")}


def test_an_upstream_that_is_gone_or_hangs_fails_its_checks(make_gateway, applications, upstream):
    release = threading.Event()
    upstream.script("/healthz", lambda exchange: release.wait(90))
    good, = applications("good")
    dead = f"http://127.0.0.1:{free_port()}"
    gateway = make_gateway([site([good, upstream, dead], health=HEALTH)])
    wait_for(lambda: [healthy(gateway, each) for each in (good, upstream, dead)] == [1, 0, 0], what="the checks to fail")
    assert [ask(gateway) for _ in range(6)] == [(200, "good")] * 6
    release.set()
