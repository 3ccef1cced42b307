"""What the README and the examples say of the configuration is what the executable reads. Uses nothing of the other tests but `menwei check`."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
ONE_SITE = (ROOT / "Config/one-site.yaml").read_text()
CONFIGURATIONS = sorted((ROOT / "Config").rglob("*.yaml"))
YAML = re.findall(r"^```yaml\n(.*?)^```", README, re.M | re.S)
# Those for Prometheus are no configuration of ours.
ALERTS = [block for block in YAML if block.startswith("groups:")]
BLOCKS = [block for block in YAML if block not in ALERTS]
TABLE = re.search(r"^### Every key\n(.*?)^## ", README, re.M | re.S).group(1)
KEYS = re.findall(r"^\| `([a-z_.\[\]]+)` \|", TABLE, re.M)


def executable():
    if os.environ.get("MENWEI_BIN"):
        return Path(os.environ["MENWEI_BIN"]).resolve()
    for mode in ("release", "debug"):
        path = ROOT / ".build" / mode / "menwei"
        if path.exists():
            return path
    raise RuntimeError("no menwei executable: build one, or name it in MENWEI_BIN")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Everything that the examples name: a certificate for their hosts, a secret."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "tls").mkdir()
    (folder / "secrets").mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=corp.example",
         "-addext", "subjectAltName=DNS:corp.example,DNS:*.corp.example", "-keyout", folder / "tls/key.pem", "-out", folder / "tls/fullchain.pem"],
        check=True, capture_output=True)
    for name in ("wecom", "partner", "wechat", "basic"):
        (folder / "secrets" / name).write_text("secret\n")
    (folder / "secrets/callback-token").write_text("QDG6eK\n")
    (folder / "secrets/callback-key").write_text("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C\n")
    return folder


def check(folder, text):
    """Exit status, and the lines of standard error without the file's name."""
    # The service's own folder need not be on the machine that tests.
    file = folder / "menwei.yaml"
    file.write_text(text.replace("/var/lib/menwei/", ""))
    done = subprocess.run(
        [executable(), "check", "--config", file], capture_output=True, text=True, timeout=60, env={**os.environ, "PARTNER_SECRET": "secret"})
    return done.returncode, [line.removeprefix(str(file) + ":") for line in done.stderr.splitlines()]


def sections(text):
    """Top-level key → its lines; what comes before the first belongs to it."""
    parts = re.split(r"^(?=[a-z_-]+:)", text, flags=re.M)
    return {part.split(":")[0]: part for part in parts if re.match(r"[a-z_-]+:", part)}


def completed(block):
    """A part of a configuration, with what it lacks from the example of one site."""
    needed = {name: text for name, text in sections(ONE_SITE).items() if name not in sections(block)}
    # Anchors have to stand before what names them.
    return block + "".join(needed.values())


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.name)
def test_every_configuration_loads_without_fault_or_warning(folder, path):
    status, lines = check(folder, path.read_text())
    # What only observes is warned of for as long as it does.
    assert status == 0 and all(path.name == "observe-first.yaml" and "enforcement: observe" in line for line in lines), lines


def test_the_readme_has_a_whole_configuration():
    assert any({"listen", "tls", "auth", "connections", "sites"} <= set(sections(block)) for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split(":")[0])
def test_every_configuration_in_the_readme_loads(folder, block):
    status, lines = check(folder, completed(block))
    assert status == 0, lines
    # One of the examples has two sites with different rules at one origin, another leads to the simulator, and each says that `check` warns of it.
    expected = "address is not https" if "api: http://127.0.0.1" in block else "shares its origin"
    assert all(expected in line for line in lines), lines


def test_every_alert_goes_by_metrics_of_the_table():
    table = set(re.findall(r"^\| `(menwei_[a-z0-9_]+)` \|", README, re.M))
    rules = [rule for block in ALERTS for group in yaml.safe_load(block)["groups"] for rule in group["rules"]]
    assert len(rules) >= 5
    for rule in rules:
        named = set(re.findall(r"\bmenwei_\w+", rule["expr"]))
        assert named and named <= table, rule


def nested(key, value):
    """`a[].b` → {a: [{b: value}]}"""
    name, dot, rest = key.partition(".")
    inner = nested(rest, value) if dot else value
    return {name.removesuffix("[]"): [inner] if name.endswith("[]") else inner}


def test_the_table_has_keys():
    assert len(KEYS) == len(set(KEYS)) > 40


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_the_table_exists(folder, key):
    """A value that no key takes is a fault of the value; of an unknown key it is not."""
    last = key.split(".")[-1].removesuffix("[]")
    tree = nested(key, {"zzz": {"zzz": []}})
    if last == "app_id":
        tree["connections"][0]["type"] = "wechat"
    status, lines = check(folder, yaml.safe_dump(tree))
    assert status == 2
    assert not any(f'unknown key "{last}"' in line or f'"{last}" is not available' in line for line in lines), lines
    assert any("zzz" in line or last in line or "must be" in line or "mapping" in line for line in lines), lines


def test_a_key_that_does_not_exist_would_be_found(folder):
    status, lines = check(folder, yaml.safe_dump(nested("sites[].no_such_key", {"zzz": {"zzz": []}})))
    assert status == 2 and any('unknown key "no_such_key"' in line for line in lines)


def leaves(value, path=""):
    if path.endswith(("identity.headers", "connections[].name", ".secret", ".password", ".allow")):
        yield path
    elif isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for item in value:
            yield from leaves(item, path + "[]")
    else:
        yield path


