"""Signed requests (RFC 9421), asked of the verifier in Config/examples/verify; T-20 row by row."""
import base64
import hashlib
import http.server
import importlib.util
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import h2.settings
import jwt
import pytest

from harness.asking import ask, cookie
from harness.browser import Browser
from harness.h2_upstream import H2Upstream
from harness.raw import RawConnection
from harness.upstream import Upstream
from harness.waiting import wait_for

EXAMPLES = Path(__file__).resolve().parents[2] / "Config/examples/verify"
PLAIN = ["@method", "@authority", "@path", "@query"]


@pytest.fixture(scope="module")
def example():
    sys.path.insert(0, str(EXAMPLES))
    try:
        spec = importlib.util.spec_from_file_location("menwei_signature", EXAMPLES / "menwei_signature.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(EXAMPLES))
        sys.modules.pop("menwei_assertion", None)


def sites(upstream, **more):
    return [{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"path": "/public/*", "allow": "anyone"}], "identity": {"signature": "rfc9421"}, **more}]


@pytest.fixture(scope="module", params=["ES256", "EdDSA", "RS256"])
def gateway(request, make_module_gateway, upstream):
    return make_module_gateway(sites(upstream), lambda c: c.update(signing={"algorithm": request.param}))


def verifier(example, gateway, monkeypatch, audience=None, **more):
    """The example as it is, but for the one call that fetches the keys: the tests' hosts are in no name service."""
    keys = Browser(gateway).call(gateway.auth + "/.menwei/jwks.json").json()
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda self: keys)
    return example.Requests(gateway.auth, audience or gateway.origin("wiki.test"), **more)


@pytest.fixture
def requests(example, gateway, monkeypatch):
    return verifier(example, gateway, monkeypatch)


def covered(request):
    value = next(v for n, v in request.headers if n.lower() == "signature-input")
    return re.findall(r'"(@?[a-z-]+)"', value.partition(")")[0])


def digest(body):
    return "Content-Digest: sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


def test_a_members_request_is_signed_as_it_arrives(gateway, member, upstream, requests):
    body = b'{"a": 1}'
    answer = ask(gateway, "/a%20b//c;d?x=%2F&y=?", cookie(member), digest(body), "Content-Type: application/json", f"Content-Length: {len(body)}", method="POST", body=body)
    assert answer.status == 200
    request = upstream.last()
    assert covered(request) == PLAIN + ["x-menwei-assertion", "content-digest"] and request.target == "/a%20b/c;d?x=%2F&y=?"
    assert requests.verify(request.method, request.target, request.headers, request.body)["sub"] == "zhangsan"
    parameters = request.one("Signature-Input").partition(")")[2]
    algorithm = {"EC": "ecdsa-p256-sha256", "OKP": "ed25519", "RSA": "rsa-v1_5-sha256"}
    key = Browser(gateway).call(gateway.auth + "/.menwei/jwks.json").json()["keys"][0]
    found = re.fullmatch(r';created=(\d+);keyid="([\w-]{43})";alg="([a-z0-9_-]+)";nonce="[\w-]{22}"', parameters)
    assert found and found[2] == key["kid"] and found[3] == algorithm[key["kty"]] and abs(int(found[1]) - time.time()) < 60


def test_each_request_is_signed_anew_the_assertion_is_not(gateway, member, upstream, requests):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:  # of one worker
        for _ in range(3):
            raw.send(f"GET /x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n{cookie(member)}\r\n\r\n".encode())
            assert raw.response().status == 200
    seen = upstream.requests[-3:]
    assert len({r.one("Signature") for r in seen}) == 3 and len({r.one("X-Menwei-Assertion") for r in seen}) == 1
    assert all(requests.verify(r.method, r.target, r.headers)["sub"] == "zhangsan" for r in seen)


def test_requests_of_nobody_are_signed_and_name_nobody(gateway, upstream, requests):
    assert ask(gateway, "/public/x").status == 200
    request = upstream.last()
    assert covered(request) == PLAIN and requests.verify(request.method, request.target, request.headers) is None
    preflight = ["Origin: https://other.test", "Access-Control-Request-Method: PUT"]
    assert ask(gateway, "/x", *preflight, method="OPTIONS").status == 200
    assert requests.verify("OPTIONS", "/x", upstream.last().headers) is None


