"""The commands, their words and their exit statuses."""
import json
import re
import signal
import ssl
import subprocess
from urllib.parse import urlsplit

import pytest

from harness.browser import Browser, WECOM
from harness.ports import free_port
from harness.process import Process
from harness.raw import RawConnection

GOOD = """\
listen:
  https: [ "127.0.0.1:18443" ]
tls:
  certificates:
    - { certificate: server.pem, key: server.key }
auth:
  origin: https://auth.corp.example
connections:
  - id: corp
    type: wecom
    corp_id: ww0123456789abcdef
    agent_id: 1000002
    secret: { file: secret }
sites:
  - id: wiki
    origin: https://wiki.corp.example
    upstream: http://127.0.0.1:8080
    access:
      - { path: /assets/*, allow: anyone }
      - { path: /admin/*, allow: { users: [ zhangsan ] } }
      - { allow: members }
  - id: app
    origin: https://wiki.corp.example
    path: /app
    upstream: http://127.0.0.1:8081
    enforcement: required
sessions:
  store: "sqlite:menwei.db"
"""


@pytest.fixture
def folder(tmp_path, authority):
    chain, key = authority.issue(f"check-{tmp_path.name}", ["auth.corp.example", "wiki.corp.example"])
    (tmp_path / "server.pem").write_bytes(chain.read_bytes())
    (tmp_path / "server.key").write_bytes(key.read_bytes())
    (tmp_path / "server.key").chmod(0o600)
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "menwei.yaml").write_text(GOOD)
    return tmp_path


@pytest.fixture
def menwei(binary, folder):
    def run(*arguments, env=None):
        import os
        return subprocess.run([str(binary), *arguments], capture_output=True, text=True, timeout=120, cwd=folder, env={**os.environ, **(env or {})})
    return run


def check(menwei, folder, text):
    (folder / "menwei.yaml").write_text(text)
    return menwei("check", "--config", "menwei.yaml")


def test_check_says_ok(menwei, folder):
    # One site: path sites with different rules are warned of.
    done = check(menwei, folder, re.sub(r"(?s)  - id: app.*?(?=sessions:)", "", GOOD))
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
    assert sorted(p.name for p in folder.iterdir()) == ["menwei.yaml", "secret", "server.key", "server.pem"], "check leaves nothing behind"


FAULTS = [
    # what is replaced, by what, line, column (None: any), words of the message
    ("  https: [", "  htps: [", 2, 3, "https"),
    ("origin: https://auth.corp.example", "origin: http://auth.corp.example", 7, 11, "https"),
    ("type: wecom", "type: wecm", 10, 11, "wecom"),
    ("agent_id: 1000002", "agent_id: many", 12, 15, ""),
    ("path: /app", "path: app", 24, 11, "/"),
    ("upstream: http://127.0.0.1:8081", "upstream: ftp://127.0.0.1:8081", 25, 15, "ftp"),
    ("allow: anyone", "allow: anyon", 19, None, "anyone"),
    ("users: [ zhangsan ]", "users: []", 20, None, "empty"),
    ("users: [ zhangsan ]", "userz: [ zhangsan ]", 20, None, "users"),
    ("/admin/*", "/ad*min", 20, None, "*"),
    ("secret: { file: secret }", "secret: { file: missing }", 13, None, "missing"),
    ("secret: { file: secret }", "secret: { env: MENWEI_NO_SUCH }", 13, None, "MENWEI_NO_SUCH"),
    ("key: server.key", "key: none.key", 5, None, "none.key"),
    ("key: server.key", "key: server.pem", 5, None, ""),
    ("id: app", "id: wiki", None, None, "wiki"),
    ("path: /app", "path: /", None, None, ""),
    ("  - id: corp", "  - id: Corp!", 9, None, "id"),
    ('store: "sqlite:menwei.db"', 'store: "redis://127.0.0.1/0"', 28, None, "not available"),
    ('store: "sqlite:menwei.db"', 'idle_timeout: 12 hours', 28, None, "12 hours"),
    ("enforcement: required", "enforcement: watch", 26, None, "observe"),
    ("enforcement: required", "landing: { mobile: m }", 26, None, "a path such as"),
    ("enforcement: required", "identity: { headers: { Host: \"{account}\" } }", 26, None, "Host"),
    ("enforcement: required", "identity: { headers: { X-A: \"{nmae}\" } }", 26, None, "name"),
    ("enforcement: required", "identity: { headers: { X-A: \"{name}\", x_a: \"{name}\" } }", 26, None, ""),
    ("enforcement: required", "identity: { headers: { \"X A\": \"{name}\" } }", 26, None, ""),
    ("enforcement: required", "request_body_limit: lots", 26, 25, "lots"),
    ("enforcement: required", "timeouts: { response: 0s }", 26, None, ""),
    ("enforcement: required", "origin2: x", 26, 5, "origin"),
    ("enforcement: required", "path: /app2", 26, 5, "path"),
    ("  origin: https://auth", "  admins: [ zhangsan ]\n  origin: https://auth", 7, None, "not available"),
    ("  origin: https://auth", "  login_page: scan\n  origin: https://auth", 7, None, "scan_from"),
    ("listen:\n", "listen:\n  forward_auth_from: [ 10.0.0.0/8 ]\n", 2, None, "not available"),
    ("type: wecom", "type: wechat", None, None, "app_id"),
    ("{ users: [ zhangsan ] }", "{ departments: [ sales ] }", 20, None, "number"),
    ("{ users: [ zhangsan ] }", "{ hours: \"08:00-20:00 Mars/Olympus\" }", 20, None, "time zone"),
    ("sessions:", "\tsessions:", 27, None, ""),
    ("sites:", "sites: [", None, None, ""),
]


