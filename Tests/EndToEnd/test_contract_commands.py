"""Commands and configuration, to the letter."""
import json
import re
import sqlite3
import subprocess

import pytest

from harness.gateway import default_binary

FAULT = r"^{file}:(\d+):(\d+): (?!warning: )\S.*$"
WARNING = r"^{file}:(\d+):(\d+): warning: \S.*$"


def menwei(*arguments):
    return subprocess.run([default_binary(), *map(str, arguments)], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def folder(make_module_gateway):
    """A folder with a configuration that has no fault, written by the harness; no gateway runs."""
    return make_module_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": ["http://127.0.0.1:1"],
                                 "access": [{"path": "/public/*", "allow": "anyone"}, {"path": "/admin/*", "allow": {"users": ["zhangsan"]}}]}], start=False)


def configured(folder, change=None):
    configuration = json.loads(json.dumps(folder.configuration))
    if change:
        change(configuration)
    file = folder.folder / "case.yaml"
    file.write_text(json.dumps(configuration, indent=1, ensure_ascii=False))
    return file


def check(folder, change=None):
    file = configured(folder, change)
    done = menwei("check", "--config", file)
    lines = done.stderr.splitlines()
    for line in lines:
        assert re.match(FAULT.format(file=re.escape(str(file))), line) or re.match(WARNING.format(file=re.escape(str(file))), line), line
    return done, lines, file


def site(**values):
    return lambda c: c["sites"][0].update(values)


def connection(**values):
    return lambda c: c["connections"][0].update(values)


def test_version_names_commit_and_libraries():
    done = menwei("version")
    assert done.returncode == 0 and not done.stderr
    for name in ("menwei", "openssl", "nghttp2", "sqlite", "libcurl", "expat", "libqrencode", "libyaml"):
        assert re.search(rf"(?im)^{name} \S+", done.stdout), done.stdout


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run"], ["check"], ["run", "--config"], ["check", "--config", "x", "y"], ["simulator"], ["demo", "--port", "0"], ["explain"]])
def test_wrong_usage_is_2_and_said_on_standard_error(arguments):
    done = menwei(*arguments)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_a_configuration_without_fault_is_ok(folder):
    done, lines, _ = check(folder)
    assert done.returncode == 0 and done.stdout == "ok\n", (lines, done.stdout)


@pytest.mark.parametrize("change, word", [
    (lambda c: c["listen"].update(forward_auth_from=["10.0.0.0/8"]), "forward_auth_from"),
    (lambda c: c["auth"].update(admins=["zhangsan"]), "admins"),
    (lambda c: c["sessions"].update(store="redis://127.0.0.1:6379/0"), "redis:"), (lambda c: c["sessions"].update(password="x"), "password"),
    (lambda c: c["sessions"].update(store="rediss://cache.corp.example:6380/1"), "rediss:"),
])
def test_keys_of_later_work_are_faults_that_say_so(folder, change, word):
    done, lines, file = check(folder, change)
    assert done.returncode == 2 and not done.stdout
    faults = [line for line in lines if ": warning: " not in line]
    assert any(word in line and "not available in this version" in line for line in faults), faults
    ran = menwei("run", "--config", file)
    assert ran.returncode == 2 and [line for line in ran.stderr.splitlines() if line in faults] == faults, "run prints the same"


@pytest.mark.parametrize("change, word", [
    (lambda c: c.update(sitez=[]), "sites"), (lambda c: c["listen"].update(htps=[]), "https"), (site(upstreem="http://x"), "upstream"), (lambda c: c["auth"].update(orgin="x"), "origin"),
    (connection(secrt="x"), "secret"), (lambda c: c["sessions"].update(idle_timeot="1h"), "idle_timeout"), (lambda c: c.update(signing={"lifetme": "2m"}), "lifetime"),
    (site(identity={"header": {}}), "headers"), (site(timeouts={"conect": "5s"}), "connect"), (site(access=[{"alow": "members"}]), "allow"),
])
def test_unknown_keys_are_faults_with_what_was_probably_meant(folder, change, word):
    done, lines, _ = check(folder, change)
    assert done.returncode == 2
    assert any("unknown key" in line and f'"{word}"' in line for line in lines), lines


