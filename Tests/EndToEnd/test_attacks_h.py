"""Family H of the attacks, sessions and their cookies: a test a row, named by its id. More of sessions that must be over is in test_attacks_sessions.py."""
import datetime
import os
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import jwt
import pytest

from harness.asking import ask
from harness.browser import Browser
from harness.clock import Clock
from harness.raw import RawConnection
from harness.waiting import Stopwatch, wait_for
from test_sessions import websocket_opening


@pytest.fixture
def own(make_gateway, upstream):
    def build(**sessions):
        return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["sessions"].update(sessions))
    return build


@pytest.mark.parametrize("value", [
    "", "x", "A" * 43, "A" * 42, "A" * 44, "!" * 43, "A" * 42 + "=", "%00" + "A" * 40, "A" * 20 + "%00" + "A" * 20, "A" * 100_000, "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "null", "..", "' OR 1=1 --", "\xff" * 43, "A" * 43 + "; __Host-menwei=" + "B" * 43,
], ids=lambda value: f"T-109-{value[:12]!a}-{len(value)}")
def test_t109_a_garbage_cookie_is_nobody(gateway, upstream, value):
    call = ask(gateway, "/x", "Accept: */*", f"Cookie: __Host-menwei={value}")
    page = ask(gateway, "/x", "Accept: text/html", f"Cookie: __Host-menwei={value}")
    too_large = (431,) if len(value) > 30_000 else ()
    assert call.status in (401, *too_large) and page.status in (302, *too_large) and not upstream.requests
    login = ask(gateway, "/.menwei/login", "Accept: text/html", f"Cookie: __Host-menwei-auth={value}; __Host-menwei-try={value}", host="auth.test")
    assert login.status in (200, *too_large) and gateway.process.is_running


def test_t110_the_cookie_of_a_logged_out_session_opens_nothing(gateway, browser, upstream):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    browser.go(gateway.origin("app.test") + "/")
    old = {host: dict(jar) for host, jar in browser.cookies.items()}
    for _ in range(8):  # every worker remembers it
        assert browser.call(wiki + "/x").status == 200
    assert browser.request("POST", wiki + "/.menwei/logout", headers={"Origin": wiki}, body=b"").status == 303
    thief = Browser(gateway)
    thief.cookies = old
    with Stopwatch() as watch:
        wait_for(lambda: thief.call(wiki + "/x").status == 401, what="the end at the site", every=0.01)
        assert watch.seconds < 3
        wait_for(lambda: watch.seconds > 1)
    upstream.clear()
    for _ in range(8):
        assert thief.call(wiki + "/x").status == 401 and thief.call(gateway.origin("app.test") + "/x").status == 401
        assert thief.get(gateway.auth + "/.menwei/me", navigation=False).status == 401
    assert not upstream.requests


