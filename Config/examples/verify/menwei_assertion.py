"""Verifies the assertion that Menwei sends with each request. Needs PyJWT and cryptography (Debian: python3-jwt python3-cryptography).

    assertions = Assertions("https://auth.corp.example", "https://wiki.corp.example")
    claims = assertions.verify(request.headers.get("X-Menwei-Assertion"))      # None: nobody is logged in
    user = claims["sub"]
"""
import json
import sys
import time

import jwt
from jwt.utils import base64url_decode

# What a key is for follows from its kind, never from what a token says.
ALGORITHMS = {"EC": "ES256", "OKP": "EdDSA", "RSA": "RS256"}


class Assertions:
    """`audience`: the site's origin, with its `path` behind it where that is not `/`."""

    def __init__(self, auth_origin, audience):
        self.issuer, self.audience = auth_origin, audience
        # Keeps the keys for five minutes.
        self.keys = jwt.PyJWKClient(auth_origin + "/.menwei/jwks.json", lifespan=300)
        self.looked = -10.0

    def verify(self, token):
        """The claims. Raises jwt.PyJWTError for whatever does not hold."""
        if not token:
            return None
        head = jwt.get_unverified_header(token)
        if "crit" in head:
            raise jwt.InvalidTokenError("an extension that is not known")
        key = self.key(head.get("kid"))
        claims = jwt.decode(
            token, key.key, algorithms=[ALGORITHMS[key.key_type]], issuer=self.issuer, audience=self.audience, leeway=30,
            options={"require": ["iss", "aud", "sub", "iat", "nbf", "exp"]})
        names = [name for name, _ in json.loads(base64url_decode(token.split(".")[1]), object_pairs_hook=list)]
        if len(set(names)) != len(names):
            raise jwt.InvalidTokenError("a claim that stands twice")
        if not claims["sub"] or not all(type(claims[name]) is int for name in ("iat", "nbf", "exp")):
            raise jwt.InvalidTokenError("claims that are none")
        return claims

    def key(self, kid):
        """An unknown key is looked for again, once in ten seconds at the most."""
        for keys in (self.keys.get_signing_keys, self.again):
            for key in keys():
                if key.key_id == kid and key.key_type in ALGORITHMS:
                    return key
        raise jwt.InvalidTokenError("signed with an unknown key")

    def again(self):
        if time.monotonic() - self.looked < 10:
            return []
        self.looked = time.monotonic()
        return self.keys.get_signing_keys(refresh=True)


if __name__ == "__main__":  # menwei_assertion.py AUTH_ORIGIN AUDIENCE < TOKEN
    try:
        claims = Assertions(sys.argv[1], sys.argv[2]).verify(sys.stdin.read().strip())
    except jwt.PyJWTError as fault:
        sys.exit(f"refused: {fault}")
    if claims is None:
        sys.exit("refused: no assertion")
    print(claims["sub"], claims.get("name", ""))
