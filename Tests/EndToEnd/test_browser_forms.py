"""What a real Chromium makes of forms that are kept for a login, of fragments on every way in, and of logins that do not come to their end."""
import html
from urllib.parse import quote, urlsplit

import pytest
from selenium.webdriver.common.by import By

from harness.browser import Browser, WECOM
from harness.redirects import payloads
from test_attacks_g import Line, query
from test_browser import at, choose_in_panel, chromium, complaints, gateway, log_in, screenshot, until  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

EDIT = """<!doctype html><meta charset=utf-8><title>Edit</title><h1 id=who>{user}</h1>
<form method=post action="save/it?draft=1#done"><input name=title><textarea name=text></textarea><button id=plain>Save</button></form>
<form method=post action="upload" enctype="multipart/form-data"><input name=name value="图"><input type=file name=file><button id=file>Upload</button></form>"""
RESULT = "<!doctype html><meta charset=utf-8><title>Saved</title><h1 id=who>saved</h1><a id=relative href='next'>next</a><script>document.title = location.href</script>"


@pytest.fixture(autouse=True)
def application(upstream, fresh_upstream):
    def answer(exchange):
        exchange.read_body()
        if exchange.request.path == "/favicon.ico":
            return exchange.respond(404)
        page = RESULT if exchange.request.method == "POST" else EDIT.replace("{user}", exchange.request.one("X-Forwarded-User") or "")
        exchange.respond(200, [("Content-Type", "text/html; charset=utf-8")], page.encode())

    upstream.script("*", answer)


def posts(upstream):
    return [request for request in upstream.requests if request.method == "POST"]


def end_session(driver, gateway):
    """Logs out at another site in another tab: what stays here is a cookie whose session is over."""
    here = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(gateway.origin("app.test") + "/")
    at(driver, gateway.origin("app.test") + "/")
    assert driver.execute_async_script("const done = arguments[0]; fetch('/.menwei/logout', {method: 'POST'}).then(r => done(r.status), e => done(String(e)))") == 200
    driver.close()
    driver.switch_to.window(here)


def test_a_form_is_sent_after_the_login_as_if_nothing_had_happened(gateway, chromium, screenshot, upstream):
    driver = chromium()
    edit = gateway.origin("wiki.test") + "/docs/edit?page=7"
    log_in(driver, edit)
    at(driver, edit)
    end_session(driver, gateway)
    driver.find_element(By.NAME, "title").send_keys("标题 a&b=c")
    driver.find_element(By.NAME, "text").send_keys("一\n二")
    driver.find_element(By.ID, "plain").click()
    until(driver, lambda d: "已保留" in d.page_source and d.find_element(By.CSS_SELECTOR, "iframe"), "the login page, which says that nothing is lost")
    screenshot(driver, "form-kept")
    assert not posts(upstream)
    choose_in_panel(driver, "张三")
    saved = gateway.origin("wiki.test") + "/docs/save/it?draft=1#done"
    at(driver, saved)
    assert driver.title == saved and driver.find_element(By.ID, "relative").get_attribute("href") == gateway.origin("wiki.test") + "/docs/save/next"
    request, = posts(upstream)
    assert request.target == "/docs/save/it?draft=1" and request.one("Content-Type") == "application/x-www-form-urlencoded"
    assert request.body == b"title=%E6%A0%87%E9%A2%98+a%26b%3Dc&text=%E4%B8%80%0D%0A%E4%BA%8C"
    assert request.one("Referer") == edit and request.one("Origin") == gateway.origin("wiki.test")
    assert not complaints(driver)
    # The button back leads to the page of the form, and sends nothing.
    driver.back()
    until(driver, lambda d: d.current_url.partition("#")[0] == edit and d.find_elements(By.ID, "plain"), "the page of the form")
    assert len(posts(upstream)) == 1


def test_a_file_is_sent_after_the_login_byte_for_byte(gateway, chromium, upstream, tmp_path):
    driver = chromium()
    edit = gateway.origin("wiki.test") + "/docs/edit"
    log_in(driver, edit)
    at(driver, edit)
    content = bytes(range(256)) * 2000
    (tmp_path / "图.bin").write_bytes(content)
    end_session(driver, gateway)
    driver.find_element(By.NAME, "file").send_keys(str(tmp_path / "图.bin"))
    driver.find_element(By.ID, "file").click()
    choose_in_panel(driver, "张三")
    at(driver, gateway.origin("wiki.test") + "/docs/upload")
    request, = posts(upstream)
    boundary = request.one("Content-Type").partition("boundary=")[2].encode()
    parts = request.body.split(b"--" + boundary)
    assert len(parts) == 4 and parts[3] == b"--\r\n" and "图".encode() in parts[1]
    assert 'filename="图.bin"'.encode() in parts[2] and parts[2].partition(b"\r\n\r\n")[2] == content + b"\r\n"


