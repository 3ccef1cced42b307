"""What clients receive: order of the checks, problems, the gateway's own paths, records."""
import json
import os
import re
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from harness.browser import DESKTOP, NAVIGATION, PHONE, WECOM, Browser
from harness.raw import RawConnection
from harness.waiting import wait_for

OWNERSHIP = "WW_verify_YpAqDE4xoAPsmGSK.txt"
MP = "MP_verify_ABCDEFGHIJ012345.txt"


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([
        {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "request_body_limit": "1KiB",
         "access": [{"path": "/public/*", "allow": "anyone"}, {"path": "/admin/*", "allow": {"users": ["zhangsan"]}}, {"allow": "members"}]},
        {"id": "docs", "host": "paths.test", "path": "/docs", "upstreams": [upstream.base], "access": [{"allow": "members"}]},
        {"id": "crm", "host": "paths.test", "path": "/crm", "upstreams": [upstream.base], "access": [{"allow": "members"}], "request_body_limit": 0},
    ], lambda c: c["auth"].update(ownership_files=[OWNERSHIP, MP]))


def raw(gateway, text, host="wiki.test"):
    with RawConnection(gateway.port, host, ca=gateway.ca) as connection:
        connection.send(text if isinstance(text, bytes) else text.encode("latin-1"))
        method = (text if isinstance(text, bytes) else text.encode("latin-1")).split(b" ")[0].decode("latin-1")
        answer = connection.response(method)
        answer.closed = (answer.one("Connection") or "").lower() == "close"
        return answer


def ask(gateway, path, *fields, method="GET", host="wiki.test", body="", authority=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority or host + ':' + str(gateway.port)}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return raw(gateway, "\r\n".join(lines) + "\r\n\r\n" + body, host)


def problem(answer, status, kind):
    assert answer.status == status, (answer.status, answer.body[:300])
    assert answer.one("Content-Type") == "application/problem+json"
    value = json.loads(answer.body)
    assert value["type"] == "urn:menwei:" + kind and value["status"] == status
    assert isinstance(value["title"], str) and value["title"] and isinstance(value["detail"], str) and value["detail"]
    assert value["request_id"] == answer.one("X-Request-Id")
    assert ("login_url" in value) == (status == 401)
    return value


