"""Several connections at once: apps of one corp and of several, WeChat beside them, old private deployments."""
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import Browser, WECHAT, WECOM
from harness.gateway import Gateway
from harness.simulator import CORP, SECOND_CORP

PRIVATE = ("Mozilla/5.0 (Linux; Android 13; 2210132C Build/TKQ1.220905.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/110.0.5481.29 Mobile "
           "Safari/537.36 wxworklocal/2.6.760000 wwlocal/2.6.760000 wxwork/3.0.0 appname/wxworklocal MicroMessenger/7.0.1 appScheme/wxworklocaluniform")


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream, simulator):
    def change(configuration):
        configuration["connections"] = [
            Gateway.wechat_connection("weixin", simulator),
            Gateway.second_connection("partner", simulator),
            Gateway.connection("corp", simulator, plain_names=True, auto_login=True),
        ]

    return make_module_gateway([{
        "id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
        "access": [{"path": "/own/*", "allow": {"users": ["zhangsan"]}}, {"path": "/partner/*", "allow": {"users": ["partner/zhangsan"]}}, {"allow": "members"}],
        "identity": {"headers": {"Remote-User": "{account}", "X-Corp": "{corp}:{connection}"}},
    }], change)


@pytest.fixture(params=[False, True], ids=["HTTP/1.1", "HTTP/2"])
def visitor(gateway, request):
    return Browser(gateway, http2=request.param)


def buttons(page):
    return [(m.group(1), m.group(2)) for m in re.finditer(r'<a class="button" href="/\.menwei/start/([a-z]+)\?[^"]*"[^>]*>([^<]*)</a>', page.text)]


def test_the_page_has_a_button_for_each_in_the_order_of_the_file(gateway, visitor):
    page = visitor.go(gateway.origin("wiki.test") + "/x")
    assert buttons(page) == [("weixin", "使用微信登录"), ("partner", "使用第二公司登录"), ("corp", "使用企业微信登录")]
    # The panel is that of the first connection of WeCom's, and only WeCom's page may be framed.
    assert "/.menwei/start/partner?" in page.frame
    policy = page.one("Content-Security-Policy")
    assert f"frame-src 'self' {gateway.simulator.base};" in policy


def test_english_names(gateway):
    page = Browser(gateway, language="en").go(gateway.origin("wiki.test") + "/x")
    assert [text for _, text in buttons(page)] == ["Log in with WeChat", "Log in with Second Ltd", "Log in with WeCom"]


def test_the_same_user_id_at_two_corps_is_two_people(gateway, visitor, upstream):
    url = gateway.origin("wiki.test")
    assert visitor.log_in(url + "/x", "zhangsan", connection="corp").status == 200
    first = visitor.call(url + "/.menwei/me").json()
    assert (first["sub"], first["connection"], first["corp"], first["name"], first["amr"]) == ("zhangsan", "corp", CORP, "张三", ["wecom"])
    assert visitor.get(url + "/own/x").status == 200 and visitor.get(url + "/partner/x").status == 403

    other = Browser(gateway, http2=visitor.http2)
    assert other.log_in(url + "/x", "zhangsan", connection="partner").status == 200
    second = other.call(url + "/.menwei/me").json()
    assert (second["sub"], second["connection"], second["corp"], second["name"]) == ("partner/zhangsan", "partner", SECOND_CORP, "章三")
    assert second["sid"] != first["sid"]
    assert other.get(url + "/own/x").status == 403 and other.get(url + "/partner/x").status == 200
    upstream.clear()
    other.get(url + "/x")
    request = upstream.last()
    assert request.one("Remote-User") == "partner/zhangsan" and request.one("X-Corp") == f"{SECOND_CORP}:partner"
    # Neither touched the other.
    assert visitor.call(url + "/.menwei/me").json()["sid"] == first["sid"]


def test_logging_in_as_the_other_in_one_browser_ends_the_first(gateway, visitor):
    url = gateway.origin("wiki.test")
    visitor.log_in(url + "/x", "zhangsan", connection="corp")
    before = visitor.cookies["wiki.test"].copy()
    page = visitor.go(gateway.auth + f"/.menwei/login?return={url}/y&max_age=0")
    scanned = visitor.get(visitor.get(page.links(r"/\.menwei/start/partner\?")[0]).location + "&sim_user=zhangsan")
    assert visitor.go(scanned.location).status == 200
    assert visitor.call(url + "/.menwei/me").json()["sub"] == "partner/zhangsan"
    old = Browser(gateway)
    old.cookies["wiki.test"] = before
    assert old.call(url + "/.menwei/me").status == 401


