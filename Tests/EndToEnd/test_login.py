"""Logging in: inside WeCom, outside, the tickets, and everything that must not log anybody in."""
import random
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from harness.browser import Browser, PHONE, WECOM
from harness.simulator import CORP

COOKIE = re.compile(r"^__Host-menwei(-auth|-try)?=[A-Za-z0-9_-]{22,64}(; |$)")


def query(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def names(answer):
    return sorted(line.split("=")[0] for line in answer.set_cookies)


def is_login_page(answer):
    return answer.status == 200 and "/.menwei/start/corp" in answer.text


# Inside WeCom

def test_inside_wecom_the_way_is_silent_and_keeps_the_query(gateway, upstream):
    browser = Browser(gateway, WECOM)
    wanted = gateway.origin("wiki.test") + "/deep/page?a=b%20c&x=%2F&x=2&empty="
    answer = browser.go(wanted)
    assert answer.status == 200 and answer.url == wanted
    hosts = [urlsplit(step.url).netloc for step in answer.history]
    simulator = urlsplit(gateway.simulator.base).netloc
    assert hosts[0] == f"wiki.test:{gateway.port}" and simulator in hosts
    silent = [step for step in answer.history[:-1] if step.status == 200]
    assert all(step.hop for step in silent), "a person had to do something"
    assert answer.json()["target"] == "/deep/page?a=b%20c&x=%2F&x=2&empty="
    assert dict(answer.json()["headers"])["X-Forwarded-User"] == "zhangsan"


def test_the_authorize_address_is_the_one_of_the_facts(gateway):
    browser = Browser(gateway, WECOM)
    answer = browser.go(gateway.origin("wiki.test") + "/")
    step = next(s for s in answer.history if urlsplit(s.url).path == "/connect/oauth2/authorize")
    fields = query(step.url)
    assert fields["appid"] == CORP and fields["agentid"] == "1000002" and fields["response_type"] == "code" and fields["scope"] == "snsapi_base"
    assert fields["redirect_uri"] == gateway.auth + "/.menwei/callback/corp"
    assert re.fullmatch(r"[A-Za-z0-9]{22,128}", fields["state"])
    start = next(s for s in answer.history if urlsplit(s.url).path == "/.menwei/start/corp")
    assert start.one("Location").endswith("#wechat_redirect")


def test_wecoms_own_fragment_does_not_stick(gateway):
    browser = Browser(gateway, WECOM)
    answer = browser.go(gateway.origin("wiki.test") + "/page")
    callback = next(s for s in answer.history if urlsplit(s.url).path == "/.menwei/callback/corp")
    assert "#" in callback.one("Location"), "a redirect without a fragment inherits #wechat_redirect"
    assert "wechat_redirect" not in callback.one("Location")


# Outside WeCom

def test_outside_the_first_answer_is_a_redirect_to_the_auth_origin(gateway, browser):
    wanted = gateway.origin("wiki.test") + "/page?q=1"
    answer = browser.get(wanted)
    assert answer.status == 302 and "no-store" in answer.one("Cache-Control")
    assert answer.location.startswith(gateway.auth + "/.menwei/login?")
    fields = query(answer.location)
    assert fields["return"] == wanted and re.fullmatch(r"[0-9a-f]{64}", fields["bind"])
    assert names(answer) == ["__Host-menwei-try"]


def test_the_login_page_has_the_panel_and_a_button_and_speaks_both_languages(gateway):
    for language, word, other in (("zh-CN,zh;q=0.9,en;q=0.1", "企业微信", 'lang="en"'), ("en-GB,en;q=0.8", "WeCom", 'lang="zh')):
        browser = Browser(gateway, language=language)
        answer = browser.go(gateway.origin("wiki.test") + "/")
        assert is_login_page(answer)
        assert word in answer.text and other not in answer.text.split("<body")[0]
        assert answer.links(r"/\.menwei/start/corp\?"), "a button for each connection"
        frame = browser.get(answer.frame, headers={"Sec-Fetch-Dest": "iframe"})
        assert frame.status == 302
        target = frame.location
        assert target.startswith(gateway.simulator.base + "/wwlogin/sso/login?")
        fields = query(target)
        assert fields["login_type"] == "CorpApp" and fields["appid"] == CORP and fields["agentid"] == "1000002"
        assert fields["redirect_uri"] == gateway.auth + "/.menwei/callback/corp"
        assert fields["lang"] == ("zh" if language.startswith("zh") else "en")


def test_the_login_page_cannot_be_framed_and_has_a_strict_policy(gateway, browser):
    answer = browser.go(gateway.origin("wiki.test") + "/")
    policy = {part.split()[0]: part.split()[1:] for part in answer.one("Content-Security-Policy").split(";") if part.strip()}
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["default-src"] == ["'none'"]
    assert "'unsafe-inline'" not in str(policy) and "'unsafe-eval'" not in str(policy)
    assert any(gateway.simulator.base in source for source in policy["frame-src"])
    assert "no-store" in answer.one("Cache-Control")
    for sheet in re.findall(r'(?:href|src)="(/\.menwei/assets/[^"]+)"', answer.text):
        asset = browser.get(gateway.auth + sheet, navigation=False)
        assert asset.status == 200 and "immutable" in asset.one("Cache-Control"), sheet
    assert not re.findall(r'(?:href|src)="https?://(?!' + re.escape("auth.test") + ")", answer.text.replace(gateway.simulator.base, "")), "an outside asset"


def test_on_a_phone_outside_wecom_the_page_says_to_open_the_address_in_wecom(gateway):
    wanted = gateway.origin("wiki.test") + "/on/phone?x=1"
    answer = Browser(gateway, PHONE).go(wanted)
    assert is_login_page(answer)
    assert wanted.replace("&", "&amp;") in answer.text and "<button" in answer.text


def test_scanning_outside_leads_back_with_the_query(gateway, browser):
    wanted = gateway.origin("wiki.test") + "/asked?a=%E4%BD%A0&b=1%2B1"
    answer = browser.log_in(wanted, user="lisi")
    assert answer.url == wanted and answer.status == 200
    headers = dict(answer.json()["headers"])
    assert headers["X-Forwarded-User"] == "lisi" and answer.json()["target"] == "/asked?a=%E4%BD%A0&b=1%2B1"


def test_the_button_leads_to_wecoms_page_as_well(gateway, browser):
    answer = browser.log_in(gateway.origin("wiki.test") + "/by/button", user="lisi", connection="corp")
    assert answer.status == 200 and answer.url.endswith("/by/button")


def test_refusing_on_the_phone_is_said_and_other_ways_are_offered(gateway, browser):
    page = browser.go(gateway.origin("wiki.test") + "/")
    web = browser.get(page.frame)
    refused = browser.go(web.location + "&sim_refuse=1")
    assert refused.status == 403 and refused.url.startswith(gateway.auth + "/.menwei/callback/corp")
    assert refused.links(r"/\.menwei/start/corp"), "no way to try again"
    assert not browser.cookie("auth.test", "__Host-menwei-auth")
    assert gateway.record("login_failed", request_id=refused.one("X-Request-Id"))["connection"] == "corp"


def test_cookies_of_a_login_are_as_the_contract_says(gateway, browser):
    answer = browser.log_in(gateway.origin("wiki.test") + "/")
    seen = {}
    for step in answer.history:
        for line in step.set_cookies:
            assert COOKIE.match(line), line
            name, attributes = line.split("=")[0], {a.strip().lower() for a in line.split(";")[1:]}
            assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes, line
            seen[name] = {a.split("=")[0]: a.split("=")[1] for a in attributes if "=" in a}
            value = line.split(";")[0].partition("=")[2]
            assert name != "__Host-menwei-try" or len(value) <= 64
            assert name == "__Host-menwei-try" or len(value) >= 43, "256 random bits"
    assert set(seen) == {"__Host-menwei", "__Host-menwei-auth", "__Host-menwei-try"}
    assert int(seen["__Host-menwei-try"]["max-age"]) == 20 * 60
    assert int(seen["__Host-menwei"]["max-age"]) == int(seen["__Host-menwei-auth"]["max-age"]) == 7 * 86400 + 3600


def test_each_login_has_new_cookies_and_keeps_the_session_of_the_same_member(gateway, browser):
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    first = browser.cookie("auth.test", "__Host-menwei-auth")
    sid = browser.call(wiki + "/.menwei/me").json()["sid"]
    start = browser.get(f"{gateway.auth}/.menwei/start/corp?return={quote(wiki + '/', safe='')}&via=web")
    browser.go(browser.get(start.location + "&sim_user=zhangsan").location)
    assert browser.cookie("auth.test", "__Host-menwei-auth") != first
    assert browser.call(wiki + "/.menwei/me").json()["sid"] == sid
    start = browser.get(f"{gateway.auth}/.menwei/start/corp?return={quote(wiki + '/', safe='')}&via=web")
    browser.go(browser.get(start.location + "&sim_user=lisi").location)
    me = browser.call(wiki + "/.menwei/me").json()
    assert me["user"] == "lisi" and me["sid"] != sid


def test_a_planted_cookie_value_is_not_taken_over(gateway, browser):
    planted = "A" * 43
    for host, name in (("wiki.test", "__Host-menwei"), ("auth.test", "__Host-menwei-auth")):
        browser.cookies.setdefault(host, {})[name] = planted
    browser.log_in(gateway.origin("wiki.test") + "/")
    assert browser.cookie("wiki.test") != planted and browser.cookie("auth.test", "__Host-menwei-auth") != planted


# Calls

@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"X-Requested-With": "XMLHttpRequest", "Accept": "text/html"},
    {"Content-Type": "application/grpc", "Accept": "text/html"},
    {"Accept": "*/*"}, {"Accept": "application/json"}, {"Accept": None},
    {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
])
def test_a_call_without_a_session_gets_a_problem_and_no_cookie(gateway, browser, upstream, headers):
    answer = browser.request("GET", gateway.origin("wiki.test") + "/api/x", headers=headers, navigation=False)
    assert answer.status == 401 and not answer.set_cookies
    assert answer.one("Content-Type").startswith("application/problem+json") and "no-store" in answer.one("Cache-Control")
    problem = answer.json()
    assert problem["type"] == "urn:menwei:login-required" and problem["status"] == 401
    assert problem["title"] and problem["detail"] and problem["request_id"] == answer.one("X-Request-Id")
    assert problem["login_url"].startswith(gateway.origin("wiki.test") + "/.menwei/login")
    assert not upstream.requests


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_calls(gateway, browser, upstream, method):
    answer = browser.call(gateway.origin("wiki.test") + "/api/x", method=method, body=b"{}")
    assert answer.status == 401 and not upstream.requests


