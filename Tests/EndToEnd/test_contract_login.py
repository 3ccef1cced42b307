"""Ways in and out, pages, cookies, identity and upstream trouble."""
import base64
import json
import re
import signal
import socket
import subprocess
import threading
import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from harness.browser import DESKTOP, PHONE, WECOM, Browser
from harness.ports import free_port
from harness.process import Process
from harness.raw import RawConnection
from harness.waiting import wait_for

WECOM_DESKTOP = "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 Safari/537.36 wxwork/4.1.28 (MicroMessenger/6.2) WindowsWechat"
WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"


def query(url):
    return {k: v[0] for k, v in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def policy(answer):
    return {part.split()[0]: part.split()[1:] for part in answer.one("Content-Security-Policy").split(";") if part.strip()}


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([
        {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
         "access": [{"path": "/public/*", "allow": "anyone"}, {"path": "/admin/*", "allow": {"users": ["zhangsan"]}}, {"allow": "members"}],
         "trusted_origins": ["https://portal.test"]},
        {"id": "app", "host": "app.test", "upstreams": [upstream.base]},
    ])


# Ways in

@pytest.mark.parametrize("agent", [WECOM, WECOM_DESKTOP, WECOM.replace("wxwork", "WxWork")])
def test_inside_wecom_nothing_is_shown_but_a_page_that_goes_on_by_itself(gateway, agent):
    answer = Browser(gateway, agent).go(gateway.origin("wiki.test") + "/deep/page?a=1&b=%2F")
    assert answer.status == 200 and answer.url == gateway.origin("wiki.test") + "/deep/page?a=1&b=%2F"
    for step in answer.history[:-1]:
        assert step.status in (302, 303) or step.hop, step.url


def test_the_page_that_goes_on_by_itself_works_with_and_without_scripts(gateway):
    answer = Browser(gateway, WECOM).get(gateway.origin("wiki.test") + "/x")
    page = Browser(gateway, WECOM).get(answer.location)
    if page.status == 200:
        assert re.search(r"<noscript>\s*<meta[^>]*http-equiv=\"refresh\"", page.text), "noscript refresh"
        assert "<script" in page.text and "no-store" in page.one("Cache-Control")
        assert "/.menwei/start/corp?" in page.hop


@pytest.mark.parametrize("agent", [DESKTOP, PHONE, WECHAT, "curl/8", ""])
def test_everybody_else_sees_the_login_page_with_a_link_per_connection(gateway, agent):
    answer = Browser(gateway, agent).go(gateway.origin("wiki.test") + "/x")
    assert answer.status == 200 and answer.url.startswith(gateway.auth + "/.menwei/login")
    assert [link for link in answer.links(r"^/\.menwei/start/corp\?|/\.menwei/start/corp\?")]


def test_the_panel_is_a_plain_frame_as_wecoms_own_script_makes_it(gateway):
    answer = Browser(gateway).go(gateway.origin("wiki.test") + "/x")
    frame = re.search(r"<iframe\b[^>]*\bsrc=[^>]*>", answer.text).group(0)
    assert 'referrerpolicy="origin"' in frame and 'allow="local-network-access"' in frame
    assert urlsplit(gateway.simulator.base).netloc in " ".join(policy(answer)["frame-src"])
    start = Browser(gateway).get(answer.frame, headers={"Sec-Fetch-Dest": "iframe"})
    assert query(start.location).get("redirect_type", "top") == "top" and start.status == 302


def test_a_login_in_a_frame_is_one_button_for_the_top_window(gateway):
    frame = {"Sec-Fetch-Dest": "iframe"}
    browser = Browser(gateway)
    first = browser.get(gateway.origin("wiki.test") + "/x", headers=frame)
    page = browser.get(first.location, headers=frame)
    assert page.status == 200
    assert page.text.count("<iframe") == 0 and len(page.links()) == 1 and 'target="_top"' in page.text
    ancestors = policy(page)["frame-ancestors"]
    assert gateway.origin("wiki.test") in ancestors and gateway.origin("app.test") in ancestors and "https://portal.test" not in ancestors and "*" not in ancestors
    assert page.one("X-Frame-Options") is None


def test_in_a_frame_the_silent_ways_work(gateway):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    frame = {"Sec-Fetch-Dest": "iframe"}
    answer = browser.get(gateway.origin("app.test") + "/inner", headers=frame)
    for _ in range(6):
        if answer.status == 200:
            break
        answer = browser.get(answer.location, headers=frame)
    assert answer.url == gateway.origin("app.test") + "/inner"


def test_with_a_live_session_there_are_only_redirects(gateway):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    answer = browser.go(gateway.origin("app.test") + "/second?x=1")
    assert answer.url == gateway.origin("app.test") + "/second?x=1"
    assert all(step.status in (302, 303) for step in answer.history[:-1])
    assert query(answer.history[2].url).get("ticket")


@pytest.mark.parametrize("agent", [DESKTOP, WECOM])
def test_the_page_at_the_end_of_a_login_that_does_not_succeed_offers_all_ways(gateway, agent):
    for address in (gateway.origin("wiki.test") + "/.menwei/finish?ticket=x&try=2", gateway.auth + "/.menwei/callback/corp?code=x"):
        browser = Browser(gateway, agent)
        if "callback" in address:
            start = browser.get(f"{gateway.auth}/.menwei/start/corp?return={quote(gateway.auth + '/', safe='')}&try=2&via=web")
            browser.cookies.clear()
            address += "&state=" + query(start.location)["state"]
        page = browser.get(address)
        assert page.status == 400
        ways = page.links(r"/\.menwei/start/corp\?")
        assert ways and all(way.startswith(gateway.auth) for way in ways)
        if agent is WECOM:
            assert any("via=web" in way for way in ways)
        assert browser.get(ways[0]).status == 302


def test_straight_means_no_page(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["auth"].update(login_page="redirect"))
    browser = Browser(gateway)
    answer = browser.get(browser.get(gateway.origin("wiki.test") + "/x").location)
    start = browser.get(answer.location or answer.hop)
    assert start.status == 302 and urlsplit(start.location).path == "/wwlogin/sso/login"


def test_two_connections_have_a_button_each_and_accounts_of_their_own(make_gateway, simulator, upstream):
    from harness.gateway import Gateway
    from harness.simulator import SECOND_CORP

    def two(c):
        c["connections"][0]["plain_names"] = True
        c["connections"].append({**Gateway.connection("east", simulator), "corp_id": SECOND_CORP, "name": {"zh": "东区", "en": "East"}, "plain_names": False, "auto_login": False})

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], two)
    page = Browser(gateway).go(gateway.origin("wiki.test") + "/")
    assert "东区" in page.text and len({urlsplit(link).path for link in page.links(r"/\.menwei/start/")}) == 2
    assert "East" in Browser(gateway, language="en").go(gateway.origin("wiki.test") + "/").text
    people = simulator.report("people")
    browser = Browser(gateway)
    answer = browser.log_in(gateway.origin("wiki.test") + "/", connection="east", user="zhangsan")
    if answer.status == 200:
        assert dict(answer.json()["headers"])["X-Forwarded-User"] == "east/zhangsan"
        assert browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()["connection"] == "east"
    else:
        assert people


