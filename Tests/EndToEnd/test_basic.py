"""`identity.basic`: who is asking as HTTP Basic, for applications that know nothing else."""
import base64
import subprocess

import pytest

from harness.asking import ask, cookie
from harness.browser import Browser
from harness.h2_upstream import H2Upstream


def site(upstream, user="{account}", **more):
    return {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"path": "/public/*", "allow": "anyone"}],
            "identity": {"basic": {"user": user, "password": {"env": "BASIC_PASSWORD"}}}, **more}


@pytest.fixture
def make(make_gateway):
    return lambda *sites, **more: make_gateway(list(sites), environment={"BASIC_PASSWORD": "pä:ss"}, **more)


def logged_in(gateway, user="zhangsan", host="wiki.test"):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin(host) + "/", user).status == 200
    return browser


def credentials(request):
    value = request.one("Authorization")
    return value and base64.b64decode(value.removeprefix("Basic "), validate=True).decode()


@pytest.mark.parametrize("user, wanted", [("{account}", "zhangsan"), ("{name}", "张三"), ("wiki-{id}@{corp}", "wiki-zhangsan@ww0123456789abcdef"), ("wiki", "wiki")])
def test_the_user_is_made_of_the_member_in_utf8(make, upstream, user, wanted):
    own = make(site(upstream, user))
    browser = logged_in(own)
    assert browser.call(own.origin("wiki.test") + "/x").status == 200
    assert credentials(upstream.last()) == f"{wanted}:pä:ss" and upstream.last().one("X-Forwarded-User") == "zhangsan"


def test_a_name_with_a_colon_is_nobody_elses(make, upstream, simulator):
    simulator.control("member", userid="lisi", name="root:x 100%")
    own = make(site(upstream, "{name}"))
    browser = logged_in(own, "lisi")
    assert browser.call(own.origin("wiki.test") + "/x").status == 200
    assert credentials(upstream.last()) == "root%3Ax 100%25:pä:ss"


def test_nobody_comes_without(make, upstream):
    own = make(site(upstream), {**site(upstream), "id": "free", "host": "free.test", "identity": {}})
    assert ask(own, "/public/x", "Authorization: Basic YTpi").status == 200 and upstream.last().one("Authorization") is None
    preflight = ["Origin: https://a.test", "Access-Control-Request-Method: PUT", "Authorization: Basic YTpi"]
    assert ask(own, "/x", *preflight, method="OPTIONS").status == 200 and upstream.last().one("Authorization") is None
    # With a session an open path has it, and another site has nothing to do with it.
    browser = logged_in(own)
    assert ask(own, "/public/x", cookie(browser)).status == 200 and credentials(upstream.last()) == "zhangsan:pä:ss"
    assert browser.go(own.origin("free.test") + "/").status == 200
    assert ask(own, "/x", cookie(browser, "free.test"), "Authorization: Basic YTpi", host="free.test").status == 200
    assert upstream.last().one("Authorization") == "Basic YTpi"


def test_it_is_kept_out_of_the_compression_of_http2(make):
    upstream = H2Upstream()
    try:
        own = make(site(upstream))
        browser = logged_in(own)
        assert browser.call(own.origin("wiki.test") + "/x").status == 200
        value = upstream.last().one("authorization")
        assert base64.b64decode(value.removeprefix("Basic ")).decode() == "zhangsan:pä:ss"
    finally:
        upstream.stop()


def test_a_site_may_say_no_to_the_defaults(make, upstream):
    basic = site(upstream)["identity"]["basic"]
    own = make(site(upstream, identity={"headers": {"X-A": "{account}"}}), site(upstream, id="none", host="none.test", identity={"basic": None}),
               change=lambda c: c.update(site_defaults={"identity": {"basic": basic}}))
    assert ask(own, "/x", cookie(logged_in(own))).status == 200 and credentials(upstream.last()) == "zhangsan:pä:ss"
    browser = logged_in(own, host="none.test")
    assert ask(own, "/x", cookie(browser, "none.test"), host="none.test").status == 200 and upstream.last().one("Authorization") is None


def test_a_password_in_the_configuration_is_warned_of(make_gateway, upstream):
    own = make_gateway([site(upstream, identity={"basic": {"user": "{account}", "password": "hunter2"}})])
    done = subprocess.run([own.binary, "check", "--config", own.file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "a secret in the configuration itself" in done.stderr and "hunter2" not in done.stderr


def test_lists_do_not_make_heads_that_applications_refuse(make_gateway, upstream, simulator):
    many = range(100_000, 100_300)
    for number in many:
        simulator.control("department", id=number, parent=2)
    simulator.control("member", userid="lisi", departments=list(many), name="名" * 300)
    own = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "identity": {"headers": {"X-Departments": "{departments}"}}}])
    browser = logged_in(own, "lisi")
    assert browser.call(own.origin("wiki.test") + "/x").status == 200
    request = upstream.last()
    assert len(request.raw_head) < 12 << 10 and len(request.one("X-Menwei-Assertion")) < 4096
    for name in ("X-Departments", "X-Forwarded-Groups"):
        value = request.one(name)
        assert 1900 < len(value) <= 2048 and not value.endswith(",") and len(value.split(",")[-1]) >= 6