def query(url):
    return {k: v[0] for k, v in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


# The order

def test_a_malformed_message_goes_before_all(gateway, upstream):
    for head in ("GET / HTTP/1.1\r\nHost: unknown.test\r\nBad Name: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: unknown.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                 "GET / HTTP/1.1\r\n\r\n", f"GET /{'a' * 17000} HTTP/1.1\r\nHost: unknown.test\r\nTransfer-Encoding: x\r\nContent-Length: 3\r\n\r\n"):
        answer = raw(gateway, head)
        assert answer.status in (400, 414) and answer.closed, head[:80]
    answer = raw(gateway, "GET / HTTP/1.1\r\nHost: unknown.test\r\nBad Name: x\r\n\r\n")
    problem(answer, 400, "malformed")
    assert not upstream.requests


def test_a_head_over_its_limits_goes_before_the_authority(gateway, upstream):
    problem(raw(gateway, "GET / HTTP/1.1\r\nHost: unknown.test\r\nX-A: " + "a" * 33000 + "\r\n\r\n"), 431, "malformed")
    problem(raw(gateway, "GET / HTTP/1.1\r\nHost: unknown.test\r\n" + "".join(f"X-{i}: 1\r\n" for i in range(200)) + "\r\n"), 431, "malformed")
    answer = raw(gateway, "GET /public/x HTTP/1.1\r\nHost: wiki.test:%d\r\n" % gateway.port + "".join(f"X-{i}: 1\r\n" for i in range(199)) + "\r\n")
    assert answer.status == 200, "200 fields are fine"
    problem(raw(gateway, f"GET /{'a' * 17000} HTTP/1.1\r\nHost: unknown.test\r\n\r\n"), 414, "malformed")


def test_the_authority_goes_before_the_path(gateway, upstream):
    problem(ask(gateway, "/../x", authority="unknown.test"), 421, "no-such-site")
    problem(ask(gateway, "/../" + OWNERSHIP), 400, "malformed")
    assert not upstream.requests


def test_the_path_goes_before_own_paths_and_sites(gateway):
    problem(ask(gateway, "/.menwei/%2e%2e/me"), 400, "malformed")
    problem(ask(gateway, "/nowhere/%00", host="paths.test"), 400, "malformed")
    problem(ask(gateway, "/nowhere", host="paths.test"), 404, "no-such-site")
    problem(ask(gateway, "/nowhere", host="auth.test"), 404, "no-such-site")


def test_no_site_goes_before_preflight_and_session(gateway, upstream):
    fields = ("Origin: https://x.test", "Access-Control-Request-Method: PUT")
    problem(ask(gateway, "/nowhere", *fields, method="OPTIONS", host="paths.test"), 404, "no-such-site")
    assert ask(gateway, "/docs/x", *fields, method="OPTIONS", host="paths.test").status == 200
    assert upstream.last().method == "OPTIONS"


def test_the_login_goes_before_the_length_of_the_body(gateway, member, upstream):
    body = "x" * 2000
    problem(ask(gateway, "/x", "Content-Type: text/x", method="POST", body=body), 401, "login-required")
    problem(ask(gateway, "/x", f"Cookie: __Host-menwei={member.cookie('wiki.test')}", method="POST", body=body), 413, "too-large")
    problem(ask(gateway, "/public/x", method="POST", body=body), 413, "too-large")
    assert not upstream.requests
    assert ask(gateway, "/public/x", method="POST", body="x" * 1024).status == 200


def test_a_limit_of_nothing_is_none(gateway, upstream):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("paths.test") + "/crm/")
    answer = browser.call(gateway.origin("paths.test") + "/crm/up", method="POST", body=b"x" * 3_000_000)
    assert answer.status == 200 and answer.json()["length"] == 3_000_000


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_connect_and_trace_are_405_whoever_asks(gateway, upstream, method):
    target = "/public/x" if method == "TRACE" else "wiki.test:443"
    problem(ask(gateway, target, method=method), 405, "malformed")
    assert not upstream.requests


def test_a_chunked_body_over_the_limit_is_413(gateway, upstream):
    chunks = "".join("200\r\n" + "x" * 512 + "\r\n" for _ in range(8)) + "0\r\n\r\n"
    answer = raw(gateway, f"POST /public/x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
    problem(answer, 413, "too-large")


# Problems

def test_problems_have_their_types(gateway, member):
    other = Browser(gateway)
    other.log_in(gateway.origin("wiki.test") + "/", "lisi")
    problem(ask(gateway, "/x"), 401, "login-required")
    problem(ask(gateway, "/admin", f"Cookie: __Host-menwei={other.cookie('wiki.test')}"), 403, "denied")
    problem(ask(gateway, "/.menwei/nothing"), 404, "no-such-site")
    problem(ask(gateway, "/.menwei/login", method="DELETE"), 405, "malformed")


def test_login_url_is_the_sites_login_with_its_path(gateway):
    value = problem(ask(gateway, "/crm/api", host="paths.test"), 401, "login-required")
    origin = gateway.origin("paths.test")
    assert value["login_url"].split("?")[0] == origin + "/.menwei/login"
    assert query(value["login_url"])["return"] == origin + "/crm"
    value = problem(ask(gateway, "/crm/api", f"Referer: {origin}/crm/board?x=1#f", host="paths.test"), 401, "login-required")
    assert query(value["login_url"])["return"].startswith(origin + "/crm/board?x=1")
    for other in ("/docs/board", "/crmx", "/.menwei/me", "/crm/../docs"):
        value = problem(ask(gateway, "/crm/api", f"Referer: {origin}{other}", host="paths.test"), 401, "login-required")
        assert query(value["login_url"])["return"] == origin + "/crm", other


def test_a_person_gets_pages_in_their_language_with_the_request_id(gateway):
    for language, tag in (("zh-CN,zh;q=0.9,en;q=0.1", "zh"), ("en-US,en;q=0.9", "en"), ("en;q=0.2, zh;q=0.8", "zh"), ("fr, en;q=0.5", "en"), (None, "zh")):
        for path, host, status in (("/nowhere", "paths.test", 404), ("/%2e", "wiki.test", 400)):
            answer = Browser(gateway, language=language).get(gateway.origin(host) + path)
            assert answer.status == status and answer.one("Content-Type").startswith("text/html")
            assert f'<html lang="{tag}' in answer.text, language
            assert answer.one("X-Request-Id") in answer.text
            assert "frame-ancestors 'none'" in answer.one("Content-Security-Policy")
            assert "no-store" in answer.one("Cache-Control")


def test_a_person_at_an_unknown_host_gets_a_page(gateway):
    answer = Browser(gateway).get(gateway.origin("wiki.test") + "/", headers={"Host": "unknown.test"})
    assert answer.status == 421 and answer.one("Content-Type").startswith("text/html")
    # Nothing else is served there: the page brings its style along, and its policy knows it.
    style = re.search(r"<style>(.*?)</style>", answer.body.decode(), re.S).group(1)
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in answer.one("Content-Security-Policy")
    assert "/.menwei/" not in answer.body.decode()


# The first answer to who has no session

def test_a_target_that_begins_with_two_slashes_is_come_back_to(gateway):
    answer = Browser(gateway).get(gateway.origin("wiki.test") + "//a/b?x=1")
    assert answer.status == 302 and query(answer.location)["return"] in (gateway.origin("wiki.test") + "//a/b?x=1", gateway.origin("wiki.test") + "/a/b?x=1")


def test_max_age_goes_on_to_the_origin_of_the_return_address(gateway):
    there = gateway.origin("paths.test") + "/docs/x"
    answer = Browser(gateway).get(gateway.origin("wiki.test") + "/.menwei/login?max_age=0&return=" + quote(there, safe=""))
    assert answer.status == 302 and query(answer.location)["max_age"] == "0" and query(answer.location)["return"] == there


def test_a_navigation_without_a_session_is_one_redirect(gateway):
    answer = Browser(gateway).get(gateway.origin("wiki.test") + "/a//b?x=%2F&y=1")
    assert answer.status == 302 and answer.one("Cache-Control") == "no-store"
    at = urlsplit(answer.location)
    assert f"https://{at.netloc}{at.path}" == gateway.auth + "/.menwei/login"
    fields = query(answer.location)
    assert set(fields) == {"return", "bind"} and re.match(r"^[0-9a-f]{64}$", fields["bind"])
    assert fields["return"] in (gateway.origin("wiki.test") + "/a//b?x=%2F&y=1", gateway.origin("wiki.test") + "/a/b?x=%2F&y=1")
    cookie, = answer.set_cookies
    import hashlib
    assert cookie.startswith("__Host-menwei-try=")
    assert hashlib.sha256(cookie.split("=", 1)[1].split(";")[0].encode()).hexdigest() == fields["bind"]


def test_a_head_is_a_navigation_too(gateway):
    answer = ask(gateway, "/x", "Accept: text/html", method="HEAD")
    assert answer.status == 302 and "/.menwei/login" in answer.one("Location")


@pytest.mark.parametrize("fields, status", [
    (["Accept: text/html"], 302), (["Accept: */*"], 401), ([], 401), (["Accept: text/html", "X-Requested-With: XMLHttpRequest"], 401),
    (["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: */*"], 302), (["Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: text/html"], 401),
    (["Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script", "Accept: text/html"], 401), (["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"], 302),
    (["Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "X-Requested-With: XMLHttpRequest"], 302),
    (["Accept: text/html", "Upgrade: websocket"], 401), (["Accept: text/html", "Content-Type: application/grpc+proto"], 401), (["Accept: text/html", "Content-Type: application/grpc-web"], 401),
    (["Accept: application/xhtml+xml, text/html;q=0.5"], 302), (["Accept: text/htmlx"], 401),
])
def test_who_is_asking_is_read_in_the_contracts_order(gateway, fields, status):
    answer = ask(gateway, "/x", *fields)
    assert answer.status == status, fields
    if status == 401:
        assert not answer.all("Set-Cookie")


# The gateway's own paths

@pytest.mark.parametrize("host", ["wiki.test", "paths.test", "auth.test"])
def test_paths_of_every_origin(gateway, host):
    keys = ask(gateway, "/.menwei/jwks.json", host=host)
    assert keys.status == 200 and keys.one("Cache-Control") == "public, max-age=300" and keys.one("Content-Type") in ("application/json", "application/jwk-set+json")
    key = json.loads(keys.body)["keys"][0]
    assert key["kty"] == "EC" and key["crv"] == "P-256" and key["kid"] and "d" not in key
    me = ask(gateway, "/.menwei/me", host=host)
    value = problem(me, 401, "login-required")
    assert "no-store" in me.one("Cache-Control") and me.one("Access-Control-Allow-Origin") is None
    assert ask(gateway, "/.menwei/logout", "Accept: text/html", host=host).status == 200
    login = ask(gateway, "/.menwei/login", "Accept: text/html", host=host)
    assert login.status == (200 if host == "auth.test" else 302)
    for name, body in ((OWNERSHIP, b"YpAqDE4xoAPsmGSK"), (MP, b"ABCDEFGHIJ012345")):
        file = ask(gateway, "/" + name, host=host)
        assert file.status == 200 and file.body == body and file.one("Content-Type").split(";")[0] == "text/plain"
        head = ask(gateway, "/" + name, host=host, method="HEAD")
        assert head.status == 200 and head.one("Content-Length") == "16"
        assert ask(gateway, "/" + name, host=host, method="POST").status == 405


@pytest.mark.parametrize("path, methods", [
    ("/.menwei/login", "GET"), ("/.menwei/home", "GET"), ("/.menwei/me", "GET"), ("/.menwei/jwks.json", "GET"), ("/.menwei/finish", "GET"), ("/.menwei/logout", "GET POST"),
])
def test_wrong_methods_of_sites_are_405(gateway, path, methods):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
        if method not in methods:
            answer = ask(gateway, path, method=method)
            assert answer.status == 405 and set(methods.split()) <= set(re.split(r", *", answer.one("Allow"))), (method, answer.status)


@pytest.mark.parametrize("path", [
    "/.menwei", "/.menwei/", "/.menwei/bind", "/.menwei/scan", "/.menwei/scan?return=x", "/.menwei/scan/A", "/.menwei/scan/A/wait", "/.menwei/forward-auth",
    "/.menwei/events/corp", "/.menwei/admin", "/.menwei/admin/", "/.menwei/admin/x", "/.menwei/login/", "/.menwei/login/x", "/.menwei/LOGIN", "/.menwei/start",
    "/.menwei/start/", "/.menwei/start/corp/x", "/.menwei/start/none", "/.menwei/callback", "/.menwei/callback/none", "/.menwei/assets", "/.menwei/assets/", "/.menwei/assets/x.css",
])
def test_unknown_own_paths_are_404_for_every_method(gateway, upstream, path):
    for host in ("wiki.test", "auth.test", "paths.test"):
        for method in ("GET", "POST", "HEAD"):
            assert ask(gateway, path, host=host, method=method).status == 404, (host, method)
    assert not upstream.requests


@pytest.mark.parametrize("host, path", [("wiki.test", "/.menwei/%ff"), ("wiki.test", "/.menwei/me%c0%ae"), ("auth.test", "/%ff"), ("auth.test", "/.menwei/%ff")])
def test_what_is_no_utf_8_is_400_before_anything_is_looked_for(gateway, host, path):
    assert ask(gateway, path, host=host).status == 400


def test_own_names_are_compared_decoded_once(gateway):
    assert ask(gateway, "/.menwei/%6d%65").status == 401
    assert ask(gateway, "/%2emenwei/jwks.json").status == 200
    assert ask(gateway, "/.menwei/jwks%252ejson").status == 404


def test_home_leads_to_the_sites_path(gateway):
    origin = gateway.origin("wiki.test")
    browser = Browser(gateway)
    answer = browser.log_in(origin + "/.menwei/home")
    assert answer.url == origin + "/" and answer.status == 200
    assert browser.get(origin + "/.menwei/home").location == origin + "/"
    assert ask(gateway, "/.menwei/home", host="auth.test").status == 404


def test_me_says_who_one_is_at_every_origin(gateway, member):
    for host in ("wiki.test", "auth.test"):
        answer = member.call(gateway.origin(host) + "/.menwei/me")
        assert answer.status == 200 and answer.one("Content-Type") == "application/json" and "no-store" in answer.one("Cache-Control")
        me = answer.json()
        assert me["sub"] == "zhangsan" and me["connection"] == "corp" and me["user"] == "zhangsan" and me["corp"].startswith("ww")
        assert me["amr"] == ["wecom"] and isinstance(me["auth_time"], int) and isinstance(me["departments"], list) and isinstance(me["tags"], list)
        assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", me["expires"]) and isinstance(me["sid"], str)
        assert member.cookie("wiki.test") not in answer.text
    assert member.call(gateway.origin("paths.test") + "/.menwei/me").status == 401


def test_the_first_page_of_the_auth_origin_says_who_one_is(gateway, member):
    assert Browser(gateway).get(gateway.auth + "/").status == 200
    page = member.get(gateway.auth + "/")
    assert page.status == 200 and "zhangsan" in page.text
    assert ask(gateway, "/", host="auth.test", method="POST").status == 405


@pytest.mark.parametrize("to", ["https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)", "http://wiki.test/", "https://wiki.test.evil.test/", "https://u@wiki.test/", "/.menwei/logout", "/a b",
                                "/%2emenwei/me"])
def test_what_is_no_return_address_becomes_the_root(gateway, to):
    answer = Browser(gateway).get(gateway.origin("wiki.test") + "/.menwei/login?return=" + quote(to, safe=""))
    assert answer.status == 302 and query(answer.location)["return"] == gateway.origin("wiki.test") + "/"


def test_home_is_a_return_address(gateway):
    home = gateway.origin("wiki.test") + "/.menwei/home"
    assert query(Browser(gateway).get(gateway.origin("wiki.test") + "/.menwei/login?return=" + quote(home, safe="")).location)["return"] == home


def test_a_start_is_a_redirect_to_wecom_with_the_parameters_of_its_protocol(gateway):
    back = quote(gateway.origin("wiki.test") + "/", safe="")
    for agent, via, is_app in ((WECOM, "", True), (DESKTOP, "", False), (PHONE, "", False), (DESKTOP, "&via=app", True), (WECOM, "&via=web", False)):
        answer = Browser(gateway, agent).get(f"{gateway.auth}/.menwei/start/corp?return={back}{via}")
        assert answer.status == 302
        at, fields = urlsplit(answer.location), query(answer.location)
        assert re.match(r"^[a-zA-Z0-9]{32,64}$", fields["state"])
        assert fields["redirect_uri"] == gateway.auth + "/.menwei/callback/corp"
        assert quote(fields["redirect_uri"], safe="") in answer.location, "encoded once"
        assert fields["appid"] == "ww0123456789abcdef" and fields["agentid"] == "1000002"
        if is_app:
            assert at.path == "/connect/oauth2/authorize" and at.fragment == "wechat_redirect" and answer.location.endswith("#wechat_redirect")
            assert fields["response_type"] == "code" and fields["scope"] == "snsapi_base"
            assert [p.split("=")[0] for p in at.query.split("&")] == ["appid", "redirect_uri", "response_type", "scope", "state", "agentid"]
        else:
            assert at.path == "/wwlogin/sso/login" and fields["login_type"] == "CorpApp" and fields["lang"] in ("zh", "en") and not at.fragment


def test_max_age_makes_an_older_login_none(gateway):
    browser = Browser(gateway)
    origin = gateway.origin("wiki.test")
    browser.log_in(origin + "/")
    time.sleep(1.1)
    back = quote(origin + "/x", safe="")
    assert browser.go(f"{origin}/.menwei/login?return={back}&max_age=1000").url == origin + "/x"
    answer = browser.go(f"{origin}/.menwei/login?return={back}&max_age=0")
    assert "/.menwei/login" in answer.url and answer.status == 200, "the login page again"


def test_logout_at_the_site_ends_it_everywhere_and_does_not_log_in_again(gateway):
    browser = Browser(gateway)
    origin = gateway.origin("wiki.test")
    browser.log_in(origin + "/")
    page = browser.get(origin + "/.menwei/logout")
    assert page.status == 200 and "<form" in page.text and browser.call(origin + "/.menwei/me").status == 200, "GET only asks"
    assert browser.request("POST", origin + "/.menwei/logout", headers={"Origin": "https://evil.test"}, body=b"").status == 403
    assert browser.request("POST", origin + "/.menwei/logout", headers={"Sec-Fetch-Site": None}, body=b"").status == 403
    assert browser.request("POST", origin + "/.menwei/logout", headers={"Sec-Fetch-Site": "cross-site"}, body=b"").status == 403
    answer = browser.follow(browser.request("POST", origin + "/.menwei/logout", headers={"Sec-Fetch-Site": "same-origin"}, body=b""))
    assert answer.status == 200 and "/.menwei/login" not in answer.url and answer.hop is None
    assert browser.call(origin + "/.menwei/me").status == 401 and browser.call(gateway.auth + "/.menwei/me").status == 401


# Records and operations

FIELDS = ("time request_id site host method path status decision rule account sid client user_agent protocol bytes_in bytes_out duration_ms upstream upstream_ms").split()


def test_an_access_record_has_the_fields_of_the_contract(gateway, member):
    answer = member.call(gateway.origin("wiki.test") + "/rec?secret=1", method="POST", body=b"four")
    record = gateway.record("access", request_id=answer.one("X-Request-Id"))
    assert set(FIELDS) | {"event"} == set(record), set(FIELDS) ^ set(record)
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", record["time"])
    assert record["site"] == "wiki" and record["path"] == "/rec" and record["status"] == 200 and record["decision"] == "allow" and record["account"] == "zhangsan"
    assert record["bytes_in"] == 4 and record["bytes_out"] == len(answer.body) and record["client"] == "127.0.0.1" and record["method"] == "POST"
    assert record["host"] == f"wiki.test:{gateway.port}" and record["duration_ms"] >= record["upstream_ms"] >= 0 and record["upstream"]


@pytest.mark.parametrize("path, host, decision", [
    ("/public/x", "wiki.test", "anyone"), ("/x", "wiki.test", "login"), ("/.menwei/me", "wiki.test", "own"), ("/%00", "wiki.test", "refused"), ("/nowhere", "paths.test", "refused"),
    ("/" + OWNERSHIP, "wiki.test", "own"),
])
def test_decisions_are_the_words_of_the_contract(gateway, path, host, decision):
    answer = ask(gateway, path, host=host)
    assert gateway.record("access", request_id=answer.one("X-Request-Id"))["decision"] == decision


def test_a_denied_request_is_recorded_twice(gateway):
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/", "lisi")
    answer = browser.call(gateway.origin("wiki.test") + "/admin/x")
    assert gateway.record("access", request_id=answer.one("X-Request-Id"))["decision"] == "deny"
    assert gateway.record("denied", account="lisi")["client"] == "127.0.0.1"
    login = gateway.record("login", account="lisi")
    assert login["connection"] == "corp" and login["result"] and login["sid"]


def test_metrics_have_the_names_of_the_contract(gateway, member):
    status, kind, text = gateway.operations("/metrics")
    assert status == 200 and kind.startswith("text/plain")
    samples = gateway.metrics()
    for pattern in (r'menwei_requests_total\{site="wiki",code="\d+",decision="\w+"\}', r'menwei_request_duration_seconds_bucket\{.*le="\+Inf"\}', r"menwei_request_duration_seconds_sum",
                    r"menwei_request_duration_seconds_count", r"menwei_connections", r'menwei_logins_total\{connection="corp",result="\w+"\}',
                    r'menwei_wecom_calls_total\{api="auth/getuserinfo",errcode="0"\}', r'menwei_upstream_healthy\{site="wiki",upstream="[^"]+"\}', r"menwei_config_loaded_timestamp_seconds",
                    r'menwei_certificate_expiry_timestamp_seconds\{name="[^"]+"\}', r"menwei_records_dropped_total", r"menwei_build_info\{.*version=.*\}"):
        assert any(re.fullmatch(pattern + r"(\{.*\})?", name) for name in samples), pattern
    wait_for(lambda: gateway.metrics().get("menwei_sessions", 0) >= 1, what="menwei_sessions", every=0.2)


def test_health_and_readiness(gateway):
    assert gateway.operations("/healthz")[0] == 200
    status, kind, text = gateway.operations("/readyz")
    assert status == 200 and kind == "application/json" and json.loads(text) == {"status": "ready", "listeners": "ok", "store": "ok", "keys": "ok"}
    assert gateway.operations("/nothing")[0] == 404 and gateway.operations("/metrics", "POST")[0] == 405


def test_many_may_ask_at_once_whether_it_is_ready(gateway):
    with ThreadPoolExecutor(16) as pool:
        assert {status for status, _, _ in pool.map(lambda _: gateway.operations("/readyz"), range(400))} == {200}


# The session store

@pytest.fixture
def lonely(make_gateway, upstream):
    return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
                          "access": [{"path": "/public/*", "allow": "anyone"}, {"allow": "members"}]}],
                        lambda c: c["auth"].update(ownership_files=[OWNERSHIP]))


def test_while_the_store_is_unreachable_whoever_shows_a_session_is_refused(lonely, upstream):
    origin = lonely.origin("wiki.test")
    browser = Browser(lonely)
    assert browser.log_in(origin + "/").status == 200
    assert browser.call(origin + "/x").status == 200
    store = lonely.folder / "menwei.db"
    os.rename(store, lonely.folder / "away.db")
    try:
        # Every worker hears of it within a second.
        wait_for(lambda: {browser.call(origin + "/x").status for _ in range(8)} == {503}, what="the store's absence")
        answer = browser.call(origin + "/x")
        upstream.clear()
        value = problem(answer, 503, "store-down")
        assert int(answer.one("Retry-After")) > 0 and not answer.set_cookies
        page = browser.get(origin + "/x")
        assert page.status == 503 and page.one("Content-Type").startswith("text/html") and page.one("Retry-After")
        stranger = Browser(lonely)
        stranger.cookies["wiki.test"] = {"__Host-menwei": "B" * 43}
        assert stranger.call(origin + "/x").status == 503
        assert browser.call(origin + "/.menwei/me").status == 503
        assert not upstream.requests
        assert browser.call(origin + "/public/x").status == 200, "rules for anyone go on"
        assert upstream.last().one("X-Menwei-Assertion") is None and upstream.last().one("X-Forwarded-User") is None
        assert browser.call(origin + "/.menwei/jwks.json").status == 200
        assert browser.call(origin + "/" + OWNERSHIP).status == 200
        nobody = Browser(lonely)
        assert nobody.call(origin + "/x").status == 401 and nobody.get(origin + "/x").status == 302
        assert nobody.get(f"{lonely.auth}/.menwei/start/corp?return={quote(origin + '/', safe='')}").status == 503
        status, _, text = lonely.operations("/readyz")
        assert status == 503 and json.loads(text)["status"] == "failing"
        assert lonely.operations("/healthz")[0] == 200
    finally:
        os.rename(lonely.folder / "away.db", store)
    wait_for(lambda: browser.call(origin + "/x").status == 200, what="the session to be back with the store", every=0.2)
