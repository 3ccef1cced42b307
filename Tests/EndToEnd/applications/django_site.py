"""A Django site as a company would have it: it trusts REMOTE_USER of the proxy in front, and for what matters verifies the signed assertion.

Settings come from the environment: PORT, ISSUER, AUDIENCE, JWKS, CA, FOLDER."""
import os
import ssl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from socketserver import ThreadingMixIn

import django
import jwt
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.urls import path

settings.configure(
    DEBUG=False, SECRET_KEY="only for this test", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["FOLDER"] + "/django.sqlite3"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"), USE_X_FORWARDED_HOST=True,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware", __name__ + ".ProxyUserMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.RemoteUserBackend"])

django.setup()
from django.contrib.auth.middleware import RemoteUserMiddleware  # noqa: E402 (after the set-up)


class ProxyUserMiddleware(RemoteUserMiddleware):
    header = "HTTP_REMOTE_USER"


def _keys():
    context = ssl.create_default_context(cafile=os.environ["CA"])
    return jwt.PyJWKClient(os.environ["JWKS"], ssl_context=context, cache_keys=True)


KEYS = []


def who(request):
    if not KEYS:
        KEYS.append(_keys())
    token = request.headers["X-Menwei-Assertion"]
    claims = jwt.decode(token, KEYS[0].get_signing_key_from_jwt(token).key, algorithms=["ES256"], issuer=os.environ["ISSUER"], audience=os.environ["AUDIENCE"],
                        leeway=30, options={"require": ["exp", "iat", "sub", "aud", "iss"]})
    return JsonResponse({"user": request.user.get_username(), "authenticated": request.user.is_authenticated, "sub": claims["sub"], "name": claims["name"],
                         "secure": request.is_secure(), "host": request.get_host(), "method": request.method, "q": request.GET.dict()})


def form(request):
    from django.middleware.csrf import get_token
    if request.method == "POST":
        return HttpResponse(f"saved {request.POST['note']} for {request.user}")
    return HttpResponse(f'<form method=post><input type=hidden name=csrfmiddlewaretoken value="{get_token(request)}"><input name=note></form>')


urlpatterns = [path("who", who), path("form", form)]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    call_command("migrate", verbosity=0)
    server = make_server("127.0.0.1", int(os.environ["PORT"]), get_wsgi_application(), server_class=Server, handler_class=Quiet)
    print("ready", flush=True)
    server.serve_forever()
