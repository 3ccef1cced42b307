"""Sessions in people's and administrators' hands: the page of one's own, and `menwei sessions`."""
import json
import re
import subprocess

import pytest

from harness.browser import Browser, WECOM
from harness.raw import RawConnection
from harness.upstream import websocket
from harness.waiting import wait_for

COLUMNS = ["sid", "account", "connection", "created", "last_seen", "expires", "address", "user_agent", "hosts"]


@pytest.fixture
def own(make_gateway, upstream):
    return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}, {"id": "app", "host": "app.test", "upstreams": [upstream.base]}])


def log_in(gateway, user="zhangsan", agent=None, host="wiki.test"):
    browser = Browser(gateway, agent) if agent else Browser(gateway)
    if agent == WECOM:
        gateway.simulator.control("phone", userid=user)
        assert browser.go(gateway.origin(host) + "/").status == 200
    else:
        assert browser.log_in(gateway.origin(host) + "/", user=user).status == 200
    browser.sid = browser.call(gateway.origin(host) + "/.menwei/me").json()["sid"]
    return browser


def page(browser, **more):
    return browser.get(browser.gateway.auth + "/.menwei/sessions", **more)


def end(browser, which, **headers):
    return browser.request(
        "POST", browser.gateway.auth + "/.menwei/sessions", body=f"end={which}".encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": browser.gateway.auth, "Sec-Fetch-Site": "same-origin", **headers})


def is_live(browser, host="wiki.test"):
    return browser.call(browser.gateway.origin(host) + "/").status == 200


def shown(answer):
    return re.findall(r'name="end" value="([A-Za-z0-9_-]{22})"', answer.text)


# The page

def test_everybody_sees_their_own_sessions_and_nobody_elses(own):
    pc, phone, other = log_in(own), log_in(own, agent=WECOM), log_in(own, "lisi")
    answer = page(pc)
    assert answer.status == 200 and set(shown(answer)) == {pc.sid, phone.sid}
    assert shown(answer)[0] == pc.sid, "the browser that asks comes first"
    assert "Windows 上的 Chrome 126" in answer.text and "Android 上的企业微信 4" in answer.text and "127.0.0.1" in answer.text
    assert answer.text.count("当前浏览器</p>") == 1 and "wiki.test" in answer.text
    assert shown(page(other)) == [other.sid]
    assert "no-store" in answer.one("Cache-Control")
    assert "/.menwei/sessions" in pc.get(own.auth + "/").text
    assert "This browser" in page(pc, headers={"Accept-Language": "en"}).text


def test_one_session_is_ended_and_the_others_go_on(own):
    pc, phone = log_in(own), log_in(own, agent=WECOM)
    done = end(pc, phone.sid)
    assert done.status == 303 and done.location == own.auth + "/.menwei/sessions"
    assert shown(page(pc)) == [pc.sid]
    wait_for(lambda: not is_live(phone), what="the end of the other browser's session")
    assert is_live(pc)
    record = own.record("revoked", sid=phone.sid)
    assert record["account"] == "zhangsan" and record["result"] == "self" and record["client"] == "127.0.0.1" and record["connection"] == "corp"


def test_all_others_and_then_all(own):
    browsers = [log_in(own) for _ in range(3)]
    assert end(browsers[0], "others").status == 303
    for gone in browsers[1:]:
        wait_for(lambda: not is_live(gone), what="the end of the others")
    assert is_live(browsers[0])
    another = log_in(own)
    done = end(browsers[0], "all")
    assert done.status == 303 and done.location == own.auth + "/.menwei/logout?done=1"
    assert browsers[0].cookie("auth.test", "__Host-menwei-auth") is None
    for gone in (browsers[0], another):
        wait_for(lambda: not is_live(gone), what="the end of all")
    assert own.metrics()  # it still serves


def test_ending_the_own_session_is_a_logout(own):
    pc = log_in(own)
    done = end(pc, pc.sid)
    assert done.status == 303 and "/.menwei/logout?done=1" in done.location
    wait_for(lambda: not is_live(pc), what="the logout")
    assert pc.get(done.location).status == 200


def test_nobody_ends_what_is_not_theirs(own):
    pc, other = log_in(own), log_in(own, "lisi")
    for which in (other.sid, "", "x", "%00", f"{other.sid}&end={other.sid}", "All"):
        assert end(pc, which).status == 303
    for marks in ({"Origin": "https://evil.test"}, {"Origin": own.origin("wiki.test")}, {"Origin": None, "Sec-Fetch-Site": "same-site"}, {"Origin": None, "Sec-Fetch-Site": None}):
        assert end(pc, "all", **marks).status == 403
    assert end(Browser(own), "all").status == 401
    assert pc.request("PUT", own.auth + "/.menwei/sessions").status == 405
    assert pc.get(f"{own.auth}/.menwei/sessions?end=all").status == 200
    assert is_live(pc) and is_live(other) and not own.records("revoked")


def test_the_page_is_on_the_auth_origin_alone_and_asks_for_the_login(own):
    pc = log_in(own)
    assert pc.get(own.origin("wiki.test") + "/.menwei/sessions").status == 404
    stranger = Browser(own)
    assert stranger.call(own.auth + "/.menwei/sessions").status == 401
    asked = stranger.get(own.auth + "/.menwei/sessions")
    assert asked.status == 302 and asked.location.startswith(own.auth + "/.menwei/login?")
    landed = stranger.log_in(own.auth + "/.menwei/sessions", user="wangwu")
    assert landed.status == 200 and landed.url.split("?")[0] == own.auth + "/.menwei/sessions" and "王五" in landed.text
    inside = Browser(own, WECOM)
    own.simulator.control("phone", userid="zhangsan")
    assert inside.go(own.auth + "/.menwei/sessions").url.split("?")[0] == own.auth + "/.menwei/sessions"


def test_a_browser_may_call_itself_anything(own):
    agent = "Mozilla/5.0 <script>alert(1)</script> \"' Chrome/1 Windows"
    pc = log_in(own, agent=agent)
    answer = page(pc)
    assert "<script>alert" not in answer.text and "Windows 上的 Chrome 1" in answer.text
    table = sessions(own, "list").stdout
    assert agent in table and len(table.splitlines()) == 2


# The command

def sessions(gateway, *arguments, status=0):
    done = subprocess.run([gateway.binary, "sessions", "--config", gateway.file, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def listed(gateway, *arguments):
    return [json.loads(line) for line in sessions(gateway, "list", "--json", *arguments).stdout.splitlines()]


def test_the_list_has_the_columns_of_the_contract(own):
    pc, other = log_in(own), log_in(own, "lisi")
    pc.go(own.origin("app.test") + "/")
    lines = sessions(own, "list").stdout.splitlines()
    assert lines[0].split() == COLUMNS and len(lines) == 3
    objects = listed(own)
    assert [list(o) for o in objects] == [COLUMNS] * 2
    assert [o["sid"] for o in objects] == [other.sid, pc.sid], "newest first"
    mine = objects[1]
    assert mine["account"] == "zhangsan" and mine["connection"] == "corp" and mine["address"] == "127.0.0.1" and mine["user_agent"] == pc.agent
    assert mine["hosts"] == ["app.test", "wiki.test"]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", mine[k]) for k in ("created", "last_seen", "expires"))
    assert [o["sid"] for o in listed(own, "--user", "ZhangSan")] == [pc.sid]
    assert listed(own, "--user", "nobody") == [] and sessions(own, "list", "--user", "nobody").stdout.split() == COLUMNS


def test_a_running_gateway_obeys_and_its_streams_end(own, upstream):
    pc, phone, other = log_in(own), log_in(own, agent=WECOM), log_in(own, "lisi")
    upstream.script("/ws", websocket)
    raw = RawConnection(own.port, "wiki.test", ca=own.ca, timeout=60)
    raw.send(f"GET /ws HTTP/1.1\r\nHost: wiki.test:{own.port}\r\nCookie: {pc._cookie_header('wiki.test')}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    assert raw.head().status == 101
    assert sessions(own, "revoke", pc.sid).stdout.split() == [pc.sid]
    data = b""
    while piece := raw.receive():
        data += piece
    assert b"\x88\x02\x03\xf0" in data, "a close frame with 1008"
    wait_for(lambda: not is_live(pc), what="the end of the session")
    record = own.record("revoked", sid=pc.sid)
    assert record["account"] == "zhangsan" and record["connection"] == "corp" and record["result"] == "elsewhere"
    assert is_live(phone) and is_live(other)
    assert sessions(own, "revoke", "--user", "zhangSAN").stdout.split() == [phone.sid]
    wait_for(lambda: not is_live(phone), what="the end of the account's sessions")
    assert is_live(other)
    assert sessions(own, "revoke", "--all").stdout.split() == [other.sid]
    wait_for(lambda: not is_live(other), what="the end of all")
    assert listed(own) == []
    raw.close()


def test_what_is_not_there_is_a_failure_and_of_a_whole_account_none(own):
    log_in(own)
    done = sessions(own, "revoke", "A" * 22, status=1)
    assert "no live session" in done.stderr and not done.stdout
    assert sessions(own, "revoke", "--user", "nobody").stdout == ""
    for wrong in (["revoke"], ["list", "--all"], ["revoke", "a", "b"], ["revoke", "a", "--all"], ["forget"], []):
        assert sessions(own, *wrong, status=2).stderr


def test_it_works_without_a_running_gateway_and_makes_nothing(own, make_gateway, upstream):
    pc = log_in(own)
    own.stop()
    assert [o["sid"] for o in listed(own)] == [pc.sid]
    assert sessions(own, "revoke", "--all").stdout.split() == [pc.sid]
    own.start()
    assert not is_live(pc)
    never = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], start=False)
    assert "no gateway has made" in sessions(never, "list", status=1).stderr
    assert not list(never.folder.glob("menwei.db*")) and not (never.folder / "keys").exists()


def test_sessions_in_memory_are_the_gateways_alone(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["sessions"].update(store="memory:"))
    for action in (["list"], ["revoke", "--all"]):
        done = sessions(gateway, *action, status=1)
        assert "memory" in done.stderr and not done.stdout
