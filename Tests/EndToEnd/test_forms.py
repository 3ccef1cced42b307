"""Forms that are sent when the session is over: kept for the login, sent again by the browser after it, once, and byte for byte."""
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.browser import Browser, DESKTOP, WECOM
from harness.raw import RawConnection
from harness.waiting import wait_for

MIB = 1 << 20


def overdue(gateway, browser, user="zhangsan", host="wiki.test"):
    """A browser whose session at `host` is over, and which still shows its cookie."""
    wiki = gateway.origin(host)
    if not browser.cookie(host):
        browser.log_in(wiki + "/", user)
    jar = dict(browser.cookies[host])
    assert browser.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"").status == 303
    browser.cookies[host] = jar
    wait_for(lambda: browser.call(wiki + "/x").status == 401, what="the end of the session")
    return browser


def kept(answer, gateway):
    """That a form was kept: the way to the login, with its key."""
    assert answer.status == 303 and "no-store" in answer.one("Cache-Control"), (answer.status, answer.body[:200])
    assert answer.location.startswith(gateway.auth + "/.menwei/login?")
    return parse_qs(urlsplit(answer.location).query)["form"][0]


@pytest.fixture
def late(gateway, browser, upstream):
    overdue(gateway, browser)
    upstream.clear()
    return browser


def multipart(size, boundary="----WebKitFormBoundaryx7'Q"):
    file = os.urandom(size)
    body = (f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\n标题\r\n--{boundary}\r\n'
            f'Content-Disposition: form-data; name="file"; filename="图.png"\r\nContent-Type: image/png\r\n\r\n').encode() + file + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


URLENCODED = (b"a=1&b=%E4%BD%A0&text=" + b"x+" * 1000, "application/x-www-form-urlencoded")
TEXT = (b"a=1\r\nb=\xff\x00\x01\r\n", "text/plain;charset=UTF-8")


@pytest.mark.parametrize("body, content_type", [
    pytest.param(*URLENCODED, id="T-100-urlencoded"), pytest.param(*multipart(600_000), id="T-100-multipart"), pytest.param(*TEXT, id="text"),
    pytest.param(b"", "application/x-www-form-urlencoded", id="empty"), pytest.param(os.urandom(MIB), "multipart/form-data; boundary=b", id="1-MiB"),
])
def test_t100_a_form_is_sent_after_the_login_as_it_was(gateway, late, upstream, body, content_type):
    wiki = gateway.origin("wiki.test")
    address = wiki + "/save/%E4%BD%A0?draft=1&x=%2F"
    first = late.post(address, body, content_type, {"Referer": wiki + "/edit?page=1"})
    kept(first, gateway)
    assert not upstream.requests
    login = late.follow(first)
    assert "/.menwei/start/corp" in login.text and "十分钟" in login.text, "the page says that nothing is lost"
    page = late.log_in_at(login)
    assert page.status == 200 and urlsplit(page.url).path == "/.menwei/finish" and page.form.url == address
    assert not upstream.requests
    answer = late.submit(page)
    assert answer.status == 200 and answer.url == address
    got = upstream.last()
    assert (got.method, got.target, got.body, got.one("Content-Type")) == ("POST", "/save/%E4%BD%A0?draft=1&x=%2F", body, content_type)
    assert got.one("Content-Length") == str(len(body)) and got.one("Transfer-Encoding") is None
    assert got.one("Referer") == wiki + "/edit?page=1" and got.one("Origin") == wiki
    assert got.one("X-Forwarded-User") == "zhangsan" and got.one("X-Menwei-Assertion")
    # Once: sent again by a reload it is told that it was sent, and from history the way leads on.
    upstream.clear()
    again = late.submit(page)
    assert again.status == 410 and "text/html" in again.one("Content-Type")
    back = late.go(page.url)
    assert back.status == 200 and back.url == wiki + "/edit?page=1"
    assert all(request.method == "GET" for request in upstream.requests)


