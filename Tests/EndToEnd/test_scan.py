"""Login by the gateway's own QR code: a PC that shows it, a phone that answers it, and everybody who should not."""
import json
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import pytest

from harness.browser import Browser, DESKTOP, PHONE, WECOM
from harness.http2_client import H2
from harness.raw import RawConnection
from harness.reloading import reload

WANTED = "/deep/page?a=b%20c&x=1"


def with_scan(*networks, **auth):
    return lambda c: c["auth"].update(scan_from=list(networks) or ["127.0.0.0/8"], **auth)


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([
        {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}, {"id": "app", "host": "app.test", "upstreams": [upstream.base]},
    ], with_scan())


class PC:
    """A browser at `/.menwei/scan`, come there from a site."""

    def __init__(self, gateway, wanted=WANTED, host="wiki.test", **more):
        self.gateway, self.browser = gateway, Browser(gateway, **more)
        self.wanted = gateway.origin(host) + wanted
        login = self.browser.go(self.wanted)
        links = login.links(r"/\.menwei/scan\?")
        self.page = self.browser.go(links[0]) if links else login
        assert self.page.status == 200, (self.page.status, self.page.text)
        self.address, = set(self.page.links(r"/\.menwei/scan/[A-Za-z0-9_-]{22}$"))
        self.path = urlsplit(self.address).path
        self.number = re.search(r'class="number">(\d\d)<', self.page.text).group(1)

    def state(self, browser=None):
        answer = (browser or self.browser).call(self.address + "/wait", headers={"Accept": "application/json"})
        return answer.json()["state"] if answer.status == 200 else answer.status

    def collect(self, browser=None):
        return (browser or self.browser).go(self.address)

    @property
    def cookie(self):
        return self.browser._cookie_header("auth.test")


def numbers(page):
    return re.findall(r'name="number" value="(\d\d)"', page.text)


def phone(gateway, pc, user=None):
    """A phone's WeCom that opened the PC's code."""
    browser = Browser(gateway, WECOM)
    if user:
        gateway.simulator.control("phone", userid=user)
    page = browser.go(pc.address)
    return browser, page


def answer(browser, pc, number, origin=None, **headers):
    body = f"number={number}".encode()
    return browser.request("POST", pc.address, headers={
        "Content-Type": "application/x-www-form-urlencoded", "Origin": origin or pc.gateway.auth, "Sec-Fetch-Site": "same-origin", **headers}, body=body)


def approve(gateway, pc):
    browser, page = phone(gateway, pc)
    done = answer(browser, pc, pc.number)
    assert done.status == 200, (done.status, done.text)
    return browser


class Stream1:
    """The event stream over HTTP/1.1."""

    def __init__(self, pc, cookie=None):
        self.raw = RawConnection(pc.gateway.port, "auth.test", ca=pc.gateway.ca, timeout=60)
        cookie = pc.cookie if cookie is None else cookie
        self.raw.send(f"GET {pc.path}/wait HTTP/1.1\r\nHost: auth.test:{pc.gateway.port}\r\nAccept: text/event-stream\r\nCookie: {cookie}\r\n\r\n".encode())
        self.head = self.raw.head()
        self.status = self.head.status

    def rest(self):
        """All that comes until the stream ends, without its framing."""
        data = self.raw._until(b"0\r\n\r\n")
        return b"".join(part for part in re.split(rb"[0-9a-fA-F]+\r\n", data) if part).replace(b"\r\n", b"")

    def close(self):
        self.raw.close()


class Stream2:
    """The same over HTTP/2."""

    def __init__(self, pc, cookie=None):
        self.client = H2(pc.gateway, host="auth.test", timeout=60)
        self.state = self.client.streams[self.client.send(
            "GET", pc.path + "/wait", [("accept", "text/event-stream"), ("cookie", pc.cookie if cookie is None else cookie)])]
        while self.state["head"] is None and self.client.step():
            pass
        self.status = int(dict(self.state["head"])[":status"])

    def rest(self):
        while not self.state["ended"] and self.client.step():
            pass
        return self.state["body"]

    def last_frames(self):
        """What comes until the connection ends, as (type, flags): the client's library reads no more after a GOAWAY."""
        data = self.client.raw.rest
        while piece := self.client.raw.receive():
            data += piece
        found = []
        while len(data) >= 9:
            length = int.from_bytes(data[:3], "big")
            found.append((data[3], data[4]))
            data = data[9 + length:]
        return found

    def close(self):
        self.client.raw.close()