def test_a_form_post_without_a_session_says_that_it_was_not_sent(gateway, browser, upstream):
    answer = browser.request("POST", gateway.origin("wiki.test") + "/save", headers={"Content-Type": "application/x-www-form-urlencoded"}, body=b"a=1")
    assert answer.status == 401 and "text/html" in answer.one("Content-Type")
    assert answer.links(r"/\.menwei/login") and not upstream.requests


def test_login_url_comes_back_to_the_referer_of_the_same_site_only(gateway, browser):
    wiki = gateway.origin("wiki.test")
    problem = browser.call(wiki + "/api", headers={"Referer": wiki + "/board?tab=2"}).json()
    assert query(problem["login_url"])["return"] == wiki + "/board?tab=2"
    for foreign in (gateway.origin("app.test") + "/x", "https://evil.test/", "garbage", wiki + ".evil.test/"):
        problem = browser.call(wiki + "/api", headers={"Referer": foreign}).json()
        assert query(problem["login_url"])["return"] in (wiki + "/", "/"), foreign


def test_login_url_leads_through_the_login_and_back(gateway, browser):
    wiki = gateway.origin("wiki.test")
    problem = browser.call(wiki + "/api", headers={"Referer": wiki + "/board?tab=2"}).json()
    answer = browser.log_in(problem["login_url"])
    assert answer.url == wiki + "/board?tab=2" and answer.status == 200