def test_inside_wecom_the_silent_one_is_taken(gateway):
    browser = Browser(gateway, WECOM)
    answer = browser.go(gateway.origin("wiki.test") + "/x")
    assert answer.status == 200
    assert browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()["connection"] == "corp"
    assert not any("/.menwei/start/partner" in step.url or "/.menwei/start/weixin" in step.url for step in answer.history)


def begin(browser, connection):
    """The address at WeCom or WeChat, before anybody scanned."""
    page = browser.go(browser.gateway.origin("wiki.test") + "/x")
    return browser.get(page.links(rf"/\.menwei/start/{connection}\?")[0]).location.split("#")[0]


@pytest.mark.parametrize("mine, other, user", [("corp", "partner", "zhangsan"), ("partner", "corp", "zhangsan"), ("weixin", "corp", "xiaoming"), ("corp", "weixin", "zhangsan")])
def test_a_state_of_one_connection_is_nothing_to_another(gateway, visitor, simulator, mine, other, user):
    back = visitor.get(begin(visitor, mine) + "&sim_user=" + user).location
    simulator.control("clear-calls")
    answer = visitor.get(back.replace(f"/callback/{mine}?", f"/callback/{other}?"))
    # The code is let go unused, and the login begins again.
    assert answer.status == 302 and "/.menwei/login?" in answer.location
    assert not visitor.cookie("auth.test", "__Host-menwei-auth")
    assert not any(api in simulator.counts() for api in ("auth/getuserinfo", "sns/oauth2/access_token"))


def test_a_code_of_one_connection_is_nothing_to_another(gateway, visitor):
    code = parse_qs(urlsplit(visitor.get(begin(visitor, "partner") + "&sim_user=zhangsan").location).query)["code"][0]
    state = parse_qs(urlsplit(begin(visitor, "corp")).query)["state"][0]
    answer = visitor.get(gateway.auth + f"/.menwei/callback/corp?code={code}&state={state}")
    assert answer.status == 400 and not visitor.cookie("auth.test", "__Host-menwei-auth")
    assert gateway.record("login_failed", request_id=answer.one("X-Request-Id"))["result"] == "code-spent"


def test_each_connection_has_a_token_of_its_own(make_gateway, upstream, simulator):
    def change(configuration):
        configuration["connections"] = [Gateway.connection("corp", simulator, plain_names=True), Gateway.second_connection("partner", simulator)]

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], change)
    simulator.control("clear-calls")
    for _ in range(3):
        assert Browser(gateway).log_in(gateway.origin("wiki.test") + "/", "zhangsan", connection="corp").status == 200
        assert Browser(gateway).log_in(gateway.origin("wiki.test") + "/", "helen", connection="partner").status == 200
    assert simulator.counts()["gettoken"] == 2
    # One of them in trouble is no trouble for the other.
    simulator.control("app", corpid=SECOND_CORP, secret="changed")
    simulator.control("revoke-tokens")
    assert Browser(gateway).log_in(gateway.origin("wiki.test") + "/", "helen", connection="partner").status == 502
    assert Browser(gateway).log_in(gateway.origin("wiki.test") + "/", "zhangsan", connection="corp").status == 200


def test_two_apps_of_one_corp_have_their_own_ranges_and_accounts(make_gateway, upstream, simulator):
    def change(configuration):
        configuration["connections"] = [
            Gateway.connection("corp", simulator, plain_names=True), Gateway.connection("old", simulator, agent_id=1000003, secret="simulator-secret-old", auto_login=False)]

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], change)
    url = gateway.origin("wiki.test")
    browser = Browser(gateway)
    assert browser.log_in(url + "/", "zhangsan", connection="old").status == 200
    assert browser.call(url + "/.menwei/me").json()["sub"] == "old/zhangsan"
    # lisi is in the range of the one, and not of the other.
    assert Browser(gateway).log_in(url + "/", "lisi", connection="corp").status == 200
    page = Browser(gateway)
    answer = page.get(begin(page, "old") + "&sim_user=lisi")
    assert answer.status == 200 and "location" not in {name.lower() for name, _ in answer.headers}