@pytest.mark.parametrize("headers, body, content_type", [
    pytest.param({"Sec-Fetch-Mode": "navigate"}, b'{"a":1}', "application/json", id="T-100-json-navigation"),
    pytest.param({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, *URLENCODED, id="T-100-fetch"),
    pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, *URLENCODED, id="foreign"),
    pytest.param({"Sec-Fetch-Site": "same-site"}, *URLENCODED, id="sibling"),
    pytest.param({"Sec-Fetch-Site": None, "Origin": "https://evil.test"}, *URLENCODED, id="foreign-origin"),
    pytest.param({"Sec-Fetch-Site": None, "Origin": "null"}, *URLENCODED, id="null-origin"),
    pytest.param({"Sec-Fetch-Site": None, "Origin": None, "Referer": "https://wiki.test.evil.test/"}, *URLENCODED, id="foreign-referer"),
    pytest.param({"Sec-Fetch-Site": None, "Origin": None}, *URLENCODED, id="no-mark"),
])
def test_t100_what_is_no_form_of_the_sites_own_is_not_kept(gateway, late, upstream, headers, body, content_type):
    answer = late.post(gateway.origin("wiki.test") + "/save", body, content_type, headers)
    assert answer.status == 401 and not answer.set_cookies and not upstream.requests
    if content_type.startswith("application/x-www") and headers.get("Sec-Fetch-Mode") != "cors":
        assert "没有提交" in answer.text and answer.links(r"/\.menwei/login")


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},  # a page without a referrer
    {"Sec-Fetch-Site": None}, {"Sec-Fetch-Site": None, "Origin": None, "Referer": "{wiki}/edit"},
    {"Sec-Fetch-Site": None, "Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None},
], ids=["fetch-site", "origin", "referer", "old-browser"])
def test_the_marks_of_the_sites_own_pages(gateway, late, headers):
    wiki = gateway.origin("wiki.test")
    kept(late.post(wiki + "/save", b"a=1", headers={n: v and v.replace("{wiki}", wiki) for n, v in headers.items()}), gateway)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_t100_other_methods_are_calls(gateway, late, upstream, method):
    answer = late.request(method, gateway.origin("wiki.test") + "/save", headers={"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}, body=b"a=1")
    assert answer.status == 401 and answer.json()["type"] == "urn:menwei:login-required" and not upstream.requests


def test_without_a_session_that_ended_nothing_is_kept(gateway, browser, upstream):
    wiki = gateway.origin("wiki.test")
    assert browser.post(wiki + "/save", b"a=1").status == 401
    browser.cookies["wiki.test"] = {"__Host-menwei": "A" * 43}
    assert browser.post(wiki + "/save", b"a=1").status == 401
    assert browser.post(wiki + "/save", b"x" * (2 * MIB)).status == 401, "too large, and not kept anyway"
    assert not upstream.requests


@pytest.mark.parametrize("size", [pytest.param(MIB + 1, id="1-MiB-and-one"), pytest.param(60 * MIB, id="T-100-60-MB")])
def test_t100_what_is_too_large_is_said(gateway, late, upstream, size):
    head = (f"POST /save HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: {late._cookie_header('wiki.test')}\r\nSec-Fetch-Site: same-origin\r\n"
            f"Sec-Fetch-Mode: navigate\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {size}\r\nAccept-Language: en\r\n\r\n")
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(head.encode())
        answer = raw.response()
    assert answer.status == 413 and "1 MiB" in answer.body.decode() and "/.menwei/login?return=" in answer.body.decode()
    assert not upstream.requests


def test_a_chunked_form_is_measured_as_it_comes(gateway, late, upstream):
    def send(count):
        head = (f"POST /save HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: {late._cookie_header('wiki.test')}\r\nSec-Fetch-Site: same-origin\r\n"
                f"Sec-Fetch-Mode: navigate\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
        with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
            raw.send(head.encode())
            for _ in range(count):
                raw.try_send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            raw.try_send(b"0\r\n\r\n")
            return raw.response()

    assert send(16).status == 303
    assert send(17).status == 413
    assert not upstream.requests


def test_another_member_does_not_send_it(gateway, late, upstream):
    first = late.post(gateway.origin("wiki.test") + "/save", b"secret=1")
    key = kept(first, gateway)
    page = late.log_in_at(late.follow(first), "lisi")
    assert page.status == 403 and "没有提交" in page.text and not page.form
    asked = late.post(gateway.origin("wiki.test") + "/save", f"menwei-kept-form={key}".encode())
    assert asked.status == 410 and not upstream.requests


def test_another_browser_does_not_send_it(gateway, late, upstream):
    wiki = gateway.origin("wiki.test")
    key = kept(late.post(wiki + "/save", b"secret=1"), gateway)
    other = Browser(gateway)
    other.log_in(wiki + "/")
    upstream.clear()
    page = other.go(f"{wiki}/.menwei/login?return=/&form={key}")
    assert page.status == 403 and not page.form
    assert other.post(wiki + "/save", f"menwei-kept-form={key}".encode()).status == 410
    assert not upstream.requests


@pytest.mark.parametrize("headers, path", [
    ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}, "/save"), ({"Sec-Fetch-Site": None, "Origin": "https://evil.test"}, "/save"),
    ({"Sec-Fetch-Site": None, "Origin": None}, "/save"), ({}, "/other"), ({}, "/save?x=1"),
], ids=["cross-site", "foreign-origin", "no-mark", "other-path", "other-query"])
def test_nobody_else_can_have_it_sent(gateway, late, upstream, headers, path):
    wiki = gateway.origin("wiki.test")
    first = late.post(wiki + "/save", b"secret=1")
    page = late.log_in_at(late.follow(first))
    assert late.post(wiki + path, page.form.body, headers=headers).status == 410
    assert not upstream.requests
    assert late.submit(page).status == 200 and upstream.last().body == b"secret=1", "it is still there for its own page"


def test_rules_are_judged_anew(gateway, upstream):
    browser = overdue(gateway, Browser(gateway), "lisi")
    upstream.clear()
    first = browser.post(gateway.origin("wiki.test") + "/admin/save", b"a=1")
    page = browser.log_in_at(browser.follow(first), "lisi")
    answer = browser.submit(page)
    assert answer.status == 403 and not upstream.requests


def test_of_many_that_send_it_at_once_one_gets_through(gateway, late, upstream):
    page = late.log_in_at(late.follow(late.post(gateway.origin("wiki.test") + "/save", b"a=1")))
    with ThreadPoolExecutor(12) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: late.submit(page, cookies=True), range(12)))
    assert statuses == [200] + [410] * 11 and len(upstream.requests) == 1