def test_two_hundred_calls_after_the_end_of_a_session_set_no_cookie(gateway, browser):
    browser.log_in(gateway.origin("wiki.test") + "/")
    old = dict(browser.cookies["wiki.test"])
    browser.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"")
    browser.cookies["wiki.test"] = old

    def ask(_):
        answer = browser.call(gateway.origin("wiki.test") + "/api")
        return answer.status, len(answer.set_cookies)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(ask, range(200))) == {(401, 0)}


# Tickets, states, tabs

def to_finish(browser, url, user="zhangsan"):
    """Logs in up to, but without, the redemption of the ticket; the address of the redemption."""
    page = browser.go(url)
    answer = browser.get(browser.get(browser.get(page.frame).location + "&sim_user=" + user).location)
    assert answer.status == 302 and "/.menwei/finish?ticket=" in answer.location, (answer.status, answer.location)
    return answer.location


def test_a_ticket_is_good_once(gateway, browser):
    wanted = gateway.origin("wiki.test") + "/page?x=1"
    finish = to_finish(browser, wanted)
    done = browser.get(finish)
    assert done.status == 303 and done.location == wanted and names(done) == ["__Host-menwei"]
    again = browser.get(finish)
    assert again.status in (302, 303) and not again.set_cookies, "with a live session a spent ticket just goes on"
    assert again.location == wanted
    other = Browser(gateway)
    other.cookies["wiki.test"] = {"__Host-menwei-try": browser.cookie("wiki.test", "__Host-menwei-try")}
    spent = other.get(finish)
    assert "__Host-menwei" not in names(spent) and spent.status == 302


