"""Family B of the attacks, the path that policy saw is the path that the application got: a test a row, named by its id."""
import pytest

from harness.asking import ask, cookie
from harness.browser import Browser
from harness.http2_client import H2
from harness.raw import RawConnection


@pytest.fixture(scope="module")
def lisi(gateway):
    """Somebody who may see all but /admin."""
    browser = Browser(gateway)
    browser.log_in(gateway.origin("wiki.test") + "/", "lisi")
    return browser


def row(number, *targets):
    return [pytest.param(target, id=f"T-{number}-{target!r}") for target in targets]


@pytest.mark.parametrize("target", [
    *row(24, "/public/../admin", "/public/./../admin", "/public/x/../../admin", "/..", "/public/.."),
    *row(25, "/public/%2e%2e/admin", "/public/.%2e/admin", "/public/%2E./admin", "/public/%2E%2e%2Fadmin", "/public/%2e%2e%2fadmin"),
    *row(26, "/public/..%2fadmin", "/public/..%5cadmin", "/public\\..\\admin", "/public/..\\admin", "/public%5c..%5cadmin", "/public/..;/admin", "/public/..;x=y/admin"),
    *row(30, "/admin%23/../public", "/public#/../admin", "/public/x#y", "/#"),
    *row(32, "/Admin%00.png", "/admin%0a", "/admin%0d", "/admin\x00", "/admin%7f", "/admin%1f"),
])
def test_paths_with_two_readings_are_400(gateway, lisi, upstream, target):
    for fields in ((), (cookie(lisi),)):
        assert ask(gateway, target, *fields).status == 400
    assert not upstream.requests


@pytest.mark.parametrize("target, arrives", [
    pytest.param("/public/%252e%252e/admin", None, id="T-27"), pytest.param("/public/%252fadmin", None, id="T-27-slash"), pytest.param("/public//x", "/public/x", id="T-29-merged"),
    pytest.param("//public///x", "/public/x", id="T-29-leading"), pytest.param("/public/?x=/../admin", None, id="T-31-query"), pytest.param("/public/admin%3f", None, id="T-31-mark"),
])
def test_what_passes_is_what_was_judged(gateway, upstream, target, arrives):
    assert ask(gateway, target).status == 200
    assert upstream.targets() == [arrives or target]


@pytest.mark.parametrize("target", [
    *row(29, "//admin", "///admin/x", "/public//..//admin", "//evil.test/x", "///evil.test/x"), *row(31, "/admin?x=/public/", "/admin?/public/x", "/admin%3f/public", "/private%3f/public/x"),
    *row(32, "/admin", "/admin/", "/admin/x", "/admin//", "/%61dmin", "/admin;x"), *row(38, "/publicx", "/public.x", "/publi"),
])
def test_nobody_comes_in(gateway, upstream, target):
    assert ask(gateway, target).status in (400, 401)
    assert not upstream.requests


@pytest.mark.parametrize("target, status", [
    pytest.param("//admin", 403, id="T-29"), pytest.param("/admin?x=/public/", 403, id="T-31"), pytest.param("/administrator", 200, id="T-38-longer"), pytest.param("/apiadmin", 200, id="T-38-other"),
    pytest.param("/ADMIN", 200, id="T-32-case"), pytest.param("/admin.", 200, id="T-32-dot"), pytest.param("/admin%20", 200, id="T-32-blank"), pytest.param("/admin/", 403, id="T-32-slash"),
])
def test_rules_end_at_borders_and_know_case(gateway, lisi, upstream, target, status):
    assert ask(gateway, target, cookie(lisi)).status == status


def test_t32_without_case_where_the_site_says_so(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "paths": {"ignore_case": True},
                             "access": [{"path": "/admin/*", "allow": {"users": ["nobody"]}}, {"allow": "anyone"}]}])
    for target in ("/ADMIN", "/Admin/x", "/admin.", "/admin%20", "/aDMIN. ./x".replace(" ", "%20")):
        assert ask(gateway, target).status in (400, 401), target
    assert not upstream.requests


@pytest.mark.parametrize("method, target, host, status", [
    pytest.param("GET", "https://wiki.test:{port}/admin", "public.test", (401,), id="T-34-absolute"), pytest.param("GET", "http://wiki.test:{port}/public/x", "wiki.test", (200, 400, 421), id="T-34-http"),
    pytest.param("GET", "https://evil.test/public/x", "wiki.test", (421,), id="T-34-foreign"), pytest.param("GET", "admin", "wiki.test", (400,), id="T-34-no-slash"),
    pytest.param("GET", "*", "wiki.test", (400,), id="T-34-asterisk"), pytest.param("OPTIONS", "*", "wiki.test", (204,), id="T-34-options"),
    pytest.param("CONNECT", "wiki.test:443", "wiki.test", (405,), id="T-34-connect"), pytest.param("TRACE", "/public/x", "wiki.test", (405,), id="T-34-trace"),
])
def test_t34_forms_of_the_target(gateway, upstream, method, target, host, status):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"{method} {target.format(port=gateway.port)} HTTP/1.1\r\nHost: {host}:{gateway.port}\r\n\r\n".encode())
        assert raw.response(method).status in status
    assert all(request.one("Host") == f"wiki.test:{gateway.port}" and request.target == "/public/x" for request in upstream.requests)


