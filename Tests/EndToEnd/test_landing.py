"""`/.menwei/home`, the address for WeCom's workbench: a page for phones, another for desktops."""
import pytest

from harness.browser import Browser, DESKTOP, PHONE, WECOM

WECOM_PC = ("Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.6668.101 Safari/537.36 Language/zh "
            "ColorScheme/Light wxwork/5.0.3 (MicroMessenger/6.2) WindowsWechat MailPlugin_Electron WeMail embeddisk")


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    def change(configuration):
        configuration["site_defaults"] = {"landing": {"mobile": "/m", "desktop": "/admin/?view=all#/board"}}
        for site in configuration["sites"]:
            if site["id"] == "whole":
                site["landing"] = {"mobile": site["origin"] + "/手机?a=1", "desktop": None}

    return make_module_gateway(
        [
            {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]},
            {"id": "whole", "host": "whole.test", "upstreams": [upstream.base]},
            {"id": "crm", "host": "crm.test", "path": "/crm", "upstreams": [upstream.base], "landing": {"mobile": "/crm/m"}},
        ], change)


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize("agent, path", [(WECOM, "/m"), (WECOM_PC, "/admin/?view=all#/board")], ids=["phone", "desktop"])
def test_inside_wecom_one_lands_by_device_without_a_question(gateway, agent, path, http2):
    browser = Browser(gateway, agent, http2=http2)
    answer = browser.go(gateway.origin("wiki.test") + "/.menwei/home")
    assert answer.status == 200
    ways = [step.location for step in answer.history if step.location]
    assert ways[-1] == gateway.origin("wiki.test") + path
    # With a session it is one step.
    assert browser.get(gateway.origin("wiki.test") + "/.menwei/home").location == gateway.origin("wiki.test") + path


@pytest.mark.parametrize("host, agent, path", [
    ("wiki.test", DESKTOP, "/admin/?view=all#/board"), ("wiki.test", PHONE, "/m"), ("whole.test", PHONE, "/%E6%89%8B%E6%9C%BA?a=1"), ("whole.test", DESKTOP, "/"),
    ("crm.test", WECOM, "/crm/m"), ("crm.test", DESKTOP, "/crm"),
])
def test_each_site_has_its_own(gateway, host, agent, path):
    browser = Browser(gateway, WECOM)
    browser.go(gateway.origin(host) + "/.menwei/home")
    browser.agent = agent
    answer = browser.get(gateway.origin(host) + "/.menwei/home")
    assert answer.status == 302 and answer.location == gateway.origin(host) + path


def test_the_upstream_gets_the_landing_page(gateway, upstream):
    upstream.clear()
    Browser(gateway, WECOM).go(gateway.origin("wiki.test") + "/.menwei/home")
    assert upstream.targets()[-1] == "/m"
