"""A small browser without a screen: cookies by host as `__Host-` wants them, redirects over several hosts, pages that go on by themselves."""
import html
import json as jsonlib
import re
import socket
from urllib.parse import urlencode, urljoin, urlsplit

from .http2_client import H2
from .raw import RawConnection, Response

DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
WECHAT = ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
          "MicroMessenger/8.0.50(0x18003233) NetType/WIFI Language/zh_CN")
WECOM = ("Mozilla/5.0 (Linux; Android 14; V2285A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 "
         "wxwork/4.1.28 MicroMessenger/7.0.1 Language/zh ColorScheme/Light")
PHONE = ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1")

NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none", "Upgrade-Insecure-Requests": "1",
}


class Answer:
    def __init__(self, url, response):
        self.url, self.raw = url, response
        self.status, self.headers, self.body = response.status, response.headers, response.body
        self.all, self.one = response.all, response.one
        self.history = []

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return jsonlib.loads(self.body)

    @property
    def location(self):
        to = self.one("Location")
        return urljoin(self.url, to) if to is not None else None

    @property
    def set_cookies(self):
        return self.all("Set-Cookie")

    @property
    def hop(self):
        """The address of a page that goes on by itself."""
        if self.status == 200 and "text/html" in (self.one("Content-Type") or ""):
            found = re.search(r'<meta\s+http-equiv="refresh"\s+content="0;\s*url=([^"]+)"', self.text, re.I)
            if found:
                return urljoin(self.url, html.unescape(found.group(1)))
        return None

    def links(self, pattern=""):
        return [urljoin(self.url, html.unescape(a)) for a in re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', self.text) if re.search(pattern, html.unescape(a))]

    @property
    def form(self):
        """The page's only form, None where it has none."""
        found = re.findall(r"<form\b.*?</form>", self.text, re.S)
        assert len(found) <= 1
        return Form(self.url, found[0]) if found else None

    @property
    def frame(self):
        found = re.search(r'<iframe\b[^>]*?\bsrc="([^"]*)"', self.text)
        return urljoin(self.url, html.unescape(found.group(1))) if found else None


class Form:
    """A form of a page, as a browser would send it."""

    def __init__(self, page, markup):
        def attribute(tag, name):
            found = re.search(rf'\b{name}="([^"]*)"', tag)
            return html.unescape(found.group(1)) if found else ""

        opening = markup.split(">", 1)[0]
        self.url = urljoin(page, attribute(opening, "action"))
        self.method = attribute(opening, "method").upper()
        self.fields = [(attribute(tag, "name"), attribute(tag, "value")) for tag in re.findall(r"<input\b[^>]*>", markup)]
        self.body = urlencode(self.fields).encode()


class Browser:
    def __init__(self, gateway, agent=DESKTOP, language="zh-CN,zh;q=0.9", http2=False):
        self.gateway, self.agent, self.language, self.http2 = gateway, agent, language, http2
        self.cookies = {}

    def cookie(self, host, name="__Host-menwei"):
        return self.cookies.get(host, {}).get(name)

    def _cookie_header(self, host):
        return "; ".join(f"{n}={v}" for n, v in self.cookies.get(host, {}).items())

    def _keep(self, host, answer):
        for line in answer.set_cookies:
            name, _, rest = line.partition("=")
            value = rest.split(";")[0]
            if name.startswith("__Host-"):
                attributes = {part.strip().lower() for part in rest.split(";")[1:]}
                assert {"secure", "path=/"} <= attributes and not any(a.startswith("domain") for a in attributes), line
            jar = self.cookies.setdefault(host, {})
            if re.search(r";\s*max-age=0*\s*(;|$)", rest, re.I) or value == "":
                jar.pop(name, None)
            else:
                jar[name] = value

    def request(self, method, url, headers=None, body=None, navigation=True, cookies=True):
        """One request, no redirect followed. `headers`: a dictionary, None as a value leaves one out."""
        parts = urlsplit(url)
        fields = {"Host": parts.netloc, "User-Agent": self.agent, "Accept-Language": self.language}
        fields.update(NAVIGATION if navigation else {"Accept": "*/*"})
        if cookies and parts.hostname in self.cookies and self._cookie_header(parts.hostname):
            fields["Cookie"] = self._cookie_header(parts.hostname)
        if body is not None:
            fields["Content-Length"] = str(len(body))
        fields["Connection"] = "close"
        fields.update(headers or {})
        target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items() if v is not None) + "\r\n"
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        if secure and self.http2:
            answer = Answer(url, self._over_http2(method, parts.hostname, target, fields, body))
        else:
            with RawConnection(port, parts.hostname if secure else None, ca=self.gateway.ca, timeout=60) as connection:
                connection.send(head.encode("latin-1") + (body or b""))
                answer = Answer(url, connection.response(method))
        if cookies:
            self._keep(parts.hostname, answer)
        return answer

    def _over_http2(self, method, host, target, fields, body):
        connection = H2(self.gateway, host, timeout=60)
        try:
            extra = [(n.lower(), v) for n, v in fields.items() if v is not None and n not in ("Host", "Connection")]
            state = connection.get(target, extra, method=method, body=body)
        finally:
            connection.raw.close()
        assert state["ended"], state
        lines = [f"HTTP/2 {dict(state['head'])[':status']} "] + [f"{n}: {v}" for n, v in state["head"] if not n.startswith(":")]
        response = Response("\r\n".join(lines).encode("latin-1"))
        response.body = state["body"]
        return response

    def get(self, url, **more):
        return self.request("GET", url, **more)

    def call(self, url, method="GET", headers=None, body=None):
        """As a script would: fetch()."""
        marks = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin", **(headers or {})}
        return self.request(method, url, headers=marks, body=body, navigation=False)

    def post(self, url, body, content_type="application/x-www-form-urlencoded", headers=None, **more):
        """A form that a page of the same site sends."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        marks = {"Sec-Fetch-Site": "same-origin", "Origin": origin, "Content-Type": content_type, **(headers or {})}
        return self.request("POST", url, headers=marks, body=body, **more)

    def submit(self, page, **more):
        """What the page's script does, or its button."""
        form = page.form
        assert form and form.method == "POST"
        return self.post(form.url, form.body, headers={"Referer": page.url}, **more)

    def follow(self, answer, limit=15):
        """Goes where an answer leads, as long as it leads on by itself."""
        history = [answer]
        while answer.location if answer.status in (301, 302, 303, 307, 308) else answer.hop:
            assert len(history) <= limit, "a redirect loop: " + " → ".join(a.url for a in history)
            answer = self.get(answer.location or answer.hop)
            history.append(answer)
        answer.history = history
        return answer

    def go(self, url, **more):
        """A navigation, all redirects followed."""
        return self.follow(self.get(url, **more))

    def log_in(self, url, user="zhangsan", connection=None):
        """Through the login page and the panel in it, scanned by `user`, to where the way leads."""
        return self.log_in_at(self.go(url), user, connection)

    def log_in_at(self, answer, user="zhangsan", connection=None):
        """The same, from where a navigation ended."""
        history = list(answer.history)
        assert answer.status == 200 and "/.menwei/login" in answer.url, f"no login page but {answer.status} {answer.url}: {answer.body[:300]!r}"
        start = answer.links(rf"/\.menwei/start/{connection}\?")[0] if connection else answer.frame
        web = self.get(start, headers={"Sec-Fetch-Dest": "iframe"} if not connection else None)
        assert web.status == 302, (web.status, web.body[:300])
        # What stands after # is the page's own.
        scanned = self.get(web.location.split("#")[0] + "&sim_user=" + user)
        assert scanned.status == 302, f"{user} could not scan: {scanned.status} {scanned.one('X-Simulator-Error')} {web.location}"
        answer = self.go(scanned.location)
        answer.history = history + [web, scanned] + answer.history
        return answer


def resolvable(host):
    """Whether this machine can look a name up by itself (browsers map test names on their own)."""
    try:
        return bool(socket.gethostbyname(host))
    except OSError:
        return False