def test_a_ticket_belongs_to_the_browser_that_asked(gateway, browser):
    finish = to_finish(browser, gateway.origin("wiki.test") + "/")
    thief = Browser(gateway)
    assert "__Host-menwei" not in names(thief.get(finish))
    thief.go(gateway.origin("wiki.test") + "/")  # has a try cookie of its own now
    stolen = thief.get(finish)
    assert "__Host-menwei" not in names(stolen) and not thief.cookie("wiki.test")
    assert is_login_page(thief.follow(stolen))


def test_a_ticket_belongs_to_its_host(gateway, browser):
    finish = to_finish(browser, gateway.origin("wiki.test") + "/")
    browser.cookies.setdefault("app.test", {})["__Host-menwei-try"] = browser.cookie("wiki.test", "__Host-menwei-try")
    moved = browser.get(finish.replace("wiki.test", "app.test"))
    assert "__Host-menwei" not in names(moved) and not browser.cookie("app.test")


def test_a_ticket_belongs_to_its_return_address(gateway, browser):
    finish = to_finish(browser, gateway.origin("wiki.test") + "/page")
    fields = query(finish)
    changed = finish.replace(quote(fields["return"], safe=""), quote(gateway.origin("wiki.test") + "/other", safe="")) if "return" in fields else finish
    assert changed != finish, "the redemption names its return address"
    assert "__Host-menwei" not in names(browser.get(changed))


def test_the_redemption_never_leads_to_a_foreign_address(gateway, browser):
    finish = to_finish(browser, gateway.origin("wiki.test") + "/")
    for evil in ("https://evil.test/", "//evil.test/", "/\\evil.test", "https://wiki.test.evil.test/"):
        answer = browser.get(gateway.origin("wiki.test") + "/.menwei/finish?ticket=" + query(finish)["ticket"] + "&return=" + quote(evil, safe=""))
        assert "evil.test" not in urlsplit(answer.location).netloc


