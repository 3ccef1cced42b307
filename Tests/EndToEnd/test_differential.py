"""Odd requests before real servers: whatever the gateway lets through, nginx, Apache, Node, gunicorn and Tomcat see as the one request that it judged.

The corpus is made of a seed, which every failure names; MENWEI_SEED chooses another."""
import base64
import json
import os
import random
import re
import threading

import h2.exceptions
import pytest

from harness.browser import Browser
from harness.raw import RawConnection, Response
from harness.servers import Servers
from harness.waiting import wait_for
from test_http2 import H2

SEED = int(os.environ.get("MENWEI_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
#: What an attacker says; it must not reach any application under a name that speaks of identity.
EVIL = "evil-boss"
#: How long an answer may take that a server's opinion of where the message ends might hold back.
PATIENCE = 40


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


FORGED = f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded({'sub': EVIL, 'aud': 'x', 'exp': 4102444800})}."


class Case:
    """One odd request. `head`: lines without Host, Cookie and line ends, `{n}` where its number goes into the target; `may`: what a let-through answer may be."""

    def __init__(self, kind, line, fields=(), body=b"", host=True, cookie=True):
        self.kind, self.line, self.fields, self.body, self.host, self.cookie = kind, line, list(fields), body, host, cookie

    def bytes(self, number, authority, cookie):
        lines = [self.line.replace(b"{n}", b"%d" % number).replace(b"{host}", authority)]
        if self.host:
            lines.append(b"Host: " + authority)
        if self.cookie:
            lines.append(b"Cookie: __Host-menwei=" + cookie)
        body = self.body.replace(b"{n}", b"%d" % number).replace(b"{host}", authority)
        return b"\r\n".join([*lines, *self.fields]) + b"\r\n\r\n" + body

    def __repr__(self):
        return f"{self.kind}: {self.line!r} {self.fields!r} {self.body[:200]!r}"


GET, POST = b"GET /who?n={n} HTTP/1.1", b"POST /who?n={n} HTTP/1.1"
SMUGGLED = b"GET /smuggled?n=smuggled-{n} HTTP/1.1\r\nHost: {host}\r\n\r\n"

NAMES = [b"X-Forwarded-User", b"Remote-User", b"X-Menwei-Assertion", b"X-Forwarded-Groups", b"X-Forwarded-Email", b"X-Forwarded-For", b"X-Real-IP", b"X-Original-URL", b"Forwarded",
         b"X-HTTP-Method-Override", b"X-Menwei-Other", b"Proxy", b"X-Forwarded-Host", b"X-Remote-User", b"X-Request-Id", b"X-Rewrite-URL", b"X-Accel-Redirect", b"Signature-Input"]


def aliases(r):
    """Fields that careless applications take for ours."""
    for name in NAMES:
        value = FORGED.encode() if b"Assertion" in name else EVIL.encode()

        def odd(text):
            text = b"".join(r.choice((bytes([c]).upper(), bytes([c]).lower())) for c in text)
            return b"".join(r.choice(b"-_.~!*'`|^$#%&+").to_bytes(1, "big") if c == 0x2D else bytes([c]) for c in text)

        yield Case("alias", GET, [odd(name) + b": " + value])
        yield Case("alias", GET, [name.replace(b"-", b"_") + b": " + value, name.replace(b"-", b".") + b":" + value])
        yield Case("twice", GET, [name + b": " + value, name.lower() + b": " + value, odd(name) + b":\t" + value])
        yield Case("name", GET, [name + r.choice([b" ", b"\t", b"\x85", b"\xa0", b"\x00", b"\x0b", b"\r", b":", b"\xad", b"\x7f", b"\xe2\x80\x8b"]) + b": " + value])
        yield Case("name", GET, [r.choice([b" ", b"\t", b"\x0b", b"\xef\xbb\xbf", b"\x00", b":"]) + name + b": " + value])
        yield Case("value", GET, [name + b": " + r.choice([b"", b"  ", b"\t", b"\x85", b"a\xff "]) + value + r.choice([b"", b" ", b"\x85", b", admin", b"\xa0"])])
        yield Case("value", GET, [b"X-Harmless: a" + r.choice([b"\r", b"\n", b"\x00", b"\r\n ", b"\r\n\t", b"\x0b", b"\x0c", b"\xe5\x98\x8a\xe5\x98\x8d", b"%0d%0a", b"\\r\\n"]) + name + b": " + value])
        yield Case("nominated", GET, [b"Connection: " + r.choice([b"close, ", b"", b"keep-alive,", b"x, "]) + r.choice([name, name.lower(), name.replace(b"-", b"_")]), name + b": " + value])
        yield Case("trailer", POST, [b"Transfer-Encoding: chunked", b"Trailer: " + name], b"2\r\nhi\r\n0\r\n" + r.choice([name, odd(name)]) + b": " + value + b"\r\nX-Harmless: 1\r\n\r\n")
    yield Case("nominated", GET, [b"Connection:", b"Connection: X-Menwei-Assertion, X-Forwarded-User, Cookie, Host-x, Remote-User"])
    yield Case("anonymous", b"GET /public/who?n={n} HTTP/1.1", [b"X-Forwarded-User: " + EVIL.encode(), b"Remote_User: " + EVIL.encode(), b"X-Menwei-Assertion: " + FORGED.encode()], cookie=False)
    yield Case("preflight", b"OPTIONS /who?n={n} HTTP/1.1", [b"Origin: https://x", b"Access-Control-Request-Method: PUT", b"X_Forwarded_User: " + EVIL.encode()], cookie=False)
    for more in (b"Cookie: a=b", b"Cookie: __Host-menwei=x", b"Cookie: \"__Host-menwei\"=x", b"cookie:a=b;__Host-menwei-auth=x;;c=d"):
        yield Case("cookie", GET, [more])
    yield Case("many", GET, [b"X-%d: v" % n for n in range(190)])


def framing(r):
    """Messages whose end two readers might see at two places. Behind each lies a request that must never run."""
    for value in (b"+5", b"-1", b"0x5", b"05", b"5 5", b"5,5", b"5, 5", b"", b"5;", b"\xb2", b"5.0", b"1e1", b"9223372036854775807", b"9223372036854775808", b"18446744073709551615",
                  b"18446744073709551616", b"18446744073709551621", b"4294967301", b"5\x0b", b"\x0c5", b"5\x00", b"\"5\""):
        yield Case("length", POST, [b"Content-Length: " + value], b"hello" + SMUGGLED)
    for value in (b"xchunked", b"chunked, identity", b"identity, chunked", b", chunked", b"chunked,", b"chunked\x0b", b"\x0bchunked", b"chunked;q=1", b"\"chunked\"", b"", b"gzip, chunked", b"\x00chunked",
                  b"chunked\x85", b"cow", b"chunked chunked", b"CHUNKED", b"  chunked\t", b"identity", b"chunked\r", b"\xef\xbd\x83hunked"):
        yield Case("coding", POST, [b"Transfer-Encoding: " + value], b"0\r\n\r\n" + (b"" if value.strip().lower() == b"chunked" else SMUGGLED))
        yield Case("coding", POST, [b"Content-Length: 5", b"Transfer-Encoding: " + value], b"0\r\n\r\n" + SMUGGLED)
    for name in (b"Transfer_Encoding", b"Transfer.Encoding", b"Content_Length", b"Content.Length", b"transfer~encoding", b"Content-Length ", b"Transfer-Encoding\t", b"\x0bTransfer-Encoding", b"Transfer-Encodin\xc7",
                 b"X-Content-Length", b"Content-Lengt", b"Keep_Alive", b"Upgrade_", b"TE"):
        yield Case("name", POST, [name + b": chunked"], b"")
        yield Case("name", POST, [b"Content-Length: 5", name + b": " + r.choice([b"0", b"chunked", b"7"])], b"0\r\n\r\n")
        yield Case("name", POST, [b"Transfer-Encoding: chunked", name + b": 0"], b"5\r\nhello\r\n0\r\n\r\n")
    for body in (b"0x5\r\nhello\r\n0\r\n\r\n", b"5_\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5;a=b\nhello\r\n0\r\n\r\n", b"5 ;\r\rhello\r\n0\r\n\r\n",
                 b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\r\nhello\r\n0\r\n\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n",
                 b"5\r\nhello\r\n0\r\nX: y\n\r\n", b"5\r\nhello\r\n0\r\n\n\r\n", b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n-0\r\n\r\n", b"5;\n\r\nhello\r\n0\r\n\r\n", b"5;\r\n\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n00x\r\n\r\n",
                 b"\r\n5\r\nhello\r\n0\r\n\r\n", b"5\x85\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n X: y\r\n\r\n", b"5\r\nhello\r\n0;\r\n\r\n"):
        yield Case("chunks", POST, [b"Transfer-Encoding: chunked"], body + SMUGGLED)
    # Odd, but of one reading: these go through.
    yield Case("plain-chunks", POST, [b"Transfer-Encoding: chunked"], b"0005;a=b;c=\"d\\\"\x85\"\r\nhello\r\n000\r\n\r\n")
    yield Case("plain-chunks", POST, [b"transfer-encoding:\tchunKED "], b"1\r\nh\r\n4;x\r\nello\r\n0;last\r\nX-Harmless: y\r\n\r\n")
    yield Case("plain-chunks", POST, [b"Transfer-Encoding: chunked", b"TE: trailers, chunked", b"Trailer: Content-Length"], b"5\r\nhello\r\n0\r\nContent-Length: 7\r\nTransfer-Encoding: x\r\n\r\n")
    yield Case("plain-length", POST, [b"Content-Length: 5", b"Content-Length: 5"], b"hello")
    yield Case("plain-length", b"GET /who?n={n} HTTP/1.1", [b"Content-Length: %d" % len(SMUGGLED)], SMUGGLED.replace(b"{host}", b"{hos_}").replace(b"{n}", b"{_}"))
    for method in (b"GET", b"DELETE", b"OPTIONS", b"PATCH", b"PUT", b"REPORT", b"HEAD"):
        yield Case("body", method + b" /who?n={n} HTTP/1.1", [b"Content-Length: 5"], b"hello")
        yield Case("body", method + b" /who?n={n} HTTP/1.1", [b"Transfer-Encoding: chunked"], b"5\r\nhello\r\n0\r\n\r\n")
        yield Case("no-body", method + b" /who?n={n} HTTP/1.1", [b"Content-Length: 0"])
    yield Case("no-body", POST)
    for value in (b"100-continue", b"100-Continue", b"100-continue, 100-continue", b"200-ok", b"", b"100-continue;x", b"x100-continue"):
        yield Case("expect-body", POST, [b"Expect: " + value, b"Content-Length: 5"], b"hello")
        yield Case("expect", GET, [b"Expect: " + value])
    for value in (b"h2c", b"websocket", b"TLS/1.0", b"h2c, websocket", b"HTTP/2.0"):
        yield Case("upgrade", GET, [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + value, b"HTTP2-Settings: AAMAAABkAAQAAP__"])
        yield Case("upgrade", POST, [b"Connection: Upgrade", b"Upgrade: " + value, b"Content-Length: 5"], b"hello")
    for value in (b"Content-Length", b"transfer-encoding", b"Host", b"Content_Length", b"cookie", b"X-Forwarded-For", b"close", b"keep-alive, close", b"\x0b", b"a b", b","):
        yield Case("connection", POST, [b"Connection: " + value, b"Content-Length: 5"], b"hello")


def lines(r):
    for line in (b"get /who?n={n} HTTP/1.1", b"GET  /who?n={n} HTTP/1.1", b"GET /who?n={n}  HTTP/1.1", b"GET\t/who?n={n} HTTP/1.1", b" GET /who?n={n} HTTP/1.1", b"GET /who?n={n} HTTP/1.2", b"GET /who?n={n} HTTP/01.1",
                 b"GET /who?n={n} HTTP/1.1 ", b"GET /who?n={n}", b"GET /who?n={n} HTTP/2.0", b"GET /who?n={n} HTTP/1.1\x00", b"G\x00T /who?n={n} HTTP/1.1", b"GET /who?n={n} http/1.1", b"GET /who?n={n} HTTP/1.1\r",
                 b"G:T /who?n={n} HTTP/1.1", b"M-SEARCH /who?n={n} HTTP/1.1", b"PROPFIND /who?n={n} HTTP/1.1", b"X!#$%&'*+-.^_`|~ /who?n={n} HTTP/1.1", b"TRACE /who?n={n} HTTP/1.1", b"CONNECT {host} HTTP/1.1",
                 b"GET http://{host}/who?n={n} HTTP/1.1", b"GET https://{host}/who?n={n} HTTP/1.1", b"GET HTTPS://{host}/who?n={n} HTTP/1.1", b"GET https://{host}?n={n} HTTP/1.1", b"GET https://x@{host}/who?n={n} HTTP/1.1",
                 b"GET https://evil.test/who?n={n} HTTP/1.1", b"GET ftp://{host}/who?n={n} HTTP/1.1", b"GET //{host}/who?n={n} HTTP/1.1", b"GET ?n={n} HTTP/1.1", b"GET who?n={n} HTTP/1.1", b"GET * HTTP/1.1",
                 b"OPTIONS * HTTP/1.1", b"GET /who?n={n}&a=b c HTTP/1.1", b"GET /who?n={n}#f HTTP/1.1", b"GET /who?n={n}&\x85 HTTP/1.1", b"GET /who?n={n}&<>\"{|}^`[] HTTP/1.1", b"GET /who?n={n}&%zz%00 HTTP/1.1",
                 b"GET /who??n={n}&/../admin HTTP/1.1", b"GET /who?n={n} HTTP/1.0", b"\r\nGET /who?n={n} HTTP/1.1", b"\r\n\r\n\r\nGET /who?n={n} HTTP/1.1", b"\nGET /who?n={n} HTTP/1.1", b"HEAD /who?n={n} HTTP/1.1"):
        yield Case("line", line)
        yield Case("line", line.replace(b"GET", b"POST"), [b"Content-Length: 5"], b"hello")
    yield Case("host", GET, [b"Host: evil.test"])
    for value in (b"Host: {host}", b"Host : {host}", b"Host: evil.test, {host}", b"Host: {host}\x00", b"Host: {host}/x", b"Host: x@{host}", b"Host: {host}.", b"Host:\t{host} ", b"HOST: {host}", b"Host:", b"Host: {host}#", b"H\xefst: {host}"):
        yield Case("host", GET + b"\r\n" + value, host=False)


#: Kinds whose body must arrive as it is.
BODIES = {"body", "plain-chunks", "plain-length", "expect-body"}

SEGMENTS = [b"admin", b"%61dmin", b"%61%64%6d%69%6e", b"ADMIN", b"Admin", b"admin;x", b"admin;a=b", b"admin%3bx", b"admin%20", b"admin.", b"admin%2e", b"admin...", b"admin%09", b"admin%00", b"admin%2500", b"adm%69n", b"%2561dmin",
            b"admin::$DATA", b"admin%0a", b"a%64min%3b", b"admin%2f", b"admin%5c", b"admin%252f", b"adm\xc4\xb1n", b"admin\\", b"admin%ef%bc%8f", b"%c1%a1dmin", b"%e1%81%a1dmin", b"%u0061dmin", b"admin%c0%ae", b"%EF%BC%A1dmin",
            b"admin+", b"admin~1", b"admin%3f", b"admin%23", b"admin&", b"admin,x", b"admin|", b";admin", b"admin;", b";/admin", b";x/admin", b";x=y/admin", b"%3b/admin", b";%2fadmin", b"admin;/x", b"admin;%2f..", b"%20admin"]
BEFORE = [b"/", b"//", b"///", b"/./", b"/%2e/", b"/public/../", b"/public/%2e%2e/", b"/public/..%2f", b"/public%2f..%2f", b"/public/..;/", b"/public/..;x/", b"/public/;/../", b"/..;/", b"/.;/", b"/;/", b"/;x/", b"/;x=1//", b"/%2f",
          b"/%2F/", b"/public/.../", b"/public/..%5c", b"/public\\..\\", b"/public/.%2e/", b"/public/%252e%252e/", b"/public/..%252f", b"/public/..%c0%af", b"/public/%c0%ae%c0%ae/", b"/public/..%00/", b"/public/..%20/",
          b"/public/..%09/", b"/public/. ./", b"/public/..?/", b"/public/..%3f/../", b"/public/..%23/", b"/public/..#/", b"/%5c", b"/%5c/", b"\\", b"/\\", b"/public/%3b/%2e%2e/", b"/public;/..;/", b"/public;%2f..%2f", b"/public/x;/%2e%2e;/%2e%2e/",
          b"/public/%2e%2e%3b/", b"/public/%2e%2e%3bx=/", b"/p/..%ef%bc%8f", b"/%e2%80%8b", b"/public%3b/../", b"/%2e%2e/", b"/...;/", b"/public/..%2500/", b"/public/%ff/../", b"/public%20/../"]
AFTER = [b"", b"/", b"/x", b"//", b"/x/../", b";", b"%2fx", b"/;x"]


def paths(r):
    """Spellings of /admin/…, for somebody who may not go there, and from where everybody may."""
    for segment in SEGMENTS:
        yield Case("path", b"GET /" + segment + r.choice(AFTER) + b"?n={n} HTTP/1.1")
    for before in BEFORE:
        yield Case("path", b"GET " + before + b"admin" + r.choice(AFTER) + b"?n={n} HTTP/1.1")
        yield Case("path", b"GET " + before + r.choice(SEGMENTS) + r.choice(AFTER) + b"?n={n} HTTP/1.1")
    for _ in range(40):
        yield Case("path", b"GET " + r.choice(BEFORE) + r.choice([b"", r.choice(BEFORE)[1:]]) + r.choice(SEGMENTS) + r.choice(AFTER) + b"?n={n} HTTP/1.1")
    yield Case("path", b"GET https://{host}//admin?n={n} HTTP/1.1")
    yield Case("path", b"GET https://{host}/public/..;/admin?n={n} HTTP/1.1")


class Seen:
    """What a server says it saw. Names are folded as careless applications do."""

    def __init__(self, body):
        head, _, self.body = body.partition(b"\n\n")
        self.resource, self.method, self.target, *rest = head.decode("latin-1").split("\n")
        self.fields = []
        for line in rest:
            # Apache hands on an environment, the others fields.
            name, _, value = line.removeprefix("HTTP_").partition("=" if line.startswith("HTTP_") else ": ")
            self.fields.append((re.sub("[^a-z0-9]", "-", name.lower()), value))

    def all(self, name):
        return [v for n, v in self.fields if n == name and v]


def subject(assertion):
    payload = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]


