"""A site below a path whose application knows nothing of it (`strip_path`)."""
import pytest

from harness.raw import RawConnection


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    more = {"upstreams": [upstream.base], "strip_path": True, "access": [{"path": "/wiki/admin/*", "allow": {"users": ["nobody"]}}, {"allow": "anyone"}]}
    return make_module_gateway([
        {"id": "root", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]},
        {"id": "wiki", "host": "wiki.test", "path": "/wiki", **more},
        {"id": "deep", "host": "wiki.test", "path": "/a b/ü", **more, "host_header": "upstream"},
        {"id": "fold", "host": "app.test", "path": "/Wiki", **more, "paths": {"ignore_case": True}},
    ])


def ask(gateway, target, *fields, host="wiki.test", method="GET"):
    with RawConnection(gateway.port, host, ca=gateway.ca) as raw:
        raw.send((f"{method} {target} HTTP/1.1\r\nHost: {host}:{gateway.port}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n").encode("latin-1"))
        return raw.response(method)


@pytest.mark.parametrize("target, arrives, prefix", [
    ("/wiki/a", "/a", "/wiki"), ("/wiki", "/", "/wiki"), ("/wiki/", "/", "/wiki"), ("/wiki?x=/wiki/y", "/?x=/wiki/y", "/wiki"), ("/%77iki//a//b?c", "/a/b?c", "/wiki"),
    ("/wiki/wiki/x", "/wiki/x", "/wiki"), ("/a%20b/%C3%BC/x", "/x", "/a%20b/%C3%BC"), ("/wikix", "/wikix", None), ("/wikix/a", "/wikix/a", None), ("/x/wiki", "/x/wiki", None),
])
def test_the_path_is_taken_off_at_its_border(gateway, upstream, target, arrives, prefix):
    assert ask(gateway, target, "X-Forwarded-Prefix: /forged").status == 200
    assert upstream.last().target == arrives and upstream.last().one("X-Forwarded-Prefix") == prefix


@pytest.mark.parametrize("target", ["/WIKI/a", "/wiki./a", "/wIkI%20/a"])
def test_a_path_without_case_is_taken_off_whole(gateway, upstream, target):
    assert ask(gateway, target, host="app.test").status == 200
    assert upstream.last().target == "/a" and upstream.last().one("X-Forwarded-Prefix") == "/Wiki"


@pytest.mark.parametrize("target", [
    "/wiki/../admin", "/wiki../admin", "/wiki/..", "/wiki%2F../admin", "/wiki/%2e%2e/admin", "/wiki%2fa", "/wiki;x/admin", "/wiki/..;/admin", "/wiki/admin", "/wiki//admin", "/wiki/%61dmin",
    "/wiki/admin;x", "/wiki%2fadmin", "/%2Fwiki/a", "/wiki/.%2e/x",
])
def test_t39_nothing_else_arises_by_taking_it_off(gateway, upstream, target):
    assert ask(gateway, target).status in (200, 400, 401)
    assert not [t for t in upstream.targets() if t != "/wiki../admin"], "what only looks like it belongs to another site, as it came"


def answered(gateway, upstream, target, fields, **more):
    upstream.script("*", lambda e: (e.read_body(), e.respond(200, fields, b"x")))
    try:
        return ask(gateway, target, **more)
    finally:
        del upstream.scripts["*"]


def test_addresses_in_answers_are_mapped_back(gateway, upstream):
    here = gateway.origin("wiki.test")
    for sent, arrives in (
        ("/login", "/wiki/login"), ("/", "/wiki/"), ("/wiki/login", "/wiki/login"), ("login", "login"), ("?x", "?x"), (f"{here}/login", f"{here}/wiki/login"),
        (here.replace("https", "http") + "/login", f"{here}/wiki/login"), (f"{upstream.base}/login?a=b#c", f"{here}/wiki/login?a=b#c"), ("https://other.test/x", "https://other.test/x"),
    ):
        answer = answered(gateway, upstream, "/wiki/x", [("Location", sent), ("Content-Location", sent), ("Refresh", f"0; url={sent}")])
        assert answer.one("Location") == answer.one("Content-Location") == arrives
        assert answer.one("Refresh") == f"0; url={arrives}"
    answer = answered(gateway, upstream, "/a%20b/%C3%BC", [("Location", "/x"), ("Set-Cookie", "s=1; Path=/; Domain=127.0.0.1")])
    assert answer.one("Location") == "/a%20b/%C3%BC/x" and answer.one("Set-Cookie") == "s=1; Path=/a%20b/%C3%BC; Domain=wiki.test"
    answer = answered(gateway, upstream, "/x", [("Location", "/login"), ("Set-Cookie", "s=1; Path=/")])
    assert answer.one("Location") == "/login" and answer.one("Set-Cookie") == "s=1; Path=/", "the site at the root is another"


def test_cookies_hold_below_the_path(gateway, upstream):
    sent = ["a=1; Path=/; HttpOnly", "b=2", "c=3; Path=/sub", "__Host-d=4; Secure; Path=/", "e=5; Path=/wiki/x", "__Host-menwei=forged; Path=/"]
    answer = answered(gateway, upstream, "/wiki/x", [("Set-Cookie", value) for value in sent])
    assert answer.all("Set-Cookie") == ["a=1; Path=/wiki; HttpOnly", "b=2", "c=3; Path=/wiki/sub", "__Host-d=4; Secure; Path=/", "e=5; Path=/wiki/x"]


def test_records_and_rules_speak_of_the_path_that_was_asked(gateway, upstream):
    answer = ask(gateway, "/wiki/a?q")
    assert gateway.record("access", request_id=answer.one("X-Request-Id"))["path"] == "/wiki/a"
    assert ask(gateway, "/wiki/admin/x").status == 401
