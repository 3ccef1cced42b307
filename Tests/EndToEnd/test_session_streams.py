"""What is under way when a session ends: a logout ends all of it within two seconds, an expiry ends streams and lets uploads and downloads finish."""
import threading
import time

import pytest

from harness.browser import Browser
from harness.http2_client import H2, status
from harness.raw import RawConnection
from harness.reloading import reloaded
from harness.waiting import wait_for, within

HOST = "wiki.test"
#: Long enough that what is begun with a session is begun, on a slow machine too; and what outlives it, in tenths of a second.
LIFETIME = 6
LONGER = 85


@pytest.fixture
def own(make_gateway, upstream):
    def build(**sessions):
        return make_gateway([{"id": "wiki", "host": HOST, "upstreams": [upstream.base]}], lambda c: c["sessions"].update(sessions))
    return build


def log_in(gateway):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin(HOST) + "/").status == 200
    return browser


def logout(gateway, browser):
    origin = gateway.auth
    answer = browser.request("POST", origin + "/.menwei/logout", headers={"Origin": origin}, body=b"")
    assert answer.status < 400


class Over1:
    """A request over HTTP/1.1 whose answer is read as it comes."""

    def __init__(self, gateway, browser, method, path, length=None):
        self.raw = RawConnection(gateway.port, HOST, ca=gateway.ca, timeout=60)
        more = f"Content-Length: {length}\r\n" if length is not None else ""
        self.raw.send(f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nCookie: {browser._cookie_header(HOST)}\r\n{more}\r\n".encode())

    def begun(self):
        answer = self.raw.head()
        self.length = answer.one("Content-Length")
        return answer.status

    def send(self, data, end=False):
        self.raw.send(data)

    def rest(self):
        """The body, and whether it was whole."""
        if self.length is not None:
            try:
                return self.raw._exactly(int(self.length)), True
            except EOFError:
                return self.raw.rest, False
        try:
            return self.raw._until(b"\r\n0\r\n\r\n"), True
        except EOFError:
            return self.raw.rest, False

    def close(self):
        self.raw.close()


class Over2:
    """The same over HTTP/2."""

    def __init__(self, gateway, browser, method, path, length=None):
        self.client = H2(gateway, host=HOST, timeout=60)
        extra = [("cookie", browser._cookie_header(HOST))] + ([("content-length", str(length))] if length is not None else [])
        self.stream = self.client.send(method, path, extra, end=length is None)
        self.state = self.client.streams[self.stream]

    def begun(self):
        while self.state["head"] is None and self.state["reset"] is None and self.client.step():
            pass
        return status(self.state)

    def send(self, data, end=False):
        self.client.connection.send_data(self.stream, data, end_stream=end)
        self.client.flush()

    def rest(self):
        while not self.state["ended"] and self.state["reset"] is None and self.client.step():
            pass
        return self.state["body"], self.state["ended"]

    def close(self):
        self.client.raw.close()


@pytest.fixture(params=[Over1, Over2], ids=["http1", "http2"])
def over(request):
    opened = []

    def build(*arguments, **more):
        opened.append(request.param(*arguments, **more))
        return opened[-1]

    yield build
    for one in opened:
        one.close()


@pytest.fixture
def trickle(upstream):
    """Answers that go on byte by byte: `/slow-download?bytes=` with a length, `/events` as long as the test lasts, `/chunked?pieces=` without a length."""
    stop = threading.Event()

    def download(exchange):
        count = int(exchange.request.query["bytes"])
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {count}\r\n\r\n".encode())
        for _ in range(count):
            exchange.send(b"x")
            if stop.wait(0.1):
                return exchange.close()

    def chunks(kind):
        def answer(exchange):
            count = int(exchange.request.query.get("pieces", 900))
            exchange.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            for _ in range(count):
                exchange.send(b"1\r\n:\r\n")
                if stop.wait(0.1):
                    return exchange.close()
            exchange.send(b"0\r\n\r\n")
        return answer

    upstream.script("/slow-download", download)
    upstream.script("/events", chunks("Text/Event-Stream; charset=utf-8"))
    upstream.script("/chunked", chunks("text/plain"))
    yield
    stop.set()


@pytest.mark.parametrize("path", ["/slow-download?bytes=900", "/events", "/chunked?pieces=900"])
def test_a_logout_ends_what_is_under_way_within_two_seconds(own, over, trickle, path):
    gateway = own()
    browser = log_in(gateway)
    request = over(gateway, browser, "GET", path)
    assert request.begun() == 200
    logout(gateway, browser)
    with within(2.2, "the end of the answer"):
        _, whole = request.rest()
    assert not whole


def test_a_logout_ends_an_upload_within_two_seconds(own, over, upstream):
    gateway = own()
    browser = log_in(gateway)
    request = over(gateway, browser, "POST", "/upload", length=1000)
    request.send(b"x")
    upload = wait_for(lambda: [r for r in upstream.requests if r.target == "/upload"], what="the upload to arrive")[0]
    logout(gateway, browser)
    with within(2.5, "the end of the upload"):
        wait_for(lambda: upload.failed, what="the end of the upload")
    assert not upload.complete


@pytest.mark.parametrize("path", [f"/slow-download?bytes={LONGER}", f"/chunked?pieces={LONGER}"])
@pytest.mark.parametrize("limit", ["lifetime", "idle_timeout"])
def test_an_expiry_lets_a_download_finish(own, over, trickle, path, limit):
    gateway = own(**({"lifetime": f"{LIFETIME}s", "idle_timeout": f"{LIFETIME}s"} if limit == "lifetime" else {"idle_timeout": f"{LIFETIME}s"}))
    browser = log_in(gateway)
    request = over(gateway, browser, "GET", path)
    assert request.begun() == 200
    body, whole = request.rest()
    assert whole and len(body) >= LONGER
    assert browser.call(gateway.origin(HOST) + "/x").status == 401, "the session had not expired"


def test_an_expiry_lets_an_upload_finish(own, over, upstream):
    gateway = own(lifetime=f"{LIFETIME}s", idle_timeout=f"{LIFETIME}s")
    browser = log_in(gateway)
    request = over(gateway, browser, "POST", "/upload", length=LONGER)
    for at in range(LONGER):
        request.send(b"x", end=at == LONGER - 1)
        time.sleep(0.1)
    assert request.begun() == 200
    assert [r for r in upstream.requests if r.target == "/upload"][0].complete
    assert browser.call(gateway.origin(HOST) + "/x").status == 401, "the session had not expired"


def test_an_expiry_ends_an_event_stream(own, over, trickle):
    gateway = own(lifetime=f"{LIFETIME}s", idle_timeout=f"{LIFETIME}s")
    browser = log_in(gateway)
    with within(LIFETIME + 2.5, "the session and its stream"):
        request = over(gateway, browser, "GET", "/events")
        assert request.begun() == 200
        _, whole = request.rest()
    assert not whole


def test_an_event_stream_that_begins_after_the_expiry_ends_at_once(own, over, upstream):
    gateway = own(lifetime=f"{LIFETIME}s", idle_timeout=f"{LIFETIME}s")
    browser = log_in(gateway)
    release, stop = threading.Event(), threading.Event()

    def late(exchange):
        release.wait(60)
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n:\r\n")
        stop.wait(60)
        exchange.close()

    upstream.script("/late", late)
    request = over(gateway, browser, "GET", "/late")
    upstream.wait_requests(1)
    # The gateway looks once a second; a request that shows the cookie must not keep the session alive.
    time.sleep(LIFETIME + 2)
    release.set()
    with within(2, "the end of the stream"):
        assert request.begun() == 200
        _, whole = request.rest()
    assert not whole
    stop.set()


#: As long as the mark with which a browser asks for a form that was kept: the gateway reads all of such a body before it goes on.
MARKED = 60


def awaited(gateway, browser, path):
    """A POST of which the gateway has judged the head, and waits for the body."""
    raw = RawConnection(gateway.port, HOST, ca=gateway.ca, timeout=60)
    raw.send(f"POST {path} HTTP/1.1\r\nHost: {HOST}:{gateway.port}\r\nCookie: {browser._cookie_header(HOST)}\r\nExpect: 100-continue\r\n"
             f"Content-Length: {MARKED}\r\n\r\n".encode())
    assert raw.head().status == 100
    return raw


def test_a_body_that_is_awaited_when_the_session_ends_goes_nowhere(own, upstream):
    gateway = own()
    browser = log_in(gateway)
    with awaited(gateway, browser, "/late") as raw:
        logout(gateway, browser)
        wait_for(lambda: browser.call(gateway.origin(HOST) + "/x").status == 401, what="the end of the session")
        raw.send(b"a" * MARKED)
        assert raw.response().status == 401
    assert not [request for request in upstream.requests if request.path == "/late"]


def test_a_body_that_is_awaited_when_the_rules_change_is_judged_by_the_new(own, upstream):
    gateway = own()
    browser = log_in(gateway)
    with awaited(gateway, browser, "/late") as raw, awaited(gateway, browser, "/open/late") as other:
        reloaded(gateway, lambda c: c["sites"][0].update(access=[{"path": "/open/*", "allow": "members"}, {"allow": {"users": ["nobody"]}}]))
        raw.send(b"a" * MARKED)
        other.send(b"b" * MARKED)
        assert raw.response().status == 403 and other.response().status == 200
    assert [request.body for request in upstream.requests if request.path.endswith("/late")] == [b"b" * MARKED]
