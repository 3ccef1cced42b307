"""Real web servers behind the gateway. Each echoes what it saw, and writes a line `METHOD TARGET` of every request into a log of its own."""
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from .ports import free_port
from .process import Process
from .raw import RawConnection
from .waiting import wait_for

ECHO = Path(__file__).resolve().parents[1] / "applications" / "echo"
JAVA = Path("/usr/share/java")
#: What nginx can tell of a request: it knows fields by name only, underscores for dashes.
NGINX_FIELDS = ("x_menwei_assertion", "x_forwarded_user", "x_forwarded_groups", "x_forwarded_email", "x_forwarded_for", "remote_user", "x_real_ip", "x_original_url", "forwarded",
                "proxy", "x_http_method_override", "host", "cookie")

NGINX = """
daemon off; master_process off; worker_processes 1; pid FOLDER/nginx.pid; error_log FOLDER/nginx.errors crit;
events { worker_connections 256; }
http {
    log_format seen escape=none '$request_method $request_uri';
    access_log LOG seen; client_body_temp_path FOLDER/nginx-bodies; proxy_temp_path FOLDER/nginx-proxy;
    fastcgi_temp_path FOLDER/nginx-fastcgi; uwsgi_temp_path FOLDER/nginx-uwsgi; scgi_temp_path FOLDER/nginx-scgi;
    underscores_in_headers on; ignore_invalid_headers off; keepalive_requests 1000000; client_max_body_size 0; large_client_header_buffers 16 64k; default_type text/plain;
    server {
        listen 127.0.0.1:PORT;
        add_header X-Echo nginx always;
        location / { return 200 "other\\n$request_method\\n$request_uri\\nFIELDS\\n"; }
        location = /admin { return 200 "admin\\n$request_method\\n$request_uri\\nFIELDS\\n"; }
        location /admin/ { return 200 "admin\\n$request_method\\n$request_uri\\nFIELDS\\n"; }
    }
}
"""

APACHE = """
ServerRoot /usr/lib/apache2
ServerName localhost
PidFile FOLDER/apache.pid
ErrorLog FOLDER/apache.errors
LoadModule mpm_prefork_module modules/mod_mpm_prefork.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule alias_module modules/mod_alias.so
LoadModule env_module modules/mod_env.so
LoadModule headers_module modules/mod_headers.so
LoadModule cgi_module modules/mod_cgi.so
User nobody
Group nogroup
StartServers 3
KeepAliveTimeout 60
MaxKeepAliveRequests 0
LimitRequestFields 0
LimitRequestFieldSize 65536
HttpProtocolOptions Unsafe LenientMethods
LogFormat "%r" seen
DocumentRoot FOLDER/cgi
Header always set X-Echo apache
SetEnv RESOURCE other
<Location "/admin">
    SetEnv RESOURCE admin
</Location>
<Directory "FOLDER/cgi">
    Options +ExecCGI
    SetHandler cgi-script
    Require all granted
</Directory>
AliasMatch "^" "FOLDER/cgi/echo"
Listen 127.0.0.1:PORT
Listen 127.0.0.1:SLASHES
<VirtualHost 127.0.0.1:PORT>
    CustomLog LOG seen
</VirtualHost>
<VirtualHost 127.0.0.1:SLASHES>
    CustomLog SLOG seen
    AllowEncodedSlashes On
</VirtualHost>
"""