def test_what_clients_say_of_signatures_does_not_arrive(gateway, member, upstream, requests):
    ask(gateway, "/x", cookie(member), "Signature: menwei=:AAAA:", 'Signature-Input: menwei=("@method");created=1', "signature_input: x", "Connection: Signature, Content-Digest", digest(b""))
    request = upstream.last()
    assert covered(request) == PLAIN + ["x-menwei-assertion"] and not request.all("Content-Digest") and "signature_input" not in request.names
    assert requests.verify(request.method, request.target, request.headers)["sub"] == "zhangsan"


def test_a_websocket_is_signed(gateway, member, upstream, requests):
    fields = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", cookie(member)]
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send("\r\n".join(["GET /ws HTTP/1.1", f"Host: wiki.test:{gateway.port}", *fields, "", ""]).encode())
        assert raw.head().status == 101
    request = upstream.last()
    assert request.path == "/ws" and requests.verify("GET", "/ws", request.headers)["sub"] == "zhangsan"


def request_of(gateway, member, upstream):
    body = b"pay=100"
    fields = [cookie(member), digest(body), "Content-Type: application/x-www-form-urlencoded", "Content-Digest: sha-512=:" + base64.b64encode(hashlib.sha512(body).digest()).decode() + ":"]
    assert ask(gateway, "/Pay/x?a=1&b=2", *fields, f"Content-Length: {len(body)}", method="POST", body=body).status == 200
    request = upstream.last()
    return [request.method, request.target, list(request.headers), request.body]


def field(headers, name):
    return next(i for i, (n, _) in enumerate(headers) if n.lower() == name.lower())


def replaced(headers, name, change):
    at = field(headers, name)
    headers[at] = (headers[at][0], change(headers[at][1]))


CHANGES = {
    "method": lambda r: r.__setitem__(0, "PUT"), "method case": lambda r: r.__setitem__(0, "Post"), "path": lambda r: r.__setitem__(1, "/Pay/y?a=1&b=2"),
    "path case": lambda r: r.__setitem__(1, "/pay/x?a=1&b=2"), "query order": lambda r: r.__setitem__(1, "/Pay/x?b=2&a=1"), "no query": lambda r: r.__setitem__(1, "/Pay/x"),
    "a longer query": lambda r: r.__setitem__(1, "/Pay/x?a=1&b=2?"), "an escape": lambda r: r.__setitem__(1, "/%50ay/x?a=1&b=2"),
    "body": lambda r: r.__setitem__(3, b"pay=999"), "no body": lambda r: r.__setitem__(3, b""),
    "a second host": lambda r: r[2].append(("Host", "evil.test")), "another host": lambda r: replaced(r[2], "Host", lambda v: "evil.test"), "no host": lambda r: r[2].pop(field(r[2], "Host")),
    "no assertion": lambda r: r[2].pop(field(r[2], "X-Menwei-Assertion")), "two assertions": lambda r: r[2].append(("x-menwei-assertion", "a.b.c")),
    "another assertion": lambda r: replaced(r[2], "X-Menwei-Assertion", lambda v: v[:-1] + ("A" if v[-1] != "A" else "B")),
    "no digest": lambda r: [r[2].pop(field(r[2], "Content-Digest")) for _ in range(2)], "one digest less": lambda r: r[2].pop(field(r[2], "Content-Digest")),
    "another digest": lambda r: (r.__setitem__(3, b""), replaced(r[2], "Content-Digest", lambda v: digest(b"").partition(" ")[2])),
    "a second signature": lambda r: r[2].append(("Signature", "menwei=:AAAA:")), "a second input": lambda r: r[2].append(("Signature-Input", 'menwei=("@method");created=1')),
    "a label twice": lambda r: replaced(r[2], "Signature-Input", lambda v: v + ", " + v), "another label beside it": lambda r: replaced(r[2], "Signature-Input", lambda v: 'other=("@method");created=1, ' + v),
    "fewer components": lambda r: replaced(r[2], "Signature-Input", lambda v: v.replace(' "@query"', "")), "another order": lambda r: replaced(r[2], "Signature-Input", lambda v: v.replace('"@method" "@authority"', '"@authority" "@method"')),
    "created": lambda r: replaced(r[2], "Signature-Input", lambda v: re.sub(r"created=(\d+)", lambda m: f"created={int(m[1]) + 1}", v)),
    "nonce": lambda r: replaced(r[2], "Signature-Input", lambda v: re.sub(r'nonce="..', 'nonce="__', v)),
    "an unknown key": lambda r: replaced(r[2], "Signature-Input", lambda v: re.sub(r'keyid="..', 'keyid="__', v)),
    "an algorithm": lambda r: replaced(r[2], "Signature-Input", lambda v: re.sub(r'alg="[^"]+"', 'alg="hmac-sha256"', v)),
    "no signature": lambda r: r[2].pop(field(r[2], "Signature")), "no input": lambda r: r[2].pop(field(r[2], "Signature-Input")),
    "zeros": lambda r: replaced(r[2], "Signature", lambda v: "menwei=:" + base64.b64encode(bytes(64)).decode() + ":"), "short": lambda r: replaced(r[2], "Signature", lambda v: "menwei=:AAAA:"),
    "empty": lambda r: replaced(r[2], "Signature", lambda v: "menwei=::"),
}


