"""Debian's Apache with mod_auth_openidc: people logged in once at a (very small) OpenID provider, and a session cookie looked up in its shared memory."""
import http.server
import json
import pathlib
import re
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

import tokens
from lab import HOST, PAGE, Missing, Peer, free_port, need

NAME = "Apache, mod_auth_openidc session"
SECRET = "0123456789abcdef0123456789abcdef"
MODULES = pathlib.Path("/usr/lib/apache2/modules")


def start(lab):
    need("apache2", "curl")
    if not (MODULES / "mod_auth_openidc.so").exists():
        raise Missing("libapache2-mod-auth-openidc is not installed")
    port, provider = free_port(), Provider(lab)
    try:
        path = lab.file("apache.conf", _configuration(lab, port, provider.base))
        process = lab.start(["apache2", "-DFOREGROUND", "-f", path])
        lab.wait_port(port)
        cookie = _log_in(port)
    finally:
        provider.stop()
    version = re.search(r"Apache/([\d.]+)", lab.run(["apache2", "-v"])).group(1)
    return Peer(NAME, port, process, [f"cookie: app=1; mod_auth_openidc_session={cookie}; theme=dark"], version)


def _configuration(lab, port, provider):
    modules = "\n".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so"
        for name in ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "proxy", "proxy_http", "socache_shmcb", "ssl", "http2", "headers"))
    return f"""
ServerRoot {lab.folder}
ServerName {HOST}
PidFile {lab.folder}/apache.pid
DefaultRuntimeDir {lab.folder}
Mutex default:{lab.folder}
ErrorLog {lab.folder}/apache-errors.log
{modules}
User www-data
Group www-data
Listen 127.0.0.1:{port} https
StartServers 1
ServerLimit 1
ThreadLimit 512
ThreadsPerChild 512
AsyncRequestWorkerFactor 4
MaxRequestWorkers 512
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{User-Agent}}i\\"" combined
CustomLog {lab.folder}/apache.log combined
BufferedLogs On
Protocols h2 http/1.1
H2MaxSessionStreams 256
SSLSessionCache shmcb:{lab.folder}/apache-tls(5120000)
SSLEngine on
SSLProtocol TLSv1.3
SSLCertificateFile {lab.certificate}
SSLCertificateKeyFile {lab.key}
OIDCProviderIssuer {provider}
OIDCProviderAuthorizationEndpoint {provider}/authorize
OIDCProviderTokenEndpoint {provider}/token
OIDCClientID bench
OIDCClientSecret {SECRET}
OIDCIDTokenSignedResponseAlg HS256
OIDCSSLValidateServer Off
OIDCResponseType code
OIDCScope "openid"
OIDCRedirectURI https://{HOST}:{port}/oidc-callback
OIDCCryptoPassphrase {SECRET}
OIDCSessionInactivityTimeout 36000
OIDCCacheType shm
<Location />
    AuthType openid-connect
    Require valid-user
    ProxyPass http://127.0.0.1:{lab.upstream}/ keepalive=On
</Location>
<Location /oidc-callback>
    AuthType openid-connect
    Require valid-user
    ProxyPass !
</Location>
"""


def _log_in(port):
    with tempfile.NamedTemporaryFile() as jar:
        done = subprocess.run(["curl", "-skL", "-o", "/dev/null", "-w", "%{http_code}", "-c", jar.name, "-b", jar.name, "-A", "Mozilla/5.0",
                               "-H", "Accept: text/html", f"https://{HOST}:{port}{PAGE}"], capture_output=True, text=True)
        for line in open(jar.name):
            fields = line.split()
            if len(fields) >= 7 and fields[5] == "mod_auth_openidc_session":
                return fields[6]
    raise Missing(f"the login at mod_auth_openidc ended with {done.stdout}")


class Provider:
    """As much of an OpenID provider as one login needs: everybody is zhangsan."""

    def __init__(self, lab):
        nonces = {}
        port = free_port()
        self.base = f"https://localhost:{port}"
        base = self.base

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                nonces["code"] = query.get("nonce")
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{urllib.parse.urlencode({'code': 'code', 'state': query['state']})}")
                self.end_headers()

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                identity = tokens.hs256(SECRET.encode(), tokens.claims(iss=base, aud="bench", nonce=nonces["code"]))
                body = json.dumps({"access_token": "bench", "token_type": "Bearer", "expires_in": 36000, "id_token": identity}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(lab.certificate, lab.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