# Cookies

@pytest.mark.parametrize("value", ["", "x", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "!", "A" * 5000])
def test_a_malformed_try_cookie_counts_as_none(gateway, value):
    answer = Browser(gateway).get(gateway.origin("wiki.test") + "/x", headers={"Cookie": "__Host-menwei-try=" + value})
    assert answer.status == 302 and [c for c in answer.set_cookies if c.startswith("__Host-menwei-try=")]


def test_a_try_cookie_that_is_there_is_kept(gateway):
    browser = Browser(gateway)
    first = browser.get(gateway.origin("wiki.test") + "/x")
    second = browser.get(gateway.origin("wiki.test") + "/y")
    assert not second.set_cookies and query(first.location)["bind"] == query(second.location)["bind"]


def test_a_replaced_cookie_stays_good_for_a_while(gateway):
    browser = Browser(gateway)
    wiki = gateway.origin("wiki.test")
    browser.log_in(wiki + "/")
    old = browser.cookie("wiki.test")
    start = browser.get(f"{gateway.auth}/.menwei/start/corp?return={quote(wiki + '/', safe='')}&via=web")
    browser.go(browser.get(start.location + "&sim_user=zhangsan").location)
    assert browser.cookie("wiki.test") != old
    for value in (old, browser.cookie("wiki.test")):
        assert browser.call(wiki + "/x", headers={"Cookie": "__Host-menwei=" + value}).status == 200


def test_cookies_of_sites_are_host_only_and_of_no_other_site(gateway, upstream):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    answer = browser.call(gateway.origin("app.test") + "/", headers={"Cookie": "__Host-menwei=" + browser.cookie("wiki.test")})
    assert answer.status == 401
    answer = browser.call(gateway.origin("wiki.test") + "/", headers={"Cookie": "__Host-menwei-auth=" + browser.cookie("auth.test", "__Host-menwei-auth")})
    assert answer.status == 401