@pytest.mark.parametrize("visible_range_only", [True, False])
def test_members_of_linked_corps_are_always_refused(make_gateway, upstream, simulator, visible_range_only):
    gateway = make_gateway(
        [{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["connections"][0].update(visible_range_only=visible_range_only))
    browser = Browser(gateway, WECOM)
    simulator.control("phone", userid="wwlinkedcorp000001/wangxiaoming")
    answer = browser.go(gateway.origin("wiki.test") + "/x")
    simulator.control("phone", userid="zhangsan")
    assert answer.status == 403 and not browser.cookie("auth.test", "__Host-menwei-auth")
    assert gateway.record("login_failed", request_id=answer.one("X-Request-Id"))["result"] == "linked-corp"


# WeChat

def test_wechat_leads_to_its_own_page_with_a_whole_address(gateway, visitor):
    page = visitor.go(gateway.origin("wiki.test") + "/x")
    to = visitor.get(page.links(r"/\.menwei/start/weixin\?")[0]).location
    assert to.startswith(gateway.simulator.base + "/connect/qrconnect?appid=wx0123456789abcdef&redirect_uri=") and to.endswith("#wechat_redirect")
    query = parse_qs(urlsplit(to).query)
    assert query["redirect_uri"] == [gateway.auth + "/.menwei/callback/weixin"] and query["scope"] == ["snsapi_login"] and query["response_type"] == ["code"]
    # Whatever the address says: there is one way.
    assert "/connect/qrconnect?" in visitor.get(page.links(r"/\.menwei/start/weixin\?")[0] + "&via=app").location


def test_inside_wechat_the_page_shows_what_works(gateway):
    page = Browser(gateway, WECHAT).go(gateway.origin("wiki.test") + "/x")
    assert page.status == 200 and page.frame is None
    assert "请在企业微信中打开" in page.text and "无法扫自己的屏幕" in page.text
    assert [connection for connection, _ in buttons(page)] == ["weixin", "partner", "corp"]
    assert all("via=app" in link for link in page.links(r"/\.menwei/start/(corp|partner)\?"))


def test_inside_wechat_straight_to_wechat_alone_is_no_way(make_gateway, upstream, simulator):
    def change(configuration):
        configuration["auth"]["login_page"] = "redirect"
        configuration["connections"] = [Gateway.wechat_connection("weixin", simulator)]

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], change)
    inside, outside = Browser(gateway, WECHAT), Browser(gateway)
    page = inside.go(gateway.origin("wiki.test") + "/x")
    assert "/.menwei/login" in page.url and "企业微信" not in page.text
    assert "/connect/qrconnect" in outside.go(gateway.origin("wiki.test") + "/x").url


# Private deployments

@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_an_old_private_deployment(make_gateway, upstream, simulator, http2):
    simulator.control("corp", corpid="wl2d326d13ba", name="私有部署")
    simulator.control("member", corpid="wl2d326d13ba", userid="LaoZhang", name="老张")
    simulator.control("app", corpid="wl2d326d13ba", agentid=1000005, secret="local-secret")

    def change(configuration):
        connection = configuration["connections"][0]
        connection.update(corp_id="wl2d326d13ba", agent_id=1000005, secret="local-secret")
        connection["endpoints"]["userinfo"] = "user/getuserinfo"

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], change)
    simulator.control("app", corpid="wl2d326d13ba", agentid=1000005, trusted_domains=[gateway.auth.removeprefix("https://")])
    simulator.control("clear-calls")
    simulator.control("phone", userid="LaoZhang")
    inside = Browser(gateway, PRIVATE, http2=http2)
    answer = inside.go(gateway.origin("wiki.test") + "/x")
    simulator.control("phone", userid="zhangsan")
    assert answer.status == 200 and any("/connect/oauth2/authorize?" in step.url for step in answer.history)
    # The old call's own casing: UserId.
    assert inside.call(gateway.origin("wiki.test") + "/.menwei/me").json()["sub"] == "LaoZhang"
    assert "auth/getuserinfo" not in simulator.counts() and simulator.counts()["user/getuserinfo"] == 1
    assert Browser(gateway, http2=http2).log_in(gateway.origin("wiki.test") + "/", "LaoZhang").status == 200
