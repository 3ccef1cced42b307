"""Addresses that have led users of other gateways astray: families of what parsers have been found to read in two ways."""
from urllib.parse import quote

EVIL = "evil.test"

#: What may stand before a host so that a browser takes it for one.
SLASHES = [
    "", "/", "//", "///", "////", "\\", "\\\\", "/\\", "\\/", "/\\/", "//\\", "\\\\/", "/\\\\", "/./", "/.//", "/../", "/..//", "/.\\", "/..\\", "./", "../", ".//", "..//", "/;/", "/;//",
    "/%2f", "/%2F%2F", "%2f%2f", "/%5c", "%5c%5c", "/%5C/", "/%252f", "/%09/", "/%0a/", "/%0d/", "/%0d%0a/", "/%00/", "/%20/", "/%2e/", "/%2e%2e/", "/%2e%2e//", "/.%2e/", "/..;/", "/..%2f", "/..%5c",
    "/\t/", "/\n/", "/\r/", "/\r\n/", "/\0/", "/\x0b/", "/\x0c/", "/ /", "\t//", "\n//", "\r//", " //", "\0//", "\x01//", "\x1f//", "\x7f//", "//\t", "//\n", "// ", "//\0", "@", "/@", "//@", "///@", "//%40", ":", "/:", "//:",
    "?//", "#//", "/?//", "/#//", "//?", "//#", "//:@", "//;@", "//a@", "//a:b@", "//%61@", "//[", "//.", "//..", "//-", "//_",
]
SCHEMES = [
    "http:", "https:", "HTTP:", "HTTPS:", "hTtPs:", "ftp:", "ws:", "wss:", "file:", "javascript:", "JaVaScRiPt:", "java\tscript:", "java\nscript:", "javascript%3a", "vbscript:", "data:", "blob:https:",
    "view-source:https:", "about:", "mailto:", "tel:", "intent:", "feed:", "x:", "//https:", "https%3a", "https;", "https :", "https\t:", " https:", "\thttps:", "\x01https:", "hhttps:", "https::", "https:https:", "http\u017f:",
]
AFTER_SCHEME = ["", "/", "//", "///", "////", "\\\\", "/\\", "\\/", "//\\", "/\t/", "%2f%2f", "//%09", "//@", "//;@"]
#: Characters that some parsers make into others (fullwidth, ideographic, mathematical), or do not see at all.
ODD = {
    "fullwidth-solidus": "\uff0f", "fraction-slash": "\u2044", "division-slash": "\u2215", "fullwidth-backslash": "\uff3c", "small-backslash": "\ufe68", "set-minus": "\u2216",
    "ideographic-stop": "\u3002", "halfwidth-stop": "\uff61", "fullwidth-stop": "\uff0e", "one-dot-leader": "\u2024", "vertical-kana": "\u3035", "fullwidth-colon": "\uff1a", "fullwidth-at": "\uff20",
    "fullwidth-hash": "\uff03", "fullwidth-question": "\uff1f", "account-of": "\u2100", "care-of": "\u2105", "zero-width": "\u200b", "joiner": "\u200d", "byte-order": "\ufeff", "soft-hyphen": "\u00ad",
    "right-to-left": "\u202e", "line-separator": "\u2028", "next-line": "\u0085", "no-break": "\u00a0", "ideographic-space": "\u3000", "sharp-s": "\u00df", "dotless-i": "\u0131", "kelvin": "\u212a", "fullwidth-e": "\uff45",
}