# Identity

def test_templates_write_as_the_contract_says(make_gateway, simulator, upstream):
    headers = {"X-A": "{account}", "X-Id": "{id}", "X-Name": "{name}", "X-Name64": "{name|base64}", "X-Raw": "{name|raw}", "X-Mail": "{email}", "X-Deps": "{departments}", "X-Groups": "{groups}",
               "X-Conn": "{connection}", "X-Corp": "{corp}", "X-Both": "<{account}> {name}", "X-Mobile": "{mobile}", "X-Tags": "{tags}", "X-Forwarded-Name": None, "Remote-User": "{account}"}
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "identity": {"headers": headers}}],
                           lambda c: c.update(site_defaults={"identity": {"headers": {"X-Default": "{account}", "Remote-User": "{name}"}}, "timeouts": {"response": "9s"}}))
    browser = Browser(gateway)
    answer = browser.log_in(gateway.origin("wiki.test") + "/")
    request = upstream.last()
    me = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    name = me["name"]
    assert any(ord(c) > 127 for c in name), "the directory's name is Chinese"
    assert request.one("X-A") == request.one("Remote-User") == request.one("X-Default") == request.one("X-Forwarded-User") == request.one("X-Forwarded-Preferred-Username") == "zhangsan"
    assert request.one("X-Name") == quote(name, safe="")
    assert request.one("X-Name64") == base64.b64encode(name.encode()).decode()
    assert request.one("X-Raw").encode("latin-1") == name.encode()
    assert request.one("X-Both") == "<zhangsan> " + quote(name, safe="")
    assert request.one("X-Forwarded-Name") is None, "null removes a default"
    assert request.one("X-Conn") == "corp" and request.one("X-Corp") == me["corp"] and request.one("X-Id")
    deps = [str(d) for d in me["departments"]]
    assert deps and request.one("X-Deps") == ",".join(deps)
    assert request.one("X-Groups") == request.one("X-Forwarded-Groups") == ",".join(f"department:{d}" for d in deps)
    assert request.one("X-Tags") is None
    assert (request.one("X-Forwarded-Email") is None) == (not me["email"])
    assert answer.status == 200


def claims(token):
    head, body, _ = token.split(".")
    decode = lambda part: json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decode(head), decode(body)


def test_the_assertion_has_the_claims_of_the_contract(gateway, upstream):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/x")
    head, body = claims(upstream.last().one("X-Menwei-Assertion"))
    keys = browser.call(gateway.origin("wiki.test") + "/.menwei/jwks.json").json()["keys"]
    assert head == {"alg": "ES256", "typ": "JWT", "kid": keys[0]["kid"]} or set(head) == {"alg", "typ", "kid"}
    assert {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "auth_time", "amr", "connection", "corp", "user", "name", "departments"} <= set(body)
    assert body["iss"] == gateway.auth and body["aud"] == gateway.origin("wiki.test") and body["sub"] == "zhangsan" and body["amr"] == ["wecom"]
    assert body["exp"] - body["iat"] == 120 and "truncated" not in body
    me = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    for claim in ("sub", "connection", "corp", "user", "name", "departments", "sid", "amr", "auth_time"):
        assert me[claim] == body[claim], claim


def test_the_audience_of_a_path_site_has_its_path(make_gateway, upstream):
    gateway = make_gateway([{"id": "docs", "host": "paths.test", "path": "/docs", "upstreams": [upstream.base]}])
    assert Browser(gateway).log_in(gateway.origin("paths.test") + "/docs/x").status == 200
    _, body = claims(upstream.last().one("X-Menwei-Assertion"))
    assert body["aud"] == gateway.origin("paths.test") + "/docs" and upstream.last().target == "/docs/x"


def test_an_open_rule_identifies_who_has_a_session(gateway, upstream):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/")
    assert browser.call(gateway.origin("wiki.test") + "/public/x").status == 200
    assert upstream.last().one("X-Forwarded-User") == "zhangsan" and upstream.last().one("X-Menwei-Assertion")
    assert Browser(gateway).call(gateway.origin("wiki.test") + "/public/x").status == 200
    assert upstream.last().one("X-Forwarded-User") is None and upstream.last().one("X-Menwei-Assertion") is None