STREAMS = pytest.mark.parametrize("stream", [Stream1, Stream2], ids=["http1", "http2"])


def events(data):
    return re.findall(rb"^event: (\w+)\ndata: \w+\n\n", data, re.M)


@pytest.fixture(scope="module", autouse=True)
def forgotten(gateway):
    """A code that nobody answers, from the first test on: two minutes are long."""
    pc = PC(gateway)
    return pc, Stream1(pc)


# The way in

@STREAMS
def test_the_phone_picks_the_number_and_the_pc_goes_on_to_where_it_wanted(gateway, upstream, stream):
    pc = PC(gateway)
    waiting = stream(pc)
    assert waiting.status == 200 and pc.state() == "waiting"
    browser, page = phone(gateway, pc)
    assert page.status == 200 and page.url == pc.address + "?try=1"
    offered = numbers(page)
    assert len(offered) == 3 and pc.number in offered and offered == sorted(offered)
    assert "127.0.0.1" in page.text and "Windows 上的 Chrome 126" in page.text and "<time" in page.text and "wiki.test" in page.text
    assert answer(browser, pc, pc.number).status == 200
    assert events(waiting.rest()) == [b"approved"] and pc.state() == "approved"
    landed = pc.collect()
    assert landed.status == 200 and landed.url == pc.wanted
    assert landed.json()["target"] == WANTED and dict(landed.json()["headers"])["X-Forwarded-User"] == "zhangsan"
    me = pc.browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    own = browser.call(gateway.auth + "/.menwei/me").json()
    assert me["amr"] == ["wecom", "scan"] and own["amr"] == ["wecom"]
    assert me["sub"] == own["sub"] == "zhangsan" and me["sid"] != own["sid"]
    approved = gateway.record("scan", result="approved", sid=own["sid"])
    assert approved["account"] == "zhangsan" and approved["client"] == "127.0.0.1"
    assert gateway.record("login", sid=me["sid"])
    waiting.close()


def test_the_fragment_that_the_script_saw_is_put_back(gateway):
    pc = PC(gateway)
    approve(gateway, pc)
    gone = pc.browser.get(pc.address + "?fragment=" + quote("/route?y=1&z"))
    assert gone.status == 302 and gone.location.endswith("#/route?y=1&z")


def test_the_code_and_the_addresses_are_as_the_contract_says(gateway):
    pc = PC(gateway)
    assert pc.address == gateway.auth + pc.path and re.fullmatch(r"/\.menwei/scan/[A-Za-z0-9_-]{22,}", pc.path)
    assert re.search(r'<svg [^>]*role="img"[^>]*>.*<path d="M4 4h7v1h-7z', pc.page.text, re.S)
    policy = pc.page.one("Content-Security-Policy")
    assert "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy and "no-store" in pc.page.one("Cache-Control")
    assert "<iframe" not in pc.page.text and gateway.simulator.base not in pc.page.text, "nothing is loaded from WeCom"


def test_the_login_page_offers_it_and_login_page_scan_shows_it_first(make_gateway, upstream, gateway):
    assert Browser(gateway).go(gateway.origin("wiki.test") + "/").links(r"/\.menwei/scan\?")
    assert not Browser(gateway, PHONE).go(gateway.origin("wiki.test") + "/").links(r"/\.menwei/scan\?"), "a phone cannot scan itself"
    first = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], with_scan(login_page="scan"))
    pc = PC(first)
    assert "/.menwei/login?" in pc.page.url and "<iframe" not in pc.page.text
    assert pc.page.links(r"/\.menwei/start/corp\?"), "the other ways below"
    approve(first, pc)
    assert pc.collect().url == pc.wanted
    # Inside WeCom, and on a phone, all is as ever.
    assert Browser(first, WECOM).go(first.origin("wiki.test") + "/x").status == 200
    assert not Browser(first, PHONE).go(first.origin("wiki.test") + "/").links(r"/\.menwei/scan/")


