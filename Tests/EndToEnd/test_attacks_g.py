"""Family G of the attacks, redirects and the flow of a login: a test a row, named by its id. T-100 is in test_forms.py, T-103 in test_browser_forms.py."""
import hashlib
import random
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from harness.browser import Browser, WECOM
from harness.raw import RawConnection
from harness.redirects import payloads, spellings
from harness.waiting import wait_for


def query(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def names(answer):
    return sorted(line.split("=")[0] for line in answer.set_cookies)


def ours(gateway, url):
    """By a parser that has nothing to do with the gateway's: an absolute address at a configured origin, and none of the gateway's own."""
    parts = urlsplit(url)
    origins = {gateway.origin("wiki.test"), gateway.origin("app.test"), gateway.auth}
    path = unquote(parts.path)
    own = re.match(r"/+\.menwei(?=[/;]|$)", path, re.I) and parts.path != "/.menwei/home"
    return (f"{parts.scheme}://{parts.netloc}" in origins and all(0x21 <= ord(c) <= 0x7E and c != "\\" for c in url) and "@" not in parts.netloc and not own
            and ".." not in re.split(r"[/\\]", path))


class Line:
    """A connection that asks one thing after the other."""

    def __init__(self, gateway, host):
        self.gateway, self.host, self.raw = gateway, host, None

    def ask(self, target):
        if self.raw is None:
            self.raw = RawConnection(self.gateway.port, self.host, ca=self.gateway.ca)
        self.raw.send(f"GET {target} HTTP/1.1\r\nHost: {self.host}:{self.gateway.port}\r\nAccept: text/html\r\nCookie: __Host-menwei-try={'A' * 43}\r\n\r\n".encode("latin-1"))
        answer = self.raw.response()
        if answer.status == 400:
            self.raw.close()
            self.raw = None
        return answer


def test_t88_no_known_payload_leads_out(gateway):
    """Each as it is, encoded once and twice, at the site's login, at the auth origin's, at the logout and at the redemption of a ticket."""
    wiki = gateway.origin("wiki.test")
    everything = payloads(wiki.removeprefix("https://"))
    assert len(everything) > 900
    site, auth = Line(gateway, "wiki.test"), Line(gateway, "auth.test")
    led = set()
    for payload in everything:
        for value in spellings(payload):
            for path in (f"/.menwei/login?return={value}", f"/.menwei/finish?ticket={'A' * 43}&return={value}"):
                answer = site.ask(path)
                if answer.status == 400:
                    continue  # no request at all: a byte that no target has
                assert answer.status == 302, (path, answer.status)
                location = answer.one("Location")
                assert urlsplit(location).netloc in (f"auth.test:{gateway.port}", f"wiki.test:{gateway.port}") and location.startswith("https://"), (path, location)
                target = query(location)["return"]
                assert ours(gateway, target), (path, target)
                led.add(target)
    assert wiki + "/" in led
    # At the others what is judged is the same value; a part of them will do.
    for payload in everything[::3]:
        value = quote(payload, safe="")
        page = auth.ask(f"/.menwei/login?return={value}")
        assert page.status == 200
        target = query(re.search(rb'href="(/\.menwei/start/corp\?[^"]*)"', page.body).group(1).decode().replace("&amp;", "&"))["return"]
        assert ours(gateway, target), (payload, target)


def test_t88_addresses_of_ours_are_kept(gateway):
    site = Line(gateway, "wiki.test")
    for good in (gateway.origin("wiki.test") + "/a?b=1&c=%2F%2Fevil.test#d", gateway.origin("app.test") + "/x", gateway.auth + "/", gateway.origin("wiki.test") + "/.menwei/home", "/a/b?c"):
        location = site.ask("/.menwei/login?return=" + quote(good, safe="")).one("Location")
        assert query(location)["return"] == (good if good.startswith("https:") else gateway.origin("wiki.test") + good)


@pytest.mark.parametrize("evil", [
    "/\\evil.test", "/%09/evil.test", "/%0d%0a//evil.test", "//evil.test", "/..//evil.test", "https:evil.test", "https://{wiki}@evil.test", "https://{wiki}.evil.test", "https://evil.test#{wiki}", "javascript:alert(1)", "/〵evil.test",
], ids=lambda evil: f"T-89-{ascii(evil)}")
def test_t89_a_login_with_a_foreign_return_ends_at_home(gateway, evil):
    wiki = gateway.origin("wiki.test")
    evil = evil.replace("{wiki}", wiki.removeprefix("https://"))
    answer = Browser(gateway).log_in(wiki + "/.menwei/login?return=" + quote(evil, safe=""))
    assert answer.status == 200 and answer.url.startswith(wiki + "/")
    assert all(urlsplit(step.url).hostname in ("wiki.test", "auth.test", "127.0.0.1") for step in answer.history)


def test_t91_the_logout_goes_nowhere_else_either(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    for payload in payloads(wiki.removeprefix("https://"))[::25]:
        value = quote(payload, safe="")
        for method, headers in (("GET", {}), ("POST", {"Origin": wiki})):
            answer = browser.request(method, f"{wiki}/.menwei/logout?return={value}", headers=headers, body=b"" if method == "POST" else None)
            for target in [answer.location] if answer.status == 303 else answer.links():
                assert urlsplit(target).hostname in ("wiki.test", "auth.test"), (payload, target)
                back = query(target).get("return")
                assert back is None or ours(gateway, back), (payload, target)


# T-92

def back_from_wecom(gateway, browser, path="/page", user="zhangsan"):
    page = browser.go(gateway.origin("wiki.test") + path)
    return browser.get(browser.get(page.frame).location + "&sim_user=" + user).location


def put_aside(gateway, *states):
    """The store forgets these states, as it does when their time is over."""
    database = sqlite3.connect(gateway.folder / "menwei.db", timeout=20)
    with database:
        for state in states:
            assert database.execute("UPDATE one_time SET expires = 1 WHERE kind = 1 AND hash = ?", [hashlib.sha256(state.encode()).digest()]).rowcount == 1
    database.close()


@pytest.mark.parametrize("change", [
    pytest.param(lambda g, url, state: url.split("?")[0], id="T-92-nothing"), pytest.param(lambda g, url, state: url.replace("state=" + state, "x=y"), id="T-92-no-state"),
    pytest.param(lambda g, url, state: url.replace(state, "0" * 32), id="T-92-foreign"), pytest.param(lambda g, url, state: url.replace(state, state[:-1] + ("0" if state[-1] != "0" else "1")), id="T-92-flipped"),
    pytest.param(lambda g, url, state: url.replace(state, state.upper() if state.upper() != state else "A" * 32), id="T-92-case"), pytest.param(lambda g, url, state: (put_aside(g, state), url)[1], id="T-92-old"),
    pytest.param(lambda g, url, state: url + "&state=" + state, id="T-92-two-states"), pytest.param(lambda g, url, state: url + "&code=x", id="T-92-two-codes"),
])
def test_t92_a_callback_that_does_not_fit_logs_nobody_in(gateway, browser, change):
    back = back_from_wecom(gateway, browser)
    answer = browser.get(change(gateway, back, query(back)["state"]))
    assert "__Host-menwei-auth" not in names(answer)
    if answer.status != 400:
        end = browser.follow(answer)
        assert end.status == 200 and "/.menwei/start/corp" in end.text, "it starts again, friendly"
    assert not browser.cookie("wiki.test") and gateway.process.is_running


def test_t92_a_state_of_another_browser_and_a_spent_one(gateway, browser):
    back = back_from_wecom(gateway, browser)
    other = Browser(gateway)
    other.go(gateway.origin("wiki.test") + "/")
    again = other.get(back)
    assert again.status == 302 and "__Host-menwei-auth" not in names(again)
    assert query(again.location)["return"] == gateway.origin("wiki.test") + "/page", "the return address still lives"
    assert "__Host-menwei-auth" in names(browser.get(back))
    browser.cookies["auth.test"].pop("__Host-menwei-auth")
    assert "__Host-menwei-auth" not in names(browser.get(back))


def test_t93_the_attackers_callback_logs_the_victim_into_nothing(gateway, browser):
    back = back_from_wecom(gateway, browser, user="lisi")
    for agent in (None, WECOM):
        victim = Browser(gateway, agent) if agent else Browser(gateway)
        answer = victim.get(back, headers={"Sec-Fetch-Site": "cross-site"})
        assert "__Host-menwei-auth" not in names(answer) and not victim.cookie("auth.test", "__Host-menwei-auth")


def test_t94_a_planted_session_is_not_taken_over(gateway):
    wiki = gateway.origin("wiki.test")
    attacker = Browser(gateway)
    attacker.log_in(wiki + "/", "lisi")
    planted = {host: dict(jar) for host, jar in attacker.cookies.items()}
    victim = Browser(gateway)
    victim.cookies = {host: {n: v for n, v in jar.items() if n != "__Host-menwei-auth"} for host, jar in planted.items()}
    victim.cookies["wiki.test"].pop("__Host-menwei-try")
    start = victim.get(f"{gateway.auth}/.menwei/start/corp?return={quote(wiki + '/', safe='')}&via=web")
    victim.go(victim.get(start.location + "&sim_user=zhangsan").location)
    assert victim.call(wiki + "/.menwei/me").json()["user"] == "zhangsan"
    assert victim.cookie("wiki.test") != planted["wiki.test"]["__Host-menwei"]
    wait_for(lambda: attacker.call(wiki + "/.menwei/me").status == 401, what="the end of the planted session")


# T-96

@pytest.mark.parametrize("fault", [
    pytest.param({"errcode": 40029}, id="T-96-errcode"), pytest.param({"answer": "empty"}, id="T-96-empty"), pytest.param({"answer": "invalid_json"}, id="T-96-json"), pytest.param({"answer": "wrong_types"}, id="T-96-types"),
    pytest.param({"status": 500}, id="T-96-5xx"), pytest.param({"answer": "html"}, id="T-96-html"), pytest.param({"answer": "huge"}, id="T-96-huge"), pytest.param({"answer": "redirect"}, id="T-96-redirect"),
    pytest.param({"delay_ms": 15_000}, id="T-96-slow"),
])
def test_t96_an_answer_that_tells_no_member_opens_no_session(gateway, simulator, fault):
    simulator.fault("auth/getuserinfo", **fault)
    browser = Browser(gateway, WECOM)
    answer = browser.go(gateway.origin("wiki.test") + "/x")
    assert answer.status in (400, 403, 502, 503) and not browser.cookie("auth.test", "__Host-menwei-auth") and not browser.cookie("wiki.test")
    assert gateway.record("login_failed", request_id=answer.one("X-Request-Id"))["result"]


@pytest.mark.parametrize("user", ["oOutsider000000000000000001", "oCustomer000000000000000001", "wwlinkedcorp000001/wangxiaoming"], ids=lambda user: f"T-96-{user}")
def test_t96_who_is_no_member_of_the_corp_stays_out(gateway, simulator, user):
    simulator.control("phone", userid=user)
    browser = Browser(gateway, WECOM)
    answer = browser.go(gateway.origin("wiki.test") + "/x")
    simulator.control("phone", userid="zhangsan")
    assert answer.status == 403 and not browser.cookie("wiki.test") and not browser.cookie("auth.test", "__Host-menwei-auth")


def test_t96_a_user_id_in_another_case_is_the_same_account(gateway, upstream):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/", "ZhaoLiu")
    assert upstream.last().one("X-Forwarded-User") == "ZhaoLiu"


@pytest.mark.parametrize("mail", ["a@corp.test@evil.test", "a@CORP.test", "a@corp.test.", ""], ids=lambda mail: f"T-97-{mail}")
def test_t97_an_address_is_passed_on_as_it_is(make_gateway, simulator, upstream, mail):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["connections"][0].update(agent_id=1000003), start=False)
    (gateway.folder / "secret").write_text("simulator-secret-old\n")  # an app that may read addresses
    gateway.start()
    simulator.control("member", userid="zhangsan", email=mail, biz_mail="")
    Browser(gateway, WECOM).go(gateway.origin("wiki.test") + "/")
    assert (upstream.last().one("X-Forwarded-Email") or "") == mail and upstream.last().one("X-Forwarded-User") == "zhangsan"


# T-98, T-99

def test_t98_twenty_tabs_five_of_them_too_late(gateway, browser):
    wiki = gateway.origin("wiki.test")
    tabs = []
    for number in range(20):
        page = browser.go(f"{wiki}/tab/{number}?n={number}#part")
        tabs.append((f"{wiki}/tab/{number}?n={number}", browser.get(page.frame).location))
    assert all(set(browser.cookies[host]) == {"__Host-menwei-try"} and len(browser.cookie(host, "__Host-menwei-try")) <= 64 for host in ("auth.test", "wiki.test"))
    put_aside(gateway, *(query(web)["state"] for _, web in tabs[:5]))
    order = list(enumerate(tabs))
    random.Random(98).shuffle(order)
    order.insert(0, order.pop(next(at for at, (number, _) in enumerate(order) if number >= 5)))  # the first to finish is one in time
    for number, (wanted, web) in order:
        answer = browser.go(browser.get(web + "&sim_user=zhangsan").location)
        assert answer.status == 200 and all(step.status < 400 for step in answer.history)
        assert number < 5 or answer.url == wanted
        if number < 5:  # what the store has forgotten leads home, and the tab's own address still opens
            assert browser.go(wanted).url == wanted


def test_t99_calls_after_the_end_leave_nothing_behind(gateway, browser, upstream):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    jar = dict(browser.cookies["wiki.test"])
    browser.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"")
    browser.cookies["wiki.test"] = jar
    wait_for(lambda: browser.call(wiki + "/x").status == 401, what="the end of the session")

    def newest():
        database = sqlite3.connect(f"file:{gateway.folder}/menwei.db?mode=ro", uri=True, timeout=20)
        try:
            return database.execute("SELECT max(id) FROM one_time").fetchone()[0]
        finally:
            database.close()

    before = newest()
    upstream.clear()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: browser.call(f"{wiki}/api/{n}", method=("GET", "POST", "PUT")[n % 3], body=b"{}" if n % 3 else None), range(200)))
    assert {a.status for a in answers} == {401} and not any(a.set_cookies for a in answers)
    assert newest() == before and not upstream.requests