def test_a_state_is_good_once(gateway, browser):
    page = browser.go(gateway.origin("wiki.test") + "/page")
    back = browser.get(browser.get(page.frame).location + "&sim_user=zhangsan").location
    first = browser.get(back)
    assert "__Host-menwei-auth" in names(first)
    replay = browser.get(back)
    assert not replay.set_cookies and replay.status == 302, "with a live session a replay goes on to the site"
    assert "callback" not in replay.location
    browser.cookies["auth.test"].pop("__Host-menwei-auth")
    replay = browser.get(back)
    assert "__Host-menwei-auth" not in names(replay)
    assert is_login_page(browser.follow(replay))


def test_a_callback_in_a_foreign_browser_logs_nobody_in(gateway, browser):
    """Login CSRF: the attacker's own code and state, opened by the victim."""
    page = browser.go(gateway.origin("wiki.test") + "/")
    back = browser.get(browser.get(page.frame).location + "&sim_user=lisi").location
    victim = Browser(gateway)
    answer = victim.get(back)
    assert "__Host-menwei-auth" not in names(answer)
    victim.go(gateway.origin("wiki.test") + "/")
    assert "__Host-menwei-auth" not in names(victim.get(back))
    assert not victim.cookie("auth.test", "__Host-menwei-auth")
    assert "__Host-menwei-auth" in names(browser.get(back)), "the state still lives for the browser it belongs to"


@pytest.mark.parametrize("change", [
    lambda b: b + "&state=other", lambda b: b + "&code=other", lambda b: b + "&" + b.split("?")[1],
])
def test_two_states_or_codes_are_malformed(gateway, browser, change):
    page = browser.go(gateway.origin("wiki.test") + "/")
    back = browser.get(browser.get(page.frame).location + "&sim_user=zhangsan").location
    answer = browser.get(change(back))
    assert answer.status == 400 and not answer.set_cookies
    assert gateway.process.is_running


@pytest.mark.parametrize("tail", ["", "?", "?code=abc", "?state=abc", "?code=&state=", "?code=abc&state=" + "0" * 32, "?code=%00&state=%ff", "?state=" + "a" * 8000])
def test_garbage_at_the_callback_starts_again_and_logs_nobody_in(gateway, browser, tail):
    answer = browser.get(gateway.auth + "/.menwei/callback/corp" + tail)
    assert answer.status in (302, 400) and "__Host-menwei-auth" not in names(answer)
    if answer.status == 302:
        assert browser.follow(answer).status == 200


def test_a_flipped_bit_in_the_state_logs_nobody_in(gateway, browser):
    page = browser.go(gateway.origin("wiki.test") + "/")
    back = browser.get(browser.get(page.frame).location + "&sim_user=zhangsan").location
    state = query(back)["state"]
    flipped = ("0" if state[3] != "0" else "1").join((state[:3], state[4:]))
    assert "__Host-menwei-auth" not in names(browser.get(back.replace(state, flipped)))


def test_a_state_belongs_to_one_connection(make_gateway, upstream):
    from harness.simulator import SECOND_CORP

    def second(configuration):
        configuration["connections"][0]["plain_names"] = True
        other = another(configuration, "zwei", SECOND_CORP)
        configuration["connections"].append(other)

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], second, start=False)
    (gateway.folder / "secret2").write_text("second-secret")
    gateway.start()
    browser = Browser(gateway)
    page = browser.go(gateway.origin("wiki.test") + "/")
    back = browser.get(browser.get(page.links(r"start/corp\?")[0]).location + "&sim_user=zhangsan").location
    answer = browser.get(back.replace("/callback/corp", "/callback/zwei"))
    assert "__Host-menwei-auth" not in names(answer)