def test_where_wecom_cannot_be_reached_by_the_pc_only_its_phone_has_to(gateway):
    """All that the PC loads lies at the gateway."""
    pc = PC(gateway)
    approve(gateway, pc)
    landed = pc.collect()
    hosts = {urlsplit(step.url).hostname for step in landed.history}
    assert hosts <= {"auth.test", "wiki.test"}
    for asset in re.findall(r'(?:href|src)="([^"]+)"', pc.page.text.split("<body")[0]):
        assert asset.startswith("/.menwei/assets/"), asset


def test_a_session_of_a_scan_is_an_ordinary_one(gateway):
    pc = PC(gateway)
    approve(gateway, pc)
    pc.collect()
    assert pc.browser.go(gateway.origin("app.test") + "/other").status == 200, "one login for all sites"
    answer = pc.browser.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"")
    assert answer.status == 303
    assert pc.browser.call(gateway.origin("wiki.test") + "/").status == 401


# Who may not

def test_a_get_never_approves(gateway):
    pc = PC(gateway)
    browser, page = phone(gateway, pc)
    for address in (pc.address, f"{pc.address}?number={pc.number}", f"{pc.address}/wait?number={pc.number}"):
        for _ in range(2):
            browser.get(address)
    head = browser.request("HEAD", f"{pc.address}?number={pc.number}")
    assert head.status == 405
    assert pc.state() == "waiting"
    assert answer(browser, pc, pc.number).status == 200


@pytest.mark.parametrize("marks", [
    {"Origin": "https://evil.test"}, {"Origin": "null"}, {"Origin": None, "Sec-Fetch-Site": "cross-site"}, {"Origin": None, "Sec-Fetch-Site": "same-site"},
    {"Origin": None, "Sec-Fetch-Site": None},
], ids=str)
def test_a_post_from_anywhere_else_does_nothing(gateway, marks):
    pc = PC(gateway)
    browser, _ = phone(gateway, pc)
    refused = answer(browser, pc, pc.number, **marks)
    assert refused.status == 403 and pc.state() == "waiting"


@pytest.mark.parametrize("wrong", ["none", "", "5", "{other}", "{number}&number={number}", "+{number}", "{number}.0"])
def test_a_wrong_number_refuses_for_good(gateway, wrong):
    pc = PC(gateway)
    stream = Stream1(pc)
    browser, page = phone(gateway, pc)
    other = next(n for n in numbers(page) if n != pc.number)
    refused = answer(browser, pc, wrong.format(other=other, number=pc.number))
    assert refused.status == 403
    assert events(stream.rest()) == [b"refused"] and pc.state() == "refused"
    assert answer(browser, pc, pc.number).status == 409 and pc.state() == "refused"
    assert gateway.record("scan", result="refused")["account"] == "zhangsan"
    over = pc.collect()
    assert over.status == 403 and not over.set_cookies and over.links(r"/\.menwei/scan\?")
    assert pc.browser.cookie("auth.test", "__Host-menwei-auth") is None
    stream.close()


def test_of_many_answers_one_counts(gateway):
    pc = PC(gateway)
    browser, page = phone(gateway, pc)
    with ThreadPoolExecutor(8) as pool:
        results = [r.status for r in pool.map(lambda n: answer(browser, pc, n), [pc.number] * 8)]
    assert sorted(results) == [200] + [409] * 7


def test_an_approval_is_collected_once(gateway):
    pc = PC(gateway)
    browser = approve(gateway, pc)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: Browser.request(pc.browser, "GET", pc.address, cookies=True), range(4)))
    assert sorted(r.status for r in results) in ([302, 404, 404, 404], [302, 404, 404, 410], [302, 404, 410, 410], [302, 410, 410, 410])
    assert answer(browser, pc, pc.number).status == 404, "a replayed approval"
    assert pc.collect().status == 404


def test_only_the_browser_that_asked_is_told_and_logged_in(gateway):
    pc = PC(gateway)
    thief = Browser(gateway)
    assert thief.get(gateway.auth + "/.menwei/scan/").status == 404
    thief.go(gateway.auth + "/.menwei/scan")
    assert pc.state(thief) == 404 and pc.state(Browser(gateway)) == 404
    assert Stream1(pc, thief._cookie_header("auth.test")).status == 404 and Stream2(pc, "").status == 404
    approve(gateway, pc)
    stolen = thief.go(pc.address)
    assert not [c for c in stolen.set_cookies if "-auth=" in c] and thief.cookie("auth.test", "__Host-menwei-auth") is None
    assert pc.collect().url == pc.wanted