def test_what_is_taken_out_of_answers(gateway, upstream):
    upstream.script("/public/out", lambda e: (e.read_body(), e.respond(200, [
        ("Set-Cookie", "__Host-menwei=x; Secure; Path=/"), ("Set-Cookie", "__host-menwei-auth=x"), ("Set-Cookie", "a=b"), ("X-Menwei-Foo", "1"), ("Alt-Svc", 'h3=":443"'),
        ("Clear-Site-Data", '"cookies"'), ("Keep-Alive", "timeout=5"), ("X-Request-Id", "theirs"), ("Server", "app")], b"x")))
    answer = Browser(gateway).call(gateway.origin("wiki.test") + "/public/out")
    assert answer.all("Set-Cookie") == ["a=b"] and answer.one("Alt-Svc") is None and answer.one("Clear-Site-Data") is None and answer.one("X-Menwei-Foo") is None
    assert answer.one("Keep-Alive") is None and answer.one("Server") == "app" and answer.one("X-Request-Id") != "theirs"


def test_answers_that_name_the_upstream_name_the_site(make_gateway, upstream):
    gateway = make_gateway([
        {"id": "up", "host": "up.test", "upstream": upstream.base, "host_header": "upstream", "access": [{"allow": "anyone"}]},
        {"id": "lit", "host": "lit.test", "upstream": upstream.base, "host_header": "legacy.internal", "access": [{"allow": "anyone"}]},
        {"id": "keep", "host": "keep.test", "upstream": upstream.base, "access": [{"allow": "anyone"}]},
    ])
    own = upstream.base.removeprefix("http://")
    for host, name in (("up.test", own), ("lit.test", "legacy.internal"), ("keep.test", None)):
        sent = name or "legacy.internal"
        upstream.script("/moved", lambda e: (e.read_body(), e.respond(302, [
            ("Location", f"http://{sent}/next?a=b"), ("Set-Cookie", f"a=b; Domain={sent.split(':')[0]}; Path=/"), ("Set-Cookie", "c=d")])))
        answer = Browser(gateway).call(gateway.origin(host) + "/moved")
        if name:
            assert answer.one("Location") == gateway.origin(host) + "/next?a=b"
            assert answer.all("Set-Cookie") == [f"a=b; Domain={host}; Path=/", "c=d"]
        else:
            assert answer.one("Location") == "http://legacy.internal/next?a=b" and "Domain=legacy.internal" in answer.all("Set-Cookie")[0]


@pytest.mark.parametrize("fields, challenge", [({"Authorization": "NTLM TlRMTVNTUAAB"}, None), ({"Authorization": "negotiate YII="}, None), ({}, "NTLM"), ({}, 'Basic realm="x", Negotiate')])
def test_a_connection_that_logs_somebody_in_serves_nobody_else(gateway, upstream, fields, challenge):
    def answer(exchange):
        exchange.read_body()
        exchange.respond(401 if challenge else 200, [("WWW-Authenticate", challenge)] if challenge else [])

    upstream.script("/public/login", answer)
    for _ in range(6):
        Browser(gateway).call(gateway.origin("wiki.test") + "/public/login", headers=fields)
    numbers = [request.connection_number for request in upstream.requests]
    assert len(numbers) == 6 == len(set(numbers)), numbers


# WebSockets

SOCKET = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


@pytest.mark.parametrize("origin, status", [(None, 101), ("wiki", 101), ("https://portal.test", 101), ("https://evil.test", 403), ("null", 403), ("app", 403)])
def test_the_origin_of_a_websocket(gateway, upstream, member, origin, status):
    if origin in ("wiki", "app"):
        origin = gateway.origin(origin + ".test")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        line = f"Origin: {origin}\r\n" if origin else ""
        raw.send(f"GET /ws HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: __Host-menwei={member.cookie('wiki.test')}\r\n{SOCKET}{line}\r\n".encode())
        answer = raw.response()
        assert answer.status == status
        if status == 403:
            assert json.loads(answer.body)["type"] == "urn:menwei:denied"


# Upstream trouble

