"""Two gateways on one store, as one beside its successor, or one for the intranet beside one for the outside."""
import pytest

from harness.browser import Browser
from harness.events import ENVIRONMENT, PAIR, Events
from harness.waiting import wait_for

HOST = "wiki.test"
RULES = [{"path": "/department/*", "allow": {"departments": [2]}}, {"allow": "members"}]


@pytest.fixture
def pair(make_gateway, upstream):
    """Each asks WeCom by itself only every ten minutes; whatever they know sooner, the other one told them."""
    sites = [{"id": "wiki", "host": HOST, "upstreams": [upstream.base], "access": RULES}]
    first = make_gateway(sites, lambda c: c["connections"][0].update(events=PAIR), environment=ENVIRONMENT)

    def shared(c):
        c["sessions"]["store"] = f"sqlite:{first.folder / 'menwei.db'}"
        c["signing"] = {"keys": str(first.folder / "keys")}
    return first, make_gateway(sites, shared)


def known(gateway, browser, path="/x"):
    """Every request of the harness is a connection of its own: by now each worker holds the session."""
    for _ in range(12):
        assert browser.call(gateway.origin(HOST) + path).status == 200


def test_what_one_ends_the_other_hears(pair):
    first, second = pair
    browser = Browser(first)
    assert browser.log_in(first.origin(HOST) + "/").status == 200
    known(second, browser)
    kept = Browser(second)
    kept.cookies = {host: dict(jar) for host, jar in browser.cookies.items()}
    browser.post(first.origin(HOST) + "/.menwei/logout", b"")
    wait_for(lambda: kept.call(second.origin(HOST) + "/x").status == 401, 30, "the end of the session at the other gateway")
    for _ in range(12):
        assert kept.call(second.origin(HOST) + "/x").status == 401
    record = second.record("revoked")
    assert record["result"] == "elsewhere" and record["account"] == "zhangsan"


def test_what_one_learns_of_a_member_the_other_goes_by(pair, simulator):
    first, second = pair
    browser = Browser(first)
    assert browser.log_in(first.origin(HOST) + "/").status == 200
    known(second, browser, "/department/x")
    simulator.control("member", userid="zhangsan", departments=[5])
    assert Events(first).contact("update_user", UserID="zhangsan", Department="5").status == 200
    wait_for(lambda: browser.call(second.origin(HOST) + "/department/x").status == 403, 30, "the move of the member at the other gateway")
    for _ in range(12):
        assert browser.call(second.origin(HOST) + "/department/x").status == 403
    assert browser.call(second.origin(HOST) + "/x").status == 200