# T-104 … T-107

@pytest.mark.parametrize("address", [
    "{wiki}/.menwei/{x}", "{auth}/.menwei/{x}", "{wiki}/.menwei/login?return={x}", "{auth}/.menwei/login?return={x}&fragment={x}&try={x}&bind={x}&form={x}",
    "{auth}/.menwei/callback/corp?error={x}&error_description={x}&code={x}", "{auth}/.menwei/callback/{x}", "{auth}/.menwei/start/corp?return={wiki}/{x}", "{wiki}/.menwei/finish?ticket={x}&return={x}&try=2", "{wiki}/.menwei/logout?return={x}",
    "{auth}/.menwei/login?return={wiki}/%3Fa={x}", "{wiki}/admin/{x}",
], ids=lambda address: f"T-104-{address}")
@pytest.mark.parametrize("attack", ['"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "{{7*7}}%s%n$(id)`id`", "</title><svg onload=alert(1)>", "javascript:alert(1)"], ids=["script", "image", "template", "svg", "scheme"])
def test_t104_nothing_in_an_address_becomes_markup(gateway, attack, address):
    for agent in (Browser(gateway), Browser(gateway, WECOM)):
        answer = agent.get(address.replace("{wiki}", gateway.origin("wiki.test")).replace("{auth}", gateway.auth).replace("{x}", quote(attack, safe="")))
        if "text/html" not in (answer.one("Content-Type") or ""):
            continue
        for raw in ("<script>alert", "<img src=x", "<svg", 'href="javascript', "7*7}}</", "'><img"):
            assert raw not in answer.text, raw
        policy = answer.one("Content-Security-Policy")
        assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy and "base-uri 'none'" in policy


@pytest.mark.parametrize("path", ["/.menwei/login", "/.menwei/callback/corp", "/.menwei/callback/corp?code=a&code=b", "/.menwei/logout", "/", "/.menwei/nothing"], ids=lambda path: f"T-105-{path}")
def test_t105_no_page_is_framed(gateway, path):
    for headers in ({}, {"Sec-Fetch-Dest": "iframe"}):
        answer = Browser(gateway).get(gateway.auth + path, headers=headers)
        if answer.status == 302:
            continue
        ancestors = re.search(r"frame-ancestors ([^;]*)", answer.one("Content-Security-Policy")).group(1).split()
        if headers and path == "/.menwei/login":
            assert 'target="_top"' in answer.text and "iframe" not in answer.text and "evil" not in str(ancestors)
        else:
            assert ancestors == ["'none'"] and answer.one("X-Frame-Options") == "DENY"


def test_t106_the_callback_in_the_history_leads_on(gateway, browser):
    back = back_from_wecom(gateway, browser, "/page?x=1")
    assert browser.go(back).url == gateway.origin("wiki.test") + "/page?x=1"
    again = browser.get(back)
    assert again.status == 302 and again.location.split("#")[0] == gateway.origin("wiki.test") + "/page?x=1" and not again.set_cookies


@pytest.mark.parametrize("agent", [None, WECOM], ids=["T-107-browser", "T-107-wecom"])
@pytest.mark.parametrize("host", ["auth.test", "wiki.test"])
def test_t107_without_cookies_the_cause_is_named(gateway, agent, host):
    """Blocked at one host alone it is said just the same."""
    browser = Browser(gateway, agent) if agent else Browser(gateway)
    answer, logins = browser.get(gateway.origin("wiki.test") + "/page"), 0
    for _ in range(60):
        browser.cookies.pop(host, None)
        if answer.status in (302, 303) or answer.hop:
            answer = browser.get(answer.location or answer.hop)
        elif answer.frame:
            logins += 1
            back = browser.get(browser.get(answer.frame).location + "&sim_user=zhangsan").location
            browser.cookies.pop(host, None)
            answer = browser.get(back)
        else:
            break
    assert answer.status == 400 and "阻止了 Cookie" in answer.text and logins <= 3
    assert answer.links(r"/\.menwei/login\?") and answer.links(r"/\.menwei/start/corp"), "the other ways are offered"
    assert "data-clock=" in answer.text and abs(int(re.search(r'data-clock="(\d+)"', answer.text).group(1)) / 1000 - time.time()) < 60


def test_t107_a_login_that_never_fits_ends_as_well(gateway, browser):
    browser.go(gateway.origin("wiki.test") + "/page")
    answer = browser.get(f"{gateway.auth}/.menwei/callback/corp?code=x&state=" + "0" * 32)
    attempts = 0
    while answer.status == 302:
        attempts += 1
        page = browser.follow(answer)
        state = query(browser.get(page.frame).location)["state"]
        put_aside(gateway, state)
        answer = browser.get(f"{gateway.auth}/.menwei/callback/corp?code=x&state={state}")
        assert attempts < 5
    assert attempts == 2 and answer.status == 400 and "Cookie" not in answer.text.split("<main>")[1], "the cookies came: they are not to blame"