@pytest.mark.parametrize("change", [
    lambda c: c.pop("listen"), lambda c: c.pop("tls"), lambda c: c.pop("auth"), lambda c: c.pop("connections"), lambda c: c.pop("sites"),
    lambda c: c.update(sites=[]), lambda c: c.update(connections=[]), lambda c: c["listen"].update(https=[]), lambda c: c["listen"].update(https="127.0.0.1:1"),
    lambda c: c["listen"].update(https=["localhost"]), lambda c: c["auth"].update(origin="http://auth.test"), lambda c: c["auth"].update(origin="https://auth.test/x"),
    connection(id="Corp"), connection(id="a" * 32), connection(agent_id="x"), connection(secret={"file": "missing"}), connection(secret={"env": "MENWEI_NO_SUCH"}),
    site(path="admin"), site(path="/.menwei"), site(path="/a/../b"), site(access=[]), site(access=[{"path": "/a/*/b", "allow": "members"}]), site(access=[{"path": "/a*", "allow": "members"}]),
    site(access=[{"allow": {"users": []}}]), site(access=[{"methods": [], "allow": "members"}]), site(access=[{"allow": "everyone"}]), site(access=[{"allow": {}}]),
    site(identity={"headers": {"Host": "{account}"}}), site(identity={"headers": {"Content-Type": "{account}"}}), site(identity={"headers": {"Cookie": "{account}"}}),
    site(identity={"headers": {"Authorization": "{account}"}}), site(identity={"headers": {"Expect": "{account}"}}), site(identity={"headers": {"Connection": "{account}"}}),
    site(identity={"headers": {"X-Menwei-Assertion": "{account}"}}), site(identity={"headers": {"X-Request-Id": "{account}"}}), site(identity={"headers": {"X-Forwarded-For": "{account}"}}),
    site(identity={"headers": {"X-A": "{acount}"}}), site(identity={"headers": {"Remote-User": "{account}", "remote_user": "{name}"}}), site(identity={"headers": {"X-Forwarded_User": "{account}"}}),
    site(timeouts={"connect": "5"}), site(timeouts={"connect": 5}), site(request_body_limit="100MB"), site(request_body_limit="-1"), site(host_header="a b"), site(trusted_origins=["*"]),
    lambda c: c["sessions"].update(store="postgres:x"), lambda c: c["sessions"].update(lifetime="1y"), lambda c: c.update(log={"format": "text"}),
    lambda c: c["tls"].update(certificates=[]), lambda c: c["tls"].update(minimum_version="1.1"), lambda c: c["auth"].update(ownership_files=["index.html"]),
    lambda c: c["auth"].update(login_page="none"), lambda c: c["connections"].append(dict(c["connections"][0], id="two")), lambda c: c["sites"].append(dict(c["sites"][0])),
    lambda c: c["sites"].append(dict(c["sites"][0], id="two")),
])
def test_impossible_values_are_faults_with_their_place(folder, change):
    done, lines, _ = check(folder, change)
    assert done.returncode == 2 and not done.stdout and lines, lines
    assert any(": warning: " not in line for line in lines)


@pytest.mark.parametrize("change", [
    site(access=[{"path": "/a", "allow": {"anyone": True}}]), site(request_body_limit=0), site(request_body_limit="64KiB"), site(timeouts={"connect": "90s", "response": "15m", "idle": "12h"}),
    site(host_header="upstream"), site(host_header="app.internal:8080"), site(identity={"headers": {"X-Forwarded-User": None, "Remote-User": "{account}"}}),
    lambda c: c.update({"x-anything": {"a": 1}}), site(**{"x-note": 1}), lambda c: c["sessions"].update(store="memory:"), connection(agent_id="1000002"), connection(name="企业微信"),
    lambda c: c["tls"].update(minimum_version="1.3"), lambda c: c.update(site_defaults={"timeouts": {"connect": "2s"}}), lambda c: c["listen"].update(https=["[::]:8443"]),
    lambda c: c["auth"].update(ownership_files=["WW_verify_YpAqDE4xoAPsmGSK.txt", "MP_verify_YpAqDE4xoAPsmGSK.txt"]), lambda c: c["auth"].update(login_page="redirect"),
    lambda c: c.update(log={"format": "json", "level": "info"}), lambda c: c.update(signing={"keys": "keys", "algorithm": "ES256", "lifetime": "2m", "rotate_every": "30d"}),
    lambda c: c["sessions"].update(idle_timeout="12h", lifetime="7d", recheck="10m", recheck_grace="1h"), lambda c: c.update(accounts={"mode": "open", "match": [], "bind": "never", "store": None}),
    lambda c: c["connections"].append(dict(c["connections"][0], id="two", plain_names=False, auto_login=False)) or c["connections"][0].update(plain_names=True),
])
def test_what_the_contract_allows_has_no_fault(folder, change):
    done, lines, _ = check(folder, change)
    assert done.returncode == 0 and done.stdout == "ok\n", lines


