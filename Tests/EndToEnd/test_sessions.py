"""Sessions: their cookies, their limits, their end, and what survives a crash."""
import fcntl
import sqlite3
import time
from urllib.parse import quote

import pytest

from harness.browser import Browser
from harness.raw import RawConnection
from harness.waiting import Stopwatch, wait_for, within


@pytest.fixture
def own(make_gateway, upstream):
    """A gateway of the test's own, with changed session options."""
    def build(**sessions):
        return make_gateway(
            [{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"path": "/public/*", "allow": "anyone"}]}, {"id": "app", "host": "app.test", "upstreams": [upstream.base]}],
            lambda c: c["sessions"].update(sessions))
    return build


def logout(browser, origin):
    return browser.request("POST", origin + "/.menwei/logout", headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"}, body=b"")


def test_an_idle_session_ends(own):
    gateway = own(idle_timeout="5s")
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    assert browser.call(wiki + "/x").status == 200
    time_used = time.monotonic()
    # Nothing but waiting can show an idle limit; the poll is with another browser.
    other = Browser(gateway)
    wait_for(lambda: other.call(wiki + "/x").status == 401 and time.monotonic() - time_used > 6.5)
    assert browser.call(wiki + "/x").status == 401
    assert browser.call(gateway.auth + "/.menwei/me").status == 401


def test_use_keeps_a_session_alive_past_its_idle_limit(own):
    gateway = own(idle_timeout="5s")
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    begun = time.monotonic()
    wait_for(lambda: browser.call(wiki + "/x").status != 200 or time.monotonic() - begun > 8, every=0.3)
    assert browser.call(wiki + "/x").status == 200


def test_use_at_one_host_keeps_the_session_at_another(own):
    gateway = own(idle_timeout="5s")
    browser = Browser(gateway)
    wiki, app = gateway.origin("wiki.test"), gateway.origin("app.test")
    browser.log_in(wiki + "/")
    browser.go(app + "/")
    begun = time.monotonic()
    wait_for(lambda: browser.call(wiki + "/x").status != 200 or time.monotonic() - begun > 8, every=0.3)
    assert browser.call(app + "/x").status == 200


def test_a_session_ends_at_its_absolute_limit_however_it_is_used(own):
    gateway = own(lifetime="6s", idle_timeout="5s")
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    with Stopwatch() as watch:
        browser.log_in(wiki + "/")
        wait_for(lambda: browser.call(wiki + "/x").status == 401, every=0.2)
        assert 4.5 < watch.elapsed and watch.seconds < 8.5


def test_logout_asks_first_and_then_ends_the_session_everywhere(gateway, browser):
    wiki, app = gateway.origin("wiki.test"), gateway.origin("app.test")
    browser.log_in(wiki + "/")
    browser.go(app + "/")
    sid = browser.call(wiki + "/.menwei/me").json()["sid"]
    page = browser.get(wiki + "/.menwei/logout")
    assert page.status == 200 and "<form" in page.text and browser.call(wiki + "/x").status == 200
    old = {host: dict(jar) for host, jar in browser.cookies.items()}
    done = logout(browser, wiki)
    assert done.status == 303 and not browser.cookie("wiki.test")
    after = browser.follow(done)
    assert after.status == 200 and "/.menwei/logout" in after.url, "it does not log in again by itself"
    browser.cookies = old
    assert browser.call(wiki + "/x").status == 401
    assert browser.call(app + "/x").status == 401
    assert browser.call(gateway.auth + "/.menwei/me").status == 401
    sid = gateway.record("logout", sid=sid)["sid"]
    assert gateway.record("login", sid=sid)


def test_logout_needs_a_post_of_the_same_origin(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    for headers in ({"Origin": "https://evil.test"}, {"Origin": "null"}, {"Origin": None, "Sec-Fetch-Site": "cross-site"}, {"Origin": gateway.origin("app.test")},
                    {"Origin": None, "Sec-Fetch-Site": None}):
        refused = browser.request("POST", wiki + "/.menwei/logout", headers=headers, body=b"")
        assert refused.status == 403, headers
        assert browser.call(wiki + "/x").status == 200
    assert browser.request("DELETE", wiki + "/.menwei/logout").status == 405


def test_the_logout_page_returns_to_our_origins_only(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    page = browser.get(wiki + "/.menwei/logout?return=" + quote("https://evil.test/", safe=""))
    assert "evil.test" not in page.text
    done = browser.request("POST", wiki + "/.menwei/logout?return=" + quote("https://evil.test/", safe=""), headers={"Origin": wiki}, body=b"")
    assert "evil.test" not in browser.follow(done).text and "evil.test" not in done.location


def test_logout_ends_a_websocket_within_two_seconds(gateway, upstream, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(websocket_opening(gateway, browser, "/ws"))
        assert raw.response().status == 101
        with within(2.5, "the end of the WebSocket"):
            logout(browser, wiki)
            frame = raw.receive()
        assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame


def websocket_opening(gateway, browser, target, **fields):
    head = {
        "Host": f"wiki.test:{gateway.port}", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": gateway.origin("wiki.test"), "Cookie": browser._cookie_header("wiki.test"), **fields,
    }
    return (f"GET {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in head.items() if v is not None) + "\r\n").encode()


@pytest.mark.parametrize("value", [
    "", "x", "A" * 43, "!" * 43, "%00" * 10, "A" * 42, "A" * 44, '"' + "A" * 43 + '"', "A" * 30000, "=", "\u00e9" * 20, "..", "A" * 42 + "=",
])
def test_garbage_in_the_session_cookie_is_nobody(gateway, browser, upstream, value):
    browser.cookies["wiki.test"] = {"__Host-menwei": value}
    assert browser.call(gateway.origin("wiki.test") + "/x").status in (401, 431 if len(value) > 20000 else 401)
    assert not upstream.requests
    browser.cookies["auth.test"] = {"__Host-menwei-auth": value}
    assert browser.call(gateway.auth + "/.menwei/me").status == 401


def test_a_cookie_given_twice_counts_as_none(gateway, browser, connect):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    value = browser.cookie("wiki.test")
    host = f"Host: wiki.test:{gateway.port}\r\n"
    for cookies in (f"Cookie: __Host-menwei={value}; __Host-menwei={value}\r\n", f"Cookie: __Host-menwei={value}\r\nCookie: __Host-menwei=other\r\n",
                    f"Cookie: __Host-menwei=; __Host-menwei={value}\r\n"):
        raw = connect()
        raw.send(f"GET /x HTTP/1.1\r\n{host}{cookies}\r\n".encode())
        assert raw.response().status == 401, cookies
    raw = connect()
    raw.send(f"GET /x HTTP/1.1\r\n{host}Cookie: other=1; __Host-menwei={value}; x=2\r\n\r\n".encode())
    assert raw.response().status == 200


def test_kill_and_restart_lose_no_session(own, upstream):
    gateway = own()
    wiki, app = gateway.origin("wiki.test"), gateway.origin("app.test")
    browsers = []
    for user in ("zhangsan", "lisi", "wangwu"):
        browser = Browser(gateway)
        browser.log_in(wiki + "/", user)
        browsers.append((user, browser))
    sid = browsers[0][1].call(wiki + "/.menwei/me").json()["sid"]
    gateway.process.kill()
    gateway.start()
    for user, browser in browsers:
        answer = browser.call(wiki + "/x")
        assert answer.status == 200 and dict(answer.json()["headers"])["X-Forwarded-User"] == user
    assert browsers[0][1].call(wiki + "/.menwei/me").json()["sid"] == sid
    assert browsers[0][1].go(app + "/").status == 200


def test_a_session_ended_before_the_crash_stays_ended(own):
    gateway = own()
    wiki = gateway.origin("wiki.test")
    browser = Browser(gateway)
    browser.log_in(wiki + "/")
    old = {host: dict(jar) for host, jar in browser.cookies.items()}
    logout(browser, wiki)
    gateway.process.kill()
    gateway.start()
    browser.cookies = old
    assert browser.call(wiki + "/x").status == 401


def test_memory_sessions_work_and_die_with_the_process(own):
    gateway = own(store="memory:")
    wiki = gateway.origin("wiki.test")
    browser = Browser(gateway)
    assert browser.log_in(wiki + "/").status == 200
    assert browser.call(wiki + "/x").status == 200
    gateway.stop()
    gateway.start()
    assert browser.call(wiki + "/x").status == 401
    assert not list(gateway.folder.glob("*.db*"))


def test_a_copy_of_the_store_opens_no_session_and_tells_no_names(own):
    gateway = own()
    wiki = gateway.origin("wiki.test")
    browser = Browser(gateway)
    browser.log_in(wiki + "/")
    browser.go(gateway.origin("app.test") + "/")
    gateway.stop()
    stored = b"".join(path.read_bytes() for path in gateway.folder.glob("menwei.db*"))
    assert b"zhangsan" in stored, "the account is in the clear"
    for secret in [v for jar in browser.cookies.values() for v in jar.values()]:
        assert secret.encode() not in stored
    for detail in ("张三", "13800000001", "zhangsan@mail.example", "zhangsan@corp.example"):
        assert detail.encode() not in stored, detail


def test_a_newer_store_is_refused(own):
    gateway = own()
    gateway.stop()
    database = sqlite3.connect(gateway.folder / "menwei.db")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    assert version > 0, "the store knows its version"
    database.execute(f"PRAGMA user_version = {version + 1}")
    database.commit()
    database.close()
    from harness.process import Process
    process = Process([gateway.binary, "run", "--config", gateway.file], "menwei, newer store")
    assert process.wait() in (1, 2)
    assert any("menwei.db" in line for line in process.err), process.err


def test_the_store_belongs_to_the_owner_alone(own):
    gateway = own()
    Browser(gateway).log_in(gateway.origin("wiki.test") + "/")
    for path in list(gateway.folder.glob("menwei.db*")) + list((gateway.folder / "keys").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_me_tells_who_one_is(gateway, member):
    answer = member.call(gateway.origin("wiki.test") + "/.menwei/me")
    assert answer.status == 200 and answer.one("Content-Type").startswith("application/json") and "no-store" in answer.one("Cache-Control")
    assert not answer.one("Access-Control-Allow-Origin")
    me = answer.json()
    assert (me["sub"], me["user"], me["connection"], me["name"], me["amr"]) == ("zhangsan", "zhangsan", "corp", "张三", ["wecom"])
    assert 2 in me["departments"] and 3 in me["departments"]
    assert isinstance(me["sid"], str) and me["expires"].endswith("Z") and abs(me["auth_time"] - time.time()) < 600
    nobody = Browser(gateway).call(gateway.origin("wiki.test") + "/.menwei/me")
    assert nobody.status == 401 and nobody.json()["type"] == "urn:menwei:login-required"


def test_what_the_gateway_serves_from_memory_does_not_touch_the_store(own, upstream):
    """The hot path: with the store's file locked by another, live sessions go on."""
    gateway = own()
    wiki = gateway.origin("wiki.test")
    browser = Browser(gateway)
    browser.log_in(wiki + "/")
    workers = 4
    for _ in range(workers * 8):  # every worker has seen the session by now
        assert browser.call(wiki + "/x").status == 200
    database = sqlite3.connect(gateway.folder / "menwei.db", isolation_level=None, timeout=20)
    database.execute("BEGIN EXCLUSIVE")
    try:
        with within(2, "ten requests"):
            for _ in range(10):
                assert browser.call(wiki + "/x").status == 200
    finally:
        database.execute("ROLLBACK")
        database.close()


def again(gateway, browser, user):
    """Logs in once more in the same browser, as if by the page's button."""
    start = browser.get(f"{gateway.auth}/.menwei/start/corp?return={quote(gateway.origin('wiki.test') + '/', safe='')}&via=web")
    return browser.go(browser.get(start.location + "&sim_user=" + user).location)


def test_a_replaced_cookie_stays_good_for_what_is_under_way(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    old = Browser(gateway)
    old.cookies = {host: dict(jar) for host, jar in browser.cookies.items()}
    assert again(gateway, browser, "zhangsan").status == 200
    assert browser.cookie("wiki.test") != old.cookie("wiki.test")
    assert old.call(wiki + "/x").status == 200 and browser.call(wiki + "/x").status == 200


def test_another_members_login_ends_the_session_at_every_host(gateway, browser):
    wiki, app = gateway.origin("wiki.test"), gateway.origin("app.test")
    browser.log_in(wiki + "/")
    browser.go(app + "/")
    old = Browser(gateway)
    old.cookies = {host: dict(jar) for host, jar in browser.cookies.items()}
    assert again(gateway, browser, "lisi").status == 200
    for origin in (wiki, app):
        with within(3, f"the end of the session at {origin}"):
            wait_for(lambda: old.call(origin + "/x").status == 401)
    assert old.call(gateway.auth + "/.menwei/me").status == 401
    assert browser.call(wiki + "/.menwei/me").json()["sub"] == "lisi"


def test_a_store_that_cannot_be_written_refuses_logins_and_keeps_sessions(own):
    gateway = own()
    wiki = gateway.origin("wiki.test")
    inside = Browser(gateway)
    inside.log_in(wiki + "/")
    page = Browser(gateway)
    web = page.get(page.go(wiki + "/").frame).location
    database = sqlite3.connect(gateway.folder / "menwei.db", isolation_level=None, timeout=20)
    database.execute("BEGIN IMMEDIATE")
    try:
        refused = page.go(page.get(web + "&sim_user=lisi").location)
        assert refused.status == 503 and refused.one("Retry-After")
        assert not page.cookie("auth.test", "__Host-menwei-auth")
        assert inside.call(wiki + "/x").status == 200
    finally:
        database.execute("ROLLBACK")
        database.close()
    assert page.log_in(wiki + "/", "lisi").status == 200, "it recovers without a restart"


class Gone:
    """The store's file is no longer where it was: a disk that was unmounted."""

    def __call__(self, gateway):
        (gateway.folder / "menwei.db").rename(gateway.folder / "away.db")

    def end(self, gateway):
        (gateway.folder / "away.db").rename(gateway.folder / "menwei.db")


class Held:
    """Another process holds all of SQLite's locks, for reading too: bytes 120 to 127 of the WAL's index."""

    def __call__(self, gateway):
        self.index = open(gateway.folder / "menwei.db-shm", "r+b")
        fcntl.lockf(self.index, fcntl.LOCK_EX, 8, 120)

    def end(self, gateway):
        self.index.close()


@pytest.mark.parametrize("trouble", [Gone(), Held()], ids=["gone", "held"])
def test_an_unreachable_store_is_503_and_never_through(own, upstream, trouble):
    gateway = own()
    wiki = gateway.origin("wiki.test")
    browser = Browser(gateway)
    browser.log_in(wiki + "/")
    trouble(gateway)
    upstream.clear()
    stranger = Browser(gateway)
    stranger.cookies["wiki.test"] = {"__Host-menwei": "B" * 43}
    with within(12, "the refusal"):
        assert stranger.call(wiki + "/x").status == 503
    answer = stranger.call(wiki + "/x")
    assert answer.one("Retry-After") and answer.json()["type"] == "urn:menwei:store-down"
    page = stranger.get(wiki + "/x")
    assert page.status == 503 and "text/html" in page.one("Content-Type")
    wait_for(lambda: browser.call(wiki + "/x").status == 503, what="the trouble to reach sessions that a worker knows")
    assert not [r for r in upstream.requests if r.one("X-Forwarded-User") is None]
    assert gateway.operations("/readyz")[0] == 503 and gateway.operations("/healthz")[0] == 200
    assert Browser(gateway).call(wiki + "/x").status == 401, "nobody is still nobody"
    assert Browser(gateway).call(wiki + "/public/x").status == 200
    trouble.end(gateway)
    wait_for(lambda: browser.call(wiki + "/x").status == 200, what="the recovery without a restart")
    wait_for(lambda: stranger.call(wiki + "/x").status == 401, what="the recovery for strangers")
    wait_for(lambda: gateway.operations("/readyz")[0] == 200, what="readiness")


def test_a_request_that_waits_when_its_session_ends_is_answered_and_not_cut(gateway, upstream, browser):
    import threading
    gate, begun = threading.Event(), threading.Semaphore(0)
    upstream.script("/wait", lambda e: (e.read_body(), begun.release(), gate.wait(60), e.respond(200, [], b"private")))
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    cookie = browser._cookie_header("wiki.test")
    connections = [RawConnection(gateway.port, "wiki.test", ca=gateway.ca) for _ in range(4)]
    for raw in connections:
        raw.send(f"GET /wait HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: {cookie}\r\n\r\n".encode())
        assert begun.acquire(timeout=60)
    logout(browser, wiki)
    for raw in connections:
        answer = raw.response()
        assert answer.status == 401 and b"private" not in answer.body
        raw.close()
    gate.set()
