"""Several connections, and pages that WeCom's JS-SDK is used on, in a real Chromium."""
import hashlib
import re
import subprocess
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from harness.browser import WECHAT
from harness.gateway import Gateway
from test_browser import application, at, chromium, complaints, log_in, screenshot, until  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
#: The page of the README; this machine has no way to the SDK's own server.
PAGE = re.search(r"^```html\n(<script src=.*?)^```", README, re.M | re.S).group(1)
SDK = """<script>
window.ww = {register: async (options) => {
  const page = location.href.split("#")[0];
  window.given = {options: {corpId: options.corpId, agentId: options.agentId, jsApiList: options.jsApiList},
                  config: await options.getConfigSignature(page), agent: await options.getAgentConfigSignature(page), page};
}};
</script>
"""


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream, simulator):
    def change(configuration):
        configuration["accounts"] = {"bind": "ask"}
        configuration["connections"] = [
            Gateway.connection("corp", simulator, plain_names=True, auto_login=True, name={"zh": "本公司", "en": "Our company"}),
            Gateway.second_connection("partner", simulator, name={"zh": "合作公司", "en": "Partner Ltd"}),
            Gateway.wechat_connection("weixin", simulator),
        ]

    return make_module_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], change)


def accounts(gateway, *arguments, stdin=None):
    done = subprocess.run([gateway.binary, "accounts", "--config", gateway.file, *arguments], input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def button(driver, connection):
    return until(driver, lambda d: d.find_element(By.CSS_SELECTOR, f'a.button[href*="/.menwei/start/{connection}?"]'), "the button")


def test_a_wechat_login_that_is_bound_by_a_code(gateway, chromium, screenshot):  # noqa: F811
    accounts(gateway, "import", "-", stdin="account,connection,user,name,email,mobile\nboss,,,,,\n")
    driver = chromium()
    path = "/deep/page?a=b%20c#/route?y=1"
    driver.get(gateway.origin("wiki.test") + path)
    button(driver, "weixin").click()
    person = until(driver, lambda d: next((a for a in d.find_elements(By.CSS_SELECTOR, "ul.people a") if "小明" in a.text), None), "WeChat's page")
    assert "/connect/qrconnect" in driver.current_url
    person.click()
    field = until(driver, lambda d: d.find_element(By.ID, "code"), "the question for a code")
    screenshot(driver, "wechat-bind")
    # There is no account to go on with.
    assert not driver.find_elements(By.CSS_SELECTOR, "form.actions button")
    field.send_keys(accounts(gateway, "code", "boss") + "\n")
    at(driver, gateway.origin("wiki.test") + path)
    assert driver.find_element(By.ID, "who").text == "boss"
    assert not complaints(driver)
    # The second time nothing is asked.
    again = chromium()
    again.get(gateway.origin("wiki.test") + path)
    button(again, "weixin").click()
    until(again, lambda d: next((a for a in d.find_elements(By.CSS_SELECTOR, "ul.people a") if "小明" in a.text), None), "WeChat's page").click()
    at(again, gateway.origin("wiki.test") + path)


def test_the_page_of_the_readme_is_signed(gateway, chromium, upstream, simulator):  # noqa: F811
    def answer(exchange):
        exchange.read_body()
        body = "<!doctype html><meta charset=utf-8><h1 id=who></h1>" + re.sub(r"<script src=[^>]*></script>\n", lambda _: SDK, PAGE)
        exchange.respond(200, [("Content-Type", "text/html; charset=utf-8")], body.encode())

    upstream.script("/sdk", answer)
    accounts(gateway, "bind", "zhangsan", "corp/zhangsan")
    driver = chromium()
    url = gateway.origin("wiki.test") + "/sdk?a=%E5%BC%A0"
    log_in(driver, url)
    at(driver, url)
    given = until(driver, lambda d: d.execute_script("return window.given"), "the page to be signed")
    assert given["options"] == {"corpId": "ww0123456789abcdef", "agentId": 1000002, "jsApiList": ["selectEnterpriseContact"]} and given["page"] == url
    tickets = {(t["corpid"], t["agentid"]): t["ticket"] for t in simulator.report("page-tickets")}
    for part, agent in (("config", None), ("agent", 1000002)):
        signed = given[part]
        text = f"jsapi_ticket={tickets['ww0123456789abcdef', agent]}&noncestr={signed['nonceStr']}&timestamp={signed['timestamp']}&url={url}"
        assert signed["signature"] == hashlib.sha1(text.encode()).hexdigest(), part


@pytest.mark.parametrize("name, language, size, dark, agent", [
    ("zh-desktop", "zh-CN", 1440, False, None), ("en-desktop-dark", "en", 1440, True, None), ("zh-phone-dark", "zh-CN", 360, True, None), ("en-phone", "en", 360, False, None),
    ("zh-in-wechat", "zh-CN", 360, False, WECHAT), ("en-in-wechat-dark", "en", 360, True, WECHAT),
])
def test_how_three_connections_look(gateway, chromium, screenshot, name, language, size, dark, agent):  # noqa: F811
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
    driver = chromium(language=language, size=(1440, 1100), dark=dark, agent=agent or (phone if size < 600 else None))
    if size < 600:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": size, "height": 1000, "deviceScaleFactor": 2, "mobile": True})
    driver.get(gateway.origin("wiki.test") + "/projects/42")
    until(driver, lambda d: len(d.find_elements(By.CSS_SELECTOR, 'nav a.button[href*="/.menwei/start/"]')) == 3, "three buttons")
    if size > 600:
        driver.switch_to.frame(until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the panel"))
        until(driver, lambda d: d.find_elements(By.CSS_SELECTOR, "ul.people a"), "the panel's content")
        driver.switch_to.default_content()
    assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"), "it is wider than the window"
    screenshot(driver, f"several-{name}")
