"""Scanning and the page of one's own sessions in real browsers: a PC and a phone that is WeCom."""
import pytest
from selenium.webdriver.common.by import By

from harness.browser import PHONE, WECOM
from harness.waiting import wait_for
from test_browser import at, chromium, complaints, screenshot, until  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PAGE = "<!doctype html><meta charset=utf-8><title>Wiki</title><h1 id=who>{user}</h1>"


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway(
        [{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}],
        lambda c: c["auth"].update(scan_from=["127.0.0.0/8"], login_page="scan"))


@pytest.fixture(autouse=True)
def application(upstream, fresh_upstream):
    def answer(exchange):
        exchange.read_body()
        if exchange.request.path == "/favicon.ico":
            return exchange.respond(404)
        exchange.respond(200, [("Content-Type", "text/html; charset=utf-8")], PAGE.format(user=exchange.request.one("X-Forwarded-User")).encode())

    upstream.script("*", answer)


def wide(driver):
    return driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")


def waits(driver):
    """The address and the number that the waiting page shows."""
    link = until(driver, lambda d: d.find_element(By.CSS_SELECTOR, ".link a"), "the code")
    return link.get_attribute("href"), driver.find_element(By.CSS_SELECTOR, ".number").text


def number_buttons(driver):
    return until(driver, lambda d: d.find_elements(By.CSS_SELECTOR, ".choices button"), "the numbers")


def test_pc_and_phone(gateway, chromium, screenshot):  # noqa: F811
    pc, phone = chromium(size=(1440, 1000)), chromium(agent=WECOM, size=(500, 800))
    wanted = gateway.origin("wiki.test") + "/board?a=b%20c#/card/7"
    pc.get(wanted)
    address, number = waits(pc)
    assert pc.find_element(By.CSS_SELECTOR, "svg.code").size["width"] >= 200
    screenshot(pc, "scan-pc-1440-zh")
    phone.get(address)
    buttons = number_buttons(phone)
    screenshot(phone, "scan-phone-zh")
    assert len(buttons) == 3 and "Linux 上的 Chrome" in phone.page_source and wide(phone) <= 0
    next(b for b in buttons if b.text == number).click()
    until(phone, lambda d: "电脑正在登录" in d.page_source, "the word that it is done")
    screenshot(phone, "scan-approved-zh")
    at(pc, wanted)
    assert pc.find_element(By.ID, "who").text == "zhangsan"
    assert not complaints(pc) and not complaints(phone)


def test_a_wrong_number_and_a_new_code(gateway, chromium, screenshot):  # noqa: F811
    pc, phone = chromium(size=(1440, 1000), language="en-GB", dark=True), chromium(agent=WECOM, language="en-GB", size=(500, 800), dark=True)
    wanted = gateway.origin("wiki.test") + "/again"
    pc.get(wanted)
    address, number = waits(pc)
    screenshot(pc, "scan-pc-1440-dark-en")
    phone.get(address)
    number_buttons(phone)
    screenshot(phone, "scan-phone-dark-en")
    phone.find_element(By.CSS_SELECTOR, 'button[value="none"]').click()
    until(phone, lambda d: "not logged in" in d.page_source, "the refusal on the phone")
    until(pc, lambda d: "refused on the phone" in d.page_source, "the refusal on the PC")
    screenshot(pc, "scan-refused-dark-en")
    pc.find_element(By.CSS_SELECTOR, 'a[href*="/.menwei/scan?"]').click()
    fresh, number = waits(pc)
    assert fresh != address
    phone.get(fresh)
    next(b for b in number_buttons(phone) if b.text == number).click()
    at(pc, wanted)


def test_without_an_event_stream_the_page_asks(gateway, chromium):  # noqa: F811
    pc, phone = chromium(), chromium(agent=WECOM)
    pc.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": "delete window.EventSource;"})
    wanted = gateway.origin("wiki.test") + "/polled"
    pc.get(wanted)
    address, number = waits(pc)
    assert pc.execute_script("return typeof window.EventSource") == "undefined"
    phone.get(address)
    next(b for b in number_buttons(phone) if b.text == number).click()
    at(pc, wanted)


def test_without_scripts_the_page_looks_by_itself(gateway, chromium):  # noqa: F811
    pc, phone = chromium(), chromium(agent=WECOM)
    pc.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    wanted = gateway.origin("wiki.test") + "/plain"
    pc.get(wanted)
    address, number = waits(pc)
    phone.get(address)
    next(b for b in number_buttons(phone) if b.text == number).click()
    wait_for(lambda: pc.current_url == wanted, 60, "the PC's way on")


def test_the_pages_fit_small_screens(gateway, chromium, screenshot):  # noqa: F811
    for name, language in (("zh", "zh-CN"), ("en", "en-GB")):
        # Chromium's windows are 500 wide at least: what is smaller is emulated.
        driver = chromium(language=language, dark=name == "zh")
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": False})
        driver.get(gateway.auth + "/.menwei/scan")
        address, _ = waits(driver)
        screenshot(driver, f"scan-pc-360-{name}")
        assert wide(driver) <= 0
        inside = chromium(agent=WECOM, language=language)
        inside.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": False})
        inside.get(address)
        number_buttons(inside)
        screenshot(inside, f"scan-phone-360-{name}")
        assert wide(inside) <= 0
        inside.get(gateway.auth + "/.menwei/sessions")
        screenshot(inside, f"sessions-360-{name}")
        assert wide(inside) <= 0
        outside = chromium(agent=PHONE, language=language)
        outside.get(address)
        until(outside, lambda d: d.find_element(By.ID, "address").text == address, "the address to open in WeCom")
        screenshot(outside, f"scan-outside-{name}")


def test_own_sessions_are_seen_and_ended(gateway, chromium, screenshot):  # noqa: F811
    pc, phone = chromium(size=(1440, 1000)), chromium(agent=WECOM)
    pc.get(gateway.origin("wiki.test") + "/")
    address, number = waits(pc)
    phone.get(address)
    next(b for b in number_buttons(phone) if b.text == number).click()
    at(pc, gateway.origin("wiki.test") + "/")
    pc.get(gateway.auth + "/")
    until(pc, lambda d: d.find_element(By.CSS_SELECTOR, 'a[href="/.menwei/sessions"]'), "the way to the list").click()
    items = until(pc, lambda d: d.find_elements(By.CSS_SELECTOR, ".sessions li"), "the list")
    screenshot(pc, "sessions-1440-zh")
    assert "当前浏览器" in items[0].text and "扫码登录" in items[0].text and any("企业微信" in i.text for i in items[1:])
    pc.find_element(By.CSS_SELECTOR, 'button[value="others"]').click()
    until(pc, lambda d: len(d.find_elements(By.CSS_SELECTOR, ".sessions li")) == 1, "the list with one left")
    pc.find_element(By.CSS_SELECTOR, ".sessions button").click()
    until(pc, lambda d: "done=1" in d.current_url, "the page after the logout")
    assert not complaints(pc)
