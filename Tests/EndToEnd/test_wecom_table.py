"""Every code and every kind of broken answer that a login may meet: which page, which record. And that a thousand who log in at once are one to WeCom."""
import asyncio
import resource
import ssl
from urllib.parse import quote, urlsplit

import pytest

from harness.browser import Browser, WECOM
from test_wecom import refused

BUSY, MISCONFIGURED, SPENT, GONE, RANGE, NOBODY, DISABLED, FAULT = (
    (503, "busy", "企业微信正忙"), (502, "misconfigured", "登录设置有误"), (400, "code-spent", "这次登录已经失效"), (403, "member-gone", "账号已不存在"),
    (403, "out-of-visible-range", "你不在应用的可见范围内"), (403, "not-a-member", "你不是本企业的成员"), (502, "app-disabled", "登录应用已停用"), (502, "fault", "登录时出错了"))

#: The codes that a gateway meets, as WeCom's developer documentation lists them (90313), and one that it does not.
CODES = {
    -1: BUSY, 40001: MISCONFIGURED, 40003: GONE, 40013: MISCONFIGURED, 40014: BUSY, 40029: SPENT, 40056: MISCONFIGURED, 40057: MISCONFIGURED, 40058: FAULT, 40063: FAULT, 40068: MISCONFIGURED,
    40082: BUSY, 40084: MISCONFIGURED, 40085: MISCONFIGURED, 40086: MISCONFIGURED, 40091: MISCONFIGURED, 40163: SPENT, 41001: FAULT, 41002: FAULT, 41004: FAULT, 41008: FAULT, 42001: BUSY, 42003: SPENT,
    42007: FAULT, 42009: BUSY, 43004: NOBODY, 45009: BUSY, 45033: BUSY, 48002: MISCONFIGURED, 48004: MISCONFIGURED, 48005: FAULT, 50001: MISCONFIGURED, 50002: RANGE, 50003: DISABLED, 60003: MISCONFIGURED,
    60011: RANGE, 60020: MISCONFIGURED, 60111: GONE, 60123: MISCONFIGURED, 81011: MISCONFIGURED, 81013: FAULT, 82001: FAULT, 91040: FAULT, 301002: MISCONFIGURED, 301021: GONE, 701008: MISCONFIGURED, 99999: FAULT,
}
#: Answers that are none.
BROKEN = {
    "html": ({"answer": "html"}, ("fault",)), "empty": ({"answer": "empty"}, ("fault", "unreachable")), "json": ({"answer": "invalid_json"}, ("fault",)), "types": ({"answer": "wrong_types"}, ("fault",)),
    "huge": ({"answer": "huge"}, ("fault",)), "redirect": ({"answer": "redirect"}, ("fault",)), "404": ({"status": 404}, ("fault",)), "500": ({"status": 500}, ("fault",)), "502": ({"status": 502}, ("fault",)),
    "503": ({"status": 503}, ("fault",)), "slow": ({"delay_ms": 15_000}, ("unreachable",)),
}


def attempt(gateway):
    browser = Browser(gateway, WECOM)
    return browser, browser.go(gateway.origin("wiki.test") + "/x")


@pytest.mark.parametrize("api", ["auth/getuserinfo", "user/get"])
@pytest.mark.parametrize("code", CODES, ids=str)
def test_each_code_has_its_page_and_its_record(gateway, make_gateway, upstream, simulator, api, code):
    status, result, title = CODES[code]
    speaks_of_token = code in (40014, 41001, 42001)
    if speaks_of_token:  # after which no other is fetched for a while
        gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    simulator.fault(api, errcode=code, errmsg="words of WeCom's own")
    browser, answer = attempt(gateway)
    simulator.control("clear-faults")
    record = refused(gateway, browser, answer)
    assert (answer.status, record["result"]) == (status, result) and f"<h1>{title}</h1>" in answer.text
    assert record["errcode"] == code and record["api"] == api and "account" not in record
    assert "words of WeCom" not in answer.text and (answer.one("Retry-After") is not None) == (status == 503)
    assert answer.links(r"start/corp\?.*via=") and answer.links(r"/\.menwei/login\?"), "the other ways"
    assert speaks_of_token or attempt(gateway)[1].status == 200, "the next login is none the worse for it"


@pytest.mark.parametrize("api", ["auth/getuserinfo", "user/get"])
@pytest.mark.parametrize("kind", BROKEN)
def test_each_broken_answer_has_its_page_and_its_record(gateway, simulator, api, kind):
    fault, results = BROKEN[kind]
    simulator.fault(api, **fault)
    browser, answer = attempt(gateway)
    simulator.control("clear-faults")
    record = refused(gateway, browser, answer, (502,))
    assert record["result"] in results and record["api"] == api and record.get("errcode") is None


@pytest.mark.parametrize("code, result", [(40001, "misconfigured"), (40013, "misconfigured"), (60020, "misconfigured"), (-1, "busy"), (45009, "busy"), (50003, "app-disabled"), (41004, "fault")])
def test_each_code_of_gettoken_has_its_page_and_its_record(make_gateway, simulator, upstream, code, result):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    simulator.fault("gettoken", errcode=code)
    browser, answer = attempt(gateway)
    record = refused(gateway, browser, answer, (502, 503))
    assert record["result"] == result and record["errcode"] == code and record["api"] == "gettoken"


class People:
    """Many clients in one thread, each with a connection of its own for every request."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.context = ssl.create_default_context(cafile=str(gateway.ca))

    async def get(self, url, cookie="", agent=WECOM):
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", parts.port, ssl=self.context if secure else None, server_hostname=parts.hostname if secure else None, ssl_handshake_timeout=60 if secure else None)
        target = parts.path + ("?" + parts.query if parts.query else "")
        fields = f"Host: {parts.netloc}\r\nUser-Agent: {agent}\r\nAccept: text/html\r\nConnection: close\r\n" + (f"Cookie: {cookie}\r\n" if cookie else "")
        writer.write(f"GET {target} HTTP/1.1\r\n{fields}\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 90)).decode("latin-1")
        writer.close()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:]]
        return int(head.split(" ")[1]), {name.lower(): value for name, _, value in lines}, [value.split(";")[0] for name, _, value in lines if name.lower() == "set-cookie"]

    async def to_callback(self, limit, wanted):
        async with limit:
            _, fields, cookies = await self.get(f"{self.gateway.auth}/.menwei/start/corp?return={quote(wanted, safe='')}")
            _, back, _ = await self.get(fields["location"].partition("#")[0])
            return back["location"], cookies[0]

    async def log_in(self, count):
        limit = asyncio.Semaphore(50)
        ready = await asyncio.gather(*(self.to_callback(limit, f"{self.gateway.auth}/") for _ in range(count)))
        self.gateway.simulator.control("clear-calls")
        self.gateway.simulator.fault("gettoken", delay_ms=2000, times=1)
        return await asyncio.gather(*(self.get(url, cookie) for url, cookie in ready))


def test_a_thousand_who_log_in_at_once_fetch_one_token(make_gateway, upstream, simulator):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    answers = asyncio.run(People(gateway).log_in(1000))
    assert {status for status, _, _ in answers} == {302} and all(any(c.startswith("__Host-menwei-auth=") for c in cookies) for _, _, cookies in answers)
    counts = simulator.counts()
    assert counts["gettoken"] == 1 and counts["auth/getuserinfo"] == 1000 and counts["user/get"] <= 1000, counts
