"""Upstreams over TLS and over sockets in the file system."""
import json
import ssl

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.h2_upstream import H2Upstream
from harness.raw import RawConnection
from harness.upstream import Upstream
from harness.waiting import wait_for


def server_context(authority, stem, names=(), alpn=(), asks_certificate=False, **more):
    chain, key = authority.issue(stem, names or ["upstream.test"], **more)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if asks_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(str(authority.file))
    return context


@pytest.fixture
def make_upstream():
    made = []

    def make(kind=Upstream, **more):
        made.append(kind(**more))
        return made[-1]

    yield make
    for upstream in made:
        upstream.stop()


@pytest.fixture
def make_site(make_gateway):
    def make(upstream, **more):
        return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream], "access": [{"allow": "anyone"}], **more}])
    return make


def get(gateway, path="/x", *headers, method="GET", body=b""):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        head = "".join(line + "\r\n" for line in (f"{method} {path} HTTP/1.1", f"Host: wiki.test:{gateway.port}", "Accept: application/json", *headers))
        raw.send(head.encode() + b"\r\n" + body)
        return raw.response(method)


def tls(authority, **more):
    return {"ca": str(authority.file), **more}


def test_https_with_http1_is_verified_and_resumed(make_site, make_upstream, authority):
    upstream = make_upstream(tls=server_context(authority, "up-1", alpn=["http/1.1"]))
    gateway = make_site(upstream.base, upstream_tls=tls(authority, server_name="upstream.test"))
    answer = get(gateway)
    assert answer.status == 200 and json.loads(answer.body)["target"] == "/x"
    for _ in range(4):
        upstream.close_connections()
        wait_for(lambda: not upstream._open, what="the connections' end")
        assert get(gateway).status == 200
    # As many workers, as many first times; after those a session is resumed.
    assert any(resumed for resumed, _ in upstream.handshakes)
    assert gateway.record("access", path="/x")["upstream"] == upstream.base


def test_https_with_http2_is_what_alpn_chose(make_site, make_upstream, authority):
    upstream = make_upstream(H2Upstream, tls=server_context(authority, "up-2", alpn=["h2", "http/1.1"]))
    gateway = make_site(upstream.base, upstream_tls=tls(authority, server_name="upstream.test"))
    answer = get(gateway)
    assert answer.status == 200
    headers = dict(json.loads(answer.body)["headers"])
    assert headers[":scheme"] == "https" and headers[":authority"] == f"wiki.test:{gateway.port}"


def test_an_address_is_looked_for_among_the_certificates_addresses(make_site, make_upstream, authority):
    upstream = make_upstream(tls=server_context(authority, "up-3", addresses=["127.0.0.1"]))
    assert get(make_site(upstream.base, upstream_tls=tls(authority))).status == 200


def test_no_name_is_sent_where_the_server_is_an_address(make_site, make_upstream, authority):
    context = server_context(authority, "up-4", addresses=["127.0.0.1"])
    names = []
    context.sni_callback = lambda _, name, __: names.append(name)
    assert get(make_site(make_upstream(tls=context).base, upstream_tls=tls(authority))).status == 200
    assert names == [None]


def test_the_name_is_sent_where_there_is_one(make_site, make_upstream, authority):
    context = server_context(authority, "up-5")
    names = []
    context.sni_callback = lambda _, name, __: names.append(name)
    assert get(make_site(make_upstream(tls=context).base, upstream_tls=tls(authority, server_name="upstream.test"))).status == 200
    assert names == ["upstream.test"]


@pytest.mark.parametrize("case, options, word", [
    ("wrong name", {"names": ["other.test"]}, "hostname mismatch"),
    ("wrong address", {"names": ["upstream.test"]}, "IP address mismatch"),
    ("expired", {"days": -0.5}, "expired"),
    ("system authorities", {}, "unable to get local issuer certificate"),
    ("for clients only", {"use": ExtendedKeyUsageOID.CLIENT_AUTH}, "certificate purpose"),
])
def test_a_failed_verification_is_a_502_and_one_diagnostic(make_site, make_upstream, authority, case, options, word):
    upstream = make_upstream(tls=server_context(authority, "up-bad-" + case.replace(" ", "-"), **options))
    settings = {"server_name": "upstream.test"}
    if case == "wrong address":
        settings = {}
    if case != "system authorities":
        settings["ca"] = str(authority.file)
    gateway = make_site(upstream.base, upstream_tls=settings)
    for _ in range(5):
        answer = get(gateway)
        assert answer.status == 502 and json.loads(answer.body)["type"] == "urn:menwei:upstream"
    assert upstream.requests == []
    told = wait_for(lambda: [line for line in map(parse, list(gateway.process.err)) if line.get("message") == "upstream connection"], what="a diagnostic")
    assert told[0]["site"] == "wiki" and told[0]["upstream"] == upstream.base and word in told[0]["problem"]
    assert len(told) <= 2, "one a worker, not one a request"


