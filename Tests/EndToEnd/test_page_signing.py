"""`/.menwei/jssdk`: pages of a site are signed for WeCom's JS-SDK, and nobody else's."""
import hashlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from harness.browser import Browser
from harness.gateway import Gateway
from harness.simulator import CORP, SECOND_CORP


def connections(simulator):
    return [
        Gateway.connection("corp", simulator, plain_names=True), Gateway.second_connection("partner", simulator), Gateway.wechat_connection("weixin", simulator)]


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream, simulator):
    return make_module_gateway(
        [
            {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]},
            {"id": "crm", "host": "crm.test", "path": "/crm", "upstreams": [upstream.base]},
        ], lambda c: c.update(connections=connections(simulator)))


@pytest.fixture(params=[False, True], ids=["HTTP/1.1", "HTTP/2"])
def visitor(gateway, request):
    browser = Browser(gateway, http2=request.param)
    assert browser.log_in(gateway.origin("wiki.test") + "/").status == 200
    return browser


def sign(browser, url, host="wiki.test"):
    return browser.call(browser.gateway.origin(host) + "/.menwei/jssdk?url=" + quote(url, safe=""))


def expected(simulator, answer, url, corp=CORP):
    """Both signatures, by the tickets that the simulator has."""
    tickets = {(t["corpid"], t["agentid"]): t["ticket"] for t in simulator.report("page-tickets")}

    def signature(ticket):
        text = f"jsapi_ticket={ticket}&noncestr={answer['nonceStr']}&timestamp={answer['timestamp']}&url={url}"
        return hashlib.sha1(text.encode()).hexdigest()

    return signature(tickets[corp, None]), signature(tickets[corp, 1000002])


def test_a_page_gets_what_the_sdk_wants(gateway, visitor, simulator):
    page = gateway.origin("wiki.test") + "/page?a=%E5%BC%A0&b=1"
    answer = sign(visitor, page)
    assert answer.status == 200 and answer.one("Content-Type") == "application/json" and answer.one("Cache-Control") == "no-store"
    assert answer.one("Access-Control-Allow-Origin") is None
    given = answer.json()
    assert list(given) == ["corpid", "agentid", "timestamp", "nonceStr", "signature", "agentSignature"]
    assert (given["corpid"], given["agentid"]) == (CORP, 1000002)
    assert (given["signature"], given["agentSignature"]) == expected(simulator, given, page)
    assert sign(visitor, page).json()["nonceStr"] != given["nonceStr"]


def test_what_stands_behind_the_mark_is_not_signed(gateway, visitor, simulator):
    page = gateway.origin("wiki.test") + "/page?a=1"
    given = sign(visitor, page + "#/route?x=1").json()
    assert (given["signature"], given["agentSignature"]) == expected(simulator, given, page)


def test_a_page_of_another_company_is_signed_with_its_own_tickets(gateway, simulator):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin("wiki.test") + "/", "zhangsan", connection="partner").status == 200
    page = gateway.origin("wiki.test") + "/"
    given = sign(browser, page).json()
    assert given["corpid"] == SECOND_CORP
    assert (given["signature"], given["agentSignature"]) == expected(simulator, given, page, SECOND_CORP)


FOREIGN = [
    "https://evil.test/", "http://wiki.test/", "https://wiki.test.evil.test/", "https://wiki.test@evil.test/", "/page", "", "javascript:alert(1)", "https://crm.test/crm/",
    "https://wiki.test:1/", "{wiki}/a b", "{wiki}/\u5f20", "{wiki}/a\\b", "{wiki}/.menwei/logout", "{wiki}/a/../b", "{wiki}/a/%2e%2e/b", "{wiki}/%00", "{auth}/",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_no_other_address_is_signed(gateway, visitor, url):
    answer = sign(visitor, url.format(wiki=gateway.origin("wiki.test"), auth=gateway.auth))
    assert answer.status == 400, answer.body
    assert answer.one("Content-Type") == "application/problem+json" and answer.json()["type"] == "urn:menwei:malformed"
    assert "signature" not in answer.text


def test_an_address_is_needed_once(gateway, visitor):
    base = gateway.origin("wiki.test") + "/.menwei/jssdk"
    page = quote(gateway.origin("wiki.test") + "/", safe="")
    assert visitor.call(base).status == 400
    assert visitor.call(f"{base}?url={page}&url={page}").status == 400
    assert visitor.call(f"{base}?url={page}", method="POST", body=b"").status == 405


def test_a_site_below_a_path_ends_at_its_border(gateway, upstream):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin("crm.test") + "/crm/").status == 200
    for path, status in [("/crm", 200), ("/crm/x?y", 200), ("/crm?y", 200), ("/crmx", 400), ("/", 400), ("/crm/../x", 400)]:
        assert sign(browser, gateway.origin("crm.test") + path, "crm.test").status == status, path


def test_without_a_session_nothing_is_signed(gateway):
    answer = sign(Browser(gateway), gateway.origin("wiki.test") + "/")
    assert answer.status == 401 and answer.json()["type"] == "urn:menwei:login-required" and "/.menwei/login" in answer.json()["login_url"]
    assert answer.set_cookies == []


def test_the_auth_origin_has_no_pages_to_sign(gateway):
    assert Browser(gateway).call(gateway.auth + "/.menwei/jssdk?url=x").status == 404


def test_tickets_are_fetched_once_for_all(make_gateway, upstream, simulator):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    simulator.control("clear-calls")
    page = gateway.origin("wiki.test") + "/x"
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: sign(browser, page).status, range(64)))
    assert answers == [200] * 64
    counts = simulator.counts()
    assert counts["get_jsapi_ticket"] == 1 and counts["ticket/get"] == 1


def test_a_token_that_was_revoked_is_fetched_again_once(make_gateway, upstream, simulator):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    simulator.control("revoke-tokens")
    simulator.control("clear-calls")
    page = gateway.origin("wiki.test") + "/x"
    given = sign(browser, page)
    assert given.status == 200
    assert (given.json()["signature"], given.json()["agentSignature"]) == expected(simulator, given.json(), page)
    assert simulator.counts()["gettoken"] == 1


@pytest.mark.parametrize("api", ["get_jsapi_ticket", "ticket/get"])
@pytest.mark.parametrize("fault, status", [
    ({"errcode": 45009}, 503), ({"errcode": -1}, 503), ({"errcode": 60020}, 502), ({"errcode": 48002}, 502), ({"answer": "html"}, 502), ({"answer": "wrong_types"}, 502), ({"status": 500}, 502),
])
def test_a_wecom_in_trouble_is_a_problem_and_leaks_nothing(make_gateway, upstream, simulator, api, fault, status):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    simulator.fault(api, **fault)
    answer = sign(browser, gateway.origin("wiki.test") + "/x")
    assert answer.status == status and answer.one("Content-Type") == "application/problem+json"
    assert "hint" not in answer.text and "ip:" not in answer.text
    # Not asked again with each page: WeCom limits tickets.
    simulator.control("clear-calls")
    if fault.get("errcode") != -1:
        assert sign(browser, gateway.origin("wiki.test") + "/x").status == status
        assert simulator.counts().get(api, 0) == 0
    # Requests of the session go on.
    assert browser.get(gateway.origin("wiki.test") + "/x").status == 200