def test_forms_of_several_tabs_find_their_ways(gateway, late, upstream):
    wiki = gateway.origin("wiki.test")
    firsts = [late.post(f"{wiki}/save/{n}", b"n=%d" % n) for n in range(8)]
    pages = [late.log_in_at(late.follow(firsts[3]))] + [late.follow(first) for n, first in enumerate(firsts) if n != 3]
    for page in reversed(pages):
        assert late.submit(page).status == 200
    assert sorted((r.path, r.body) for r in upstream.requests) == sorted((f"/save/{n}", b"n=%d" % n) for n in range(8))


def test_eight_mebibytes_of_a_session_are_kept(gateway, late, upstream):
    wiki = gateway.origin("wiki.test")
    for _ in range(8):
        kept(late.post(wiki + "/save", b"x" * MIB, "text/plain"), gateway)
    full = late.post(wiki + "/save", b"x", "text/plain")
    assert full.status == 401 and "没有提交" in full.text and not upstream.requests
    other = overdue(gateway, Browser(gateway))
    kept(other.post(wiki + "/save", b"x", "text/plain"), gateway)


def test_inside_wecom_it_is_sent_without_a_question(gateway, upstream):
    browser = Browser(gateway, WECOM)
    browser.go(gateway.origin("wiki.test") + "/")
    overdue(gateway, browser)
    upstream.clear()
    page = browser.follow(browser.post(gateway.origin("wiki.test") + "/save", b"a=1"))
    assert page.form and browser.submit(page).status == 200 and upstream.last().body == b"a=1"


def test_it_works_over_http2_as_well(gateway, late, upstream, curl, tmp_path):
    body, content_type = multipart(300_000)

    def post(body, content_type):
        (tmp_path / "body").write_bytes(body)
        fields = ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", f"Content-Type: {content_type}", f"Cookie: {late._cookie_header('wiki.test')}"]
        return curl("--http2", *(part for field in fields for part in ("-H", field)), "--data-binary", f"@{tmp_path}/body", "-o", tmp_path / "answer",
                    "-w", "%{http_version} %{response_code} %header{location}", gateway.origin("wiki.test") + "/save").stdout.decode().split()

    version, code, location = post(body, content_type)
    assert (version, code) == ("2", "303")
    page = late.log_in_at(late.go(location))
    assert post(page.form.body, "application/x-www-form-urlencoded") == ["2", "200"]
    assert upstream.last().body == body and upstream.last().one("Content-Type") == content_type


def test_ordinary_forms_of_the_same_size_pass(gateway, member, upstream):
    size = len("menwei-kept-form=") + 43
    for body in (b"a" * size, b"menwei-kept-form=" + b"%" * 43, b"menwei-kept-fork=" + b"A" * 43):
        assert len(body) == size
        answer = member.post(gateway.origin("wiki.test") + "/x", body)
        assert answer.status == 200 and upstream.last().body == body, body