def another(configuration, identifier, corp):
    first = configuration["connections"][0]
    return {**first, "id": identifier, "corp_id": corp, "secret": {"file": "secret2"}, "plain_names": False, "auto_login": False, "name": "Second"}


def test_two_connections_never_mix(make_gateway, upstream, binary, workspace):
    from harness.simulator import SECOND_CORP

    def second(configuration):
        configuration["connections"][0]["plain_names"] = True
        configuration["connections"].append(another(configuration, "zwei", SECOND_CORP))

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
                             "access": [{"path": "/zhangsan", "allow": {"users": ["zhangsan"]}}]}], second, start=False)
    (gateway.folder / "secret2").write_text("second-secret")
    gateway.start()
    wiki = gateway.origin("wiki.test")
    one, two = Browser(gateway), Browser(gateway)
    assert one.log_in(wiki + "/zhangsan", "zhangsan", connection="corp").status == 200
    assert two.log_in(wiki + "/", "zhangsan", connection="zwei").status == 200
    a, b = one.call(wiki + "/.menwei/me").json(), two.call(wiki + "/.menwei/me").json()
    assert (a["sub"], a["corp"], a["name"]) == ("zhangsan", CORP, "张三")
    assert (b["sub"], b["corp"], b["name"], b["user"]) == ("zwei/zhangsan", SECOND_CORP, "章三", "zhangsan")
    assert two.get(wiki + "/zhangsan").status == 403
    assert dict(two.get(wiki + "/who").json()["headers"])["X-Forwarded-User"] == "zwei/zhangsan"


def test_twenty_tabs_finish_in_any_order_each_at_its_own_address(gateway, browser):
    wiki = gateway.origin("wiki.test")
    tabs = []
    for number in range(20):
        wanted = f"{wiki}/tab/{number}?n={number}"
        page = browser.go(wanted)
        tabs.append((wanted, browser.get(page.frame).location))
    assert set(browser.cookies["auth.test"]) == {"__Host-menwei-try"} == set(browser.cookies["wiki.test"])
    random.Random(7).shuffle(tabs)
    for wanted, web in tabs[:15]:
        answer = browser.go(browser.get(web + "&sim_user=zhangsan").location)
        assert (answer.status, answer.url) == (200, wanted)
        assert all(step.status < 400 for step in answer.history)


def test_tabs_that_were_open_before_the_login_go_on_afterwards(gateway, browser):
    wiki = gateway.origin("wiki.test")
    early = browser.get(wiki + "/early?x=1").location
    browser.log_in(wiki + "/")
    answer = browser.go(early)
    assert (answer.status, answer.url) == (200, wiki + "/early?x=1")


def test_without_cookies_the_login_ends_at_a_page_and_not_in_a_loop(gateway):
    browser = Browser(gateway)
    url = gateway.origin("wiki.test") + "/"
    statuses = []
    for _ in range(40):
        browser.cookies.clear()
        answer = browser.get(url)
        statuses.append(answer.status)
        if answer.status in (302, 303):
            url = answer.location
        elif answer.hop:
            url = answer.hop
        elif answer.frame:
            frame = browser.get(answer.frame)
            url = browser.get(frame.location + "&sim_user=zhangsan").location
        else:
            break
    assert answer.status == 400 and "text/html" in answer.one("Content-Type"), statuses
    assert "cookie" in answer.text.lower()


def test_the_callback_in_the_history_goes_on_with_a_live_session(gateway, browser):
    answer = browser.log_in(gateway.origin("wiki.test") + "/page")
    callback = next(s for s in answer.history if "/.menwei/callback/corp" in s.url)
    again = browser.go(callback.url)
    assert again.status == 200 and "/.menwei/" not in again.url or urlsplit(again.url).netloc.startswith("auth.test")
    assert all(step.status < 400 for step in again.history)


# Return addresses