@pytest.mark.parametrize("what", CHANGES, ids=lambda what: "T-20-" + what.replace(" ", "-"))
def test_t20_whatever_is_changed_is_refused(gateway, member, upstream, requests, example, what):
    request = request_of(gateway, member, upstream)
    changed = [request[0], request[1], list(request[2]), request[3]]
    CHANGES[what](changed)
    assert changed != request
    with pytest.raises((example.Refused, jwt.PyJWTError)):
        requests.verify(*changed)
    assert requests.verify(*request)["sub"] == "zhangsan", "nothing that was refused spoils the genuine one"


def test_t20_an_old_signature_and_a_nonce_seen_before_are_refused(gateway, member, upstream, requests, example, monkeypatch):
    request = request_of(gateway, member, upstream)
    clock = time.time
    for offset in (-40, 40):
        monkeypatch.setattr(example.time, "time", lambda: clock() + offset)
        with pytest.raises(example.Refused, match="old"):
            requests.verify(*request)
    monkeypatch.setattr(example.time, "time", clock)
    assert requests.verify(*request)["sub"] == "zhangsan"
    with pytest.raises(example.Refused, match="before"):
        requests.verify(*request)


def test_t20_another_sites_request_is_refused(make_gateway, upstream, example, monkeypatch):
    """Its authority fits where both are asked under one name; the assertion tells them apart."""
    own = make_gateway([*sites(upstream), {**sites(upstream)[0], "id": "app", "path": "/app"}])
    browser = Browser(own)
    browser.log_in(own.origin("wiki.test") + "/app/x")
    assert ask(own, "/app/x", cookie(browser)).status == 200
    request = upstream.last()
    with pytest.raises(jwt.InvalidAudienceError):
        verifier(example, own, monkeypatch).verify(request.method, request.target, request.headers)
    assert verifier(example, own, monkeypatch, own.origin("wiki.test") + "/app").verify(request.method, request.target, request.headers)["sub"] == "zhangsan"


def test_the_signature_is_of_what_the_upstream_receives(make_gateway, upstream, example, monkeypatch):
    own = make_gateway(sites(upstream, path="/wiki", strip_path=True, host_header="Legacy.Internal:80"))
    browser = Browser(own)
    browser.log_in(own.origin("wiki.test") + "/wiki/")
    assert ask(own, "/wiki?q", cookie(browser)).status == 200
    request = upstream.last()
    assert request.target == "/?q" and request.one("Host").lower() == "legacy.internal:80"
    assert verifier(example, own, monkeypatch, own.origin("wiki.test") + "/wiki").verify("GET", "/?q", request.headers)["sub"] == "zhangsan"