@pytest.mark.parametrize("old, new, line, column, words", FAULTS, ids=[f[1].strip()[:40] for f in FAULTS])
def test_faults_have_line_column_and_a_hint(menwei, folder, old, new, line, column, words):
    assert old in GOOD
    done = check(menwei, folder, GOOD.replace(old, new, 1) if "app" not in old else new.join(GOOD.rsplit(old, 1)))
    assert done.returncode == 2 and done.stdout == "", (done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    faults = [text for text in lines if re.match(r"^menwei\.yaml:\d+:\d+: (?!warning)", text)]
    assert faults, lines
    match = [f for f in faults if (line is None or f.startswith(f"menwei.yaml:{line}:")) and (column is None or f.startswith(f"menwei.yaml:{line}:{column}:")) and words in f]
    assert match, faults


def test_every_fault_is_told_at_once(menwei, folder):
    done = check(menwei, folder, GOOD.replace("htps", "x").replace("type: wecom", "type: wecm").replace("path: /app", "path: app").replace("origin: https://auth", "origin: ftp://auth"))
    assert done.returncode == 2 and len(done.stderr.splitlines()) >= 3


def test_missing_keys_are_named(menwei, folder):
    for key in ("listen", "tls", "auth", "connections", "sites"):
        text = re.sub(rf"(?ms)^{key}:.*?(?=^\S|\Z)", "", GOOD)
        done = check(menwei, folder, text)
        assert done.returncode == 2 and key in done.stderr, key
    assert check(menwei, folder, "").returncode == 2
    assert check(menwei, folder, "- a\n- b\n").returncode == 2
    assert check(menwei, folder, "\x00\x01").returncode == 2


def test_yaml_features_of_the_contract(menwei, folder):
    text = "x-common: &common { path: /x, allow: members }\n" + GOOD.replace("agent_id: 1000002", 'agent_id: "1000002"').replace(
        "      - { allow: members }\n", "      - { <<: *common, methods: [ GET ] }\n      - { allow: members }\n")
    done = check(menwei, folder, text)
    assert done.returncode == 0, done.stderr


def test_warnings_do_not_fail(menwei, folder):
    done = check(menwei, folder, GOOD.replace("secret: { file: secret }", "secret: in-the-clear"))
    assert done.returncode == 0 and done.stdout == "ok\n"
    assert re.search(r"^menwei\.yaml:13:\d+: warning: ", done.stderr, re.M)
    assert "in-the-clear" not in done.stderr


def test_run_says_the_same_faults_as_check(menwei, folder):
    text = GOOD.replace("htps", "x").replace("type: wecom", "type: wecm")
    told = check(menwei, folder, text)
    ran = menwei("run", "--config", "menwei.yaml")
    assert ran.returncode == 2 and ran.stderr == told.stderr
    assert not (folder / "menwei.db").exists() and not (folder / "keys").exists()


def test_a_missing_configuration_is_said(menwei):
    for command in ("run", "check"):
        done = menwei(command, "--config", "none.yaml")
        assert done.returncode == 2 and "none.yaml" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run"], ["check"], ["check", "--config"], ["run", "--config", "menwei.yaml", "extra"], ["simulator"], ["demo", "--port", "x"],
                                       ["demo", "--port", "70000"], ["simulator", "--listen", "nowhere"], ["explain", "--config", "menwei.yaml", "GET"], ["check", "--colour"]])