def faults_of(seen, who, cookies):
    """What is wrong with the identity that an application saw; `who` None: nobody's."""
    assertions, users = seen.all("x-menwei-assertion"), seen.all("x-forwarded-user")
    if who is None:
        if assertions or users or seen.all("remote-user"):
            yield f"an identity for nobody: {assertions} {users}"
    else:
        if len(assertions) != 1 or assertions[0].count(".") != 2 or subject(assertions[0]) != who:
            yield f"assertions {assertions}"
        for name in ("x-forwarded-user", "remote-user"):
            if seen.all(name) != [who]:
                yield f"{name} {seen.all(name)}"
    if seen.all("x-forwarded-for") != ["127.0.0.1"]:
        yield f"x-forwarded-for {seen.all('x-forwarded-for')}"
    for name, value in seen.fields:
        if (EVIL in value or FORGED[:-1] in value) and name != "x-harmless":
            yield f"the attacker's {name}: {value}"
        if any(cookie in value for cookie in cookies):
            yield f"our cookie in {name}"


class Attack:
    """All cases at one server, one after the other, so that each next request meets the connection that the one before left behind."""

    def __init__(self, gateway, server, lisi, wangwu, seed):
        self.gateway, self.server, self.seed = gateway, server, seed
        self.host = f"{server.name}.test"
        self.authority = f"{self.host}:{gateway.port}".encode()
        self.lisi, self.wangwu = lisi.cookie(self.host).encode(), wangwu.cookie(self.host).encode()
        self.cookies = (self.lisi.decode(), self.wangwu.decode())
        self.faults, self.expected, self.passed, self.refused = [], {}, 0, 0
        self.number = 0
        self.spare = None

    def connect(self):
        return RawConnection(self.gateway.port, self.host, ca=self.gateway.ca, timeout=PATIENCE)

    def note(self, what, fault, answer=None):
        self.faults.append(f"{self.server.name}: {what!r}: {fault}" + (f" ← {answer.raw_head[:300]!r} {answer.body[:300]!r}" if answer else ""))

    def run(self, cases):
        for case in cases:
            self.number += 1
            try:
                self.one(case)
            except Exception as error:
                self.note(case, f"{type(error).__name__}: {error}")
        if self.spare:
            self.spare.close()
            self.spare = None

    def next_request(self, number):
        return b"GET /next?n=next-%d HTTP/1.1\r\nHost: %b\r\nCookie: __Host-menwei=%b\r\n\r\n" % (number, self.authority, self.wangwu)

    def one(self, case):
        number = self.number
        method = case.line.lstrip().split(b" ")[0].decode("latin-1")
        with self.connect() as raw:
            raw.try_send(case.bytes(number, self.authority, self.lisi) + self.next_request(number))
            answers = []
            while True:
                try:
                    answers.append(raw.response(method if not answers else "GET"))
                except EOFError:
                    break
                if answers[-1].body.find(b"/next?n=next-%d\n" % number) >= 0:
                    break
        self.judge(case, number, answers)
        if not answers or b"/next?n=next-%d\n" % number not in answers[-1].body:
            self.spare = self.spare or self.connect()
            self.spare.send(self.next_request(number))
            answers = [self.spare.response()]
        self.judge_next(case, number, answers[-1])

    def judge(self, case, number, answers):
        key = str(number)
        if not answers:
            return self.note(case, "no answer at all")
        first = answers[0]
        if len(answers) > 2:
            self.note(case, f"{len(answers)} answers", answers[1])
        self.judge_answer(case, key, first, "lisi" if case.cookie else None)

    def judge_answer(self, case, key, answer, who):
        if answer.one("X-Echo") is None:
            # The gateway's own: nothing may have reached the server, but where it is the gateway's word for the server's silence.
            self.expected[key] = (0, 1) if answer.status == 502 else (0, 0)
            if answer.status >= 500 and answer.status != 505:
                self.note(case, "no clear answer", answer)
            self.refused += 1
            return
        self.passed += 1
        # Servers that refuse by themselves may do so before they write their log.
        self.expected[key] = (1, 1) if answer.status == 200 else (0, 1)
        if answer.status >= 500 and case.kind != "line":
            self.note(case, "the server fell over it", answer)
        if answer.status != 200 or not answer.body:
            return
        seen = Seen(answer.body)
        for fault in faults_of(seen, who, self.cookies):
            self.note(case, fault, answer)
        if seen.resource == "admin":
            self.note(case, "/admin was reached", answer)
        if f"n={key}" not in seen.target:
            self.note(case, f"another target: {seen.target}", answer)
        if case.kind in BODIES and self.server.name in ("node", "gunicorn", "tomcat") and not seen.body.endswith((b"hello", b"{hos_}\r\n\r\n")):
            self.note(case, "not the body that was sent", answer)

    def judge_next(self, case, number, answer):
        key = f"next-{number}"
        self.expected[key] = (1, 1)
        if answer.status != 200:
            return self.note(case, "the next request failed", answer)
        seen = Seen(answer.body)
        if seen.target != f"/next?n={key}" or seen.method != "GET":
            self.note(case, "the next request got another's answer", answer)
        for fault in faults_of(seen, "wangwu", self.cookies):
            self.note(case, "the next request: " + fault, answer)

    def check_log(self):
        """Exactly what was let through, each once."""
        def counted():
            counts = {}
            for line in self.server.seen():
                found = re.search(r"n=((?:next-|smuggled-|two-)?\d+)", line)
                if found:
                    counts[found.group(1)] = counts.get(found.group(1), 0) + 1
            return counts

        wait_for(lambda: all(counted().get(key, 0) >= least for key, (least, _) in self.expected.items()) or None, what=f"all requests in the log of {self.server.name}")
        for key, count in counted().items():
            least, most = self.expected.get(key, (0, 0))
            if count > most:
                self.faults.append(f"{self.server.name}: {count} requests of number {key}, {most} were expected")


