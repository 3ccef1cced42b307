"""The page that asks for a binding code, in a real Chromium."""
import subprocess

import pytest
from selenium.webdriver.common.by import By

from test_browser import application, at, choose_in_panel, chromium, complaints, screenshot, until  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c.update(accounts={"bind": "ask"}))


def accounts(gateway, *arguments, stdin=None):
    done = subprocess.run([str(gateway.binary), "accounts", "--config", str(gateway.file), *arguments], input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def asked(gateway, driver, person="张三", path="/"):
    driver.get(gateway.origin("wiki.test") + path)
    choose_in_panel(driver, person)
    until(driver, lambda d: d.find_elements(By.ID, "code"), "the question for a code")


def test_a_wrong_code_and_then_a_good_one_lead_on_with_query_and_fragment(gateway, chromium, screenshot):  # noqa: F811
    accounts(gateway, "import", "-", stdin="account,connection,user,name,email,mobile\nboss,,,,,\n")
    driver = chromium()
    path = "/deep/page?a=b%20c#/route?y=1"
    asked(gateway, driver, path=path)
    assert driver.current_url.startswith(gateway.auth + "/.menwei/bind?id=")
    assert driver.switch_to.active_element.get_attribute("id") == "code", "the field has the focus"
    driver.find_element(By.ID, "code").send_keys("WRNG234567\n")
    until(driver, lambda d: "4" in d.find_element(By.CSS_SELECTOR, "[role=alert]").text, "that it was wrong")
    screenshot(driver, "bind-wrong")
    driver.find_element(By.ID, "code").send_keys(accounts(gateway, "code", "boss").lower())
    driver.find_element(By.CSS_SELECTOR, "form.field button").click()
    at(driver, gateway.origin("wiki.test") + path)
    assert driver.find_element(By.ID, "who").text == "boss"
    assert not complaints(driver, "403")


def test_without_a_code_the_second_button_goes_on(gateway, chromium):  # noqa: F811
    driver = chromium(language="en")
    asked(gateway, driver, "李四", "/second#part")
    driver.find_element(By.CSS_SELECTOR, "form.actions button").click()
    at(driver, gateway.origin("wiki.test") + "/second#part")
    assert driver.find_element(By.ID, "who").text == "lisi"
    assert not complaints(driver)


@pytest.mark.parametrize("name, language, size, dark", [
    ("zh-desktop", "zh-CN", (1440, 900), False), ("en-desktop-dark", "en", (1440, 900), True), ("zh-phone-dark", "zh-CN", (500, 900), True), ("en-phone", "en", (500, 900), False),
])
def test_how_it_looks(gateway, chromium, screenshot, name, language, size, dark):  # noqa: F811
    driver = chromium(language=language, size=(1440, 900), dark=dark)
    asked(gateway, driver, "王五")
    if size[0] < 600:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": True})
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang").startswith(language[:2])
    assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"), "it is wider than the window"
    screenshot(driver, f"bind-{name}")