def test_wrong_usage_is_2(menwei, arguments):
    done = menwei(*arguments)
    assert done.returncode == 2 and done.stderr.strip() and not done.stdout


def test_version_names_the_libraries(menwei):
    done = menwei("version")
    assert done.returncode == 0 and done.stdout.startswith("menwei ")
    for library in ("openssl", "nghttp2", "sqlite", "curl", "yaml"):
        assert re.search(library + r".*\d+\.\d+", done.stdout, re.I), library


@pytest.mark.parametrize("arguments, status, site, decision", [
    (["GET", "https://wiki.corp.example/assets/x"], 0, "wiki", "allow"),
    (["GET", "https://wiki.corp.example/admin/x"], 3, "wiki", "login"),
    (["--user", "lisi", "GET", "https://wiki.corp.example/admin/x"], 4, "wiki", "deny"),
    (["--user", "ZhangSan", "GET", "https://wiki.corp.example/admin/x?y=z"], 0, "wiki", "allow"),
    (["--user", "lisi", "GET", "https://wiki.corp.example:443/"], 0, "wiki", "allow"),
    (["--user", "lisi", "POST", "https://WIKI.corp.example/app/x"], 0, "app", "allow"),
    (["GET", "https://wiki.corp.example/application"], 3, "wiki", "login"),
    (["GET", "https://wiki.corp.example/assets/../admin"], 4, None, None),
    (["GET", "https://wiki.corp.example/assets/%2e%2e/admin"], 4, None, None),
    (["GET", "https://wiki.corp.example/%61dmin"], 3, "wiki", "login"),
    (["GET", "https://other.corp.example/"], 5, None, None),
    (["GET", "https://wiki.corp.example:8443/"], 5, None, None),
])
def test_explain(menwei, arguments, status, site, decision):
    done = menwei("explain", "--config", "menwei.yaml", *arguments)
    assert done.returncode == status, (done.stdout, done.stderr)
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    if site:
        assert lines["site"] == site and lines["decision"] == decision and lines["reason"]
        assert list(lines) == ["site", "rule", "decision", "reason"]
    if site == "wiki" and "admin" in arguments[-1]:
        assert re.fullmatch(r"2 /admin/\* .*menwei\.yaml:20", lines["rule"]), lines["rule"]


def test_explain_agrees_with_the_gateway(gateway, member, binary):
    wiki = gateway.origin("wiki.test")
    for path in ("/", "/public/x", "/public", "/publicx", "/admin", "/admin/x", "/%61dmin", "//admin", "/read/x", "/admin%2fx", "/a/../b", "/x;y", "/public/%2e%2e/x"):
        for user, browser in ((None, Browser(gateway)), ("zhangsan", member)):
            done = subprocess.run([str(binary), "explain", "--config", str(gateway.file), *(["--user", user] if user else []), "GET", wiki + path], capture_output=True, text=True)
            with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
                cookie = f"Cookie: __Host-menwei={browser.cookie('wiki.test')}\r\n" if user else ""
                raw.send(f"GET {path} HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n{cookie}\r\n".encode())
                status = raw.response().status
            assert {0: (200,), 3: (401,), 4: (400, 403), 5: (404, 421)}[done.returncode].__contains__(status), (path, user, done.stdout, status)


# What cannot start

def start(binary, folder, text):
    (folder / "menwei.yaml").write_text(text)
    process = Process([binary, "run", "--config", folder / "menwei.yaml"], "menwei that cannot start")
    try:
        return process, process.wait()
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("it started") from None