def at_once(attacks, cases):
    """Each server's attack on a thread of its own. The two Apaches differ in paths alone."""
    attacks = [attack for attack in attacks if attack.server.name != "apache-slashes" or cases in (paths, lines)]
    threads = [threading.Thread(target=attack.run, args=(cases(random.Random(attack.seed)),)) for attack in attacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for attack in attacks:
        attack.check_log()
    faults = [fault for attack in attacks for fault in attack.faults]
    print(f"seed {SEED}:", ", ".join(f"{a.server.name} {a.passed} passed {a.refused} refused" for a in attacks))
    assert not faults, f"MENWEI_SEED={SEED}, {len(faults)} faults:\n" + "\n".join(faults[:40])


# HTTP/2: what it can say that HTTP/1.1 cannot, and the rest of it

class Request2:
    """One odd request over HTTP/2: pseudo fields, fields, pieces of a body, trailers. `who` may differ, as `length` may lie."""

    def __init__(self, kind, fields=(), path="/who?n={n}", method="GET", body=None, trailers=None, pseudo=None, cookie=True):
        self.kind, self.fields, self.path, self.method, self.body, self.trailers, self.pseudo, self.cookie = kind, list(fields), path, method, body, trailers, pseudo or {}, cookie
        self.line = path.encode("latin-1")

    def __repr__(self):
        return f"h2 {self.kind}: {self.method} {self.path} {self.fields} {self.pseudo} {self.body} {self.trailers}"


def over_http2(r):
    for name in NAMES:
        name = name.decode().lower()
        value = FORGED if "assertion" in name else EVIL
        odd = "".join(r.choice("-_.~!*'`|^$#%&+") if c == "-" else c for c in name)
        for spelled in (r.choice([name, name.replace("-", "_")]), odd):
            yield Request2("alias", [(spelled, value), (spelled, value)])
        yield Request2("name", [(r.choice([name.upper(), name + " ", " " + name, name + ":", name + "\x00", name + "\r\n", name + "\x85", ""]), value)])
        yield Request2("value", [("x-harmless", "a" + r.choice(["\r\n", "\r", "\n", "\x00", "\x0b"]) + name + ": " + value)])
        yield Request2("trailer", method="POST", body=b"hello", trailers=[(odd, value), (name, value)])
    for field in (("connection", "x-menwei-assertion, close"), ("transfer-encoding", "chunked"), ("te", "gzip"), ("te", "trailers"), ("upgrade", "h2c"), ("keep-alive", "x"), ("proxy-connection", "close"),
                  ("host", "evil.test"), ("http2-settings", "x"), ("expect", "100-continue"), ("transfer_encoding", "chunked"), ("content_length", "0")):
        yield Request2("hop", [field])
        yield Request2("hop-body", [field], method="POST", body=b"hello")
    for length in ("0", "4", "6", "+5", "05", "5, 5", "18446744073709551621", "-5", ""):
        yield Request2("length", [("content-length", length)], method="POST", body=b"hello")
        yield Request2("length", [("content-length", length)])
    yield Request2("body", [("content-length", "5")], method="POST", body=b"hello")
    yield Request2("body", method="GET", body=b"hello")
    yield Request2("body", method="POST", body=b"hello")
    yield Request2("cookie", [("cookie", "a=b"), ("cookie", "c=d"), ("cookie", "e=f")])
    for pseudo in ({":path": "/who?n={n} HTTP/1.1\r\nx: y"}, {":path": "/who?n={n} x"}, {":path": "/who?n={n}#x"}, {":path": "who?n={n}"}, {":path": ""}, {":path": "*"}, {":path": "https://x/who?n={n}"},
                   {":method": "GET /admin HTTP/1.1\r\nx:"}, {":method": "get"}, {":method": ""}, {":method": "CONNECT"}, {":method": "G T"}, {":scheme": "http"}, {":scheme": "http://evil.test/?"}, {":scheme": ""},
                   {":authority": "evil.test"}, {":authority": "x@{host}"}, {":authority": "{host}/x"}, {":authority": "{host}."}, {":authority": ""}, {":authority": "{host}, evil.test"}, {":status": "200"}, {":protocol": "websocket"}):
        yield Request2("pseudo", pseudo=pseudo)
    for segment in SEGMENTS:
        yield Request2("path", path=r.choice(BEFORE).decode("latin-1") + segment.decode("latin-1") + "?n={n}")


class Attack2(Attack):
    def one(self, case):
        number = self.number
        client = H2(self.gateway, self.host, validate=False)
        try:
            pseudo = {":method": case.method, ":scheme": "https", ":authority": self.authority.decode(), ":path": case.path, **case.pseudo}
            fields = [*pseudo.items(), *case.fields]
            if case.cookie:
                fields.append(("cookie", "__Host-menwei=" + self.cookies[0]))
            fields = [(n.encode("latin-1"), v.replace("{n}", str(number)).replace("{host}", self.authority.decode()).encode("latin-1")) for n, v in fields]
            stream = client.connection.get_next_available_stream_id()
            client.connection.send_headers(stream, fields, end_stream=case.body is None)
            if case.body is not None:
                client.connection.send_data(stream, case.body, end_stream=case.trailers is None)
                if case.trailers is not None:
                    client.connection.send_headers(stream, [(n.encode(), v.encode()) for n, v in case.trailers], end_stream=True)
            client.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": []}
            client.flush()
            state = client.wait(stream)
            answer = self.answer(state)
            if answer is None:
                # Reset or cut off: the application has at most seen a request that never became whole.
                self.refused += 1
                self.expected[str(number)] = (0, 1 if case.body is not None else 0)
            else:
                self.judge_answer(case, str(number), answer, "lisi")
            following = None
            if client.goaway is None and not client.closed:
                state = client.get(f"/next?n=next-{number}", [("cookie", "__Host-menwei=" + self.cookies[1])])
                following = self.answer(state)
        except h2.exceptions.H2Error as error:
            return self.note(case, f"the test could not say it: {error!r}")
        finally:
            client.raw.close()
        if following is None:
            self.spare = self.spare or self.connect()
            self.spare.send(self.next_request(number))
            following = self.spare.response()
        self.judge_next(case, number, following)

    @staticmethod
    def answer(state):
        """As `RawConnection.response` would give it."""
        if not state["ended"] or not state["head"]:
            return None
        fields = [(n.decode() if isinstance(n, bytes) else n, v.decode("latin-1") if isinstance(v, bytes) else v) for n, v in state["head"]]
        answer = Response(b"HTTP/2 " + fields[0][1].encode() + b" " + b"".join(b"\r\n" + f"{n}: {v}".encode("latin-1") for n, v in fields[1:]))
        answer.body = state["body"]
        return answer


@pytest.fixture(scope="module")
def servers():
    servers = Servers()
    yield servers
    servers.stop()


@pytest.fixture(scope="module")
def one_worker():
    """The gateway inherits one processor, so it has one worker: requests at one site meet on the same kept connections."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield lambda: os.sched_setaffinity(0, before)
    os.sched_setaffinity(0, before)


@pytest.fixture(scope="module")
def behind(make_module_gateway, servers, one_worker):
    gateway = make_module_gateway([{
        "id": server.name, "host": f"{server.name}.test", "upstreams": [server.base], "paths": {"ignore_case": server.name == "node"},
        "access": [{"path": "/public/*", "allow": "anyone"}, {"path": "/admin/*", "allow": {"users": ["zhangsan"]}}, {"allow": "members"}],
        "identity": {"headers": {"Remote-User": "{account}"}},
    } for server in servers])
    one_worker()
    return gateway


@pytest.fixture(scope="module")
def people(behind, servers):
    people = {}
    for user in ("zhangsan", "lisi", "wangwu"):
        people[user] = Browser(behind)
        people[user].log_in(behind.origin("nginx.test") + "/", user)
        for server in servers:
            people[user].go(behind.origin(f"{server.name}.test") + "/entered")
    return people


@pytest.fixture
def attacks(behind, servers, people):
    found = []
    for server in servers:
        server.log.write_text("")
        found.append(Attack(behind, server, people["lisi"], people["wangwu"], SEED))
    return found


@pytest.mark.parametrize("cases", [aliases, framing, lines, paths], ids=lambda cases: cases.__name__)
def test_what_is_let_through_is_what_was_judged(attacks, cases):
    at_once(attacks, cases)


def test_what_http_2_lets_through_is_what_was_judged(behind, servers, people):
    for server in servers:
        server.log.write_text("")
    at_once([Attack2(behind, server, people["lisi"], people["wangwu"], SEED) for server in servers], over_http2)


def test_the_servers_alone_would_be_fooled(servers):
    """Else the tests above would prove nothing: asked directly, each server finds /admin behind spellings that no comparison of bytes would."""
    reached = {server.name: set() for server in servers}

    def ask(server):
        for case in paths(random.Random(SEED)):
            with RawConnection(server.port, timeout=PATIENCE) as raw:
                case.fields = [b"Connection: close"]
                raw.send(case.bytes(1, b"x", b"x"))
                try:
                    answer = raw.response()
                except EOFError:
                    continue
                if answer.body.startswith(b"admin\n") and not case.line.startswith(b"GET /admin"):
                    reached[server.name].add(case.line)

    threads = [threading.Thread(target=ask, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(", ".join(f"{name}: {len(spellings)} spellings of /admin" for name, spellings in reached.items()))
    assert all(len(spellings) >= 8 for spellings in reached.values()), reached


def test_the_one_who_may_reaches_the_resource_behind_the_rule(behind, servers, people):
    """Else the test above would prove nothing."""
    for server in servers:
        for path in ("/admin", "/admin/x", "//admin/x", "/%61dmin/x"):
            answer = people["zhangsan"].call(behind.origin(f"{server.name}.test") + path)
            assert Seen(answer.body).resource == "admin", (server.name, path)
            assert people["lisi"].call(behind.origin(f"{server.name}.test") + path).status == 403
