"""JSON Web Tokens for the peers that verify one, with the standard library and openssl alone."""
import base64
import hashlib
import hmac
import json
import subprocess
import time


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**more):
    now = int(time.time())
    return {"iss": "https://auth.localhost", "sub": "zhangsan", "aud": "wiki", "iat": now, "exp": now + 24 * 3600, **more}


def _unsigned(values, **head):
    head = {"typ": "JWT", **head}
    return ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, values))


def hs256(secret, values):
    text = _unsigned(values, alg="HS256")
    return f"{text}.{base64url(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def es256(key, values):
    """`key` is a file in PEM with a key on P-256."""
    text = _unsigned(values, alg="ES256", kid="bench")
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=text.encode(), capture_output=True, check=True).stdout
    # SEQUENCE of two INTEGERs, each at most 33 bytes long
    r_end = 4 + der[3]
    numbers = der[4:r_end], der[r_end + 2:]
    return f"{text}.{base64url(b''.join(n[-32:].rjust(32, bytes(1)) for n in numbers))}"


def p256_key(folder):
    """A new key for tokens; returns the private file, the public file, and x and y."""
    private, public = folder / "token.key", folder / "token.pub"
    if not private.exists():
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(private)], capture_output=True, check=True)
        subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)], capture_output=True, check=True)
    point = subprocess.run(["openssl", "pkey", "-in", str(private), "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout[-64:]
    return private, public, point[:32], point[32:]