EVIL = [
    "https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "https:evil.test", "https:/evil.test", "https://{wiki}@evil.test/",
    "https://{wiki}.evil.test/", "https://evil.test#{wiki}", "https://evil.test\\@{wiki}/", "javascript:alert(1)", "http://{wiki}/", "https://{wiki}:1/",
    "/%09/evil.test", "/\t/evil.test", "%68ttps://evil.test", "https://{wiki}/.menwei/logout", "https://{wiki}/%2emenwei/logout", "data:text/html,x", "",
    "///evil.test", "https://user:pass@{wiki}/", "https://{wiki}\r\nX: y/",
]


@pytest.mark.parametrize("evil", EVIL)
def test_a_foreign_return_address_becomes_the_root(gateway, evil):
    wiki = gateway.origin("wiki.test")
    browser = Browser(gateway)
    evil = evil.replace("{wiki}", wiki.removeprefix("https://"))
    start = browser.get(wiki + "/.menwei/login?return=" + quote(evil, safe=""))
    assert start.status == 302 and urlsplit(start.location).netloc == f"auth.test:{gateway.port}"
    assert query(start.location)["return"] == wiki + "/"
    answer = browser.log_in(wiki + "/.menwei/login?return=" + quote(evil, safe=""))
    assert answer.url == wiki + "/"


@pytest.mark.parametrize("evil", ["https://evil.test/", "//evil.test", "/\\evil.test", "/path"])
def test_at_the_auth_origin_a_foreign_return_address_becomes_its_own_root(gateway, evil):
    answer = Browser(gateway).log_in(gateway.auth + "/.menwei/login?return=" + quote(evil, safe=""))
    assert answer.status == 200 and answer.url == gateway.auth + "/"
    assert "zhangsan" in answer.text, "the page says who one is"


def test_a_path_will_do_on_a_sites_own_login(gateway, browser):
    wiki = gateway.origin("wiki.test")
    assert browser.log_in(wiki + "/.menwei/login?return=/deep?x=1").url == wiki + "/deep?x=1"


def test_a_login_without_bind_comes_back_over_the_sites_own_login(gateway, browser):
    wanted = gateway.origin("wiki.test") + "/bookmark?x=1"
    answer = browser.log_in(gateway.auth + "/.menwei/login?return=" + quote(wanted, safe=""))
    assert (answer.status, answer.url) == (200, wanted)
    assert any(s.url.startswith(gateway.origin("wiki.test") + "/.menwei/login?") for s in answer.history)


# Many sites

def test_the_second_site_is_entered_without_seeing_wecom(gateway, browser):
    browser.log_in(gateway.origin("wiki.test") + "/")
    answer = browser.go(gateway.origin("app.test") + "/second?x=1")
    assert (answer.status, answer.url) == (200, gateway.origin("app.test") + "/second?x=1")
    assert all(step.status in (302, 303) for step in answer.history[:-1]), "with a live session there are only redirects"
    assert not any(s.url.startswith(gateway.simulator.base) for s in answer.history)
    assert browser.cookie("app.test") != browser.cookie("wiki.test")
    sids = {browser.call(gateway.origin(host) + "/.menwei/me").json()["sid"] for host in ("wiki.test", "app.test")}
    assert len(sids) == 1


def test_the_cookie_of_one_host_opens_no_other(gateway, browser):
    browser.log_in(gateway.origin("wiki.test") + "/")
    for value in (browser.cookie("wiki.test"), browser.cookie("auth.test", "__Host-menwei-auth")):
        thief = Browser(gateway)
        thief.cookies["app.test"] = {"__Host-menwei": value}
        assert thief.call(gateway.origin("app.test") + "/").status == 401
    thief = Browser(gateway)
    thief.cookies["wiki.test"] = {"__Host-menwei": browser.cookie("auth.test", "__Host-menwei-auth")}
    assert thief.call(gateway.origin("wiki.test") + "/").status == 401


