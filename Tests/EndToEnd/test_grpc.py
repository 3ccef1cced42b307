"""gRPC end to end, with a real server and a real client: calls of all four kinds, their trailers, deadlines and cancellations."""
import threading
import time
from concurrent import futures

import grpc
import pytest

from harness.waiting import wait_for, within


class Service(grpc.GenericRpcHandler):
    """Bytes in, bytes out; no generated code."""

    def __init__(self):
        self.metadata = []
        self.cancelled = threading.Event()
        self.deadlines = []

    def service(self, details):
        kind = details.method.rsplit("/", 1)[1]
        make, function = {
            "Unary": (grpc.unary_unary_rpc_method_handler, self.unary),
            "Fail": (grpc.unary_unary_rpc_method_handler, self.fail),
            "Refuse": (grpc.unary_unary_rpc_method_handler, self.refuse),
            "Slow": (grpc.unary_unary_rpc_method_handler, self.slow),
            "Down": (grpc.unary_stream_rpc_method_handler, self.down),
            "Endless": (grpc.unary_stream_rpc_method_handler, self.endless),
            "Up": (grpc.stream_unary_rpc_method_handler, self.up),
            "Both": (grpc.stream_stream_rpc_method_handler, self.both),
        }.get(kind, (None, None))
        return make(function) if make else None

    def unary(self, request, context):
        self.metadata = context.invocation_metadata()
        context.send_initial_metadata((("x-first", "1"),))
        context.set_trailing_metadata((("x-last", "2"), ("x-bytes-bin", b"\x00\xff"), ("x-menwei-assertion", "forged")))
        return request[::-1]

    def fail(self, request, context):
        context.set_trailing_metadata((("x-last", "2"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: 今天不行")

    def refuse(self, request, context):
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")

    def slow(self, request, context):
        self.deadlines.append(context.time_remaining())
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(60)
        return b""

    def down(self, request, context):
        for number in range(int(request)):
            yield str(number).encode()

    def endless(self, request, context):
        context.add_callback(self.cancelled.set)
        number = 0
        while context.is_active():
            number += 1
            yield b"x" * 1000
            time.sleep(0.001)

    def up(self, requests, context):
        return str(sum(len(request) for request in requests)).encode()

    def both(self, requests, context):
        yield b"welcome"
        for request in requests:
            yield request.upper()
        context.set_trailing_metadata((("x-end", "yes"),))


@pytest.fixture(scope="module")
def service():
    return Service()


@pytest.fixture(scope="module", params=["h2c", "https"])
def server(request, service, authority):
    server = grpc.server(futures.ThreadPoolExecutor(32), handlers=[service])
    if request.param == "https":
        chain, key = authority.issue("grpc", ["grpc.test"])
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())]))
        settings = {"upstreams": [f"https://127.0.0.1:{port}"], "upstream_tls": {"ca": str(authority.file), "server_name": "grpc.test"}}
    else:
        port = server.add_insecure_port("127.0.0.1:0")
        settings = {"upstreams": [f"h2c://127.0.0.1:{port}"]}
    server.start()
    yield settings
    server.stop(None)


@pytest.fixture(scope="module")
def gateway(make_module_gateway, server):
    return make_module_gateway([{"id": "rpc", "host": "rpc.test", "access": [{"path": "/open.Service/*", "allow": "anyone"}, {"allow": "members"}], **server}])


@pytest.fixture
def channel(gateway):
    options = [("grpc.ssl_target_name_override", "rpc.test"), ("grpc.default_authority", f"rpc.test:{gateway.port}"), ("grpc.enable_http_proxy", 0)]
    with grpc.secure_channel(f"127.0.0.1:{gateway.port}", grpc.ssl_channel_credentials(gateway.ca.read_bytes()), options) as channel:
        yield channel


@pytest.fixture(autouse=True)
def fresh(service):
    service.cancelled.clear()


def test_unary(channel, service):
    reply, call = channel.unary_unary("/open.Service/Unary").with_call(b"abc", metadata=(("x-mine", "1"), ("x-forwarded-user", "admin")), timeout=60)
    assert reply == b"cba" and call.code() is grpc.StatusCode.OK
    assert dict(call.initial_metadata())["x-first"] == "1"
    trailers = dict(call.trailing_metadata())
    assert trailers["x-last"] == "2" and trailers["x-bytes-bin"] == b"\x00\xff"
    assert "x-menwei-assertion" not in trailers, "the gateway's names are nobody else's"
    seen = dict(service.metadata)
    assert seen["x-mine"] == "1" and seen.get("x-forwarded-user") != "admin" and "x-request-id" in seen


def test_a_large_message(channel):
    body = bytes(range(256)) * 8192
    assert channel.unary_unary("/open.Service/Unary")(body, timeout=60) == body[::-1]


def test_a_status_arrives_whatever_its_words(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/open.Service/Fail")(b"", timeout=60)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION and caught.value.details() == "not today: 今天不行"
    assert dict(caught.value.trailing_metadata())["x-last"] == "2"


def test_an_answer_of_trailers_only(channel):
    for method, code in (("Refuse", grpc.StatusCode.PERMISSION_DENIED), ("Unknown", grpc.StatusCode.UNIMPLEMENTED)):
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/open.Service/" + method)(b"", timeout=60)
        assert caught.value.code() is code


def test_server_streaming(channel):
    assert [int(each) for each in channel.unary_stream("/open.Service/Down")(b"500", timeout=60)] == list(range(500))


def test_client_streaming(channel):
    assert channel.stream_unary("/open.Service/Up")((b"x" * 1000 for _ in range(500)), timeout=60) == b"500000"


def test_both_ways_at_once(channel):
    """Each message is sent only when the one before it was answered; the first answer comes before any message."""
    replies = []
    answered = threading.Semaphore(0)

    def requests():
        for number in range(20):
            assert answered.acquire(timeout=60)
            assert len(replies) == number + 1
            yield f"m{number}".encode()

    call = channel.stream_stream("/open.Service/Both")(requests(), timeout=60)
    for reply in call:
        replies.append(reply)
        answered.release()
    assert replies == [b"welcome"] + [f"M{n}".encode() for n in range(20)]
    assert dict(call.trailing_metadata())["x-end"] == "yes"


def test_a_deadline_passes_to_the_server_and_cancels_it(channel, service):
    service.deadlines.clear()
    grpc.channel_ready_future(channel).result(60)
    # Long enough that the call is at the server before it has passed.
    with within(15, "the deadline of 8 s"), pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/open.Service/Slow")(b"", timeout=8)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: service.deadlines, what="the call at the server")
    assert 0 < service.deadlines[0] <= 8.5
    wait_for(service.cancelled.is_set, what="the server's cancellation")


def test_a_cancelled_stream_is_cancelled_at_the_server(channel, service):
    call = channel.unary_stream("/open.Service/Endless")(b"", timeout=60)
    assert len(next(call)) == 1000
    call.cancel()
    wait_for(service.cancelled.is_set, what="the server's cancellation")


def test_many_calls_at_once(channel):
    call = channel.unary_unary("/open.Service/Unary")
    pending = [call.future(str(number).encode(), timeout=60) for number in range(300)]
    assert [each.result() for each in pending] == [str(number).encode()[::-1] for number in range(300)]


def test_who_is_not_logged_in_is_unauthenticated(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/closed.Service/Unary")(b"", timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