def test_every_key_of_the_reference_is_in_the_table():
    assert set(leaves(yaml.safe_load((ROOT / "Config/reference.yaml").read_text()))) <= set(KEYS)


LATER = re.search(r"^## Not in this version\n(.*?)^## ", README, re.M | re.S).group(1)
LATER_KEYS = [
    "auth.admins",
    "listen.forward_auth_from", "sessions.password",
]


@pytest.mark.parametrize("key", LATER_KEYS)
def test_a_key_of_later_versions_says_so(folder, key):
    last = key.split(".")[-1]
    assert last in LATER, "the README does not say that it is missing"
    status, lines = check(folder, yaml.safe_dump(nested(key, "something")))
    assert status == 2 and any(f'"{last}" is not available in this version' in line for line in lines), lines


def test_every_file_that_the_readme_links_to_exists():
    for text in (README, (ROOT / "Sources/README.md").read_text()):
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).exists() or (ROOT / "Sources" / target).exists(), target


# The examples that verify an assertion, against keys and tokens made here: what must be let in, and what must not.

AUTH, SITE = "https://auth.corp.example", "https://wiki.corp.example"


@pytest.fixture(scope="module")
def tokens():
    import base64
    import json
    import time

    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec

    def number(value):
        return base64.urlsafe_b64encode(value.to_bytes(32, "big")).decode().rstrip("=")

    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_numbers()
    jwks = {"keys": [{"kty": "EC", "crv": "P-256", "x": number(public.x), "y": number(public.y), "use": "sig", "alg": "ES256", "kid": "k1"}]}
    now = int(time.time())
    claims = {"iss": AUTH, "aud": SITE, "sub": "zhangsan", "iat": now, "nbf": now, "exp": now + 600, "name": '张三","sub":"lisi'}

    def sign(signer=key, kid="k1", algorithm="ES256", **changed):
        return jwt.encode({**claims, **changed}, signer, algorithm=algorithm, headers={"kid": kid})

    good = sign()
    head, payload, signature = good.split(".")
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "lisi"}).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').decode().rstrip("=")
    bad = {
        "another claim": f"{head}.{changed}.{signature}", "no algorithm": f"{none}.{payload}.", "a secret": sign("x" * 32, algorithm="HS256"),
        "another key": sign(other), "an unknown key": sign(other, kid="k2"), "no signature": f"{head}.{payload}.",
        "a signature of zeros": f"{head}.{payload}." + "A" * 86, "another site": sign(aud=SITE + "/app"), "another issuer": sign(iss=SITE),
        "the past": sign(exp=now - 100), "the future": sign(nbf=now + 300), "nothing": "", "no token": "a.b.c",
    }
    return json.dumps(jwks), good, bad


def test_the_python_example_lets_in_what_is_good_and_nothing_else(tokens, monkeypatch):
    import importlib.util

    import jwt

    jwks, good, bad = tokens
    spec = importlib.util.spec_from_file_location("menwei_assertion", ROOT / "Config/examples/verify/menwei_assertion.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    import json
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda self: json.loads(jwks))
    assertions = module.Assertions(AUTH, SITE)
    assert assertions.verify(good)["sub"] == "zhangsan"
    for what, token in bad.items():
        if token:
            with pytest.raises(jwt.PyJWTError):
                assertions.verify(token)
                pytest.fail(what)
        else:
            assert assertions.verify(token) is None


@pytest.mark.skipif(not shutil.which("javac"), reason="no JDK")
def test_the_java_example_lets_in_what_is_good_and_nothing_else(tokens, tmp_path):
    jwks, good, bad = tokens
    # The example itself, with the key set instead of the one call that fetches it.
    source = (ROOT / "Config/examples/verify/MenweiAssertion.java").read_text()
    fetch = re.compile(r"HttpRequest request =.*?keys = parse\(answer\.body\(\)\);", re.S)
    assert fetch.search(source)
    (tmp_path / "MenweiAssertion.java").write_text(fetch.sub(lambda _: 'keys = parse(System.getenv("JWKS"));', source))
    subprocess.run(["javac", "MenweiAssertion.java"], cwd=tmp_path, check=True, timeout=120)

    def verify(token):
        return subprocess.run(["java", "-cp", ".", "MenweiAssertion", AUTH, SITE], cwd=tmp_path, input=token, capture_output=True, text=True,
                              timeout=60, env={**os.environ, "JWKS": jwks, "LC_ALL": "C.UTF-8"})

    done = verify(good)
    assert (done.returncode, done.stdout.split()[0]) == (0, "zhangsan"), done.stderr
    for what, token in bad.items():
        done = verify(token)
        assert done.returncode == 1 and done.stderr.startswith("refused:"), (what, done.stdout, done.stderr)


def test_every_symbol_that_the_readmes_name_exists():
    source = "\n".join(path.read_text() for path in (ROOT / "Sources").rglob("*") if path.suffix in (".swift", ".h"))
    declared = set(re.findall(r"\b(?:class|struct|enum|protocol|func|var|let|case|typealias|actor)\s+(\w+)", source))
    rooms = {path.name for path in (ROOT / "Sources").iterdir()}
    life = README.split("## The life of a request")[1].split("\n## ")[0]
    names = re.findall(r"`([A-Z]\w+(?:\.\w+)?)[(`]", (ROOT / "Sources/README.md").read_text() + life)
    assert len(names) > 60
    features = {"InternalImportsByDefault", "MemberImportVisibility", "Package"}
    missing = {part for name in names for part in name.split(".") if name.split(".")[0] not in features} - declared - rooms
    assert not missing - {"Tests"}, missing