def test_who_is_not_logged_in_approves_nothing(gateway):
    pc = PC(gateway)
    for browser in (Browser(gateway, WECOM), Browser(gateway), pc.browser):
        assert answer(browser, pc, pc.number).status == 401
    assert pc.state() == "waiting"


def test_a_session_that_came_from_a_scan_approves_nothing(gateway):
    first = PC(gateway)
    approve(gateway, first)
    first.collect()
    second = PC(gateway)
    assert answer(first.browser, second, second.number).status == 401 and second.state() == "waiting"


def test_outside_of_wecom_the_page_says_to_open_it_there(gateway):
    pc = PC(gateway)
    for agent in (PHONE, DESKTOP, PHONE + " MicroMessenger/8.0.49"):
        page = Browser(gateway, agent).go(pc.address)
        assert page.status == 200 and "企业微信" in page.text and pc.address in page.text and not numbers(page)
    page = Browser(gateway, PHONE, language="en").go(pc.address)
    assert "WeCom" in page.text and 'lang="en"' in page.text


def test_a_member_outside_of_the_visible_range_cannot_approve(gateway):
    pc = PC(gateway)
    browser, page = phone(gateway, pc, user="chuwai")
    assert page.status == 403 and not numbers(page)
    assert answer(browser, pc, pc.number).status == 401 and pc.state() == "waiting"
    gateway.simulator.control("phone", userid="zhangsan")


def test_the_phones_session_ends_before_the_pc_came(gateway):
    pc = PC(gateway)
    browser = approve(gateway, pc)
    browser.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"")
    over = pc.collect()
    assert over.status == 410 and pc.browser.cookie("auth.test", "__Host-menwei-auth") is None


def test_codes_cannot_be_guessed(gateway):
    pc = PC(gateway)
    browser, _ = phone(gateway, pc)
    code = pc.path.rsplit("/", 1)[1]
    flipped = code[:5] + ("A" if code[5] != "A" else "B") + code[6:]
    for wrong in (flipped, "A" * 22, code[:-1], code + "A", code.lower() + "x", "..", "%00", code + "/", code + "/wait/x", "x" * 5000):
        for method in ("GET", "POST"):
            answer = browser.request(method, f"{gateway.auth}/.menwei/scan/{wrong}", headers={"Origin": gateway.auth}, body=b"number=10" if method == "POST" else None)
            assert answer.status in (400, 404), (wrong[:60], answer.status)
    assert pc.state() == "waiting"


@pytest.mark.parametrize("networks", [[], ["10.0.0.0/8", "2001:db8::/32"]], ids=["off", "elsewhere"])
def test_who_is_not_in_scan_from_has_no_code(make_gateway, upstream, networks):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["auth"].update(scan_from=networks))
    browser = Browser(gateway)
    login = browser.go(gateway.origin("wiki.test") + "/")
    assert login.status == 200 and not login.links(r"/\.menwei/scan")
    assert browser.get(gateway.auth + "/.menwei/scan?return=" + quote(gateway.origin("wiki.test") + "/")).status == 404
    assert browser.get(gateway.auth + "/.menwei/scan/" + "A" * 22).status == 404
    assert not gateway.records("scan")


def test_it_is_off_on_sites_and_where_the_auth_origin_is_one(make_gateway, upstream, gateway):
    assert Browser(gateway).get(gateway.origin("wiki.test") + "/.menwei/scan").status == 404
    shared = make_gateway([{"id": "wiki", "host": "auth.test", "upstreams": [upstream.base]}], with_scan())
    assert Browser(shared).get(shared.auth + "/.menwei/scan").status == 404


def test_what_the_address_says_counts_behind_trusted_proxies(make_gateway, upstream):
    def change(c):
        c["auth"].update(scan_from=["10.1.0.0/16"])
        c["listen"].update(trusted_proxies=["127.0.0.1"])
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], change)
    browser = Browser(gateway)
    inside = browser.get(gateway.auth + "/.menwei/scan", headers={"X-Forwarded-For": "10.1.2.3"})
    assert inside.status == 200
    for forged in ("10.2.0.1", "203.0.113.9", "10.1.2.3, 203.0.113.9", ""):
        assert browser.get(gateway.auth + "/.menwei/scan", headers={"X-Forwarded-For": forged}).status == 404
    address, = set(inside.links(r"/\.menwei/scan/[A-Za-z0-9_-]{22}$"))
    assert "10.1.2.3" in Browser(gateway, WECOM).go(address).text