def test_what_is_kept_is_sealed(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = overdue(gateway, Browser(gateway))
    key = kept(browser.post(gateway.origin("wiki.test") + "/save", b"password=correct+horse+battery+staple" * 20, headers={"Referer": gateway.origin("wiki.test") + "/edit-of-mine"}), gateway)
    stored = b"".join(path.read_bytes() for path in gateway.folder.glob("menwei.db*"))
    for secret in (b"horse+battery", key.encode(), b"edit-of-mine"):
        assert secret not in stored


def test_it_outlives_a_restart(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = overdue(gateway, Browser(gateway))
    first = browser.post(gateway.origin("wiki.test") + "/save", b"a=1")
    gateway.stop()
    gateway.start()
    page = browser.log_in_at(browser.follow(first))
    assert browser.submit(page).status == 200 and upstream.last().body == b"a=1"


def test_the_session_may_end_once_more(gateway, late, upstream):
    wiki = gateway.origin("wiki.test")
    page = late.log_in_at(late.follow(late.post(wiki + "/save", b"a=1")))
    overdue(gateway, late)
    again = late.submit(page)
    assert again.status == 401 and "保留" in again.text and not upstream.requests
    page = late.log_in_at(late.go(again.links(r"/\.menwei/login\?.*form=")[0]))
    assert late.submit(page).status == 200 and upstream.last().body == b"a=1"


@pytest.mark.parametrize("agent", [DESKTOP, WECOM], ids=["desktop", "wecom"])
def test_a_form_that_needs_a_fresher_login_is_sent_after_it(make_gateway, upstream, agent):
    """The session lives, and the rule of the address wants a younger login: the form goes out after it, once, and byte for byte."""
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base],
                             "access": [{"path": "/pay/*", "allow": "members", "max_age": "4s"}, {"allow": "members"}]}])
    wiki = gateway.origin("wiki.test")
    browser = Browser(gateway, agent)

    def log_in():
        return browser.go(wiki + "/form") if agent == WECOM else browser.log_in(wiki + "/form")

    assert log_in().status == 200
    before = browser.call(wiki + "/.menwei/me").json()
    wait_for(lambda: browser.call(wiki + "/pay/x").status == 401, 20, "the login to be too old")
    upstream.clear()
    address = wiki + "/pay/save?draft=1&x=%2F"
    body, content_type = multipart(100_000)
    first = browser.post(address, body, content_type, {"Referer": wiki + "/form?page=1"})
    key = kept(first, gateway)
    assert parse_qs(urlsplit(first.location).query)["max_age"] == ["4"] and not upstream.requests
    # Neither the page that asks for it nor anything else sends it while the login is as old as it is.
    asked = browser.post(address, f"menwei-kept-form={key}".encode())
    assert asked.status == 401 and not upstream.requests
    page = browser.follow(first)
    assert agent == WECOM or "/.menwei/start/corp" in page.text, "the login page, though there is a session"
    for _ in range(5):
        page = page if agent == WECOM else browser.log_in_at(page)
        assert page.form and page.form.url == address and not upstream.requests
        after = browser.call(wiki + "/.menwei/me").json()
        assert after["sid"] == before["sid"] and after["auth_time"] > before["auth_time"]
        answer = browser.submit(page)
        if answer.status != 401:
            break
        # A machine that stood still for as long as the rule allows: the form is kept on, and the way leads there once more.
        page = browser.go(answer.links(r"/\.menwei/login\?.*form=")[0])
    assert answer.status == 200 and answer.url == address
    got = upstream.last()
    assert (got.method, got.target, got.body, got.one("Content-Type")) == ("POST", "/pay/save?draft=1&x=%2F", body, content_type)
    assert got.one("Referer") == wiki + "/form?page=1" and got.one("X-Forwarded-User") == "zhangsan"
    assert len([request for request in upstream.requests if request.method == "POST"]) == 1
    assert browser.submit(page).status in (401, 410), "once"


def test_a_site_that_takes_less_keeps_less(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "request_body_limit": "1KiB"}])
    browser = overdue(gateway, Browser(gateway))
    answer = browser.post(gateway.origin("wiki.test") + "/save", b"x" * 1025)
    assert answer.status == 413 and "1 KiB" in answer.text
    kept(browser.post(gateway.origin("wiki.test") + "/save", b"x" * 1024), gateway)


def test_whoever_sends_drop_by_drop_gets_no_more_room_than_there_is(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = overdue(gateway, Browser(gateway))
    head = (f"POST /save HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nCookie: {browser._cookie_header('wiki.test')}\r\nSec-Fetch-Site: same-origin\r\n"
            f"Sec-Fetch-Mode: navigate\r\nContent-Type: text/plain\r\nContent-Length: {MIB}\r\n\r\n").encode()
    slow = [RawConnection(gateway.port, "wiki.test", ca=gateway.ca) for _ in range(70 * max(1, os.cpu_count() or 1))]
    try:
        for raw in slow:
            raw.send(head + b"x")
        # Refused at once, without waiting for the body: there is no more room.
        wait_for(lambda: browser.post(gateway.origin("wiki.test") + "/save", b"x" * MIB, "text/plain").status == 401, 30, "an end of the room", every=0.2)
    finally:
        for raw in slow:
            raw.close()
    wait_for(lambda: browser.post(gateway.origin("wiki.test") + "/save", b"x").status == 303, 30, "room again", every=0.2)