def test_t111_the_login_says_who_one_is_and_another_login_ends_the_first(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/", "lisi")
    assert "lisi" in browser.go(gateway.auth + "/").text
    there = browser.go(wiki + "/.menwei/login?return=/where")
    assert there.url == wiki + "/where" and dict(there.json()["headers"])["X-Forwarded-User"] == "lisi"
    first = Browser(gateway)
    first.cookies = {host: dict(jar) for host, jar in browser.cookies.items()}
    start = browser.get(f"{gateway.auth}/.menwei/start/corp?return={quote(wiki + '/', safe='')}&via=web")
    browser.go(browser.get(start.location + "&sim_user=zhangsan").location)
    assert browser.call(wiki + "/.menwei/me").json()["user"] == "zhangsan"
    wait_for(lambda: first.call(wiki + "/x").status == 401, what="the end of the first session")


def test_t113_what_is_under_way_at_the_limit_ends_well_and_the_next_needs_a_login(own, upstream):
    gateway = own(lifetime="7s", idle_timeout="7s")
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    began = time.monotonic()

    def slow(exchange):
        exchange.respond(200, [("Content-Length", "900")])
        for _ in range(90):
            exchange.send(b"x" * 10)
            time.sleep(0.1)

    upstream.script("/download", slow)
    with ThreadPoolExecutor(1) as pool:
        download = pool.submit(browser.call, wiki + "/download")
        with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
            raw.send(f"PUT /upload HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: {browser._cookie_header('wiki.test')}\r\nContent-Length: 900\r\n\r\n".encode())
            for _ in range(90):
                raw.send(b"y" * 10)
                time.sleep(0.1)
            assert raw.response().status == 200
        assert download.result().body == b"x" * 900
    assert time.monotonic() - began > 8
    assert browser.call(wiki + "/x").status == 401
    assert [request.length for request in upstream.requests if request.path == "/upload"] == [900]


def test_t114_a_store_that_is_gone_slow_or_back_again(own, upstream):
    gateway = own()
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    store = gateway.folder / "menwei.db"
    store.rename(gateway.folder / "away.db")
    wait_for(lambda: {browser.call(wiki + "/x").status for _ in range(8)} == {503}, what="the store's absence", every=0.1)
    page = browser.get(wiki + "/x")
    assert page.status == 503 and page.one("Retry-After") and not page.location, "no loop"
    assert Browser(gateway).call(wiki + "/x").status == 401, "who shows no cookie is nobody"
    (gateway.folder / "away.db").rename(store)
    wait_for(lambda: {browser.call(wiki + "/x").status for _ in range(8)} == {200}, what="the store's return, without a restart", every=0.1)
    # Somebody else holds the file for a while.
    database = sqlite3.connect(store, isolation_level=None, timeout=20)
    database.execute("BEGIN EXCLUSIVE")
    try:
        login = Browser(gateway).get(gateway.auth + "/.menwei/start/corp?return=" + quote(wiki + "/", safe=""))
        assert login.status == 503 and login.one("Retry-After"), "nobody is let in without a state"
    finally:
        database.execute("ROLLBACK")
        database.close()
    assert Browser(gateway).log_in(wiki + "/", "lisi").status == 200


def test_t115_a_hundred_requests_at_the_recheck_ask_wecom_once(own, simulator, upstream):
    gateway = own(recheck="3s", recheck_grace="60s")
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    simulator.control("clear-calls")
    simulator.fault("user/get", delay_ms=500, times=1)
    due = time.monotonic() + 3
    answers = []
    asked = lambda: [call for call in simulator.report("calls")["calls"] if call["api"] == "user/get"]
    with ThreadPoolExecutor(25) as pool:
        # On a loaded machine the recheck comes later than it is due.
        while time.monotonic() < due + 1 or len(answers) < 100 or not asked() and time.monotonic() < due + 20:
            answers += pool.map(lambda _: browser.call(wiki + "/x").status, range(25))
    assert set(answers) == {200}
    assert 1 <= len(asked()) <= 2 + (time.monotonic() - due) / 3, "once at each recheck"


@pytest.mark.parametrize("year, status", [(2100, 200), (1999, 401)], ids=["T-118-2100", "T-118-1999"])
def test_t118_times_are_counted_in_64_bits(own, year, status):
    gateway = own()
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    gateway.stop()
    database = sqlite3.connect(gateway.folder / "menwei.db", timeout=20)
    with database:
        database.execute("UPDATE sessions SET expires = ?", [int(datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).timestamp() * 1000)])
    database.close()
    gateway.start()
    answer = browser.call(gateway.origin("wiki.test") + "/.menwei/me")
    assert answer.status == status and browser.call(gateway.origin("wiki.test") + "/x").status == status
    assert status == 401 or answer.json()["expires"].startswith("2100-01-01")


def test_t118_a_clock_that_is_set_back_prolongs_no_idleness(make_gateway, upstream, tmp_path):
    clock = Clock(tmp_path)
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}],
                           lambda c: c["sessions"].update(idle_timeout="12s"), environment=clock.environment)
    wiki = gateway.origin("wiki.test")
    browser, late = Browser(gateway), Browser(gateway)
    browser.log_in(wiki + "/")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca, timeout=60) as raw:
        raw.send(websocket_opening(gateway, browser, "/ws"))
        assert raw.response().status == 101
        clock.set(-3600)
        wait_for(lambda: abs(time.time() - 3600 - datetime.datetime.fromisoformat(gateway.record("access", path="/now")["time"]).timestamp()) < 60
                 if browser.call(wiki + "/now") else None, 20, "the clock to be set back")
        # It is served as before, and others log in.
        assert browser.call(wiki + "/x").status == 200 and late.log_in(wiki + "/", "lisi").status == 200
        claims = jwt.decode(upstream.last().one("X-Menwei-Assertion"), options={"verify_signature": False})
        assert abs(claims["iat"] - (time.time() - 3600)) < 120 and claims["exp"] > claims["iat"]
        # Nobody uses either session any more. To be listed is no use.
        command = [gateway.binary, "sessions", "--config", gateway.file, "list", "--json"]
        listed = lambda: subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env={**os.environ, **clock.environment}).stdout
        assert listed().count('"sid"') == 2
        wait_for(lambda: not listed(), 60, "the end of idle sessions", every=0.5)
        assert raw._exactly(4) == b"\x88\x02\x03\xf0", "the stream ends with 1008"
    for one in (browser, late):
        assert one.call(wiki + "/x").status == 401


def test_t120_the_store_holds_no_value_that_opens_anything(own):
    gateway = own()
    browser = Browser(gateway)
    answer = browser.log_in(gateway.origin("wiki.test") + "/")
    tab = browser.go(gateway.origin("wiki.test") + "/.menwei/logout")
    page = Browser(gateway).go(gateway.origin("wiki.test") + "/other")
    state = Browser(gateway).get(page.frame).location.split("state=")[1].split("&")[0]
    stored = b"".join(path.read_bytes() for path in gateway.folder.glob("menwei.db*"))
    values = [value for jar in browser.cookies.values() for value in jar.values()] + [state]
    assert tab.status == 200 and len(values) >= 4
    for value in values:
        assert value.encode() not in stored
    for told in ("张三", "/other"):
        assert told.encode() not in stored, "what is beside the hashes is sealed"
    assert answer.status == 200
