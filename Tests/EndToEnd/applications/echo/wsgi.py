"""Echoes what a WSGI application saw: RESOURCE, METHOD, TARGET, fields as the environment names them, an empty line, the body."""
import os
import posixpath

LOG = os.environ["ECHO_LOG"]


def resource(path):
    readings = (path, "/" + path.lstrip("/"), posixpath.normpath(path).replace("//", "/"))
    return "admin" if any(reading == "/admin" or reading.startswith("/admin/") for reading in readings) else "other"


def application(environ, start_response):
    with open(LOG, "a", encoding="latin-1") as log:
        log.write(f"{environ['REQUEST_METHOD']} {environ['RAW_URI']}\n")
    body = environ["wsgi.input"].read()
    fields = "".join(f"{name[5:]}: {value}\n" for name, value in environ.items() if name.startswith("HTTP_"))
    answer = f"{resource(environ['PATH_INFO'])}\n{environ['REQUEST_METHOD']}\n{environ['RAW_URI']}\n{fields}\n".encode("latin-1", "replace") + body
    start_response("200 OK", [("X-Echo", "gunicorn"), ("Content-Length", str(len(answer)))])
    return [answer]
