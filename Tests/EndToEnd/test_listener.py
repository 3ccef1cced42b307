"""The listeners: TLS, names, resumption, the plain one."""
import http.client
import socket
import ssl
import subprocess

import pytest

from harness.browser import Browser
from harness.process import Process
from harness.raw import RawConnection, client_context

GET = b"GET /public/x HTTP/1.1\r\nHost: wiki.test:%d\r\nConnection: close\r\n\r\n"


def handshake(gateway, host="wiki.test", **more):
    context = client_context(gateway.ca, **more)
    return RawConnection(gateway.port, host, context=context)


@pytest.mark.parametrize("version, name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_modern_tls_is_spoken(gateway, version, name):
    with handshake(gateway, minimum=version, maximum=version) as raw:
        assert raw.socket.version() == name
        raw.send(GET % gateway.port)
        assert raw.response().status == 200


def test_old_tls_is_refused(gateway):
    for flag in ("-tls1", "-tls1_1"):
        done = subprocess.run(
            ["openssl", "s_client", flag, "-cipher", "ALL:@SECLEVEL=0", "-connect", f"127.0.0.1:{gateway.port}", "-servername", "wiki.test"],
            input=b"", capture_output=True, timeout=60)
        assert b"Cipher is (NONE)" in done.stdout or done.returncode != 0, flag


def test_minimum_version_1_3_refuses_1_2(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}],
                           lambda c: c["tls"].update(minimum_version="1.3"))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(gateway, maximum=ssl.TLSVersion.TLSv1_2)
    handshake(gateway).close()


def test_weak_ciphers_are_refused(gateway):
    for cipher in ("NULL", "RC4", "3DES", "EXPORT", "aNULL"):
        done = subprocess.run(
            ["openssl", "s_client", "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0", "-connect", f"127.0.0.1:{gateway.port}", "-servername", "wiki.test"],
            input=b"", capture_output=True, timeout=60)
        assert b"Cipher is (NONE)" in done.stdout or b"New, (NONE)" in done.stdout or done.returncode != 0, cipher


def test_certificates_are_chosen_by_the_name_asked_for(make_gateway, upstream, authority):
    def two(configuration):
        first = authority.issue("first", ["auth.test", "wiki.test"])
        configuration["tls"]["certificates"] = [{"certificate": str(first[0]), "key": str(first[1])}]
        chain, key = authority.issue("other", ["*.other.test", "other.test"])
        configuration["tls"]["certificates"].append({"certificate": str(chain), "key": str(key)})

    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]},
                            {"id": "other", "host": "other.test", "upstreams": [upstream.base]},
                            {"id": "sub", "host": "sub.other.test", "upstreams": [upstream.base]}], two)

    def names(host):
        with handshake(gateway, host) as raw:
            return {value for _, value in raw.socket.getpeercert()["subjectAltName"]}

    assert "wiki.test" in names("wiki.test") and "*.other.test" in names("sub.other.test")


def test_unknown_alpn_is_refused_and_none_is_http_1(gateway):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(gateway, alpn=("ftp", "smtp"))
    with handshake(gateway, alpn=()) as raw:
        raw.send(GET % gateway.port)
        assert raw.response().status == 200
    with handshake(gateway, alpn=("h2", "http/1.1")) as raw:
        assert raw.socket.selected_alpn_protocol() == "h2"
    with handshake(gateway, alpn=("ftp", "http/1.1")) as raw:
        assert raw.socket.selected_alpn_protocol() == "http/1.1"


def test_sessions_are_resumed_at_any_worker(gateway):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client_context(gateway.ca, minimum=version, maximum=version)
        first = RawConnection(gateway.port, "wiki.test", context=context)
        first.send(GET % gateway.port)
        first.response()
        session = first.socket.session
        first.close()
        reused = []
        for _ in range(12):  # the kernel spreads connections over the workers
            raw = RawConnection(gateway.port, "wiki.test", context=context, session=session)
            reused.append(raw.socket.session_reused)
            raw.send(GET % gateway.port)
            assert raw.response().status == 200
            session = raw.socket.session
            raw.close()
        assert all(reused), (version, reused)