def test_an_unreachable_store_is_said(binary, folder):
    base = GOOD.replace("127.0.0.1:18443", f"127.0.0.1:{free_port()}").replace("listen:\n", f"listen:\n  operations: 127.0.0.1:{free_port()}\n")
    process, status = start(binary, folder, base.replace("sqlite:menwei.db", "sqlite:/nonexistent/folder/menwei.db"))
    assert status in (1, 2) and any("/nonexistent/folder" in line for line in process.err), process.err
    (folder / "garbage.db").write_bytes(b"this is no database at all, but long enough to look at " * 100)
    process, status = start(binary, folder, base.replace("sqlite:menwei.db", "sqlite:garbage.db"))
    assert status in (1, 2) and any("garbage.db" in line for line in process.err), process.err
    assert (folder / "garbage.db").read_bytes().startswith(b"this is no database"), "nothing is lost"


def test_a_broken_key_is_said(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    gateway.stop()
    key = next((gateway.folder / "keys").glob("*.pem"))
    key.write_text("not a key")
    process = Process([gateway.binary, "run", "--config", gateway.file], "menwei with a broken key")
    assert process.wait() in (1, 2) and any(key.name in line or "keys" in line for line in process.err), process.err
    assert key.read_text() == "not a key"


def test_a_key_folder_that_is_a_file_is_said(binary, folder):
    base = GOOD.replace("127.0.0.1:18443", f"127.0.0.1:{free_port()}").replace("listen:\n", f"listen:\n  operations: 127.0.0.1:{free_port()}\n")
    (folder / "keys").write_text("")
    process, status = start(binary, folder, base)
    assert status in (1, 2) and any("keys" in line for line in process.err), process.err


def test_an_address_of_another_machine_is_said(binary, folder):
    process, status = start(binary, folder, GOOD.replace("127.0.0.1:18443", "192.0.2.1:8443"))
    assert status == 1 and any("192.0.2.1" in line for line in process.err), process.err


def test_the_simulator_stops_when_told(binary):
    port = free_port()
    process = Process([binary, "simulator", "--listen", f"127.0.0.1:{port}"], "simulator")
    process.wait_line("ready")
    process.stop()


# The demo

def test_the_demo_works(binary):
    port = free_port()
    process = Process([binary, "demo", "--port", str(port)], "demo")
    try:
        process.wait_line("curl", process.out)
        process.wait_line(f"https://wiki.localhost:{port}", process.out)

        class Demo:
            ca = None

        wiki = f"https://wiki.localhost:{port}"
        inside = Browser(Demo, WECOM)
        answer = inside.go(wiki + "/page?x=1")
        assert answer.status == 200 and answer.url == wiki + "/page?x=1" and "zhangsan" in answer.text
        outside = Browser(Demo)
        answer = outside.log_in(wiki + "/other?y=2", "lisi")
        assert answer.status == 200 and answer.url == wiki + "/other?y=2" and "李四" in answer.text
        call = Browser(Demo).call(wiki + "/api")
        assert call.status == 401 and call.json()["login_url"].startswith(wiki)
        assert urlsplit(call.json()["login_url"]).path == "/.menwei/login"
    finally:
        process.stop()


def test_the_demos_curl_lines_do_what_they_say(binary):
    import shlex
    port = free_port()
    process = Process([binary, "demo", "--port", str(port)], "demo")
    try:
        process.wait_line("curl", process.out)
        process.wait_line(lambda line: "wiki.localhost" in line, process.out)
        from harness.waiting import wait_for
        commands = wait_for(lambda: (lambda found: found if len(found) >= 2 else None)([line.strip().removeprefix("$ ") for line in process.out if re.match(r"\s*(\$ )?curl ", line)]))
        outputs = []
        for command in commands:
            words = shlex.split(command)
            done = subprocess.run([words[0], "--noproxy", "*", "--resolve", f"wiki.localhost:{port}:127.0.0.1", "--resolve", f"auth.localhost:{port}:127.0.0.1", *words[1:]],
                                  capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, (command, done.stderr)
            outputs.append(done.stdout + done.stderr)
        assert any("zhangsan" in o for o in outputs), outputs
        assert any("login-required" in o and "login_url" in o for o in outputs), outputs
    finally:
        process.stop()


def test_a_demo_on_a_taken_port_says_so(binary, gateway):
    process = Process([binary, "demo", "--port", str(gateway.port)], "demo on a taken port")
    assert process.wait() == 1
    assert any(str(gateway.port) in line for line in process.err), process.err
