"""Family F of the attacks, trust in what is said of the client's address, host and scheme: a test a row, named by its id."""
import pytest

from harness.asking import ask
from harness.browser import Browser
from harness.ports import free_port
from harness.raw import RawConnection


@pytest.mark.parametrize("fields", [
    ["X-Forwarded-For: 10.0.0.1"], ["X-Forwarded-For: a"], ["X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 127.0.0.1"], ["Forwarded: for=10.0.0.1;proto=http;host=evil.test"], ["X-Real-IP: 10.0.0.1"],
    ["CF-Connecting-IP: 10.0.0.1"], ["True-Client-IP: 10.0.0.1"], ["X_Forwarded_For: 10.0.0.1"], ["X-Forwarded-For:"],
], ids=lambda f: f"T-81-{f[0]}")
def test_t81_t83_no_client_says_where_it_is(gateway, upstream, fields):
    """T-83: the list of trusted proxies is empty, which means nobody."""
    answer = ask(gateway, "/public/x", *fields)
    assert answer.status == 200
    request = upstream.last()
    assert request.one("X-Forwarded-For") == "127.0.0.1" and not [v for _, v in request.headers if "10.0.0.1" in v]
    assert not {"forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x_forwarded_for"} & set(request.names)
    assert gateway.record("access", request_id=answer.one("X-Request-Id"))["client"] == "127.0.0.1"


def test_t81_a_rule_for_networks_looks_at_the_socket(make_gateway, upstream):
    own = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [
        {"path": "/far/*", "allow": {"anyone": True, "networks": ["10.0.0.0/8"]}}, {"path": "/near/*", "allow": {"anyone": True, "networks": ["127.0.0.0/8"]}}]}])
    for fields in ([], ["X-Forwarded-For: 10.0.0.1"], ["Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1"]):
        upstream.clear()
        assert ask(own, "/far/x", *fields).status == 401 and not upstream.requests
        assert ask(own, "/near/x", *fields).status == 200


@pytest.mark.parametrize("proto", ["http", "evil://", "https, http", ""], ids=lambda p: f"T-84-{p}")
def test_t84_no_client_says_the_scheme(gateway, upstream, proto):
    assert ask(gateway, "/public/x", f"X-Forwarded-Proto: {proto}", "X-Forwarded-Scheme: http", "X-Forwarded-Ssl: off").status == 200
    assert upstream.last().one("X-Forwarded-Proto") == "https" and not {"x-forwarded-scheme", "x-forwarded-ssl"} & set(upstream.last().names)
    answer = ask(gateway, "/private", f"X-Forwarded-Proto: {proto}", "Accept: text/html")
    assert answer.status == 302 and answer.one("Location").startswith("https://") and "Secure" in answer.one("Set-Cookie")


def test_t85_no_client_says_the_host(gateway, upstream):
    assert ask(gateway, "/public/x", "X-Forwarded-Host: evil.test", "X-Forwarded-Server: evil.test", "X-Forwarded-Port: 1").status == 200
    assert upstream.last().one("X-Forwarded-Host") == f"wiki.test:{gateway.port}" and not [v for _, v in upstream.last().headers if "evil" in v]
    for target in ("/private", "/.menwei/login", "/.menwei/logout", "/.menwei/home"):
        answer = ask(gateway, target, "X-Forwarded-Host: evil.test", "X-Original-Host: evil.test", "Forwarded: host=evil.test", "Accept: text/html")
        assert "evil" not in str(answer.headers) and b"evil" not in answer.body, target
    for path in ("/.menwei/login", "/.menwei/start/corp", "/.menwei/callback/corp?code=x&state=y"):
        with RawConnection(gateway.port, "auth.test", ca=gateway.ca) as raw:
            raw.send(f"GET {path} HTTP/1.1\r\nHost: evil.test\r\nAccept: text/html\r\n\r\n".encode())
            answer = raw.response()
            assert answer.status == 421 and "evil" not in str(answer.headers)


@pytest.mark.parametrize("header", [
    b"PROXY TCP4 10.0.0.1 127.0.0.1 1 2\r\n", b"PROXY UNKNOWN\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x0a\x00\x00\x01\x7f\x00\x00\x01\x00\x01\x00\x02",
    b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff", b"\r\n\r\n\x00\r\nQUI",
], ids=lambda h: f"T-86-{h[:24]!r}")
def test_t86_the_proxy_protocol_is_for_who_was_told_to_speak_it(gateway, upstream, header):
    """Before TLS, and inside of it: from a peer of whom nothing was said it is no TLS, and no request."""
    with RawConnection(gateway.port) as raw:
        raw.try_send(header + b"GET /public/x HTTP/1.1\r\nHost: wiki.test\r\n\r\n")
        raw.end_sending()
        assert b"HTTP/1.1 200" not in raw.everything()
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.try_send(header + f"GET /public/x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
        assert raw.response().status == 400
    assert not upstream.requests


def test_t87_the_plain_listener_only_leads_on(make_gateway, upstream):
    port = free_port()
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}], lambda c: c["listen"].update(http=[f"127.0.0.1:{port}"]))
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/.menwei/login?return=/")
    upstream.clear()
    for method, target in (("GET", "/x?y"), ("POST", "/x"), ("GET", "/.menwei/login"), ("GET", "/.menwei/me"), ("GET", "/.menwei/jwks.json"), ("GET", "/metrics")):
        with RawConnection(port) as raw:
            raw.send(f"{method} {target} HTTP/1.1\r\nHost: wiki.test:{port}\r\nCookie: __Host-menwei={browser.cookie('wiki.test')}\r\nContent-Length: 0\r\n\r\n".encode())
            answer = raw.response()
            assert answer.status == 308 and answer.one("Location") == gateway.origin("wiki.test") + target and not answer.all("Set-Cookie"), target
    for host in ("evil.test", "wiki.test.evil.test", ""):
        with RawConnection(port) as raw:
            raw.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = raw.response()
            assert answer.status in (400, 421) and not answer.all("Location")
    assert not upstream.requests