def test_without_scripts_a_button_sends_it(gateway, chromium, upstream):
    driver = chromium()
    wiki = gateway.origin("wiki.test")
    log_in(driver, wiki + "/edit")
    at(driver, wiki + "/edit")
    end_session(driver, gateway)
    driver.find_element(By.NAME, "title").send_keys("x")
    driver.find_element(By.ID, "plain").click()
    until(driver, lambda d: "已保留" in d.page_source and d.find_element(By.CSS_SELECTOR, "iframe").get_attribute("src"), "the login page")
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    choose_in_panel(driver, "张三")
    until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "form[data-send] button").is_displayed(), "the button")
    assert not posts(upstream)
    driver.find_element(By.CSS_SELECTOR, "form[data-send] button").click()
    until(driver, lambda d: urlsplit(d.current_url).path == "/save/it", "the result")
    assert posts(upstream)[0].body == b"title=x&text="


def test_another_member_is_told_that_it_was_not_sent(gateway, chromium, screenshot, upstream):
    driver = chromium(language="en-GB")
    wiki = gateway.origin("wiki.test")
    log_in(driver, wiki + "/edit")
    at(driver, wiki + "/edit")
    end_session(driver, gateway)
    driver.find_element(By.ID, "plain").click()
    choose_in_panel(driver, "李四")
    until(driver, lambda d: "It was not sent" in d.page_source, "the page that says so")
    screenshot(driver, "form-foreign-en")
    driver.find_element(By.CSS_SELECTOR, "a.button.main").click()
    at(driver, wiki + "/edit")
    assert not posts(upstream)


# Fragments

def foreign_state(gateway, wanted, fragment):
    """A state that another browser began, on its way to `wanted`."""
    start = Browser(gateway).get(f"{gateway.auth}/.menwei/start/corp?return={quote(wanted, safe='')}&fragment={quote(fragment, safe='')}")
    return query(start.location)["state"]


@pytest.mark.parametrize("way", ["T-103-site", "bookmark", "site-login", "restart", "try-again"])
def test_t103_the_fragment_survives(gateway, chromium, simulator, way):
    driver = chromium()
    wanted, fragment = gateway.origin("wiki.test") + "/a?b=1&c=%2F", "/route?x=1&y=%E4%BD%A0"
    begin = {
        "T-103-site": f"{wanted}#{fragment}", "bookmark": f"{gateway.auth}/.menwei/login?return={quote(wanted, safe='')}#{fragment}",
        "site-login": f"{gateway.origin('wiki.test')}/.menwei/login?return={quote(wanted, safe='')}#{fragment}",
        "restart": f"{gateway.auth}/.menwei/callback/corp?code=x&state={foreign_state(gateway, wanted, fragment)}", "try-again": f"{wanted}#{fragment}",
    }[way]
    if way == "try-again":
        simulator.fault("auth/getuserinfo", errcode=45009, times=1)
    driver.get(begin)
    choose_in_panel(driver, "张三")
    if way == "try-again":
        until(driver, lambda d: "/.menwei/callback/" in d.current_url and d.find_element(By.CSS_SELECTOR, "a.button.main"), "the page about the failure").click()
        until(driver, lambda d: next((a for a in d.find_elements(By.CSS_SELECTOR, "ul.people a") if "张三" in a.text), None), "WeCom's own page").click()
    at(driver, f"{wanted}#{fragment}")


@pytest.mark.parametrize("fragment", ["", "/part/two"])
def test_wecoms_own_fragment_never_sticks(gateway, chromium, fragment):
    driver = chromium(agent=WECOM)
    wanted = gateway.origin("wiki.test") + "/a?b=1"
    # The callback as WeCom's own page leaves it, of a state that is not this browser's.
    driver.get(f"{gateway.auth}/.menwei/callback/corp?code=x&state={foreign_state(gateway, wanted, fragment)}#wechat_redirect")
    until(driver, lambda d: d.find_elements(By.ID, "who"), "the page")
    assert driver.current_url in (wanted + "#" + fragment, wanted) if not fragment else driver.current_url == f"{wanted}#{fragment}"
    driver.get(f"{gateway.auth}/.menwei/callback/corp?code=x&state={'0' * 32}#wechat_redirect")
    until(driver, lambda d: "/callback/" not in d.current_url and d.find_elements(By.TAG_NAME, "h1"), "where it leads with a session")
    assert "wechat_redirect" not in driver.current_url


def test_the_fragment_survives_the_straight_way(make_gateway, chromium, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}], lambda c: c["auth"].update(login_page="redirect"))
    driver = chromium()
    wanted = gateway.origin("wiki.test") + "/a#/route"
    driver.get(wanted)
    until(driver, lambda d: next((a for a in d.find_elements(By.CSS_SELECTOR, "ul.people a") if "张三" in a.text), None), "WeCom's own page").click()
    at(driver, wanted)