@pytest.mark.parametrize("navigation", [True, False])
def test_a_dead_upstream_is_a_502_and_a_slow_one_a_504(make_gateway, upstream, navigation):
    dead = free_port()
    gateway = make_gateway([
        {"id": "dead", "host": "dead.test", "upstreams": [f"http://127.0.0.1:{dead}"], "access": [{"allow": "anyone"}]},
        {"id": "slow", "host": "slow.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "timeouts": {"response": "1s"}},
        {"id": "broken", "host": "broken.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]},
        {"id": "hole", "host": "hole.test", "upstreams": ["http://192.0.2.1:80"], "access": [{"allow": "anyone"}], "timeouts": {"connect": "1s"}},
        {"id": "nowhere", "host": "nowhere.test", "upstreams": ["http://no-such-host.invalid:80"], "access": [{"allow": "anyone"}], "timeouts": {"connect": "1s"}},
    ])
    over = threading.Event()
    upstream.script("/slow", lambda e: over.wait(60))
    upstream.script("/broken", lambda e: (e.send(b"garbage\r\n\r\n"), e.close()))
    for host, path, statuses in (("dead.test", "/", (502,)), ("slow.test", "/slow", (504,)), ("broken.test", "/broken", (502,)), ("hole.test", "/", (502, 504)), ("nowhere.test", "/", (502, 504))):
        answer = Browser(gateway).request("GET", gateway.origin(host) + path, navigation=navigation)
        assert answer.status in statuses, (host, answer.status)
        if navigation:
            assert answer.one("Content-Type").startswith("text/html") and answer.one("X-Request-Id") in answer.text
        else:
            assert answer.json()["type"] == "urn:menwei:upstream"
    over.set()
    healthy = {re.search(r'site="(\w+)"', name).group(1): value for name, value in gateway.metrics().items() if name.startswith("menwei_upstream_healthy")}
    assert healthy["dead"] == 0 and healthy["slow"] == 1, healthy


# Processes

def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
        return False
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it was in the listener's queue when that was closed
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(make_gateway, upstream, number):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    began, go_on = threading.Event(), threading.Event()

    def slow(exchange):
        began.set()
        go_on.wait(60)
        exchange.respond(200, body=b"whole")

    upstream.script("/slow", slow)
    idle, ws, raw = (RawConnection(gateway.port, "wiki.test", ca=gateway.ca) for _ in range(3))
    h2 = RawConnection(gateway.port, "wiki.test", ca=gateway.ca, alpn=("h2",))
    with idle, ws, raw, h2:
        ws.send(f"GET /ws HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n{SOCKET}\r\n".encode())
        assert ws.response().status == 101
        idle.send(f"GET /x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
        assert idle.response().status == 200
        h2.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        h2.receive()
        raw.send(f"GET /slow HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
        assert began.wait(60)
        gateway.process.signal(number)
        wait_for(lambda: is_refused(gateway.port), what="new connections are refused")
        assert gateway.process.is_running
        assert idle.is_closed(), "a kept connection without work is closed"
        assert ws.everything()[-4:] == b"\x88\x02\x03\xe9", "a WebSocket is told 1001"
        frames = h2.everything()
        assert b"\x07\x00\x00\x00\x00\x00" in frames, "GOAWAY"
        go_on.set()
        answer = raw.response()
        assert answer.status == 200 and answer.body == b"whole" and (answer.one("Connection") or "").lower() == "close"
    assert gateway.process.wait() == 0


def test_the_demo_prints_what_to_open_and_what_to_try(binary):
    port = free_port()
    process = Process([binary, "demo", "--port", str(port)], "demo")
    try:
        wait_for(lambda: any("curl" in line for line in process.out) and any("401" in line or "session" in line for line in process.out), what="the demo's text")
        text = "\n".join(process.out)
        assert f"https://wiki.localhost:{port}" in text and text.count("curl ") >= 2
        commands = [line.strip() for line in process.out if line.strip().startswith("curl ")]
        for command in commands:
            assert subprocess.run(["sh", "-c", command.replace("curl ", f"curl --noproxy '*' --resolve wiki.localhost:{port}:127.0.0.1 --resolve auth.localhost:{port}:127.0.0.1 -s ", 1)],
                                  capture_output=True, timeout=120).returncode == 0, command
        silent = subprocess.run(["sh", "-c", commands[0].replace("curl ", f"curl --noproxy '*' --resolve wiki.localhost:{port}:127.0.0.1 --resolve auth.localhost:{port}:127.0.0.1 -s -w '%{{http_code}}' ", 1)],
                                capture_output=True, text=True, timeout=120).stdout
        assert silent.endswith("200"), silent[-300:]
        call = subprocess.run(["sh", "-c", commands[1].replace("curl ", f"curl --noproxy '*' --resolve wiki.localhost:{port}:127.0.0.1 --resolve auth.localhost:{port}:127.0.0.1 -s ", 1)],
                              capture_output=True, text=True, timeout=120).stdout
        assert re.search(r"^HTTP/\S+ 401", call) and "login_url" in call
    finally:
        process.stop()
