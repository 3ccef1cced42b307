"""Who the client is behind balancers and proxies: the PROXY protocol, and X-Forwarded-For."""
import socket
import ssl
import struct

import pytest

from harness.process import Process
from harness.raw import RawConnection, client_context
from harness.waiting import Stopwatch

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
SITES = [{"id": "wiki", "host": "wiki.test", "access": [{"path": "/public/*", "allow": "anyone"}, {"allow": "members"}]}]


def line(client="192.0.2.1", server="198.51.100.2"):
    return f"PROXY TCP4 {client} {server} 51234 443\r\n".encode()


def binary(client="192.0.2.1", command=0x21, more=b""):
    if ":" in client:
        family, addresses = 0x21, socket.inet_pton(socket.AF_INET6, client) + bytes(16) + b"\xc8\x22\x01\xbb"
    else:
        family, addresses = 0x11, socket.inet_aton(client) + bytes(4) + b"\xc8\x22\x01\xbb"
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(addresses + more)) + addresses + more


@pytest.fixture(scope="module")
def behind(make_module_gateway, upstream):
    """A gateway that 127.0.0.1 and 127.0.0.2 stand before: the first with the PROXY protocol, the second as a proxy; 127.0.0.3 is anybody."""
    def change(configuration):
        configuration["listen"].update(proxy_protocol_from=["127.0.0.1/32"], trusted_proxies=["127.0.0.2/32", "192.0.2.128/25", "2001:db8:ffff::/48"])

    return make_module_gateway([{**SITES[0], "upstreams": [upstream.base]}], change)


def tls(gateway, source, preamble=b""):
    return RawConnection(gateway.port, "wiki.test", ca=gateway.ca, source=source, preamble=preamble)


def ask(gateway, raw, upstream, *fields, path="/public/x"):
    """What the upstream was told of the client, and what the record says."""
    upstream.clear()
    extra = "".join(field + "\r\n" for field in fields)
    raw.send(f"GET {path} HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n{extra}\r\n".encode())
    answer = raw.response()
    assert answer.status == 200
    request = upstream.last()
    recorded = gateway.record("access", request_id=answer.one("X-Request-Id"))["client"]
    assert request.all("X-Forwarded-For") == [recorded]
    return recorded


