"""A real Chromium, driven by chromedriver."""
import json
import os
import re
import shutil

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from harness.browser import WECOM
from harness.ports import free_port
from harness.upstream import websocket
from harness.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def gateway(make_module_gateway, upstream):
    return make_module_gateway([
        {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"path": "/admin/*", "allow": {"users": ["nobody"]}}]},
        {"id": "app", "host": "app.test", "upstreams": [upstream.base]},
    ])


PAGE = """<!doctype html><meta charset=utf-8><title>Wiki</title><h1 id=who>{user}</h1>
<script>document.title = "Wiki " + location.pathname + location.search + location.hash;</script>"""


@pytest.fixture(autouse=True)
def application(upstream, fresh_upstream):
    def answer(exchange):
        exchange.read_body()
        if exchange.request.path == "/favicon.ico":
            return exchange.respond(404)
        if exchange.request.path == "/ws":
            return websocket(exchange)
        if exchange.request.path == "/events":
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
            exchange.connection.recv(1)  # the stream stays open until the browser goes
            return exchange.close()
        if exchange.request.path == "/api":
            return exchange.respond(200, [("Content-Type", "application/json")], b'{"ok":true}')
        exchange.respond(200, [("Content-Type", "text/html; charset=utf-8")], PAGE.format(user=exchange.request.one("X-Forwarded-User")).encode())

    upstream.script("*", answer)


@pytest.fixture
def chromium(gateway, workspace, tmp_path):
    """Starts browsers; each is a profile of its own."""
    started = []

    def start(agent=None, language="zh-CN", size=(1280, 900), dark=False, mobile=False):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--no-proxy-server",
                         "--host-resolver-rules=MAP *.test 127.0.0.1, EXCLUDE 127.0.0.1", f"--window-size={size[0]},{size[1]}", f"--lang={language}", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path}/profile-{len(started)}"):
            options.add_argument(argument)
        if agent:
            options.add_argument(f"--user-agent={agent}")
        if dark:
            options.add_argument("--force-dark-mode")
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = Service(shutil.which("chromedriver"), port=free_port(), log_output=str(tmp_path / "chromedriver.log"))
        driver = webdriver.Chrome(options=options, service=service)
        driver.set_page_load_timeout(60)
        driver.set_script_timeout(60)
        started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.quit()


@pytest.fixture
def screenshot(workspace):
    folder = workspace / "screenshots"
    folder.mkdir(exist_ok=True)

    def take(driver, name):
        path = folder / f"{name}.png"
        driver.save_screenshot(str(path))
        assert path.stat().st_size > 2000
        return path

    return take


def until(driver, condition, what, seconds=60):
    try:
        return WebDriverWait(driver, seconds, poll_frequency=0.05, ignored_exceptions=(StaleElementReferenceException, WebDriverException)).until(lambda d: condition(d))
    except Exception as error:
        raise AssertionError(f"{what}: now at {driver.current_url} “{driver.title}”: {driver.page_source[:800]}") from error


def at(driver, url, seconds=60):
    until(driver, lambda d: d.current_url == url and d.find_elements(By.ID, "who"), url, seconds)


def choose_in_panel(driver, person):
    """The click in the panel that stands for the scan."""
    frame = until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the panel")
    driver.switch_to.frame(frame)
    link = until(driver, lambda d: next((a for a in d.find_elements(By.CSS_SELECTOR, "ul.people a") if person in a.text), None), f"{person} in the panel")
    link.click()
    driver.switch_to.default_content()


def log_in(driver, url, person="张三"):
    driver.get(url)
    choose_in_panel(driver, person)


