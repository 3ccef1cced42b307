"""The account table: who somebody is for the applications, `menwei accounts`, and the page that asks for a binding code."""
import csv
import io
import re
import subprocess
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from harness.browser import Browser, WECOM
from harness.gateway import Gateway
from harness.reloading import reloaded
from harness.simulator import SECOND_CORP
from harness.waiting import wait_for

HEAD = "account,connection,user,name,email,mobile"
WIKI = {"id": "wiki", "host": "wiki.test"}


@pytest.fixture
def make(make_gateway, simulator, upstream):
    """A gateway with that `accounts`; `two`: a second corp, `east`."""
    def start(two=False, scope=None, **accounts):
        def change(c):
            c["accounts"] = accounts
            if scope:
                c["connections"][0]["scope"] = scope
            if two:
                c["connections"][0]["plain_names"] = True
                c["connections"].append({
                    **Gateway.connection("east", simulator), "corp_id": SECOND_CORP, "secret": "second-secret", "plain_names": False, "auto_login": False})

        return make_gateway([{**WIKI, "upstreams": [upstream.base]}], change)

    return start


def run(gateway, *arguments, stdin=None):
    return subprocess.run(
        [str(gateway.binary), "accounts", "--config", str(gateway.file), *arguments], input=stdin, capture_output=True, text=True, timeout=60)