def test_a_resumed_connection_is_judged_by_its_own_authority(gateway, connect):
    raw = connect("wiki.test")
    raw.send(f"GET / HTTP/1.1\r\nHost: app.test:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 401  # app.test has no open path: its own site's answer
    raw.send(f"GET /public/x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 200


@pytest.mark.parametrize("host", ["unknown.test", "wiki.test", "wiki.test:1", "wiki.test.", "127.0.0.1", "wiki.test.evil.test", "auth.test"])
def test_an_unknown_authority_is_421(gateway, connect, upstream, host):
    raw = connect()
    port = f":{gateway.port}" if host in ("unknown.test", "wiki.test.", "127.0.0.1", "wiki.test.evil.test") else ""
    raw.send(f"GET /public/x HTTP/1.1\r\nHost: {host}{port}\r\n\r\n".encode())
    assert raw.response().status == 421 and not upstream.requests


def test_the_authority_is_compared_without_regard_to_case(gateway, connect):
    raw = connect()
    raw.send(f"GET /public/x HTTP/1.1\r\nHost: WIKI.Test:{gateway.port}\r\n\r\n".encode())
    assert raw.response().status == 200


def test_garbage_on_the_tls_port_harms_nobody(gateway, connect):
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"A" * 3000, b"\x00" * 5000, b"\x16\x03\x01\x00\x05hello", b"", b"SSH-2.0-x\r\n"):
        raw = RawConnection(gateway.port)
        raw.try_send(garbage)
        raw.end_sending()
        raw.everything()
        raw.close()
    raw = connect()
    raw.send(GET % gateway.port)
    assert raw.response().status == 200
    assert gateway.process.is_running


# The plain listener

def plain(gateway, method, path, host, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http_port, timeout=30)
    try:
        connection.request(method, path, headers={"Host": host, **headers})
        response = connection.getresponse()
        response.data = response.read()
        return response
    finally:
        connection.close()


def test_the_plain_listener_redirects_hosts_it_knows(gateway, upstream):
    for host in ("wiki.test", f"wiki.test:{gateway.http_port}", "WIKI.TEST"):
        answer = plain(gateway, "GET", "/a/b?c=d%20e", host)
        assert answer.status == 308, (host, answer.status)
        assert answer.getheader("Location") == gateway.origin("wiki.test") + "/a/b?c=d%20e"
        assert not answer.getheader("Set-Cookie")
    assert plain(gateway, "POST", "/a", "auth.test").getheader("Location") == gateway.auth + "/a"
    assert not upstream.requests


def test_the_plain_listener_knows_nothing_else(gateway, upstream, member):
    assert plain(gateway, "GET", "/", "unknown.test").status == 421
    assert plain(gateway, "GET", "/", "127.0.0.1").status == 421
    answer = plain(gateway, "GET", "/public/x", "wiki.test", Cookie=f"__Host-menwei={member.cookie('wiki.test')}")
    assert answer.status == 308 and not upstream.requests
    answer = plain(gateway, "GET", "/.menwei/jwks.json", "wiki.test")
    assert answer.status in (308, 404)
    assert plain(gateway, "GET", "/metrics", "unknown.test").status == 421


def test_ownership_files_are_served_everywhere_before_login(make_gateway, upstream):
    name = "WW_verify_YpAqDE4xoAPsmGSK.txt"
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}],
                           lambda c: c["auth"].update(ownership_files=[name]))
    for host in ("wiki.test", "auth.test"):
        answer = Browser(gateway).get(gateway.origin(host) + "/" + name)
        assert answer.status == 200 and answer.body == b"YpAqDE4xoAPsmGSK" and answer.one("Content-Type").startswith("text/plain")
        over_http = plain(gateway, "GET", "/" + name, host)
        assert over_http.status == 200 and over_http.data == b"YpAqDE4xoAPsmGSK"
    other = Browser(gateway).get(gateway.auth + "/WW_verify_AAAAAAAAAAAAAAAA.txt")
    assert other.status == 404
    assert Browser(gateway).get(gateway.origin("wiki.test") + "/x/" + name).status == 302
    assert not upstream.requests


def test_operations_are_not_on_the_public_listeners(gateway, upstream):
    for path in ("/metrics", "/healthz", "/readyz"):
        assert Browser(gateway).call(gateway.origin("wiki.test") + path).status == 401
        assert Browser(gateway).call(gateway.auth + path).status == 404
    assert not upstream.requests


def test_a_port_that_is_taken_is_a_fault(gateway, make_gateway, upstream):
    second = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}],
                          lambda c: c["listen"].update(https=[f"127.0.0.1:{gateway.port}"]), start=False)

    def refused(port):
        process = Process([second.binary, "run", "--config", second.file], "gateway on a taken port")
        assert process.wait() == 1
        line = next(n for n, text in enumerate(second.file.read_text().splitlines(), 1) if f"127.0.0.1:{port}" in text)
        assert any(said.startswith(f"{second.file}:{line}:") and f"127.0.0.1:{port}" in said for said in process.err), process.err

    refused(gateway.port)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        second.configuration["listen"]["https"] = [f"127.0.0.1:{taken}"]
        second.write()
        refused(taken)
