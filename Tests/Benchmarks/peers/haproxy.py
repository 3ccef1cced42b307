"""Debian's HAProxy: as a plain TLS proxy, and verifying a session of its own kind, a JWT in a cookie: signature and expiry of each request."""
import re

import tokens
from lab import Peer, free_port, need

PLAIN = "HAProxy, plain TLS proxy"


def name(algorithm):
    return f"HAProxy, session JWT ({algorithm})" if algorithm else PLAIN


def start(lab, algorithm=None):
    """`algorithm`: None, HS256 or ES256."""
    need("haproxy")
    port = free_port()
    headers, rules = [], ""
    if algorithm:
        private, public, _, _ = tokens.p256_key(lab.folder)
        secret = "0123456789abcdef0123456789abcdef"
        token = tokens.hs256(secret.encode(), tokens.claims()) if algorithm == "HS256" else tokens.es256(private, tokens.claims())
        headers = [f"cookie: app=1; session={token}; theme=dark"]
        rules = f"""
    http-request set-var(txn.token) req.cook(session)
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_header_query('$.alg') -m str {algorithm} }}
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify("{algorithm}","{secret if algorithm == 'HS256' else public}") -m int 1 }}
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 if {{ var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now) -m int lt 0 }}
    http-request set-header X-Forwarded-User %[var(txn.token),jwt_payload_query('$.sub')]"""
    path = lab.file(f"haproxy-{port}.cfg", f"""
global
    nbthread 1
    maxconn 8000
    log stdout format raw local0
    ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
    mode http
    log global
    option httplog
    http-reuse always
    timeout connect 5s
    timeout client 10m
    timeout server 60s
frontend in
    bind 127.0.0.1:{port} ssl crt {lab.folder}/both.pem alpn h2,http/1.1 backlog 4096
    http-request del-header X-Forwarded-User
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-For %[src]{rules}
    default_backend app
backend app
    server app 127.0.0.1:{lab.upstream} pool-max-conn 512
""")
    process = lab.start(["haproxy", "-db", "-f", path], output=f"haproxy-{port}.log")
    lab.wait_port(port)
    version = re.search(r"version ([\d.]+)", lab.run(["haproxy", "-v"])).group(1)
    return Peer(name(algorithm), port, process, headers, version)