# Streams

def test_ten_waiting_streams_are_served_and_the_eleventh_code_too(gateway):
    pcs = [PC(gateway) for _ in range(10)]
    streams = [(Stream1 if i % 2 else Stream2)(pc) for i, pc in enumerate(pcs)]
    assert all(s.status == 200 for s in streams)
    approve(gateway, pcs[7])
    assert events(streams[7].rest()) == [b"approved"]
    assert [pc.state() for pc in pcs] == ["waiting"] * 7 + ["approved"] + ["waiting"] * 2
    for stream in streams:
        stream.close()


def test_ten_streams_for_one_code_leave_the_newest(gateway):
    pc = PC(gateway)
    streams = [Stream1(pc) for _ in range(10)]
    assert all(s.status == 200 for s in streams)
    approve(gateway, pc)
    told = [events(s.rest()) for s in streams]
    # Two a worker: which of them a connection meets is not ours to say.
    assert told[-1] == [b"approved"] and all(t in ([], [b"approved"]) for t in told)
    for stream in streams:
        stream.close()


def test_a_drain_ends_the_streams_in_order(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], with_scan())
    one, two = PC(gateway), PC(gateway)
    first, second = Stream1(one), Stream2(two)
    assert first.status == second.status == 200
    gateway.stop()
    assert events(first.rest()) == []
    assert (0, 1) in second.last_frames(), "DATA with END_STREAM"


@STREAMS
def test_a_reload_ends_the_streams_and_the_codes_live_on(make_gateway, upstream, stream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], with_scan())
    pc = PC(gateway)
    waiting = stream(pc)
    reload(gateway)
    assert events(waiting.rest()) == []
    again = stream(pc)
    approve(gateway, pc)
    assert events(again.rest()) == [b"approved"]
    assert pc.collect().url == pc.wanted


@STREAMS
def test_what_another_gateway_of_the_same_store_hears_is_told_too(make_gateway, upstream, stream):
    sites = [{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}]
    one = make_gateway(sites, with_scan())

    def share(c):
        c["auth"].update(scan_from=["127.0.0.0/8"])
        c.update(sessions={"store": f"sqlite:{one.folder}/menwei.db"}, signing={"keys": f"{one.folder}/keys"})
    other = make_gateway(sites, share)
    pc = PC(one)
    waiting = stream(pc)
    browser = Browser(other, WECOM)
    there = other.auth + pc.path
    page = browser.go(there)
    assert pc.number in numbers(page)
    done = browser.request("POST", there, body=f"number={pc.number}".encode(), headers={
        "Content-Type": "application/x-www-form-urlencoded", "Origin": other.auth, "Sec-Fetch-Site": "same-origin"})
    assert done.status == 200
    assert events(waiting.rest()) == [b"approved"]
    assert pc.collect().url == pc.wanted
    waiting.close()


def test_streams_are_a_request_in_the_records_and_no_secret_is_in_any(gateway):
    pc = PC(gateway)
    stream = Stream1(pc)
    browser = approve(gateway, pc)
    stream.rest()
    stream.close()
    record = gateway.record("access", path=pc.path + "/wait", decision="own")
    assert record["status"] == 200 and record["bytes_out"] > 0
    pc.collect()
    values = [v for b in (pc.browser, browser) for jar in b.cookies.values() for v in jar.values()]
    said = "\n".join(json.dumps(r) for r in gateway.records()) + "\n".join(gateway.process.err)
    assert not any(value in said for value in values)


def test_the_store_knows_no_code(gateway):
    pc = PC(gateway)
    approve(gateway, pc)
    stored = b"".join(path.read_bytes() for path in gateway.folder.glob("menwei.db*"))
    code = pc.path.rsplit("/", 1)[1].encode()
    assert stored and code not in stored


@pytest.mark.timeout(400)
def test_what_nobody_answers_expires(gateway, forgotten):
    pc, stream = forgotten
    stream.raw.socket.settimeout(150)
    assert events(stream.rest()) == [b"expired"] and pc.state() == "expired"
    _, page = phone(gateway, pc)
    assert page.status == 410 and not numbers(page)
    over = pc.collect()
    assert over.status == 410 and over.links(r"/\.menwei/scan\?") and not over.set_cookies
    stream.close()