@pytest.mark.parametrize("header, client", [
    (line(), "192.0.2.1"), (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1"), (binary(), "192.0.2.1"), (binary("2001:db8::7"), "2001:db8::7"),
    (binary(more=b"\x04\x00\x03abc\x01\x00\x02h2"), "192.0.2.1"), (b"PROXY UNKNOWN\r\n", "127.0.0.1"), (SIGNATURE + b"\x20\x00\x00\x00", "127.0.0.1"),
    (binary(command=0x20), "127.0.0.1"),
])
def test_the_client_is_whom_the_balancer_names(behind, upstream, header, client):
    with tls(behind, "127.0.0.1", header) as raw:
        assert ask(behind, raw, upstream) == client
        # Of the connection, not of the request
        assert ask(behind, raw, upstream, "X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9", "Forwarded: for=203.0.113.9") == client


def test_a_header_may_come_in_pieces(behind, upstream):
    for header in (line(), binary(more=b"\x04\x00\x00")):
        plain = socket.create_connection(("127.0.0.1", behind.port), source_address=("127.0.0.1", 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header:
            plain.sendall(bytes([byte]))
        with client_context(behind.ca).wrap_socket(plain, server_hostname="wiki.test") as secured:
            secured.sendall(f"GET /public/x HTTP/1.1\r\nHost: wiki.test:{behind.port}\r\nConnection: close\r\n\r\n".encode())
            assert b" 200 " in secured.recv(65536)


def test_a_balancer_that_sends_none_is_refused(behind):
    before = behind.metrics()['menwei_connections_refused_total{reason="proxy_header"}']
    with pytest.raises((ssl.SSLError, ConnectionError)):
        tls(behind, "127.0.0.1")
    for wrong in (b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 1 2 3 4\r\n", binary()[:-1] + b"", line()[:-2] + b"\n", b"PROXY TCP4 " + b"1" * 200,
                  binary(more=b"\x04\x00\x09"), binary(command=0x2F), SIGNATURE + b"\x21\x11\xff\xff" + bytes(5000), binary(more=b"\x03\x00\x04abcd")):
        raw = RawConnection(behind.port, source="127.0.0.1", preamble=wrong)
        raw.end_sending()
        assert raw.everything() == b"", wrong
    assert behind.metrics()['menwei_connections_refused_total{reason="proxy_header"}'] > before + 5


@pytest.mark.parametrize("header", [line(), binary(), SIGNATURE + b"\x20\x00\x00\x00"])
def test_nobody_else_may_send_one(behind, upstream, header):
    upstream.clear()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        tls(behind, "127.0.0.3", header)
    with RawConnection(behind.http_port, source="127.0.0.3", preamble=header + b"GET / HTTP/1.1\r\nHost: wiki.test\r\n\r\n") as raw:
        assert raw.response().status == 400
    assert not upstream.requests


def test_the_plain_listener_reads_it_too(behind):
    host = b"Host: wiki.test\r\n\r\n"
    with RawConnection(behind.http_port, source="127.0.0.1", preamble=line() + b"GET /x HTTP/1.1\r\n" + host) as raw:
        assert raw.response().status == 308
    with RawConnection(behind.http_port, source="127.0.0.1", preamble=b"GET /x HTTP/1.1\r\n" + host) as raw:
        assert raw.everything() == b""
    with RawConnection(behind.http_port, source="127.0.0.3", preamble=b"GET /x HTTP/1.1\r\n" + host) as raw:
        assert raw.response().status == 308


def test_a_balancer_that_says_half_of_it_is_not_waited_for_forever(behind):
    with Stopwatch() as watch, RawConnection(behind.port, source="127.0.0.1", preamble=b"PROXY TC", timeout=60) as raw:
        assert raw.everything() == b""
        assert 5 < watch.elapsed and watch.seconds < 15


@pytest.mark.parametrize("fields, client", [
    ([], "127.0.0.2"), (["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"), (["X-Forwarded-For: 10.0.0.1, 203.0.113.9"], "203.0.113.9"),
    (["X-Forwarded-For: 10.0.0.1, 203.0.113.9, 192.0.2.200"], "203.0.113.9"), (["X-Forwarded-For: 192.0.2.201, 192.0.2.200"], "192.0.2.201"),
    (["X-Forwarded-For: 10.0.0.1, nonsense, 192.0.2.200"], "192.0.2.200"), (["X-Forwarded-For: nonsense"], "127.0.0.2"), (["X-Forwarded-For: a"], "127.0.0.2"),
    (["X-Forwarded-For: 203.0.113.9:4711"], "203.0.113.9"), (["X-Forwarded-For: [2001:db8::9]:4711"], "2001:db8::9"),
    (["x-forwarded-for: 10.0.0.1", "X-FORWARDED-FOR: 203.0.113.9", "X-Forwarded-For: 192.0.2.200"], "203.0.113.9"),
    (["X_Forwarded_For: 203.0.113.9"], "127.0.0.2"), (["Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9"], "127.0.0.2"),
])
def test_a_trusted_proxy_is_believed_from_the_right(behind, upstream, fields, client):
    with tls(behind, "127.0.0.2") as raw:
        assert ask(behind, raw, upstream, *fields) == client


def test_each_request_of_a_kept_connection_has_its_own_client(behind, upstream):
    with tls(behind, "127.0.0.2") as raw:
        for client in ("203.0.113.1", "203.0.113.2", "127.0.0.2", "203.0.113.3"):
            assert ask(behind, raw, upstream, *([f"X-Forwarded-For: {client}"] if client != "127.0.0.2" else [])) == client


def test_nobody_else_is_believed(behind, gateway, upstream):
    with tls(behind, "127.0.0.3") as raw:
        assert ask(behind, raw, upstream, "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: a") == "127.0.0.3"
    # None by default: nobody, not everybody.
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        assert ask(gateway, raw, upstream, "X-Forwarded-For: 10.0.0.1") == "127.0.0.1"


def test_a_proxy_behind_a_balancer_is_believed(behind, upstream):
    with tls(behind, "127.0.0.1", line("192.0.2.200")) as raw:
        assert ask(behind, raw, upstream, "X-Forwarded-For: 203.0.113.9") == "203.0.113.9"
    with tls(behind, "127.0.0.1", line("192.0.2.1")) as raw:
        assert ask(behind, raw, upstream, "X-Forwarded-For: 203.0.113.9") == "192.0.2.1"


def test_of_a_trusted_proxy_nothing_else_is_believed(behind, upstream):
    with tls(behind, "127.0.0.2") as raw:
        ask(behind, raw, upstream, "X-Forwarded-Proto: http", "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 80", "X-Forwarded-For: 203.0.113.9")
        request = upstream.last()
        assert request.all("X-Forwarded-Proto") == ["https"] and request.all("X-Forwarded-Host") == [f"wiki.test:{behind.port}"]
        assert not request.all("X-Forwarded-Port")
        raw.send(f"GET / HTTP/1.1\r\nHost: wiki.test:{behind.port}\r\nAccept: text/html\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: http\r\n\r\n".encode())
        answer = raw.response()
        assert answer.status == 302 and answer.one("Location").startswith(behind.auth + "/") and "evil" not in answer.raw_head.decode()
        assert all("Secure" in cookie for cookie in answer.all("Set-Cookie"))


def test_what_a_broken_request_says_is_not_believed(behind, upstream):
    with tls(behind, "127.0.0.2") as raw:
        raw.send(f"GET /public/x HTTP/1.1\r\nHost: wiki.test:{behind.port}\r\nX-Forwarded-For: 203.0.113.9\r\nBad Name: x\r\n\r\n".encode())
        answer = raw.response()
        assert answer.status == 400
    assert behind.record("access", request_id=answer.one("X-Request-Id"))["client"] == "127.0.0.2"


def test_the_networks_are_read_strictly(make_gateway, upstream):
    gateway = make_gateway([{**SITES[0], "upstreams": [upstream.base]}], start=False)

    def check(**keys):
        gateway.configuration["listen"].update(proxy_protocol_from=[], trusted_proxies=[])
        gateway.configuration["listen"].update(keys)
        gateway.write()
        process = Process([gateway.binary, "check", "--config", gateway.file], "check")
        return process.wait(), "\n".join(line for line in process.err if "not https" not in line)

    for key in ("trusted_proxies", "proxy_protocol_from"):
        for good in ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::ffff:10.0.0.0/104"):
            assert check(**{key: [good]}) == (0, ""), good
        for bad in ("10.0.0.0/33", "10.0.0/8", "example.com", "10.0.0.0/8 ", "*", "", "::/129", "all"):
            status, said = check(**{key: [bad]})
            assert status == 2 and ("network" in said or "empty" in said), (bad, said)
        status, said = check(**{key: ["10.1.2.3/8"]})
        assert status == 0 and "warning: 10.1.2.3/8 is the network 10.0.0.0/8" in said
        for everybody in ("0.0.0.0/0", "::/0"):
            status, said = check(**{key: [everybody]})
            assert status == 0 and f"warning: {everybody} in" in said and "name your proxies" in said
        assert check(**{key: "10.0.0.0/8"})[0] == 2