def do(gateway, *arguments, **more):
    done = run(gateway, *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sheet(gateway, *rows):
    do(gateway, "import", "-", stdin="\n".join((HEAD, *rows)) + "\n")


def rows(gateway):
    return [tuple(row.values()) for row in csv.DictReader(io.StringIO(do(gateway, "export")))]


def user(answer):
    assert answer.status == 200, (answer.status, answer.url, answer.text[:500])
    return dict(answer.json()["headers"])["X-Forwarded-User"]


def log_in(gateway, person, connection=None, browser=None):
    return (browser or Browser(gateway)).log_in(gateway.origin("wiki.test") + "/asked?q=1", user=person, connection=connection)


# Who somebody is

def test_without_rows_the_user_id_is_the_account(make):
    gateway = make()
    assert user(log_in(gateway, "zhangsan")) == "zhangsan"
    assert rows(gateway) == []


def test_a_binding_gives_another_account_as_the_table_writes_it(make):
    gateway = make()
    do(gateway, "bind", "Boss", "corp/ZHANGSAN")
    browser = Browser(gateway)
    assert user(log_in(gateway, "zhangsan", browser=browser)) == "Boss"
    me = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    assert me["sub"] == "Boss" and me["user"] == "zhangsan" and me["connection"] == "corp"
    assert gateway.record("login", account="Boss")
    assert user(log_in(gateway, "lisi")) == "lisi"


def test_rules_name_the_account_of_the_table(make_gateway, upstream):
    gateway = make_gateway([{**WIKI, "upstreams": [upstream.base], "access": [{"allow": {"users": ["BOSS"]}}]}])
    do(gateway, "bind", "boss", "corp/zhangsan")
    assert user(log_in(gateway, "zhangsan")) == "boss"
    assert log_in(gateway, "lisi").status == 403


def test_known_lets_in_only_who_is_in_the_table(make):
    gateway = make(mode="known")
    sheet(gateway, "zhangsan,corp,zhangsan,,,")
    assert user(log_in(gateway, "zhangsan")) == "zhangsan"
    browser = Browser(gateway)
    answer = log_in(gateway, "lisi", browser=browser)
    assert answer.status == 403 and "没有账号" in answer.text
    assert browser.cookie("auth.test", "__Host-menwei-auth") is None
    assert gateway.record("login_failed", result="unknown-account", connection="corp", user="lisi")


def test_a_first_match_by_id_is_theirs_from_then_on(make, simulator):
    gateway = make(mode="known", match=["id"])
    sheet(gateway, "ZhangSan,,,,,", "other,,,,,")
    assert user(log_in(gateway, "zhangsan")) == "ZhangSan"
    assert ("ZhangSan", "corp", "zhangsan", "", "", "") in rows(gateway)
    assert log_in(gateway, "lisi").status == 403


def test_mail_and_mobile_match_where_the_app_may_see_them(make, simulator):
    gateway = make(mode="known", match=["email", "mobile"])
    simulator.control("app", agentid=1000002, private_fields=True)
    sheet(gateway, "boss,,,,ZhangSan@Mail.example,", "chief,,,,,+86 138-0000-0002", "a,,,,wangwu@mail.example,", "b,,,,,13800000003")
    assert user(log_in(gateway, "zhangsan")) == "boss"
    assert user(log_in(gateway, "lisi")) == "chief"
    answer = log_in(gateway, "wangwu")
    assert answer.status == 403 and gateway.record("login_failed", result="ambiguous-account")
    assert {row[0]: row[2] for row in rows(gateway)} == {"boss": "zhangsan", "chief": "lisi", "a": "", "b": ""}


def test_an_account_that_is_bound_is_not_matched_by_another_of_that_connection(make, simulator):
    gateway = make(mode="known", match=["email"])
    simulator.control("app", agentid=1000002, private_fields=True)
    sheet(gateway, "boss,corp,lisi,,zhangsan@mail.example,")
    assert log_in(gateway, "zhangsan").status == 403
    assert gateway.record("login_failed", result="unknown-account")


def test_nobody_becomes_an_account_of_the_table_by_their_user_id_alone(make):
    gateway = make()
    sheet(gateway, "zhangsan,corp,lisi,,,")
    assert user(log_in(gateway, "lisi")) == "zhangsan"
    assert log_in(gateway, "zhangsan").status == 403
    assert gateway.record("login_failed", result="account-taken")


def test_the_same_user_id_in_two_corps_is_two_people(make):
    gateway = make(two=True)
    do(gateway, "bind", "boss", "east/zhangsan")
    assert user(log_in(gateway, "zhangsan")) == "zhangsan"
    assert user(log_in(gateway, "zhangsan", "east")) == "boss"
    assert user(log_in(gateway, "helen", "east")) == "east/helen"


def test_what_the_table_tells_fills_what_wecom_does_not(make):
    gateway = make()
    sheet(gateway, "zhangsan,corp,zhangsan,Not This,z@corp.example,13800138000")
    browser = Browser(gateway)
    log_in(gateway, "zhangsan", browser=browser)
    me = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    assert (me["name"], me["email"], me["mobile"]) == ("张三", "z@corp.example", "13800138000")


def test_over_http2_the_account_is_the_same(make):
    gateway = make()
    do(gateway, "bind", "Boss", "corp/zhangsan")
    browser = Browser(gateway)
    log_in(gateway, "zhangsan", browser=browser)
    done = subprocess.run(
        ["curl", "-sS", "--http2", "--noproxy", "*", "--cacert", str(gateway.ca), "--resolve", f"wiki.test:{gateway.port}:127.0.0.1", "-w", "%{http_version}",
         "-b", "__Host-menwei=" + browser.cookie("wiki.test"), gateway.origin("wiki.test") + "/.menwei/me"], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("2") and '"sub":"Boss"' in done.stdout.replace('": "', '":"'), done


# Live sessions

@pytest.mark.parametrize("change", [("unbind", "boss"), ("unbind", "boss", "corp"), ("remove", "boss")])
def test_who_is_unbound_is_out_at_once_and_logs_in_as_who_they_are_by_then(make, change):
    gateway = make()
    do(gateway, "bind", "boss", "corp/zhangsan")
    browser, other = Browser(gateway), Browser(gateway)
    assert user(log_in(gateway, "zhangsan", browser=browser)) == "boss"
    assert user(log_in(gateway, "lisi", browser=other)) == "lisi"
    do(gateway, *change)
    me = gateway.origin("wiki.test") + "/.menwei/me"
    wait_for(lambda: browser.call(me).status == 401, what="the end of the session")
    assert gateway.record("gone", result="account-changed")
    assert other.call(me).status == 200
    assert user(log_in(gateway, "zhangsan", browser=browser)) == "zhangsan"


def test_who_is_bound_while_logged_in_logs_in_anew(make):
    gateway = make()
    browser = Browser(gateway)
    assert user(log_in(gateway, "zhangsan", browser=browser)) == "zhangsan"
    do(gateway, "bind", "boss", "corp/zhangsan")
    wait_for(lambda: browser.call(gateway.origin("wiki.test") + "/.menwei/me").status == 401, what="the end of the session")
    assert user(log_in(gateway, "zhangsan", browser=browser)) == "boss"


def test_known_ends_the_sessions_of_who_is_not_in_the_table(make):
    gateway = make(match=["id"])
    sheet(gateway, "zhangsan,,,,,")
    browsers = {name: Browser(gateway) for name in ("zhangsan", "lisi")}
    for name, browser in browsers.items():
        assert user(log_in(gateway, name, browser=browser)) == name
    reloaded(gateway, lambda c: c["accounts"].update(mode="known"))
    me = gateway.origin("wiki.test") + "/.menwei/me"
    wait_for(lambda: browsers["lisi"].call(me).status == 401, what="the end of the session")
    assert browsers["zhangsan"].call(me).status == 200


def test_the_table_outlives_a_restart_and_may_be_a_file_of_its_own(make_gateway, upstream):
    def change(c):
        c["sessions"]["store"] = "memory:"
        c["accounts"] = {"mode": "known", "store": "sqlite:accounts.db"}

    gateway = make_gateway([{**WIKI, "upstreams": [upstream.base]}], change)
    do(gateway, "bind", "boss", "corp/zhangsan")
    browser = Browser(gateway)
    assert user(log_in(gateway, "zhangsan", browser=browser)) == "boss"
    do(gateway, "unbind", "boss")
    wait_for(lambda: browser.call(gateway.origin("wiki.test") + "/.menwei/me").status == 401, what="the end of the session")
    do(gateway, "bind", "boss", "corp/zhangsan")
    gateway.stop()
    gateway.start()
    assert user(log_in(gateway, "zhangsan")) == "boss"
    assert {path.name for path in gateway.folder.glob("*.db")} == {"accounts.db"}


# The command

def test_export_and_import_are_each_others_opposite(make, tmp_path):
    gateway = make(two=True)
    sheet(
        gateway, 'boss,corp,zhangsan,"Zhang, ""San""",z@x.example,+852 12345678', "boss,east,helen,Helen Wu,,", "new,,,=SUM(A1),n@x.example,", "张三,,,,,")
    text = do(gateway, "export")
    assert text.splitlines()[0] == HEAD
    assert "new,,,'=SUM(A1),n@x.example," in text.splitlines()
    assert ("boss", "corp", "zhangsan", 'Zhang, "San"', "z@x.example", "'+852 12345678") in rows(gateway)
    file = tmp_path / "accounts.csv"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert "imported 4 rows" in do(gateway, "import", str(file))
    assert do(gateway, "export") == text
    for account in ("boss", "new", "张三"):
        do(gateway, "remove", account)
    assert rows(gateway) == []
    do(gateway, "import", str(file))
    assert do(gateway, "export") == text


def test_list_shows_columns(make):
    gateway = make()
    sheet(gateway, "boss,corp,zhangsan,张三,,", "new,,,,,")
    lines = do(gateway, "list").splitlines()
    assert lines[0].split() == HEAD.split(",")
    assert [line.split() for line in lines[1:]] == [["boss", "corp", "zhangsan", "张三", "-", "-"], ["new", "-", "-", "-", "-", "-"]]


def test_an_import_is_all_or_nothing_and_says_each_line(make, tmp_path):
    gateway = make()
    do(gateway, "bind", "boss", "corp/zhangsan")
    before = do(gateway, "export")
    file = tmp_path / "bad.csv"
    file.write_text("\n".join([HEAD, "good,corp,lisi,,,", "bad name,,,,,", "x,nowhere,lisi,,,", "x,corp,,,,", "x,corp,a/b,,,", "x,,,,no-mail,", "x,,,,,1.38E+10", "x,,", 'x,"a']))
    done = run(gateway, "import", str(file))
    assert done.returncode == 1 and done.stdout == ""
    lines = [int(re.match(rf"{re.escape(str(file))}:(\d+): ", line).group(1)) for line in done.stderr.splitlines()[:-1]]
    assert lines == [3, 4, 5, 6, 7, 8, 9, 10]
    file.write_text(f"{HEAD}\nnew,,,,,\nchief,corp,ZhangSan,,,\n")
    done = run(gateway, "import", str(file))
    assert done.returncode == 1 and f'{file}:3: this person is bound to "boss"' in done.stderr
    assert do(gateway, "export") == before


@pytest.mark.parametrize("content, word", [
    (b"", "empty"), (b"name,account\n", "first line"), ("账号,a".encode("gbk"), "UTF-8"), (b"\xff\xfea\x00", "UTF-16"),
])
def test_what_is_no_sheet_is_said(make, tmp_path, content, word):
    gateway = make()
    file = tmp_path / "odd.csv"
    file.write_bytes(content)
    done = run(gateway, "import", str(file))
    assert done.returncode == 1 and f"{file}:1: " in done.stderr and word in done.stderr


def test_what_cannot_be_done_is_said(make, make_gateway, upstream):
    gateway = make()
    do(gateway, "bind", "boss", "corp/zhangsan")
    for arguments, status in [
        (("unbind", "nobody"), 1), (("remove", "nobody"), 1), (("code", "nobody"), 1), (("bind", "chief", "corp/zhangsan"), 1), (("import", "/nowhere"), 1),
        (("bind", "chief", "nowhere/zhangsan"), 2), (("bind", "chief", "corp/-x"), 2), (("bind", "a b", "corp/lisi"), 2), (("bind", "chief", "lisi"), 2),
        (("bind", "chief"), 2), (("frobnicate",), 2), ((), 2), (("list", "more"), 2),
    ]:
        done = run(gateway, *arguments)
        assert done.returncode == status and done.stderr and not done.stdout, (arguments, done)
    memory = make_gateway([{**WIKI, "upstreams": [upstream.base]}], lambda c: c["sessions"].update(store="memory:"), start=False)
    done = run(memory, "list")
    assert done.returncode == 1 and "accounts.store" in done.stderr


# Binding

def bind_page(gateway, person="zhangsan", browser=None, connection=None):
    browser = browser or Browser(gateway)
    page = log_in(gateway, person, connection, browser)
    assert page.status == 200 and urlsplit(page.url).path == "/.menwei/bind", (page.status, page.url)
    return browser, page


def send(browser, page, code=None, **more):
    """Sends the page's form with that code, or without one. `id` and `headers` put others in their place."""
    identifier = more.pop("id", None) or re.search(r'name="id" value="([^"]+)"', page.text).group(1)
    body = urlencode({"id": identifier, **({"code": code} if code else {"own": "1"})})
    return browser.post(browser.gateway.auth + "/.menwei/bind", body.encode(), headers={"Referer": page.url, **more.pop("headers", {})}, **more)


def test_a_code_binds_and_the_login_goes_on(make):
    gateway = make(mode="known", bind="ask")
    sheet(gateway, "boss,,,,,")
    code = do(gateway, "code", "boss").strip()
    assert re.fullmatch(r"[2-9A-HJKMNP-Z]{10}", code)
    browser, page = bind_page(gateway)
    assert "绑定" in page.text and browser.cookie("auth.test", "__Host-menwei-auth") is None
    # What the administrator needs in order to help.
    record = gateway.record("login_failed", result="asked-for-code")
    assert f'corp/{record["user"]}' in page.text
    answer = send(browser, page, code[:5].lower() + "-" + code[5:])
    assert answer.status == 303
    answer = browser.follow(answer)
    assert user(answer) == "boss" and answer.url == gateway.origin("wiki.test") + "/asked?q=1"
    assert rows(gateway) == [("boss", "corp", "zhangsan", "", "", "")]
    assert user(log_in(gateway, "zhangsan")) == "boss"
    # It was good once.
    other, page = bind_page(gateway, "lisi")
    assert send(other, page, code).status == 403


def test_five_wrong_codes_are_enough(make):
    gateway = make(mode="known", bind="ask")
    sheet(gateway, "boss,,,,,")
    code = do(gateway, "code", "boss").strip()
    browser, page = bind_page(gateway)
    for left in (4, 3, 2, 1, 0):
        answer = send(browser, page, "WRNG234567" if left % 2 else "no code at all")
        assert answer.status == 403 and (f"{left} 次" in answer.text or left == 0)
    assert "/.menwei/start/corp" in answer.text, "the other ways are offered where this one ends"
    assert send(browser, page, code).status == 403
    again, page = bind_page(gateway)
    assert send(again, page, code).status == 403, "another login gives no more tries"
    assert gateway.record("login_failed", result="wrong-code") and gateway.record("login_failed", result="too-many-codes")
    assert rows(gateway) == [("boss", "", "", "", "", "")]
    fresh = do(gateway, "code", "boss").strip()
    assert send(again, page, code).status == 403 and browser.follow(send(again, page, fresh)).status in (200, 302)


def test_a_login_that_waits_is_of_one_browser_and_opens_nothing(make):
    gateway = make(mode="known", bind="ask")
    sheet(gateway, "boss,,,,,")
    code = do(gateway, "code", "boss").strip()
    browser, page = bind_page(gateway)
    identifier = parse_qs(urlsplit(page.url).query)["id"][0]
    stranger = Browser(gateway)
    stranger.go(gateway.origin("wiki.test") + "/")
    assert urlsplit(stranger.get(page.url).location).path == "/.menwei/login"
    assert urlsplit(send(stranger, page, code, id=identifier).location).path == "/.menwei/login"
    assert stranger.cookie("auth.test", "__Host-menwei-auth") is None
    for headers in ({"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}, {"Origin": gateway.origin("wiki.test")}, {"Origin": "null"}):
        assert send(browser, page, code, headers=headers).status == 403
    assert browser.call(gateway.auth + "/.menwei/me").status == 401
    assert browser.follow(send(browser, page, code)).status == 200
    # The page from history: nobody's login waits there any more.
    assert browser.get(page.url).location == gateway.auth + "/"


def test_who_has_no_code_may_go_on_under_their_own_name_where_everybody_has_one(make):
    gateway = make(bind="ask")
    browser, page = bind_page(gateway)
    assert "zhangsan" in page.text
    assert user(browser.follow(send(browser, page))) == "zhangsan"
    assert rows(gateway) == [("zhangsan", "corp", "zhangsan", "", "", "")]
    assert user(log_in(gateway, "zhangsan")) == "zhangsan", "asked once"


def test_known_offers_no_account_of_their_own(make):
    gateway = make(mode="known", bind="ask")
    browser, page = bind_page(gateway)
    assert 'name="own"' not in page.text
    answer = send(browser, page)
    assert answer.status == 403 and browser.cookie("auth.test", "__Host-menwei-auth") is None


def test_inside_wecom_the_way_to_the_page_is_silent(make):
    gateway = make(mode="known", bind="ask")
    sheet(gateway, "boss,,,,,")
    code = do(gateway, "code", "boss").strip()
    browser = Browser(gateway, WECOM, language="en")
    page = browser.go(gateway.origin("wiki.test") + "/asked")
    assert urlsplit(page.url).path == "/.menwei/bind" and "Connect your account" in page.text and 'lang="en"' in page.text
    step = next(s for s in page.history if urlsplit(s.url).path == "/.menwei/callback/corp")
    assert step.one("Location").endswith("#"), "WeCom's own fragment must not stick"
    assert user(browser.follow(send(browser, page, code))) == "boss"


def test_binding_is_absent_unless_asked_for_and_where_scripts_of_a_site_share_the_origin(make, make_gateway, upstream):
    gateway = make()
    assert Browser(gateway).get(gateway.auth + "/.menwei/bind").status == 404
    shared = make_gateway(
        [{**WIKI, "upstreams": [upstream.base]}], lambda c: (c.update(accounts={"mode": "known", "bind": "ask"}), c["auth"].update(origin=c["sites"][0]["origin"])))
    assert Browser(shared).get(shared.origin("wiki.test") + "/.menwei/bind").status == 404
    done = subprocess.run([str(shared.binary), "check", "--config", str(shared.file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "accounts.bind" in done.stderr


def test_other_methods_are_refused(make):
    gateway = make(bind="ask")
    answer = Browser(gateway).request("PUT", gateway.auth + "/.menwei/bind", body=b"x")
    assert answer.status == 405 and answer.one("Allow") == "GET, HEAD, POST"


# Details that people agree to show

def consented(gateway, answer, say):
    """From a page that asks, on."""
    step = answer.history[-1]
    assert urlsplit(step.url).path == "/connect/oauth2/authorize" and "snsapi_privateinfo" in step.url, step.url
    return step.url.replace("#", f"&sim_consent={say}#")


def wecom_user(gateway, name, simulator):
    simulator.control("phone", userid=name)
    return Browser(gateway, WECOM)


def test_the_question_is_no_second_key(make, simulator):
    """Whoever logged out, or was ended, while WeCom asked: the state of the question brings nobody back in."""
    gateway = make(scope="snsapi_privateinfo")
    browser = wecom_user(gateway, "zhangsan", simulator)
    asked = browser.go(gateway.origin("wiki.test") + "/asked")
    state = parse_qs(urlsplit(asked.history[-1].url).query)["state"][0]
    assert browser.request("POST", gateway.auth + "/.menwei/logout", headers={"Origin": gateway.auth}, body=b"").status in (200, 303)
    answer = browser.get(gateway.auth + "/.menwei/callback/corp?state=" + state)
    assert answer.status == 302 and "/.menwei/login?" in answer.location
    assert browser.call(gateway.auth + "/.menwei/me").status == 401 and len(gateway.records("login")) == 1


def test_who_agrees_once_has_their_details_in_every_login(make, simulator):
    gateway = make(scope="snsapi_privateinfo")
    browser = wecom_user(gateway, "zhangsan", simulator)
    wanted = gateway.origin("wiki.test") + "/asked?q=1"
    asked = browser.go(wanted)
    assert browser.cookie("auth.test", "__Host-menwei-auth"), "they are in whatever they say"
    first = next(s for s in asked.history if urlsplit(s.url).path == "/connect/oauth2/authorize")
    assert "scope=snsapi_base" in first.url
    answer = browser.go(consented(gateway, asked, "yes"))
    assert answer.url == wanted and user(answer) == "zhangsan"
    me = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    assert (me["email"], me["mobile"]) == ("zhangsan@mail.example", "13800000001")
    assert rows(gateway) == [("zhangsan", "corp", "zhangsan", "", "zhangsan@mail.example", "13800000001")]
    assert len(gateway.records("login")) == 1
    # Outside of WeCom too, and nobody asks again inside.
    desk = Browser(gateway)
    log_in(gateway, "zhangsan", browser=desk)
    assert desk.call(gateway.origin("wiki.test") + "/.menwei/me").json()["mobile"] == "13800000001"
    assert user(wecom_user(gateway, "zhangsan", simulator).go(wanted)) == "zhangsan"


def test_who_refuses_is_in_all_the_same_and_not_asked_again_at_once(make, simulator):
    gateway = make(scope="snsapi_privateinfo")
    browser = wecom_user(gateway, "zhangsan", simulator)
    wanted = gateway.origin("wiki.test") + "/asked"
    answer = browser.go(consented(gateway, browser.go(wanted), "no"))
    assert answer.url == wanted and user(answer) == "zhangsan"
    me = browser.call(gateway.origin("wiki.test") + "/.menwei/me").json()
    assert me["email"] == "" and "mobile" not in me
    assert user(wecom_user(gateway, "zhangsan", simulator).go(wanted)) == "zhangsan", "asked again"
    assert rows(gateway) == [] and not gateway.records("login_failed")


def test_who_closes_the_question_is_in_all_the_same(make, simulator):
    gateway = make(scope="snsapi_privateinfo")
    browser = wecom_user(gateway, "zhangsan", simulator)
    browser.go(gateway.origin("wiki.test") + "/asked")
    assert user(browser.go(gateway.origin("wiki.test") + "/asked")) == "zhangsan"


@pytest.mark.parametrize("fault", [{"errcode": 40058}, {"status": 502}, {"answer": "wrong_types"}, {"errcode": 60011}])
def test_a_failing_answer_costs_nobody_their_login(make, simulator, fault):
    gateway = make(scope="snsapi_privateinfo")
    browser = wecom_user(gateway, "zhangsan", simulator)
    asked = browser.go(gateway.origin("wiki.test") + "/asked")
    simulator.fault("auth/getuserdetail", **fault)
    assert user(browser.go(consented(gateway, asked, "yes"))) == "zhangsan"


def test_somebody_elses_answer_is_not_kept(make, simulator):
    gateway = make(scope="snsapi_privateinfo")
    browser = wecom_user(gateway, "zhangsan", simulator)
    asked = browser.go(gateway.origin("wiki.test") + "/asked")
    simulator.control("phone", userid="lisi")
    assert user(browser.go(consented(gateway, asked, "yes"))) == "zhangsan"
    assert rows(gateway) == []


def test_outside_of_wecom_nobody_is_asked(make):
    gateway = make(scope="snsapi_privateinfo")
    assert user(log_in(gateway, "zhangsan")) == "zhangsan"


def test_who_is_known_by_their_number_only_is_asked_before_they_are_in(make, simulator):
    gateway = make(scope="snsapi_privateinfo", mode="known", match=["mobile"])
    sheet(gateway, "boss,,,,,13800000001")
    assert log_in(gateway, "zhangsan").status == 403, "outside of WeCom nobody tells the number"
    browser = wecom_user(gateway, "zhangsan", simulator)
    asked = browser.go(gateway.origin("wiki.test") + "/asked")
    assert browser.cookie("auth.test", "__Host-menwei-auth") is None
    assert user(browser.go(consented(gateway, asked, "yes"))) == "boss"
    assert user(log_in(gateway, "zhangsan")) == "boss"
    other = wecom_user(gateway, "lisi", simulator)
    answer = other.go(consented(gateway, other.go(gateway.origin("wiki.test") + "/asked"), "no"))
    assert answer.status == 403 and other.cookie("auth.test", "__Host-menwei-auth") is None
    assert gateway.record("login_failed", result="unknown-account")


def test_old_private_deployments_are_asked_by_their_own_names(make_gateway, simulator, upstream):
    def change(c):
        c["connections"][0]["scope"] = "snsapi_privateinfo"
        c["connections"][0]["endpoints"]["userinfo"] = "user/getuserinfo"

    gateway = make_gateway([{**WIKI, "upstreams": [upstream.base]}], change)
    browser = wecom_user(gateway, "zhangsan", simulator)
    answer = browser.go(consented(gateway, browser.go(gateway.origin("wiki.test") + "/asked"), "yes"))
    assert user(answer) == "zhangsan" and rows(gateway)[0][5] == "13800000001"
    assert simulator.counts()["user/getuserdetail"] >= 1
