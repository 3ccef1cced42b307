"""What the gateway says of itself as a hop: Via and loops, trace context, the prefix that it takes off."""
import re

import pytest

from harness.raw import RawConnection

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def ask(gateway, target, *fields, method="GET", host="wiki.test", version="1.1"):
    with RawConnection(gateway.port, host, ca=gateway.ca) as raw:
        raw.send((f"{method} {target} HTTP/{version}\r\nHost: {host}:{gateway.port}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n").encode("latin-1"))
        return raw.response(method)


def test_via_is_added_behind_what_came(gateway, upstream):
    answer = ask(gateway, "/public/x", "Via: 1.0 fred, 1.1 p.example", "Via: 1.1 nginx")
    assert answer.status == 200 and not answer.all("Via")
    values = upstream.last().all("Via")
    assert values[:-1] == ["1.0 fred, 1.1 p.example", "1.1 nginx"] and re.fullmatch(r"1\.1 menwei-[0-9a-f]{8}", values[-1])
    ask(gateway, "/public/x", version="1.0")
    assert upstream.last().one("Via") == values[-1].replace("1.1", "1.0")


def test_the_name_in_via_is_the_same_in_all_workers_and_another_for_each_gateway(gateway, make_gateway, upstream):
    names = set()
    for _ in range(12):
        ask(gateway, "/public/x")
        names.add(upstream.last().one("Via"))
    assert len(names) == 1
    other = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    answer = ask(other, "/x", f"Via: {names.pop()}")
    assert answer.status == 200, "a request that only went through another gateway is no loop"
    assert len(set(upstream.last().all("Via"))) == 2


def test_t134_a_request_that_comes_back_is_508(gateway, upstream):
    ask(gateway, "/public/x")
    via = upstream.last().one("Via")
    upstream.clear()
    for value in (via, f"1.1 before, {via} (comment), 1.1 behind", via.upper()):
        for accept, kind in (("text/html", "text/html"), ("application/json", "application/problem+json")):
            answer = ask(gateway, "/public/x", f"Via: {value}", f"Accept: {accept}")
            assert answer.status == 508 and answer.one("Content-Type").startswith(kind)
    assert b"urn:menwei:upstream" in answer.body
    assert not upstream.requests


def test_t134_a_route_that_leads_to_the_gateway_itself_ends(gateway, upstream):
    """An application that only passes on to the same address: one turn, then 508."""
    def back(exchange):
        exchange.read_body()
        fields = [f"{n}: {v}" for n, v in exchange.request.headers if n.lower() != "host"]
        inner = ask(gateway, exchange.request.target, *fields)
        exchange.respond(inner.status, [("Content-Type", inner.one("Content-Type"))], inner.body)

    upstream.script("/public/circle", back)
    assert ask(gateway, "/public/circle").status == 508
    assert upstream.targets() == ["/public/circle"]


def test_a_valid_traceparent_goes_on_unchanged(gateway, upstream):
    answer = ask(gateway, "/public/trace", f"Traceparent: {PARENT}", "tracestate: a=b", "tracestate: c=d")
    request = upstream.last()
    assert request.one("traceparent") == PARENT and request.all("tracestate") == ["a=b", "c=d"]
    assert gateway.record("access", request_id=answer.one("X-Request-Id"))["trace_id"] == TRACE


@pytest.mark.parametrize("fields", [
    [], [f"traceparent: ff{PARENT[2:]}"], [f"traceparent: {PARENT.upper()}"], [f"traceparent: {PARENT}-more"], [f"traceparent: {PARENT}"] * 2, ["traceparent: x"],
    [f"traceparent: 00-{'0' * 32}-00f067aa0ba902b7-01"], [f"traceparent: 00-{TRACE}-{'0' * 16}-01"], ["Connection: traceparent", f"traceparent: {PARENT}"],
], ids=str)
def test_a_trace_begins_here_where_none_can_be_read(gateway, upstream, fields):
    answer = ask(gateway, "/public/trace", *fields, "tracestate: a=b")
    request = upstream.last()
    number = answer.one("X-Request-Id")
    assert re.fullmatch(f"00-{number}-(?!0{{16}})[0-9a-f]{{16}}-01", request.one("traceparent"))
    assert not request.all("tracestate")
    assert gateway.record("access", request_id=number).get("trace_id", number) == number


def test_max_forwards_counts_down_for_options_alone(gateway, upstream):
    answer = ask(gateway, "/public/x", "Max-Forwards: 0", method="OPTIONS")
    assert answer.status == 204 and "OPTIONS" in answer.one("Allow") and not upstream.requests
    for sent, arrives in (("1", "0"), ("10", "9"), ("007", "6"), ("x", "x"), ("-1", "-1"), ("99999999999999999999999", "99999999999999999999999")):
        assert ask(gateway, "/public/x", f"Max-Forwards: {sent}", method="OPTIONS").status == 200
        assert upstream.last().one("Max-Forwards") == arrives
    assert ask(gateway, "/public/x", "Max-Forwards: 0").status == 200 and upstream.last().one("Max-Forwards") == "0"
    assert ask(gateway, "/private", "Max-Forwards: 0", method="OPTIONS").status == 401