def test_sites_by_path_of_one_origin(make_gateway, upstream):
    from harness.upstream import Upstream
    other = Upstream()
    gateway = make_gateway([
        {"id": "root", "host": "intra.test", "upstreams": [upstream.base]},
        {"id": "app", "host": "intra.test", "path": "/app", "upstreams": [other.base]},
        {"id": "deep", "host": "intra.test", "path": "/app/deep", "upstreams": [upstream.base], "identity": {"headers": {"X-Which": "deep-{account}"}}},
        {"id": "lonely", "host": "lonely.test", "path": "/only", "upstreams": [upstream.base]},
    ])
    intra = gateway.origin("intra.test")
    browser = Browser(gateway)
    assert browser.log_in(intra + "/").status == 200
    for path in ("/app", "/app/", "/app/x", "/app/deeper"):
        browser.get(intra + path)
        assert other.last().target == path, path
    assert gateway.record("access", site="app", path="/app/x")["upstream"] == other.base
    before = len(other.requests)
    for path in ("/application", "/ap", "/appx/y", "/x/app"):
        browser.get(intra + path)
        assert upstream.last().target == path
    browser.get(intra + "/app/deep/x")
    assert dict(upstream.last().headers)["X-Which"] == "deep-zhangsan"
    assert len(other.requests) == before
    audiences = set()
    for path, wanted in (("/", intra), ("/app/x", intra + "/app"), ("/app/deep", intra + "/app/deep")):
        browser.get(intra + path)
        request = (other if path == "/app/x" else upstream).last()
        import jwt
        claims = jwt.decode(request.one("X-Menwei-Assertion"), options={"verify_signature": False})
        assert claims["aud"] == wanted
        audiences.add(claims["aud"])
    assert len(audiences) == 3
    assert browser.go(gateway.origin("lonely.test") + "/only/x").status == 200
    for path in ("/", "/other", "/onlyx"):
        assert browser.get(gateway.origin("lonely.test") + path).status == 404
    other.stop()


def test_an_auth_origin_that_is_a_site_too_does_both(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "both.test", "upstreams": [upstream.base]}], auth_host="both.test")
    browser = Browser(gateway)
    wanted = gateway.origin("both.test") + "/asked?x=1"
    answer = browser.log_in(wanted)
    assert (answer.status, answer.url) == (200, wanted)
    assert dict(answer.json()["headers"])["X-Forwarded-User"] == "zhangsan"


def test_straight_to_the_only_connection(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}],
                           lambda c: c["auth"].update(login_page="redirect"))
    answer = Browser(gateway).go(gateway.origin("wiki.test") + "/")
    assert answer.url.startswith(gateway.simulator.base + "/wwlogin/sso/login?")
    assert all(s.status == 302 or s.hop for s in answer.history[:-1])


# Frames

def test_a_login_inside_a_frame_is_one_button(gateway, browser):
    answer = browser.get(gateway.origin("wiki.test") + "/", headers={"Sec-Fetch-Dest": "iframe"})
    assert answer.status == 302
    page = browser.get(answer.location, headers={"Sec-Fetch-Dest": "iframe"})
    assert page.status == 200 and 'target="_top"' in page.text and not page.frame
    ancestors = re.search(r"frame-ancestors ([^;]*)", page.one("Content-Security-Policy")).group(1).split()
    assert set(ancestors) - {"'self'"} == {gateway.auth, gateway.origin("wiki.test"), gateway.origin("app.test")}


# Waiting for WeCom

def test_two_hundred_logins_at_once_fetch_one_token(make_gateway, upstream, simulator):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    simulator.control("clear-calls")
    simulator.fault("gettoken", delay_ms=300, times=1)

    def one(number):
        answer = Browser(gateway, WECOM).go(f"{gateway.origin('wiki.test')}/n/{number}")
        return answer.status, urlsplit(answer.url).path == f"/n/{number}"

    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(one, range(200))) == {(200, True)}
    counts = simulator.counts()
    assert counts["gettoken"] == 1, counts
    assert counts["auth/getuserinfo"] == 200
