"""Real applications behind the gateway."""
import json
import re
import sys
import uuid
from pathlib import Path
from urllib.parse import urlencode

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from harness.browser import Browser
from harness.ports import free_port
from harness.process import Process
from harness.raw import RawConnection
from harness.waiting import wait_for

pytestmark = pytest.mark.application
HERE = Path(__file__).parent


@pytest.fixture
def django(make_gateway, tmp_path):
    port = free_port()
    gateway = make_gateway([{"id": "site", "host": "django.test", "upstreams": [f"http://127.0.0.1:{port}"], "identity": {"headers": {"Remote-User": "{account}"}}}])
    # The application fetches the keys from its own origin, as it does in production; here the name leads to this machine.
    process = Process(
        [sys.executable, HERE / "applications" / "django_site.py"], "django",
        env={"PORT": str(port), "FOLDER": str(tmp_path), "ISSUER": gateway.auth, "AUDIENCE": gateway.origin("django.test"), "CA": str(gateway.ca),
             "JWKS": gateway.origin("django.test") + "/.menwei/jwks.json", "PYTHONPATH": str(HERE / "applications" / "resolve"), "NO_PROXY": "*"})
    process.wait_line("ready", process.out)
    process.expect_exit(-15)
    yield gateway
    process.stop()


def test_a_django_site_trusts_remote_user_and_verifies_the_assertion(django):
    browser = Browser(django)
    site = django.origin("django.test")
    answer = browser.log_in(site + "/who?a=1&b=%E4%BD%A0")
    assert answer.status == 200, answer.body
    assert answer.json() == {"user": "zhangsan", "authenticated": True, "sub": "zhangsan", "name": "张三", "secure": True, "host": f"django.test:{django.port}",
                             "method": "GET", "q": {"a": "1", "b": "你"}}
    other = Browser(django)
    assert other.log_in(site + "/who", "lisi").json()["user"] == "lisi"
    assert browser.call(site + "/who").json()["user"] == "zhangsan"
    forged = browser.call(site + "/who", headers={"Remote-User": "lisi", "REMOTE_USER": "lisi", "Remote_User": "lisi"})
    assert forged.json()["user"] == "zhangsan"


def test_a_forms_csrf_protection_works_through_the_gateway(django):
    browser = Browser(django)
    site = django.origin("django.test")
    page = browser.log_in(site + "/form")
    token = re.search(r'value="([^"]+)"', page.text).group(1)
    assert browser.cookie("django.test", "csrftoken") and browser.cookie("django.test", "sessionid")
    body = urlencode({"csrfmiddlewaretoken": token, "note": "你好"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": site, "Referer": site + "/form", "Sec-Fetch-Site": "same-origin"}
    saved = browser.request("POST", site + "/form", headers=headers, body=body)
    assert saved.status == 200 and saved.text == "saved 你好 for zhangsan"
    assert browser.request("POST", site + "/form", headers={**headers, "Origin": "https://evil.test", "Referer": "https://evil.test/"}, body=body).status == 403


@pytest.fixture
def jupyter(make_gateway, tmp_path):
    port = free_port()
    gateway = make_gateway([{"id": "lab", "host": "lab.test", "upstreams": [f"http://127.0.0.1:{port}"]}])
    process = Process(
        [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
         "--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.allow_remote_access=True", f"--ServerApp.root_dir={tmp_path}",
         "--ServerApp.allow_unauthenticated_access=True", "--ServerApp.terminals_enabled=False"],
        "jupyter", env={"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_DATA_DIR": str(tmp_path / "data"),
                        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"})
    process.wait_line("is running at", deadline=120)
    yield gateway
    process.kill()


class KernelSocket:
    """The kernel's WebSocket, through the gateway."""

    def __init__(self, gateway, browser, target):
        self.raw = RawConnection(gateway.port, "lab.test", ca=gateway.ca, timeout=90)
        self.ws = WSConnection(ConnectionType.CLIENT)
        cookie = browser._cookie_header("lab.test")
        self.raw.send(self.ws.send(Request(host=f"lab.test:{gateway.port}", target=target, extra_headers=[
            ("Cookie", cookie), ("Origin", gateway.origin("lab.test"))])))
        self.queue = []
        assert isinstance(self.next(), AcceptConnection)

    def next(self):
        while not self.queue:
            data = self.raw.receive()
            assert data, "the WebSocket ended"
            self.ws.receive_data(data)
            self.queue += list(self.ws.events())
        return self.queue.pop(0)

    def message(self):
        text = ""
        while True:
            event = self.next()
            assert not isinstance(event, CloseConnection), event
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    return json.loads(text)

    def execute(self, code):
        identifier = uuid.uuid4().hex
        self.raw.send(self.ws.send(TextMessage(data=json.dumps({
            "header": {"msg_id": identifier, "msg_type": "execute_request", "session": uuid.uuid4().hex, "username": "", "version": "5.3", "date": "2024-01-01T00:00:00Z"},
            "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
            "content": {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}}))))
        while True:
            message = self.message()
            if message.get("parent_header", {}).get("msg_id") == identifier and message["msg_type"] == "execute_result":
                return message["content"]["data"]["text/plain"]


def test_a_jupyter_kernel_works_through_the_gateway(jupyter):
    browser = Browser(jupyter)
    lab = jupyter.origin("lab.test")
    answer = browser.log_in(lab + "/api/status")
    assert answer.status == 200 and "kernels" in answer.json(), answer.body
    browser.get(lab + "/api/me")
    xsrf = wait_for(lambda: browser.cookie("lab.test", "_xsrf") or (browser.get(lab + "/") and None), what="jupyter's own cookie")
    started = browser.call(lab + "/api/kernels", "POST", headers={"Content-Type": "application/json", "X-XSRFToken": xsrf}, body=b"{}")
    assert started.status == 201, started.body
    kernel = started.json()["id"]
    socket = KernelSocket(jupyter, browser, f"/api/kernels/{kernel}/channels")
    assert socket.execute("1+1") == "2"
    assert socket.execute("'你好' * 3") == "'你好你好你好'"
    socket.raw.close()
    outsider = Browser(jupyter)
    assert outsider.call(lab + f"/api/kernels/{kernel}").status == 401
    assert browser.call(lab + f"/api/kernels/{kernel}", "DELETE", headers={"X-XSRFToken": xsrf}).status == 204