#: One process a request: it tells of the environment, and does not read the body.
CGI = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n%s\\n%s\\n' "$RESOURCE" "$REQUEST_METHOD" "$REQUEST_URI"
exec env
"""


class Server:
    """`name`, `base` for `upstreams`, and what it logged."""

    def __init__(self, name, port, log, process):
        self.name, self.port, self.log, self.process = name, port, log, process
        self.base = f"http://127.0.0.1:{port}"
        log.touch()

    def kill(self):
        """As a power cut would."""
        self.process.popen.kill()
        self.process.popen.wait()

    def restart(self):
        """The same program on the same port, with the log going on."""
        self.process = self.process.again()
        assert wait_for(self._answers, 120, self.name) == 200

    def seen(self):
        return self.log.read_bytes().decode("latin-1").splitlines()

    def _answers(self):
        assert self.process.is_running, f"{self.name}: " + "\n".join(self.process.err)
        try:
            with RawConnection(self.port, timeout=10) as raw:
                raw.send(b"GET /started HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return raw.response().status
        except OSError:
            return None


class Servers:
    """Those that are named, or all, started together; iterates over what is ready."""

    def __init__(self, *names):
        self.folder = Path(tempfile.mkdtemp(prefix="menwei-servers-"))
        # Apache serves as nobody.
        self.folder.chmod(0o755)
        self._processes, self._servers = [], []
        starts = {"nginx": self._nginx, "apache": self._apache, "node": self._node, "gunicorn": self._gunicorn, "tomcat": self._tomcat}
        for name in names or starts:
            starts[name]()
        for server in self._servers:
            assert wait_for(server._answers, 120, server.name) == 200, server.name

    def __iter__(self):
        return iter(self._servers)

    def _file(self, name, text):
        (self.folder / name).write_text(text.replace("FOLDER", str(self.folder)))
        return self.folder / name

    def _server(self, name, port, process):
        self._servers.append(Server(name, port, self.folder / f"{name}.log", process))

    def _run(self, name, arguments, env=None):
        process = Process(arguments, name, env=env, cwd=self.folder)
        process.again = lambda: self._run(name, arguments, env)
        self._processes.append(process)
        return process

    def _node(self):
        port = free_port()
        self._server("node", port, self._run("node", ["node", ECHO / "node.js", port, self.folder / "node.log"]))

    def _nginx(self):
        port = free_port()
        fields = "".join(f"{name.replace('_', '-')}: $http_{name}\\n" for name in NGINX_FIELDS)
        file = self._file("nginx.conf", NGINX.replace("FIELDS", fields).replace("PORT", str(port)).replace("LOG", "FOLDER/nginx.log"))
        self._server("nginx", port, self._run("nginx", ["nginx", "-p", self.folder, "-c", file]))

    def _apache(self):
        (self.folder / "cgi").mkdir()
        cgi = self._file("cgi/echo", CGI)
        cgi.chmod(cgi.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        port, slashes = free_port(), free_port()
        text = APACHE.replace("SLOG", "FOLDER/apache-slashes.log").replace("CustomLog LOG", "CustomLog FOLDER/apache.log").replace("PORT", str(port)).replace("SLASHES", str(slashes))
        process = self._run("apache", ["apache2", "-X" if os.geteuid() else "-DFOREGROUND", "-f", self._file("apache.conf", text)])
        self._server("apache", port, process)
        self._server("apache-slashes", slashes, process)

    def _gunicorn(self):
        port = free_port()
        self._server("gunicorn", port, self._run("gunicorn", [
            sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4", "--keep-alive", "60", "--header-map", "dangerous",
            "--permit-obsolete-folding", "--permit-unconventional-http-method", "--casefold-http-method", "--strip-header-spaces", "--limit-request-line", "0", "--limit-request-fields", "300",
            "--limit-request-field_size", "0", "wsgi:application"],
            env={"PYTHONPATH": str(ECHO), "ECHO_LOG": str(self.folder / "gunicorn.log")}))

    def _tomcat(self):
        jars = ":".join(str(JAVA / f"{name}.jar") for name in ("tomcat10-embed-core", "tomcat10-embed-el", "jakarta.annotation-api"))
        port = free_port()
        (self.folder / "tomcat").mkdir()
        self._server("tomcat", port, self._run("tomcat", [
            "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", jars, ECHO / "Echo.java", port, self.folder / "tomcat.log", self.folder / "tomcat"]))

    def stop(self):
        for process in self._processes:
            process.popen.terminate()
        for process in self._processes:
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
