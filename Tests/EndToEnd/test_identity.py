"""What the upstream is told, and what nobody can make it believe."""
import base64
import json
import time

import jwt
import pytest

from harness.browser import Browser
from harness.raw import RawConnection

#: Every name that must never arrive as the client sent it, and its other spellings.
FORGED = [
    "X-Menwei-Assertion", "X-Menwei-Anything", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Forwarded-Name",
    "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Forwarded-Anything", "Forwarded", "X-Real-IP",
    "X-Request-Id", "X-Original-URL", "X-Original-Method", "X-Original-Host", "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override",
    "X-Envoy-Original-Path", "X-Accel-Redirect", "CF-Connecting-IP", "True-Client-IP", "Proxy", "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups",
    "X-Remote-User", "Signature", "Signature-Input", "X-Team", "X-Full-Name",
]
SPELLINGS = [
    lambda n: n, str.lower, str.upper, lambda n: n.replace("-", "_"), lambda n: n.replace("-", "."), lambda n: n.lower().replace("-", "_", 1),
    lambda n: n.upper().replace("-", "_", 1),
]


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([
        {
            "id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"path": "/public/*", "allow": "anyone"}],
            "identity": {"headers": {
                "Remote-User": "{account}", "X-Forwarded-Preferred-Username": None, "X-Full-Name": "{name|base64}", "X-Raw-Name": "{name|raw}",
                "X-Mixed": "{corp}:{connection}/{id}", "X-Mobile": "{mobile}", "X-Departments": "{departments}", "X-Tags": "{tags}",
            }},
        },
        {"id": "other", "host": "other.test", "upstreams": [upstream.base], "identity": {"headers": {"X-Team": "{groups}"}}},
    ])


def fold(name):
    return name.lower().replace("_", "-").replace(".", "-")


def ask(gateway, target, *fields, host="wiki.test", body=b"", method="GET"):
    head = f"{method} {target} HTTP/1.1\r\nHost: {host}:{gateway.port}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n"
    with RawConnection(gateway.port, host, ca=gateway.ca) as raw:
        raw.send(head.encode("latin-1") + body)
        return raw.response()


def session(member, host="wiki.test"):
    return "Cookie: __Host-menwei=" + member.cookie(host)


@pytest.mark.parametrize("name", FORGED)
def test_forged_names_never_arrive(gateway, member, upstream, name):
    forged = [f"{spell(name)}: forged" for spell in SPELLINGS]
    for target, more in (("/public/x", []), ("/x", [session(member)])):
        upstream.clear()
        answer = ask(gateway, target, *forged, *more)
        assert answer.status in (200, 400), answer.status
        if answer.status == 200:
            request = upstream.last()
            assert not [(n, v) for n, v in request.headers if "forged" in v], request.headers
            assert len([n for n in request.names if fold(n) == fold(name)]) <= 1


@pytest.mark.parametrize("name", ["X Forwarded User", "X-Forwarded-User\x85", "X-Forwarded-User\t", "X-Forwarded-User ", "X-Forwarded-\xdcser", "X-Forwarded-User\x00", "\x0bX-Forwarded-User"])
def test_names_that_are_no_tokens_are_400(gateway, upstream, name):
    assert ask(gateway, "/public/x", f"{name}: admin").status == 400
    assert not upstream.requests


@pytest.mark.parametrize("nominated", [
    "close, X-Forwarded-User, X-Menwei-Assertion, Cookie, X-Forwarded-For", "x-menwei-ASSERTION", "Remote-User, Host-X, Authorization", ",,X-Request-Id",
])
def test_connection_cannot_take_our_fields_away(gateway, member, upstream, nominated):
    answer = ask(gateway, "/x", "Connection:", f"Connection: {nominated}", session(member))
    assert answer.status == 200
    request = upstream.last()
    assert request.one("X-Forwarded-User") == "zhangsan" and request.one("Remote-User") == "zhangsan"
    assert request.one("X-Menwei-Assertion") and request.one("X-Forwarded-For") == "127.0.0.1" and request.one("X-Request-Id")


@pytest.mark.parametrize("nominated", ["Content-Length", "Transfer-Encoding", "Host", "content-LENGTH"])
def test_connection_cannot_change_the_framing(gateway, upstream, nominated):
    answer = ask(gateway, "/public/x", f"Connection: {nominated}", "Content-Length: 2", body=b"hi", method="POST")
    assert answer.status == 400 and not upstream.requests


@pytest.mark.parametrize("name", ["X-Forwarded-User", "x_forwarded_user", "X.Menwei.Assertion", "Remote-User", "Cookie", "Host", "Content-Length"])
def test_trailers_forge_nothing(gateway, member, upstream, name):
    answer = ask(gateway, "/x", session(member), "Transfer-Encoding: chunked", f"Trailer: {name}", body=f"2\r\nhi\r\n0\r\n{name}: forged\r\n\r\n".encode(), method="POST")
    assert answer.status in (200, 400)
    for request in upstream.requests:
        assert b"forged" not in request.trailers and not [v for _, v in request.headers if "forged" in v]


def test_without_a_session_an_open_path_carries_no_identity(gateway, upstream):
    assert ask(gateway, "/public/x").status == 200
    names = {fold(n) for n in upstream.last().names}
    assert not names & {"x-menwei-assertion", "x-forwarded-user", "x-forwarded-name", "x-forwarded-email", "x-forwarded-groups", "remote-user", "x-full-name", "x-mixed"}
    assert {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"} <= names


def test_with_a_session_an_open_path_carries_it(gateway, member, upstream):
    assert ask(gateway, "/public/x", session(member)).status == 200
    assert upstream.last().one("X-Forwarded-User") == "zhangsan" and upstream.last().one("X-Menwei-Assertion")


def test_forwarded_fields_are_the_sockets_own(gateway, upstream):
    ask(gateway, "/public/x", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: evil.test", "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1")
    request = upstream.last()
    assert request.one("X-Forwarded-For") == "127.0.0.1" and request.one("X-Forwarded-Proto") == "https"
    assert request.one("X-Forwarded-Host") == f"wiki.test:{gateway.port}"
    assert request.one("Forwarded") is None and request.one("X-Real-IP") is None


def test_templates_write_what_the_directory_knows(gateway, member, upstream):
    member.call(gateway.origin("wiki.test") + "/x")
    request = upstream.last()
    assert request.one("X-Forwarded-Name") == "%E5%BC%A0%E4%B8%89"
    assert base64.b64decode(request.one("X-Full-Name")).decode() == "张三"
    assert request.one("X-Raw-Name").encode("latin-1").decode() == "张三"
    assert request.one("X-Forwarded-Preferred-Username") is None, "null removes a default"
    assert request.one("X-Mixed") == "ww0123456789abcdef:corp/zhangsan"
    groups = request.one("X-Forwarded-Groups").split(",")
    assert "department:2" in groups and "department:3" in groups
    assert {"2", "3"} <= set(request.one("X-Departments").split(","))
    email = request.one("X-Forwarded-Email")
    assert email is None or "@" in email


def test_a_header_whose_placeholders_are_empty_is_not_sent(gateway, member, upstream, simulator):
    member.call(gateway.origin("wiki.test") + "/x")
    assert upstream.last().one("X-Tags") is None


NAMES = ["a\r\nX-Role: admin", "a\nb", "a\x00b", "a\x7fb", "<b>&\"'", "\u202eabc", "😀" * 20, "%41", " lead and trail ", "a" * 600, ""]


def test_a_members_name_cannot_break_out_of_its_header(gateway, upstream, simulator):
    for name in NAMES:
        simulator.control("member", userid="lisi", name=name)
        upstream.clear()
        browser = Browser(gateway)
        answer = browser.log_in(gateway.origin("wiki.test") + "/x", "lisi")
        if answer.status != 200:  # refused at login: every doubt refuses
            assert answer.status in (403, 502) and not upstream.requests, (name, answer.status)
            continue
        request = upstream.last()
        assert "x-role" not in request.names
        value = request.one("X-Forwarded-Name")
        assert value is None or all(0x21 <= ord(c) <= 0x7E for c in value), (name, value)
        raw = request.one("X-Raw-Name")
        assert raw is None or not any(ord(c) < 0x20 or ord(c) == 0x7F for c in raw), (name, raw)
        assert "<b>&" not in browser.get(gateway.auth + "/").text
        json.loads(browser.call(gateway.origin("wiki.test") + "/.menwei/me").body)


# The assertion

def verify(gateway, token, host="wiki.test", audience=None):
    keys = jwt.PyJWKSet.from_dict(Browser(gateway).call(gateway.origin(host) + "/.menwei/jwks.json").json())
    header = jwt.get_unverified_header(token)
    key = next(k for k in keys.keys if k.key_id == header["kid"])
    return header, jwt.decode(token, key.key, algorithms=["ES256"], issuer=gateway.auth, audience=audience or gateway.origin(host),
                              options={"require": ["exp", "iat", "nbf", "sub", "aud", "iss", "jti"]})


def test_the_assertion_verifies_against_the_published_keys(gateway, member, upstream):
    member.call(gateway.origin("wiki.test") + "/x")
    token = upstream.last().one("X-Menwei-Assertion")
    header, claims = verify(gateway, token)
    assert header["alg"] == "ES256" and header["typ"] == "JWT"
    me = member.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    assert claims["sub"] == "zhangsan" and claims["user"] == "zhangsan" and claims["connection"] == "corp" and claims["corp"] == "ww0123456789abcdef"
    assert claims["sid"] == me["sid"] and claims["sid"] not in member.cookies["wiki.test"].values()
    assert claims["name"] == "张三" and claims["amr"] == ["wecom"]
    assert set(claims["departments"]) >= {2, 3} and claims["departments"] == me["departments"]
    assert 60 <= claims["exp"] - claims["iat"] <= 130 and claims["nbf"] <= time.time() + 1 and abs(claims["iat"] - time.time()) < 120
    assert claims["auth_time"] <= time.time() and claims["auth_time"] == me["auth_time"]
    assert len(token) < 4096


def test_the_key_set_is_public_and_at_every_origin(gateway):
    sets = []
    for host in ("wiki.test", "other.test", "auth.test"):
        answer = Browser(gateway).call(gateway.origin(host) + "/.menwei/jwks.json")
        assert answer.status == 200 and answer.one("Cache-Control") == "public, max-age=300" and not answer.set_cookies
        sets.append(answer.json())
    assert sets[0] == sets[1] == sets[2]
    for key in sets[0]["keys"]:
        assert "d" not in key and key["kty"] == "EC" and key["crv"] == "P-256" and key["kid"]
        thumbprint = json.dumps({n: key[n] for n in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
        import hashlib
        assert key["kid"] == base64.urlsafe_b64encode(hashlib.sha256(thumbprint.encode()).digest()).decode().rstrip("=")


def test_an_assertion_is_for_one_site(gateway, member, upstream):
    member.go(gateway.origin("other.test") + "/x")
    token = upstream.last().one("X-Menwei-Assertion")
    verify(gateway, token, "other.test")
    with pytest.raises(jwt.InvalidAudienceError):
        verify(gateway, token, "wiki.test")


def test_a_forged_assertion_is_replaced(gateway, member, upstream):
    ask(gateway, "/x", "X-Menwei-Assertion: eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", "x-menwei-assertion: b", session(member))
    _, claims = verify(gateway, upstream.last().one("X-Menwei-Assertion"))
    assert claims["sub"] == "zhangsan"


def test_an_assertion_is_no_session_cookie(gateway, member, upstream):
    member.call(gateway.origin("wiki.test") + "/x")
    token = upstream.last().one("X-Menwei-Assertion")
    upstream.clear()
    for fields in ([f"Cookie: __Host-menwei={token}"], [f"Authorization: Bearer {token}"], [f"X-Menwei-Assertion: {token}"]):
        assert ask(gateway, "/x", *fields).status == 401
    assert not upstream.requests


def test_keys_outlive_a_restart(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    before = Browser(gateway).call(gateway.auth + "/.menwei/jwks.json").json()
    files = sorted((gateway.folder / "keys").iterdir())
    assert any(f.suffix == ".pem" for f in files) and all(f.stat().st_mode & 0o777 == 0o600 for f in files)
    gateway.stop()
    gateway.start()
    assert Browser(gateway).call(gateway.auth + "/.menwei/jwks.json").json() == before


# Cookies

def test_our_cookies_are_taken_out_and_the_others_stay_byte_for_byte(gateway, member, upstream):
    value = member.cookie("wiki.test")
    for sent, wanted in (
        (f"__Host-menwei={value}", None), (f"a=1; __Host-menwei={value}; b=\"x y\"; c", 'a=1; b="x y"; c'), (f"__Host-menwei={value}; a=1", "a=1"),
        (f"a=1; __Host-menwei={value}", "a=1"), (f"a=1;b=2; __Host-menwei={value};  c=3", None),
        (f"__Host-menweix=1; __Host-menwei={value}; __Host-menwei-try=q; __Host-menwei-auth=r", "__Host-menweix=1"), (f"x=__Host-menwei=1; __Host-menwei={value}", "x=__Host-menwei=1"),
    ):
        upstream.clear()
        assert ask(gateway, "/x", f"Cookie: {sent}").status == 200, sent
        arrived = upstream.last().one("Cookie")
        assert value not in str(arrived)
        if "c=3" in sent:
            assert [p.strip() for p in arrived.split(";")] == ["a=1", "b=2", "c=3"]
        else:
            assert arrived == wanted, sent
    ask(gateway, "/public/x", "Cookie: __Host-menwei=garbage; k=v")
    assert upstream.last().one("Cookie") == "k=v"


def test_answers_cannot_set_our_cookies_or_speak_in_our_name(gateway, upstream):
    upstream.script("/public/evil", lambda e: (e.read_body(), e.respond(200, [
        ("Set-Cookie", "__Host-menwei=x; Path=/; Secure"), ("Set-Cookie", "ok=1"), ("set-cookie", " __Host-menwei-auth=x"), ("SET-COOKIE", "__host-menwei=x"),
        ("X-Menwei-Assertion", "x"), ("x_menwei_y", "z"), ("Alt-Svc", "h3=:443"), ("Clear-Site-Data", '"cookies"'), ("X-Request-Id", "theirs"), ("X-Accel-Redirect", "/secret")])))
    answer = ask(gateway, "/public/evil")
    assert answer.all("Set-Cookie") == ["ok=1"]
    for name in ("X-Menwei-Assertion", "x_menwei_y", "Alt-Svc"):
        assert not answer.all(name)
    assert '"cookies"' not in str(answer.all("Clear-Site-Data"))
    assert len(answer.all("X-Request-Id")) == 1 and answer.one("X-Request-Id") != "theirs"


def test_authorization_of_the_client_passes_where_no_basic_is_set(gateway, member, upstream):
    ask(gateway, "/x", "Authorization: Basic eDp5", session(member))
    assert upstream.last().one("Authorization") == "Basic eDp5"


# Host header and upstream choice

def test_host_header_options(make_gateway, upstream):
    gateway = make_gateway([
        {"id": "keep", "host": "keep.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]},
        {"id": "up", "host": "up.test", "upstream": upstream.base, "host_header": "upstream", "access": [{"allow": "anyone"}]},
        {"id": "lit", "host": "lit.test", "upstreams": [upstream.base], "host_header": "legacy.internal", "access": [{"allow": "anyone"}]},
    ])
    for host, wanted in (("keep.test", f"keep.test:{gateway.port}"), ("up.test", upstream.base.removeprefix("http://")), ("lit.test", "legacy.internal")):
        ask(gateway, "/x", host=host)
        assert upstream.last().one("Host") == wanted
        assert upstream.last().one("X-Forwarded-Host") == f"{host}:{gateway.port}"


def test_one_member_is_asked_for_once(make_gateway, upstream, simulator):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(gateway)
    simulator.control("clear-calls")
    browser.log_in(gateway.origin("wiki.test") + "/")
    for _ in range(30):
        assert browser.call(gateway.origin("wiki.test") + "/x").status == 200
    counts = simulator.counts()
    assert counts["auth/getuserinfo"] == 1 and counts["user/get"] == 1 and counts["gettoken"] == 1
    tokens = {request.one("X-Menwei-Assertion") for request in upstream.requests}
    assert len(tokens) <= 4, "an assertion serves until half of its life is over"