def test_over_http2_too(make_gateway, example, monkeypatch):
    upstream = H2Upstream()
    try:
        own = make_gateway(sites(upstream))
        browser = Browser(own)
        browser.log_in(own.origin("wiki.test") + "/")
        assert browser.call(own.origin("wiki.test") + "/x?y").status == 200
        stream = upstream.last()
        headers = [(n, v) for n, v in stream.headers if not n.startswith(":")] + [("host", stream.one(":authority"))]
        assert verifier(example, own, monkeypatch).verify(stream.one(":method"), stream.one(":path"), headers)["sub"] == "zhangsan"
        assert covered(stream) == PLAIN + ["x-menwei-assertion"]
    finally:
        upstream.stop()


def test_a_websocket_over_http2_is_a_connect(make_gateway, example, monkeypatch):
    upstream = H2Upstream(settings={h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
    try:
        upstream.script("/ws", lambda stream: stream.respond(200, [], b"", end=False))
        own = make_gateway(sites(upstream))
        browser = Browser(own)
        browser.log_in(own.origin("wiki.test") + "/")
        fields = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", cookie(browser)]
        with RawConnection(own.port, "wiki.test", ca=own.ca) as raw:
            raw.send("\r\n".join(["GET /ws HTTP/1.1", f"Host: wiki.test:{own.port}", *fields, "", ""]).encode())
            assert raw.head().status == 101
        stream = upstream.last()
        headers = [(n, v) for n, v in stream.headers if not n.startswith(":")] + [("host", stream.one(":authority"))]
        assert stream.one(":method") == "CONNECT"
        assert verifier(example, own, monkeypatch).verify("CONNECT", stream.one(":path"), headers)["sub"] == "zhangsan"
    finally:
        upstream.stop()


def test_health_checks_are_signed_for_nobody(make_gateway, upstream, example, monkeypatch):
    own = make_gateway(sites(upstream, health={"path": "/healthz", "interval": "1s"}))
    check = wait_for(lambda: next((r for r in upstream.requests if r.path == "/healthz"), None), what="a check")
    assert verifier(example, own, monkeypatch).verify("GET", "/healthz", check.headers) is None


def test_retries_have_signatures_of_their_own(make_gateway, upstream, example, monkeypatch):
    """Else whoever remembers nonces would take the second try for a replay."""
    broken = Upstream()
    try:
        broken.script("/again", lambda e: e.close())
        own = make_gateway(sites(upstream, upstreams=[broken.base, upstream.base], balance="round_robin"))
        browser = Browser(own)
        browser.log_in(own.origin("wiki.test") + "/")
        requests = verifier(example, own, monkeypatch)
        for _ in range(4):
            assert browser.call(own.origin("wiki.test") + "/again").status == 200
        tries = [r for r in broken.requests + upstream.requests if r.path == "/again"]
        assert len(tries) > 4 and all(requests.verify(r.method, r.target, r.headers) for r in tries)
    finally:
        broken.stop()


def test_sites_that_do_not_ask_are_not_signed_and_a_site_may_say_no(make_gateway, upstream):
    own = make_gateway(
        [{"id": "one", "host": "one.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "identity": {"headers": {"X-A": "{account}"}}},
         {"id": "two", "host": "two.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}], "identity": {"signature": "none"}}],
        lambda c: c.update(site_defaults={"identity": {"signature": "rfc9421"}}))
    assert ask(own, "/x", host="one.test").status == 200 and upstream.last().one("Signature")
    assert ask(own, "/x", host="two.test").status == 200 and not upstream.last().all("Signature") and not upstream.last().all("Signature-Input")


def test_the_example_runs_as_a_program(gateway, upstream):
    keys = Browser(gateway).call(gateway.auth + "/.menwei/jwks.json").body

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(keys)))
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert ask(gateway, "/public/x").status == 200
        request = upstream.last()
        command = [sys.executable, EXAMPLES / "menwei_signature.py", f"http://127.0.0.1:{server.server_port}", gateway.origin("wiki.test")]
        done = subprocess.run(command, input=request.raw_head, capture_output=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, b"nobody\n"), done.stderr
        done = subprocess.run(command, input=request.raw_head.replace(b"/public/x", b"/public/y"), capture_output=True, timeout=60)
        assert done.returncode == 1 and done.stderr.startswith(b"refused:")
    finally:
        server.shutdown()