def parse(line):
    return json.loads(line) if line.startswith("{") else {}


def test_a_client_certificate_is_shown(make_site, make_upstream, authority):
    upstream = make_upstream(tls=server_context(authority, "up-6", asks_certificate=True))
    chain, key = authority.issue("gateway-client", ["gateway.test"], use=ExtendedKeyUsageOID.CLIENT_AUTH)
    gateway = make_site(upstream.base, upstream_tls=tls(authority, server_name="upstream.test", certificate=str(chain), key=str(key)))
    assert get(gateway).status == 200
    assert ("commonName", "gateway.test") in [pair for part in upstream.handshakes[0][1]["subject"] for pair in part]


def test_without_the_client_certificate_that_is_asked_for_it_is_a_502(make_site, make_upstream, authority):
    upstream = make_upstream(tls=server_context(authority, "up-7", asks_certificate=True))
    assert get(make_site(upstream.base, upstream_tls=tls(authority, server_name="upstream.test"))).status == 502


def test_no_upstream_older_than_tls_1_2(make_site, make_upstream, authority):
    context = server_context(authority, "up-8")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert get(make_site(make_upstream(tls=context).base, upstream_tls=tls(authority, server_name="upstream.test"))).status == 502


def test_bodies_of_some_size_pass_over_tls(make_site, make_upstream, authority):
    from harness.upstream import download
    upstream = make_upstream(tls=server_context(authority, "up-9"))
    upstream.script("/download", download)
    gateway = make_site(upstream.base, upstream_tls=tls(authority, server_name="upstream.test"))
    for path in ("/download?bytes=5000000", "/download?bytes=5000000&chunked=1"):
        answer = get(gateway, path)
        assert answer.body == (bytes(range(256)) * 20000)[:5000000]
    body = bytes(range(256)) * 20000
    answer = get(gateway, "/up", f"Content-Length: {len(body)}", method="POST", body=body)
    assert json.loads(answer.body)["length"] == len(body)


def test_an_end_without_farewell_is_a_cut(make_site, make_upstream, authority):
    """Over TLS an answer that ends with its connection ends with close_notify; anybody can send a FIN."""
    upstream = make_upstream(tls=server_context(authority, "up-10"))

    def cut(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it")
        exchange.close()

    upstream.script("/cut", cut)
    gateway = make_site(upstream.base, upstream_tls=tls(authority, server_name="upstream.test"))
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /cut HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
        data = b""
        while part := raw.receive():
            data += part
    assert b"half of it" in data and not data.endswith(b"0\r\n\r\n")


def test_a_websocket_goes_over_http1_to_an_upstream_that_prefers_http2(make_site, make_upstream, authority):
    context = server_context(authority, "up-11", alpn=["h2", "http/1.1"])
    upstream = make_upstream(tls=context)
    gateway = make_site(upstream.base, upstream_tls=tls(authority, server_name="upstream.test"))
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send((f"GET /ws HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += raw.receive()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head


def test_a_socket_in_the_file_system(make_site, make_upstream, workspace):
    upstream = make_upstream(unix=workspace / "app.sock")
    gateway = make_site(upstream.base, host_header="upstream")
    answer = json.loads(get(gateway).body)
    assert ["Host", "localhost"] in answer["headers"]
    assert gateway.record("access", path="/x")["upstream"] == upstream.base
    assert get(gateway, "/x", "Content-Length: 3", method="POST", body=b"abc").status == 200


def test_a_socket_that_nobody_serves_is_a_502(make_site, workspace):
    assert get(make_site(f"unix:{workspace}/nobody.sock")).status == 502


@pytest.mark.parametrize("options, word", [
    ({"ca": "none.pem"}, "does not exist"), ({"ca": "secret"}, "holds no certificate"),
    ({"certificate": "secret", "key": "secret"}, "cannot be used"), ({"certificate": "secret"}, "needs \"key\""),
])
def test_check_names_what_is_wrong_with_the_files(make_gateway, binary, options, word):
    import subprocess
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": ["https://127.0.0.1:1"], "upstream_tls": options}], start=False)
    done = subprocess.run([binary, "check", "--config", gateway.file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and word in done.stderr


def test_check_tells_a_key_from_another_certificates(make_gateway, binary, authority):
    import subprocess
    chain, _ = authority.issue("pair-a", ["a.test"])
    _, key = authority.issue("pair-b", ["b.test"])
    site = {"id": "wiki", "host": "wiki.test", "upstreams": ["https://127.0.0.1:1"], "upstream_tls": {"certificate": str(chain), "key": str(key)}}
    gateway = make_gateway([site], start=False)
    done = subprocess.run([binary, "check", "--config", gateway.file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "does not belong" in done.stderr