@pytest.mark.parametrize("button", ["a.button.main", 'nav a[href*="/.menwei/start/corp"]'], ids=["start-again", "connection"])
def test_the_fragment_survives_the_page_at_the_end_of_the_tries(gateway, chromium, button):
    """At a site's own /.menwei/finish the fragment is in the browser alone: the page has to put it into its links."""
    driver = chromium()
    wanted, fragment = gateway.origin("wiki.test") + "/a?b=1&c=%2F", "/route?x=1&y=%E4%BD%A0"
    driver.get(f"{gateway.origin('wiki.test')}/.menwei/finish?ticket=x&try=2&return={quote(wanted, safe='')}#{fragment}")
    until(driver, lambda d: d.find_element(By.CSS_SELECTOR, button), "the page that says what is wrong").click()
    if button == "a.button.main":
        choose_in_panel(driver, "张三")
    else:
        until(driver, lambda d: next((a for a in d.find_elements(By.CSS_SELECTOR, "ul.people a") if "张三" in a.text), None), "WeCom's own page").click()
    at(driver, f"{wanted}#{fragment}")


def test_the_fragment_survives_a_login_that_began_in_a_frame(make_gateway, chromium, screenshot, upstream):
    """The frame's page opens the login in the top window, and what stood after # in the frame's address is there in the end."""
    gateway = make_gateway([
        {"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]},
        {"id": "portal", "host": "portal.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}])
    wanted = gateway.origin("wiki.test") + "/a?b=1&c=%2F#/route?x=1&y=%E4%BD%A0"

    def portal(exchange):
        exchange.read_body()
        page = f'<!doctype html><title>Portal</title><iframe width=600 height=400 src="{html.escape(wanted)}"></iframe>'
        exchange.respond(200, [("Content-Type", "text/html; charset=utf-8")], page.encode())

    upstream.script("/portal", portal)
    driver = chromium()
    driver.get(gateway.origin("portal.test") + "/portal")
    driver.switch_to.frame(until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "iframe"), "the frame"))
    button = until(driver, lambda d: d.find_element(By.CSS_SELECTOR, 'a[target="_top"]'), "the button in the frame")
    screenshot(driver, "framed")
    button.click()
    driver.switch_to.default_content()
    until(driver, lambda d: d.current_url.startswith(gateway.auth + "/.menwei/login"), "the login in the top window")
    choose_in_panel(driver, "张三")
    at(driver, wanted)
    assert driver.find_element(By.ID, "who").text == "zhangsan"


# Logins that do not come to their end

@pytest.mark.parametrize("language, size, dark, word", [("zh-CN", (360, 800), False, "阻止了 Cookie"), ("en-GB", (1440, 900), True, "blocks cookies")])
def test_a_browser_without_cookies_is_told_at_once_and_at_the_end(gateway, chromium, screenshot, language, size, dark, word):
    driver = chromium(language=language, size=size, dark=dark)
    # Headless browsers cannot be told to block them; what pages can ask is this. The whole way without cookies is in test_attacks_g.py (T-107).
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": "Object.defineProperty(navigator, 'cookieEnabled', {get: () => false});"})
    driver.get(gateway.origin("wiki.test") + "/page")
    note = until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "[data-no-cookies]"), "the login page")
    until(driver, lambda d: note.is_displayed(), "the note")
    assert word in note.text
    screenshot(driver, f"no-cookies-{language}-{size[0]}")
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.get(gateway.origin("wiki.test") + "/.menwei/finish?ticket=x&try=2")
    assert word in driver.find_element(By.TAG_NAME, "h1").text and not driver.find_element(By.CSS_SELECTOR, "[data-clock]").is_displayed()
    assert driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    screenshot(driver, f"stuck-{language}-{size[0]}")


def test_a_wrong_clock_is_seen(gateway, chromium, screenshot):
    for skew, shown in ((0, False), (3600_000, True), (-86400_000, True)):
        driver = chromium()
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": f"const now = Date.now.bind(Date); Date.now = () => now() + {skew};"})
        driver.get(gateway.origin("wiki.test") + "/.menwei/finish?ticket=x&try=2")
        note = until(driver, lambda d: d.find_element(By.CSS_SELECTOR, "[data-clock]"), "the page")
        until(driver, lambda d: note.is_displayed() == shown, f"the note about the clock with {skew}")
    screenshot(driver, "wrong-clock")


def test_t88_a_browser_sees_no_way_out_either(gateway, chromium):
    """What the gateway would send people to, read by a browser's own parser."""
    wiki = gateway.origin("wiki.test")
    line = Line(gateway, "wiki.test")
    led = set()
    for payload in payloads(wiki.removeprefix("https://"))[::2]:
        answer = line.ask("/.menwei/login?return=" + quote(payload, safe=""))
        if answer.status == 302:
            led.add(query(answer.one("Location"))["return"])
    assert len(led) >= 5
    driver = chromium()
    driver.get(wiki + "/.menwei/logout")
    read = driver.execute_script("return arguments[0].map(a => { const u = new URL(a, location.href); return [u.origin, u.pathname, u.username]; })", sorted(led))
    for address, (origin, path, user) in zip(sorted(led), read):
        assert origin in (wiki, gateway.origin("app.test"), gateway.auth) and not user, address
        assert not path.startswith("/.menwei/") or path == "/.menwei/home", address
