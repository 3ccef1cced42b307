"""The simulator's callbacks against the gateway: neither shares the other's code for them."""
import pytest

from harness.browser import Browser
from harness.events import AES_KEY, ENVIRONMENT, PAIR, TOKEN
from harness.waiting import wait_for

HOST = "wiki.test"
#: For a machine that has much else to do; WeCom itself waits for 1 s.
PATIENT = {"patience_ms": 20000}


@pytest.fixture
def gateway(make_gateway, upstream):
    return make_gateway([{"id": "wiki", "host": HOST, "upstreams": [upstream.base]}], lambda c: c["connections"][0].update(events=PAIR), environment=ENVIRONMENT)


def callback(gateway, **more):
    return {"url": gateway.auth + "/.menwei/events/corp", "token": TOKEN, "aes_key": AES_KEY, "connect_to": f"127.0.0.1:{gateway.port}", **PATIENT, **more}


def log_in(gateway, user="zhangsan"):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin(HOST) + "/", user).status == 200
    return browser


def status_of(gateway, browser):
    return browser.call(gateway.origin(HOST) + "/x").status


def deliveries(simulator):
    return simulator.report("deliveries")["deliveries"]


def test_an_address_is_entered_only_after_its_check(gateway, simulator):
    simulator.control("callback", **callback(gateway))
    for wrong in ({"token": "another"}, {"aes_key": "k" * 42 + "A"}, {"url": gateway.auth + "/.menwei/events/nobody"}, {"url": gateway.auth + "/"}, {"corpid": "wwfedcba9876543210"}):
        with pytest.raises(AssertionError, match="the address answered"):
            simulator.control("callback", **callback(gateway, **wrong))


@pytest.mark.parametrize("control, change", [
    ("member", dict(userid="zhangsan", removed=True)), ("member", dict(userid="zhangsan", status=2)), ("member", dict(userid="zhangsan", new_userid="zs")),
    ("department", dict(id=2, parent=7)), ("tag", dict(tagid=9, departments=[2])),
])
def test_what_changes_in_the_directory_reaches_the_gateway(gateway, simulator, control, change):
    simulator.control("callback", **callback(gateway))
    before = len(deliveries(simulator))
    browser = log_in(gateway)
    simulator.control("clear-calls")
    simulator.control(control, **change)
    if control == "member":
        wait_for(lambda: status_of(gateway, browser) == 401, 30, "the end of the session")
    wait_for(lambda: simulator.counts().get("user/get", 0) >= 1, 30, "the look-up")
    new = wait_for(lambda: deliveries(simulator)[before:], 30)
    assert all(d["status"] == 200 and d["attempts"] == 1 for d in new), new


def test_the_app_is_told_who_leaves_its_visible_range(gateway, simulator):
    simulator.control("callback", **callback(gateway, agentid=1000002))
    browser, other = log_in(gateway), log_in(gateway, "lisi")
    simulator.control("app", agentid=1000002, visible={"departments": [5]})
    wait_for(lambda: status_of(gateway, browser) == 401, 30, "the end of the session")
    assert status_of(gateway, other) == 200
    wait_for(lambda: {"unsubscribe"} <= {d["event"] for d in deliveries(simulator)}, 30)


def test_each_fault_is_refused_and_a_replay_is_not(gateway, simulator):
    simulator.control("callback", **callback(gateway))
    browser = log_in(gateway)
    deletion = {"Event": "change_contact", "ChangeType": "delete_user", "UserID": "zhangsan"}
    for fault in ("signature", "timestamp", "receiveid", "padding"):
        assert simulator.control("event", members=deletion, fault=fault)["status"] == 403, fault
    assert simulator.control("event", message="<!DOCTYPE xml [<!ENTITY a 'b'>]><xml><MsgType>event</MsgType></xml>")["status"] == 200, "it is signed, and concerns nobody"
    simulator.control("clear-calls")
    assert simulator.control("event", members=deletion, fault="replay")["status"] == 200
    assert simulator.control("event", members=deletion, json=True)["status"] == 200
    wait_for(lambda: simulator.counts().get("user/get", 0) >= 1, 30)
    assert status_of(gateway, browser) == 200, "the directory has the last word, and it says that the member is there"


def test_an_event_is_attempted_three_times(gateway, simulator):
    simulator.control("callback", **callback(gateway))
    before = len(deliveries(simulator))
    gateway.stop()
    simulator.control("member", userid="zhangsan", removed=True)
    failed = wait_for(lambda: deliveries(simulator)[before:], 60, "the end of the attempts")
    assert failed[0]["attempts"] == 3 and failed[0]["status"] is None
