"""Login with WeChat: who comes in, who does not, and what WeChat may answer."""
import subprocess
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from harness.browser import Browser
from harness.gateway import Gateway
from harness.simulator import WECHAT_APP
from harness.waiting import wait_for

SITE = {"id": "wiki", "host": "wiki.test"}
SNS = ["sns/oauth2/access_token", "sns/userinfo"]


@pytest.fixture
def make(make_gateway, simulator, upstream):
    def start(**more):
        def change(configuration):
            configuration["connections"] = [Gateway.connection("corp", simulator), Gateway.wechat_connection("weixin", simulator)]
            configuration.update(more)

        return make_gateway([{**SITE, "upstreams": [upstream.base], "identity": {"headers": {"Remote-User": "{account}"}}}], change)

    return start


def accounts(gateway, *arguments, stdin=None):
    done = subprocess.run([gateway.binary, "accounts", "--config", gateway.file, *arguments], input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def person(simulator, key):
    return next(one for one in simulator.report("wechat-people") if one["userid"] == key)


def log_in(gateway, user="xiaoming", http2=False):
    browser = Browser(gateway, http2=http2)
    return browser, browser.log_in(gateway.origin("wiki.test") + "/asked?q=1", user, connection="weixin")


def stays_out(gateway, browser, answer):
    """What is true of every refusal; its audit record."""
    assert not browser.cookie("auth.test", "__Host-menwei-auth") and not browser.cookie("wiki.test")
    assert answer.links(r"/\.menwei/start/corp"), "no other way is offered"
    lines = gateway.process.out + gateway.process.err
    for secret in ("wechat-secret", "access_token=", "refresh_token", "errmsg", "hint:"):
        assert secret not in answer.text and not any(secret in line for line in lines), secret
    return gateway.record("login_failed", request_id=answer.one("X-Request-Id"))


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("mode", ["open", "known"])
def test_without_an_account_nobody_comes_in(make, http2, mode):
    gateway = make(accounts={"mode": mode})
    browser, answer = log_in(gateway, http2=http2)
    assert answer.status == 403
    assert stays_out(gateway, browser, answer)["connection"] == "weixin"


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
def test_a_bound_person_comes_in_as_the_account(make, simulator, upstream, http2):
    gateway = make()
    union = person(simulator, "xiaoming")["unionid"]
    accounts(gateway, "bind", "zhangsan", f"weixin/{union}")
    simulator.control("clear-calls")
    browser, answer = log_in(gateway, http2=http2)
    assert answer.status == 200 and answer.url == gateway.origin("wiki.test") + "/asked?q=1"
    me = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    assert (me["sub"], me["connection"], me["corp"], me["user"], me["amr"], me["name"]) == ("zhangsan", "weixin", WECHAT_APP, union, ["wechat"], "小明")
    assert me["departments"] == [] and me["tags"] == []
    assert upstream.last().one("Remote-User") == "zhangsan"
    # One call each, and nothing is asked of WeChat afterwards.
    assert {api: simulator.counts().get(api) for api in SNS} == dict.fromkeys(SNS, 1)
    # Somebody else of the same WeChat is still nobody.
    assert log_in(gateway, "xiaohong")[1].status == 403


def test_wecom_and_wechat_lead_to_one_account_and_two_sessions(make, simulator):
    gateway = make()
    accounts(gateway, "bind", "zhangsan", "corp/zhangsan")
    accounts(gateway, "bind", "zhangsan", "weixin/" + person(simulator, "xiaoming")["unionid"])
    first, _ = log_in(gateway)
    second = Browser(gateway)
    second.log_in(gateway.origin("wiki.test") + "/", "zhangsan", connection="corp")
    mine, other = (browser.call(gateway.origin("wiki.test") + "/.menwei/me").json() for browser in (first, second))
    assert mine["sub"] == other["sub"] == "zhangsan" and mine["sid"] != other["sid"]


def test_without_a_unionid_the_openid_of_the_app_counts(make, simulator):
    simulator.control("wechat-app", union_ids=False)
    gateway = make()
    accounts(gateway, "bind", "boss", "weixin/" + person(simulator, "xiaoming")["openid"][WECHAT_APP])
    assert log_in(gateway)[1].status == 200
    # Ids never mix: with unionids the same person is another.
    simulator.control("wechat-app", union_ids=True)
    assert log_in(gateway)[1].status == 403


def test_a_binding_code_binds_and_the_login_goes_on(make, simulator):
    gateway = make(accounts={"bind": "ask"})
    accounts(gateway, "import", "-", stdin="account,connection,user,name,email,mobile\nboss,,,,,\n")
    code = accounts(gateway, "code", "boss")
    browser, page = log_in(gateway)
    assert urlsplit(page.url).path == "/.menwei/bind" and not browser.cookie("auth.test", "__Host-menwei-auth")
    body = urlencode({"id": parse_qs(urlsplit(page.url).query)["id"][0], "code": code}).encode()
    done = browser.request("POST", gateway.auth + "/.menwei/bind", body=body, headers={
        "Content-Type": "application/x-www-form-urlencoded", "Origin": gateway.auth, "Sec-Fetch-Site": "same-origin", "Referer": page.url})
    assert browser.follow(done).url == gateway.origin("wiki.test") + "/asked?q=1"
    assert browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()["sub"] == "boss"


def test_the_session_ends_with_the_binding_and_not_with_the_recheck(make, simulator):
    gateway = make(sessions={"store": "sqlite:menwei.db", "recheck": "1s", "recheck_grace": "2s"})
    union = person(simulator, "xiaoming")["unionid"]
    accounts(gateway, "bind", "boss", f"weixin/{union}")
    browser, _ = log_in(gateway)
    simulator.control("clear-calls")
    since = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    # Several rechecks later: WeChat has no directory, and nobody asks it.
    other = Browser(gateway)
    other.log_in(gateway.origin("wiki.test") + "/", "lisi", connection="corp")
    wait_for(lambda: simulator.counts().get("user/get", 0) >= 5, 60, "lisi to be looked up again and again")
    assert browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()["sid"] == since["sid"]
    assert not any(api in simulator.counts() for api in SNS)
    accounts(gateway, "unbind", "boss", "weixin")
    wait_for(lambda: browser.call(gateway.origin("wiki.test") + "/.menwei/me").status == 401, 30, "the session to end with its binding")


def test_wechat_has_no_pages_to_sign(make, simulator):
    gateway = make()
    accounts(gateway, "bind", "boss", "weixin/" + person(simulator, "xiaoming")["unionid"])
    browser, _ = log_in(gateway)
    answer = browser.call(gateway.origin("wiki.test") + "/.menwei/jssdk?url=" + gateway.origin("wiki.test") + "/")
    assert answer.status == 403 and answer.json()["type"] == "urn:menwei:denied"


@pytest.mark.parametrize("api", SNS)
@pytest.mark.parametrize("code, status, result", [
    (-1, 503, "busy"), (45011, 503, "busy"), (40029, 400, "code-spent"), (40163, 400, "code-spent"), (42003, 400, "code-spent"), (42007, 400, "code-spent"),
    (40001, 502, "misconfigured"), (40013, 502, "misconfigured"), (40125, 502, "misconfigured"), (48001, 502, "misconfigured"), (50001, 403, "declined"),
    (50002, 403, "member-disabled"), (40003, 502, "fault"), (41008, 502, "fault"), (99999, 502, "fault"),
])
def test_each_error_is_a_page_and_a_record(make, simulator, api, code, status, result):
    gateway = make()
    accounts(gateway, "bind", "boss", "weixin/" + person(simulator, "xiaoming")["unionid"])
    simulator.fault(api, errcode=code, errmsg="secret words of WeChat")
    browser, answer = log_in(gateway)
    record = stays_out(gateway, browser, answer)
    assert (answer.status, record["result"], record["errcode"], record["api"]) == (status, result, code, api)
    assert "secret words" not in answer.text and "企业微信" not in answer.text.split("用其他方式登录")[0]
    assert gateway.metrics().get(f'menwei_wecom_calls_total{{api="{api}",errcode="{code}"}}', 0) >= 1


@pytest.mark.parametrize("api", SNS)
@pytest.mark.parametrize("fault", [
    {"answer": "html"}, {"answer": "empty"}, {"answer": "invalid_json"}, {"answer": "wrong_types"}, {"answer": "huge"}, {"answer": "redirect"}, {"status": 500}, {"status": 404},
])
def test_answers_that_are_not_wechats_refuse(make, simulator, api, fault):
    gateway = make()
    accounts(gateway, "bind", "boss", "weixin/" + person(simulator, "xiaoming")["unionid"])
    simulator.fault(api, **fault)
    browser, answer = log_in(gateway)
    stays_out(gateway, browser, answer)
    assert answer.status == 502


def test_who_refuses_on_the_phone_never_comes_back(make):
    gateway = make()
    browser = Browser(gateway)
    page = browser.go(gateway.origin("wiki.test") + "/x")
    at = browser.get(page.links(r"/\.menwei/start/weixin\?")[0]).location.split("#")[0]
    assert browser.get(at + "&sim_refuse=1").location is None
    # A way back without a code is one that was declined.
    state = parse_qs(urlsplit(at).query)["state"][0]
    answer = browser.get(gateway.auth + "/.menwei/callback/weixin?state=" + state)
    assert answer.status == 403 and stays_out(gateway, browser, answer)["result"] == "declined"


def test_wechats_fragment_does_not_stick_and_ones_own_does(make, simulator):
    gateway = make()
    accounts(gateway, "bind", "boss", "weixin/" + person(simulator, "xiaoming")["unionid"])
    browser = Browser(gateway)
    page = browser.go(gateway.origin("wiki.test") + "/x")
    start = page.links(r"/\.menwei/start/weixin\?")[0]
    for fragment, tail in (("", "#"), ("&fragment=" + "part", "#part")):
        back = browser.get(browser.get(start + fragment).location.split("#")[0] + "&sim_user=xiaoming").location
        assert browser.get(back).one("Location").endswith(tail)