@pytest.mark.parametrize("target", [
    "http://wiki.test:{port}/public/x", "HTTPS://WIKI.TEST:{port}/public/x", "https://wiki.test:{port}/public/x",
], ids=lambda t: f"T-34-{t.split(':')[0]}")
@pytest.mark.parametrize("host", ["wiki.test:{port}", "evil.test", "auth.test:{port}"], ids=lambda h: h.split(":")[0])
def test_t34_of_an_absolute_form_the_authority_counts_and_nothing_else(gateway, upstream, target, host):
    """Whatever Host and scheme say: the application hears of one host, and that the client came by https."""
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET {target.format(port=gateway.port)} HTTP/1.1\r\nHost: {host.format(port=gateway.port)}\r\n\r\n".encode())
        assert raw.response().status == 200
    request = upstream.last()
    assert (request.target, [h.lower() for h in request.all("Host")]) == ("/public/x", [f"wiki.test:{gateway.port}"])
    assert request.one("X-Forwarded-Proto") == "https" and request.one("X-Forwarded-Host").lower() == f"wiki.test:{gateway.port}"


@pytest.mark.parametrize("name", [
    "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Prefix", "X-Original-Method", "X-HTTP-Method-Override", "x-envoy-original-path", "X_Original_URL", "X-Method-Override",
], ids=lambda n: f"T-35-{n}")
def test_t35_no_field_says_another_path_or_method(gateway, upstream, name):
    value = "DELETE" if "method" in name.lower() else "/admin"
    assert ask(gateway, "/public/x", f"{name}: {value}").status == 200
    assert not [v for _, v in upstream.last().headers if v == value] and upstream.last().method == "GET"
    upstream.clear()
    assert ask(gateway, "/admin", f"{name}: {'GET' if value == 'DELETE' else '/public/x'}").status == 401 and not upstream.requests


@pytest.mark.parametrize("agent", ["GoogleHC/1.0", "kube-probe/1.29", "", "menwei", "menwei-health", "ELB-HealthChecker/2.0"], ids=lambda a: f"T-36-{a}")
def test_t36_no_user_agent_opens_anything(gateway, upstream, agent):
    assert ask(gateway, "/admin", f"User-Agent: {agent}").status == 401 and not upstream.requests


@pytest.mark.parametrize("path", ["/ping", "/healthz", "/readyz", "/metrics", "/robots.txt", "/.menweix", "/.menwe", "/x/.menwei/me"], ids=lambda p: f"T-37-{p}")
def test_t37_only_the_reserved_prefix_is_the_gateways(gateway, lisi, upstream, path):
    assert ask(gateway, path).status == 401
    assert ask(gateway, path, cookie(lisi)).status == 200 and upstream.targets() == [path]


@pytest.mark.parametrize("host, status", [("WIKI.Test", 200), ("wiki.test.", (200, 400, 421)), ("wiki.test.evil.test", 421), ("xwiki.test", 421), ("wiki\xe9.test", (400, 421)), ("xn--wiki-9na.test", 421)])
def test_t38_hosts_are_compared_in_one_form(gateway, upstream, host, status):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /public/x HTTP/1.1\r\nHost: {host}:{gateway.port}\r\n\r\n".encode("latin-1"))
        assert raw.response().status in (status if isinstance(status, tuple) else (status,))


@pytest.mark.parametrize("host, status", [
    ("wiki.test.:{port}", 421), ("wiki.test..:{port}", (400, 421)), ("wiki\xe9.test:{port}", 400), ("wiki%2etest:{port}", (400, 421)), ("wiki.test", 421),
    ("wiki.test:443", 421), ("wiki.test:0{port}", (400, 421)), ("wiki.test:", (400, 421)), ("[::1]:{port}", 421), ("app.test:{port}", 401), ("wIkI.tEsT:{port}", 200),
], ids=lambda value: f"T-38-{value!a}")
def test_t38_there_is_one_spelling_of_a_host_but_for_case(gateway, upstream, host, status):
    """As the origin has it: a dot at the end, another port, or none, is another host. In HTTP/2 as in HTTP/1."""
    host = host.format(port=gateway.port)
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /public/x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
        assert raw.response().status in (status if isinstance(status, tuple) else (status,))
    client = H2(gateway, validate=False)
    state = client.get("/public/x", authority=host)
    client.raw.close()
    assert (state["reset"] == 1 if state["head"] is None else int(dict(state["head"])[":status"]) in (status if isinstance(status, tuple) else (status,)))
    assert len(upstream.requests) == (2 if status == 200 else 0)


def test_t38_a_hundred_hosts_are_told_apart(make_gateway, upstream):
    sites = [{"id": f"s{n}", "host": f"s{n}.test", "upstreams": [upstream.base], "access": [{"path": f"/only{n}", "allow": "anyone"}]} for n in range(120)]
    gateway = make_gateway(sites)
    for n in (0, 1, 57, 99, 100, 101, 119):
        for path, status in ((f"/only{n}", 200), (f"/only{n + 1}", 401), (f"/only{n}x", 401)):
            assert ask(gateway, path, host=f"s{n}.test").status == status, (n, path)


@pytest.mark.parametrize("target", ["/api../admin", "/api/../admin", "/api%2e%2e/admin", "/api..%2fadmin", "/apiadmin", "/api;/../admin"], ids=lambda t: f"T-39-{t}")
def test_t39_taking_a_path_off_makes_no_other(make_module_gateway, upstream, target):
    gateway = make_module_gateway([{"id": "api", "host": "app.test", "path": "/api", "strip_path": True, "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    assert ask(gateway, target, host="app.test").status in (400, 404)
    assert not upstream.requests
