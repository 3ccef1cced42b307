"""One request on a connection of its own, byte for byte."""
from .raw import RawConnection


def ask(gateway, target, *fields, method="GET", host="wiki.test", body=b"", version="1.1"):
    """`target` and `fields` may be text (Latin-1) or bytes; the answer is read whole."""
    def encoded(text):
        return text if isinstance(text, bytes) else text.encode("latin-1")

    lines = [method.encode() + b" " + encoded(target) + f" HTTP/{version}".encode(), f"Host: {host}:{gateway.port}".encode(), *map(encoded, fields)]
    with RawConnection(gateway.port, host, ca=gateway.ca) as raw:
        raw.try_send(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        return raw.response(method)


def cookie(browser, host="wiki.test"):
    """The field that shows a logged-in browser's session."""
    return f"Cookie: __Host-menwei={browser.cookie(host)}"