def complaints(driver, *expected):
    """What the browser's console complains of: violated policies, failed loads, exceptions."""
    return [entry["message"] for entry in driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING") and not any(e in entry["message"] for e in ("favicon", *expected))]


def documents(driver):
    """The documents that were shown in the top window since the last call, by the browser's own log: (address, status)."""
    found = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.responseReceived" and message["params"]["type"] == "Document" \
                and message["params"]["response"]["url"].startswith("http"):
            found.append((message["params"]["response"]["url"], message["params"]["response"]["status"]))
    return found


def test_a_login_by_the_panel_lands_on_the_page_with_query_and_fragment(gateway, chromium, screenshot):
    driver = chromium()
    wanted = gateway.origin("wiki.test") + "/deep/page?a=b%20c&x=%E4%BD%A0#/route?y=1"
    driver.get(wanted)
    until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the login page")
    assert driver.current_url.startswith(gateway.auth + "/.menwei/login")
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang").startswith("zh")
    frame = driver.find_element(By.CSS_SELECTOR, "iframe")
    assert frame.is_displayed() and frame.size["width"] >= 300 and frame.size["height"] >= 300
    driver.switch_to.frame(frame)
    until(driver, lambda d: d.find_elements(By.CSS_SELECTOR, "ul.people a"), "the panel's content")
    driver.switch_to.default_content()
    screenshot(driver, "login-desktop-zh")
    assert not complaints(driver)
    choose_in_panel(driver, "张三")
    at(driver, wanted)
    assert driver.find_element(By.ID, "who").text == "zhangsan"
    assert driver.title.endswith("#/route?y=1")


def test_the_button_works_as_well(gateway, chromium):
    driver = chromium()
    wanted = gateway.origin("wiki.test") + "/by/button?q=1#part"
    driver.get(wanted)
    button = until(driver, lambda d: d.find_element(By.CSS_SELECTOR, 'a[href*="/.menwei/start/corp"]'), "the button")
    button.click()
    until(driver, lambda d: d.current_url.startswith(gateway.simulator.base), "WeCom's own page")
    until(driver, lambda d: next((a for a in d.find_elements(By.CSS_SELECTOR, "ul.people a") if "李四" in a.text), None), "李四").click()
    at(driver, wanted)
    assert driver.find_element(By.ID, "who").text == "lisi"


def test_the_second_site_and_a_reload_show_no_login(gateway, chromium):
    driver = chromium()
    log_in(driver, gateway.origin("wiki.test") + "/")
    at(driver, gateway.origin("wiki.test") + "/")
    documents(driver)
    driver.get(gateway.origin("app.test") + "/second?z=1#frag")
    at(driver, gateway.origin("app.test") + "/second?z=1#frag")
    driver.refresh()
    at(driver, gateway.origin("app.test") + "/second?z=1#frag")
    assert all(url.startswith(gateway.origin("app.test")) for url, _ in documents(driver)), "something was shown in between"


def test_logout_in_the_browser(gateway, chromium, screenshot):
    driver = chromium()
    wiki = gateway.origin("wiki.test")
    log_in(driver, wiki + "/")
    at(driver, wiki + "/")
    driver.get(wiki + "/.menwei/logout")
    screenshot(driver, "logout")
    assert "张三" in driver.page_source
    until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "form button"), "the button").click()
    until(driver, lambda d: "done" in d.current_url or not d.find_elements(By.CSS_SELECTOR, "form[method=post] button"), "the page after the logout")
    screenshot(driver, "logged-out")
    assert "/.menwei/logout" in driver.current_url
    driver.get(wiki + "/again")
    until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the login page")
    driver.get(gateway.auth + "/")
    assert "zhangsan" not in driver.page_source


def test_inside_wecom_nothing_is_seen(gateway, chromium):
    driver = chromium(agent=WECOM)
    wanted = gateway.origin("wiki.test") + "/inside?a=1&b=%2F#/part/two"
    driver.get(wanted)
    at(driver, wanted)
    assert driver.find_element(By.ID, "who").text == "zhangsan"
    shown = documents(driver)
    assert shown[-1][0].split("#")[0] == wanted.split("#")[0]
    for url, status in shown[:-1]:  # at most the page that carries the fragment over, which goes on by itself
        assert url.startswith(gateway.auth + "/.menwei/login") and status == 200, shown
    driver.get(gateway.origin("app.test") + "/next")
    at(driver, gateway.origin("app.test") + "/next")


