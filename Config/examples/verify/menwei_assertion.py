"""Verifies the assertion that Menwei sends with each request. Needs PyJWT and cryptography (Debian: python3-jwt python3-cryptography).

    assertions = Assertions("https://auth.corp.example", "https://wiki.corp.example")
    claims = assertions.verify(request.headers.get("X-Menwei-Assertion"))      # None: nobody is logged in
    user = claims["sub"]
"""
import sys

import jwt


class Assertions:
    """`audience`: the site's origin, with its `path` behind it where that is not `/`."""

    def __init__(self, auth_origin, audience):
        self.issuer, self.audience = auth_origin, audience
        # Keeps the keys for five minutes, and looks again when it meets a key that it does not know.
        self.keys = jwt.PyJWKClient(auth_origin + "/.menwei/jwks.json", lifespan=300)

    def verify(self, token):
        """The claims. Raises jwt.PyJWTError for whatever does not hold."""
        if not token:
            return None
        key = self.keys.get_signing_key_from_jwt(token)
        return jwt.decode(
            token, key.key, algorithms=["ES256"], issuer=self.issuer, audience=self.audience, leeway=30,
            options={"require": ["iss", "aud", "sub", "iat", "nbf", "exp"]})


if __name__ == "__main__":  # menwei_assertion.py AUTH_ORIGIN AUDIENCE < TOKEN
    try:
        claims = Assertions(sys.argv[1], sys.argv[2]).verify(sys.stdin.read().strip())
    except jwt.PyJWTError as fault:
        sys.exit(f"refused: {fault}")
    if claims is None:
        sys.exit("refused: no assertion")
    print(claims["sub"], claims.get("name", ""))
