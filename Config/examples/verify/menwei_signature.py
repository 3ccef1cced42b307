"""Verifies the signature of a request (RFC 9421), as Menwei makes it with `identity: { signature: rfc9421 }`, and the assertion in it.
Needs menwei_assertion.py beside it, PyJWT and cryptography.

    requests = Requests("https://auth.corp.example", "https://wiki.corp.example")
    claims = requests.verify("GET", "/page?a=1", headers, body)      # None: it came through the gateway, and nobody is logged in
    user = claims["sub"]

`target` is the request target as it arrived, not decoded; `headers` are pairs of name and value, each field as it arrived. An application behind a server
that hands on neither (WSGI's PATH_INFO is decoded) verifies in that server.
"""
import base64
import collections
import hashlib
import hmac
import re
import sys
import threading
import time

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from menwei_assertion import Assertions

#: Exactly what the gateway writes. Anything else under this name was not written by it.
INPUT = re.compile(r'menwei=(\(([^()]*)\);created=(\d{1,12});keyid="([\w-]{43})";alg="([a-z0-9_-]+)";nonce="([\w-]{22})")', re.ASCII)
SIGNATURE = re.compile(r"menwei=:([A-Za-z0-9+/]+={0,2}):", re.ASCII)
ALGORITHMS = {"EC": "ecdsa-p256-sha256", "OKP": "ed25519", "RSA": "rsa-v1_5-sha256"}
DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


class Refused(Exception):
    """What does not hold."""


class Requests:
    """`scheme`: by which the gateway speaks to this application. `window`: seconds that a request may take to arrive, and clocks may differ."""

    def __init__(self, auth_origin, audience, scheme="http", window=30):
        self.assertions = Assertions(auth_origin, audience)
        self.own_port = ":443" if scheme == "https" else ":80"
        self.window = window
        self.lock, self.seen, self.order = threading.Lock(), set(), collections.deque()

    def verify(self, method, target, headers, body=b""):
        """The assertion's claims; None where the request is nobody's. Raises Refused, or jwt.PyJWTError for the assertion."""
        fields = collections.defaultdict(list)
        for name, value in headers:
            fields[name.lower()].append(value.strip(" \t"))
        said = INPUT.fullmatch(self.only(fields, "signature-input"))
        signature = SIGNATURE.fullmatch(self.only(fields, "signature"))
        if not said or not signature:
            raise Refused("not a signature of the gateway")
        parameters, components, created, kid, algorithm, nonce = said.groups()
        path, mark, query = target.partition("?")
        values = {"@method": method, "@authority": self.authority(fields), "@path": path, "@query": "?" + query}
        # What names somebody or tells of the body has to be covered wherever it stands.
        for name in ("x-menwei-assertion", "content-digest"):
            if name in fields:
                values[name] = ", ".join(fields[name])
        if components != " ".join(f'"{name}"' for name in values):
            raise Refused("other components are covered")
        lines = [f'"{name}": {value}' for name, value in values.items()] + [f'"@signature-params": {parameters}']
        self.check(kid, algorithm, base64.b64decode(signature.group(1)), "\n".join(lines).encode("latin-1"))
        if "content-digest" in fields:
            self.check_body(values["content-digest"], body)
        self.check_time(int(created), nonce)
        return self.assertions.verify(self.only(fields, "x-menwei-assertion")) if "x-menwei-assertion" in fields else None

    @staticmethod
    def only(fields, name):
        if len(fields[name]) != 1:
            raise Refused(f"not one {name}")
        return fields[name][0]

    def authority(self, fields):
        return self.only(fields, "host").lower().removesuffix(self.own_port)

    def check(self, kid, algorithm, signature, base):
        jwk = self.assertions.key(kid)
        if ALGORITHMS[jwk.key_type] != algorithm:
            raise Refused("signed with another algorithm")
        try:
            if jwk.key_type == "EC":
                if len(signature) != 64:
                    raise Refused("the signature does not fit")
                numbers = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
                jwk.key.verify(numbers, base, ec.ECDSA(hashes.SHA256()))
            elif jwk.key_type == "RSA":
                jwk.key.verify(signature, base, padding.PKCS1v15(), hashes.SHA256())
            else:
                jwk.key.verify(signature, base)
        except InvalidSignature:
            raise Refused("the signature does not fit") from None

    @staticmethod
    def check_body(field, body):
        """Content-Digest (RFC 9530): each digest that is known must fit, and one must be."""
        known = 0
        for item in field.split(","):
            name, _, value = item.strip().partition("=")
            if name in DIGESTS:
                wanted = base64.b64encode(DIGESTS[name](body).digest()).decode()
                if not hmac.compare_digest(value, f":{wanted}:"):
                    raise Refused("the body is another")
                known += 1
        if not known:
            raise Refused("no digest that is known")

    def check_time(self, created, nonce):
        """Good for a short time, and once. Several processes need a place for the nonces that they share."""
        now = time.time()
        if abs(now - created) > self.window:
            raise Refused("too old, or of the future")
        with self.lock:
            while self.order and self.order[0][0] < now - 2 * self.window:
                self.seen.discard(self.order.popleft()[1])
            if nonce in self.seen:
                raise Refused("seen before")
            self.seen.add(nonce)
            self.order.append((now, nonce))


if __name__ == "__main__":  # menwei_signature.py AUTH_ORIGIN AUDIENCE < REQUEST, as it came over HTTP/1.1
    head, _, body = sys.stdin.buffer.read().partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ")
    try:
        claims = Requests(sys.argv[1], sys.argv[2]).verify(method, target, [field.split(":", 1) for field in fields], body)
    except (Refused, jwt.PyJWTError) as fault:
        sys.exit(f"refused: {fault}")
    print(claims["sub"] if claims else "nobody")