def test_a_scripts_call_is_readable_and_leads_to_the_login(gateway, chromium):
    driver = chromium()
    wiki = gateway.origin("wiki.test")
    log_in(driver, wiki + "/board")
    at(driver, wiki + "/board")
    fetch = "const done = arguments[0]; fetch('/api').then(async r => done([r.status, await r.json()]), e => done([0, String(e)]));"
    assert driver.execute_async_script(fetch) == [200, {"ok": True}]
    driver.delete_all_cookies()
    status, problem = driver.execute_async_script(fetch)
    assert status == 401 and problem["type"] == "urn:menwei:login-required"
    driver.get(problem["login_url"])
    at(driver, wiki + "/board")  # the auth origin's session still lives


def test_pages_fit_phones_and_dark_rooms(gateway, chromium, screenshot):
    for name, more in (("phone", {"size": (390, 844)}), ("dark", {"dark": True, "language": "en-GB"})):
        driver = chromium(**more)
        driver.get(gateway.origin("wiki.test") + "/")
        until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the login page")
        screenshot(driver, f"login-{name}")
        wide = driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name}: the page is {wide} px wider than the window"
        assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang").startswith("en" if name == "dark" else "zh")


def test_a_refusal_is_a_page_one_can_read(gateway, chromium, screenshot):
    driver = chromium()
    log_in(driver, gateway.origin("wiki.test") + "/admin/x", "李四")
    until(driver, lambda d: "/admin/*" in d.page_source, "the refusal")
    screenshot(driver, "denied")
    assert "lisi" in driver.page_source and driver.current_url == gateway.origin("wiki.test") + "/admin/x"
    assert not complaints(driver, "403")


def test_two_tabs_that_wait_at_the_login_both_arrive(gateway, chromium):
    driver = chromium()
    first, second = gateway.origin("wiki.test") + "/tab/1?a", gateway.origin("app.test") + "/tab/2?b"
    driver.get(first)
    tab = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(second)
    choose_in_panel(driver, "张三")
    at(driver, second)
    driver.switch_to.window(tab)
    choose_in_panel(driver, "张三")
    at(driver, first)


def test_the_keyboard_reaches_the_login(gateway, chromium):
    from selenium.webdriver.common.keys import Keys
    driver = chromium()
    driver.get(gateway.origin("wiki.test") + "/")
    until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the login page")
    reached = set()
    for _ in range(40):  # the panel's own links lie on the way
        webdriver.ActionChains(driver).send_keys(Keys.TAB).perform()
        driver.switch_to.default_content()
        reached.add(driver.execute_script("return document.activeElement ? (document.activeElement.getAttribute('href') || document.activeElement.tagName) : ''"))
    assert any("/.menwei/start/corp" in r for r in reached), reached


def test_websockets_and_event_streams_work_in_a_page(gateway, chromium):
    driver = chromium()
    wiki = gateway.origin("wiki.test")
    log_in(driver, wiki + "/")
    at(driver, wiki + "/")
    echoed = driver.execute_async_script("""
        const done = arguments[0], socket = new WebSocket("wss://" + location.host + "/ws");
        socket.onopen = () => socket.send("你好");
        socket.onmessage = event => done(event.data);
        socket.onerror = () => done("error");""")
    assert echoed == "你好"
    # The page's own connection carries it (RFC 8441).
    driver.execute_script("for (let n = 0; n < 3; n++) new WebSocket('wss://' + location.host + '/ws').onopen = event => event.target.close()")
    assert gateway.record("access", path="/ws")["protocol"] == "HTTP/2"
    event = driver.execute_async_script("""
        const done = arguments[0], source = new EventSource("/events");
        source.onmessage = event => { source.close(); done(event.data); };
        source.onerror = () => done("error");""")
    assert event == "1"


def test_the_panel_is_renewed_before_its_login_dies(gateway, chromium, simulator):
    driver = chromium()
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {
        "source": "const now = Date.now.bind(Date); window.skipped = 0; Date.now = () => now() + window.skipped;"})
    driver.get(gateway.origin("wiki.test") + "/late")
    frame = until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the panel")
    loads = lambda: simulator.counts().get("wwlogin/sso/login", 0)
    wait_for(lambda: loads() >= 1, what="the panel's first load")
    before = loads()
    driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    assert loads() == before
    driver.execute_script("window.skipped = 14 * 60 * 1000; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for(lambda: loads() > before, what="the panel's next load")
    choose_in_panel(driver, "张三")
    at(driver, gateway.origin("wiki.test") + "/late")