def payloads(ours):
    """Several hundred, each once. `ours`: host and port of a configured origin, as browsers write them."""
    host, _, port = ours.partition(":")
    found = [slashes + EVIL for slashes in SLASHES] + [slashes + EVIL + "/" + ours for slashes in SLASHES[:12]]
    found += [scheme + after + EVIL for scheme in SCHEMES for after in AFTER_SCHEME]
    found += [scheme + "alert(1)//" + ours for scheme in SCHEMES]
    found += [scheme + "//" + ours + "/" for scheme in SCHEMES if scheme != "https:"]
    # Who the user is and who the host.
    for user in (ours, host, f"{ours}:443", f"{host}:443", f"user:{ours}", f"{ours}%2f", f"{ours}%23", f"{ours}%3f", f"{ours}%5c", f"{ours}\\", f"{ours}&", f"{ours};", f"{ours}%00", f"{ours} ", f"{ours}\t", "", ":", "a:b", "%61"):
        found += [f"https://{user}@{EVIL}/", f"https://{user}%40{EVIL}/", f"//{user}@{EVIL}/", f"https:{user}@{EVIL}/"]
    for user in ("user", "user:pass", "", ":", "%75", EVIL, f"{EVIL}:443", f"{EVIL}\\", f"{EVIL}/", f"{EVIL}#", f"{EVIL}?"):
        found.append(f"https://{user}@{ours}/")
    # Names that begin or end as ours do.
    for name in (f"{ours}.{EVIL}", f"{host}.{EVIL}", f"{host}.{EVIL}:{port}", f"{host}{EVIL}", f"evil{ours}", f"{EVIL}.{ours}", f"{host}.:{port}", f".{ours}", f"{host}..:{port}", f"-{ours}", f"{host}%2e{EVIL}", f"{host}%00.{EVIL}",
                 f"{host}%09.{EVIL}", f"{host}%20.{EVIL}", f"{host}%2f.{EVIL}", f"{host}%5c.{EVIL}", f"{host}%23.{EVIL}", f"{host}%3f.{EVIL}", f"{host}\\.{EVIL}", f"{host};.{EVIL}", f"{host}&.{EVIL}", f"{host},{EVIL}", f"{host}!{EVIL}",
                 f"{host}$.{EVIL}", f"{host}'.{EVIL}", f"{host}(.{EVIL}", f"{host}*.{EVIL}", f"{host}+.{EVIL}", f"{host}=.{EVIL}", f"{host}~.{EVIL}", f"{host}_.{EVIL}", f"{host}|.{EVIL}", f"{host}^.{EVIL}", f"{host}`.{EVIL}", f"{host}{{.{EVIL}",
                 f"%77{ours[1:]}", f"*.{host}", f"[{host}]:{port}", f"[::1]:{port}", "[::ffff:127.0.0.1]", "127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1", "localhost", "0", "xn--evil-9ja.test"):
        found += [f"https://{name}/", f"//{name}/"]
    # Ports.
    for other in ("", ":", ":0", ":1", ":80", ":443", f":0{port}", f":{port}0", f":+{port}", f":-{port}", f": {port}", f":{port} ", f":{port}a", f":{port}.", f":{int(port) + 65536}", f":0x{int(port):x}", f":{port}:{port}", f":{port}@{EVIL}", f"::{port}"):
        found += [f"https://{host}{other}/", f"https://{host}{other}"]
    # Where the host ends.
    for mark in ("#", "?", "/", "\\", ";", ":", "%23", "%3f", "%2f", "%5c", "\t", "\n", "%09", "#@", "?@", "/@", "\\@", ";@", "%00@", "#.", "\\."):
        found += [f"https://{EVIL}{mark}{ours}/", f"//{EVIL}{mark}{ours}/", f"https://{EVIL}{mark}@{ours}/"]
    # Characters that are not what they look like.
    for odd in ODD.values():
        found += [f"/{odd}{EVIL}", f"/{odd}/{EVIL}", f"{odd}{odd}{EVIL}", f"https:{odd}{odd}{EVIL}", f"https://{ours}{odd}.{EVIL}/", f"https://{ours}{odd}@{EVIL}/", f"https://{odd}{ours}/", f"//{odd}{EVIL}", f"https://evil{odd}test/"]
    # The gateway's own paths, and lines of a head.
    for own in ("/.menwei/logout", "/.menwei/login?return=//evil.test", "/.menwei/callback/corp?code=a&state=b", "/.menwei/finish?ticket=x", "/.menwei", "/.menwei/", "/%2emenwei/logout", "/.%6denwei/logout", "/.MENWEI/logout", "//.menwei/logout",
                "/.menwei;x/logout", "/;x/.menwei/logout", "/x/../.menwei/logout", "/x/%2e%2e/.menwei/logout", "/x/..%2f.menwei/logout", "/./.menwei/logout", "/.menwei%2flogout", "/.menwei%5clogout", "/\t.menwei/logout", "/.menwei/home/../logout",
                "/.menwei/home/", "/.menwei/homes", "/.menwei/%68ome"):
        found += [own, f"https://{ours}{own}"]
    for line in ("\r\n", "\n", "\r", "%0d%0a", "%0a", "%0d", "\u560d\u560a", "%E5%98%8D%E5%98%8A"):
        found += [f"/{line}Location: https://{EVIL}/", f"https://{ours}/{line}Set-Cookie: a=b", f"https://{ours}{line}.{EVIL}/", f"{line}https://{EVIL}/"]
    return list(dict.fromkeys(found))


def spellings(payload):
    """As the value of a query parameter: as it is (where a request line can hold it), encoded once, encoded twice."""
    once = quote(payload, safe="")
    raw = payload.encode()
    if all(0x21 <= byte <= 0x7E and byte not in b"#&" for byte in raw):
        yield payload
    yield once
    yield quote(once, safe="")
