"""Debian's nginx: as a plain TLS proxy, and asking another server about each request, which is how oauth2-proxy is put behind it."""
import re

from lab import Peer, free_port, need

PLAIN, ASKING = "nginx, plain TLS proxy", "nginx, auth_request"


def start(lab, asks=False, tunnels=False, connections=8192):
    """`asks`: another server about each request; `tunnels`: it passes WebSockets on; `connections`: to both sides together."""
    need("nginx")
    port = free_port()
    name = f"nginx-{port}"
    auth = """
    location = /ask { internal; proxy_pass http://app/auth; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header X-Original-URI $request_uri; }""" if asks else ""
    asking = "auth_request /ask; auth_request_set $user $upstream_http_x_forwarded_user; proxy_set_header X-Forwarded-User $user;" if asks else ""
    hops = "proxy_set_header Connection Upgrade; proxy_set_header Upgrade websocket;" if tunnels else 'proxy_set_header Connection "";'
    path = lab.file(f"{name}.conf", f"""
daemon off; master_process off; pid {lab.folder}/{name}.pid; error_log /dev/null;
events {{ worker_connections {connections}; }}
http {{ access_log {lab.folder}/{name}.log combined buffer=64k; keepalive_requests 100000000; client_max_body_size 0;
  client_body_temp_path {lab.folder}/{name}-b; proxy_temp_path {lab.folder}/{name}-p; fastcgi_temp_path {lab.folder}/{name}-f;
  uwsgi_temp_path {lab.folder}/{name}-u; scgi_temp_path {lab.folder}/{name}-s;
  upstream app {{ server 127.0.0.1:{lab.upstream}; keepalive 512; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} ssl http2 backlog=4096; http2_max_concurrent_streams 256;
    ssl_certificate {lab.certificate}; ssl_certificate_key {lab.key}; ssl_protocols TLSv1.3; ssl_session_cache shared:TLS:10m;{auth}
    location / {{ {asking} proxy_pass http://app; proxy_http_version 1.1; {hops} proxy_set_header Host $host;
      proxy_request_buffering off; }} }} }}
""")
    process = lab.start(["nginx", "-p", lab.folder, "-c", path])
    lab.wait_port(port)
    version = re.search(r"nginx/([\d.]+)", lab.run(["sh", "-c", "nginx -v 2>&1"])).group(1)
    return Peer(ASKING if asks else PLAIN, port, process, version=version)