def test_a_secret_in_the_file_is_a_warning(folder):
    done, lines, _ = check(folder, connection(secret="in-the-open"))
    assert done.returncode == 0 and any(": warning: " in line and "secret" in line for line in lines)
    assert not any("in-the-open" in line for line in lines)


def test_an_auth_origin_that_is_a_site_is_a_warning(folder):
    done, lines, _ = check(folder, lambda c: c["auth"].update(origin=c["sites"][0]["origin"]))
    assert done.returncode == 0 and any(": warning: " in line for line in lines)


def test_path_sites_with_different_rules_are_a_warning(folder):
    done, lines, _ = check(folder, lambda c: c["sites"].append(dict(c["sites"][0], id="two", path="/two", access=[{"allow": "anyone"}])))
    assert done.returncode == 0 and any(": warning: " in line for line in lines)


def test_a_path_narrowed_for_some_methods_only_is_a_warning(folder):
    done, lines, _ = check(folder, site(access=[{"path": "/api/*", "methods": ["POST"], "allow": {"users": ["zhangsan"]}}, {"allow": "members"}]))
    assert done.returncode == 0 and any(": warning: " in line for line in lines)


def yaml(folder, text):
    file = folder.folder / "text.yaml"
    file.write_text(text)
    return menwei("check", "--config", file), file


def test_faults_have_the_line_and_column_of_the_key(folder):
    done, file = yaml(folder, "listen:\n  https: [ \"127.0.0.1:8443\" ]\n  operatons: x\nfoo: 1\n")
    assert f"{file}:3:3: " in done.stderr and f"{file}:4:1: " in done.stderr and done.returncode == 2


@pytest.mark.parametrize("text", ["", "[1, 2]\n", "a: [\n", "listen: {https: [x]}\nlisten: {https: [y]}\n", "a: &a [*a]\n", "\x00\x01", "a: *missing\n", "- x\n", "a: b: c\n", "\t- x\n"])
def test_what_is_no_configuration_is_a_fault_with_its_place(folder, text):
    done, file = yaml(folder, text)
    assert done.returncode == 2 and re.match(FAULT.format(file=re.escape(str(file))), done.stderr.splitlines()[0]), done.stderr


def test_anchors_and_merges_are_read(folder):
    chain = folder.configuration["tls"]["certificates"][0]
    done, _ = yaml(folder, f"""
x-common: &common
  upstream: http://127.0.0.1:1
  access: [ {{ allow: members }} ]
listen: {{ https: [ "127.0.0.1:8443" ] }}
tls: {{ certificates: [ {{ certificate: {chain['certificate']}, key: {chain['key']} }} ] }}
auth: {{ origin: https://auth.test }}
connections: [ {{ id: corp, type: wecom, corp_id: ww0123456789abcdef, agent_id: "1000002", secret: {{ file: secret }} }} ]
sites:
  - {{ <<: *common, id: wiki, origin: https://wiki.test }}
  - id: app
    <<: *common
    origin: https://app.test
""")
    assert done.returncode == 0 and done.stdout == "ok\n", done.stderr


def test_a_missing_key_file_is_a_fault(folder):
    done, lines, _ = check(folder, lambda c: c["tls"]["certificates"][0].update(key="nowhere.pem"))
    assert done.returncode == 2 and any("nowhere.pem" in line for line in lines)


def test_a_database_that_cannot_be_the_store_is_a_fault(folder):
    (folder.folder / "garbage.db").write_bytes(b"garbage" * 100)
    newer = sqlite3.connect(folder.folder / "newer.db")
    newer.executescript("PRAGMA application_id=0x6d656e77; PRAGMA user_version=999; CREATE TABLE a (b)")
    newer.close()
    other = sqlite3.connect(folder.folder / "other.db")
    other.executescript("PRAGMA user_version=3; CREATE TABLE a (b)")
    other.close()
    for name in ("garbage", "newer", "other"):
        done, lines, file = check(folder, lambda c: c["sessions"].update(store=f"sqlite:{name}.db"))
        assert done.returncode == 2 and any(f"{name}.db" in line and ": warning: " not in line for line in lines), (name, lines)
        assert menwei("run", "--config", file).returncode == 2
    (folder.folder / "empty.db").write_bytes(b"")
    assert check(folder, lambda c: c["sessions"].update(store="sqlite:empty.db"))[0].returncode == 0


def test_certificate_and_key_must_fit(folder, authority):
    _, other = authority.issue("stranger", ["x.test"])
    done, lines, _ = check(folder, lambda c: c["tls"]["certificates"][0].update(key=str(other)))
    assert done.returncode == 2 and lines


def test_a_missing_file_is_a_fault():
    for command in ("check", "run"):
        done = menwei(command, "--config", "/nonexistent/menwei.yaml")
        assert done.returncode == 2 and re.match(r"^/nonexistent/menwei\.yaml:1:1: ", done.stderr)


# explain

def explain(folder, *arguments, change=None):
    file = configured(folder, change)
    done = menwei("explain", "--config", file, *arguments)
    return done.returncode, done.stdout.splitlines(), file


@pytest.mark.parametrize("arguments, path, status, rule, decision", [
    ((), "/public/x", 0, "1 /public/*", "allow"), ((), "/admin", 3, "2 /admin/*", "login"), ((), "/", 3, None, "login"), (("--user", "zhangsan"), "/admin/x", 0, "2 /admin/*", "allow"),
    (("--user", "ZhangSan"), "/admin/x", 0, "2 /admin/*", "allow"), (("--user", "lisi"), "/admin/x", 4, "2 /admin/*", "deny"), (("--user", "lisi"), "/", 0, None, "allow"),
    (("--user", "lisi", "--connection", "corp", "--department", "2", "--department", "3", "--tag", "1", "--ip", "10.0.0.1", "--at", "2026-01-31T08:00:00Z", "--age", "15m"), "/", 0, None, "allow"),
])
def test_explain_prints_four_lines(folder, arguments, path, status, rule, decision):
    code, lines, file = explain(folder, *arguments, "GET", folder.origin("wiki.test") + path)
    assert code == status and len(lines) == 4, lines
    assert lines[0] == "site: wiki" and lines[2] == f"decision: {decision}" and re.match(r"^reason: \S", lines[3])
    if rule:
        assert re.match(rf"^rule: {re.escape(rule)} {re.escape(str(file))}:\d+$", lines[1]), lines[1]
        number = int(lines[1].rsplit(":", 1)[1])
        assert rule.split()[1] in "".join(file.read_text().splitlines()[number - 1:number + 2])
    else:
        assert lines[1].startswith("rule: ")


@pytest.mark.parametrize("url, status", [
    ("https://unknown.test/", 5), ("{wiki}/../x", 4), ("{wiki}/%2e%2e/x", 4), ("{auth}/nothing", 5), ("https://wiki.test/", 5), ("{wiki}./x", 4),
])
def test_explain_has_an_exit_status_for_each_refusal(folder, url, status):
    url = url.format(wiki=folder.origin("wiki.test"), auth=folder.auth) if "{wiki}." not in url else folder.origin("wiki.test").replace("wiki.test", "wiki.test.") + "/x"
    code, lines, _ = explain(folder, "GET", url)
    expected = 5 if "wiki.test." in url else status
    assert code == expected and len(lines) == 4 and lines[2] == "decision: deny", (code, lines)


def test_explain_of_a_faulty_configuration_is_2(folder):
    done = menwei("explain", "--config", configured(folder, lambda c: c.update(foo=1)), "GET", "https://x/")
    assert done.returncode == 2 and "foo" in done.stderr
