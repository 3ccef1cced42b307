"""Everybody may begin any number of logins; the store keeps a bounded number of them."""
import threading

import pytest

from harness.browser import Browser
from harness.raw import RawConnection

# A store keeps 100,000 of them (`OneTimeBounds`).
ENOUGH = 100_500
AT_ONCE = 500


def begin_many(gateway, source, count):
    """Pipelined; of an answer no more is looked at than that it leads to WeCom."""
    request = f"GET /.menwei/start/corp?return={gateway.origin('wiki.test')}/ HTTP/1.1\r\nHost: auth.test:{gateway.port}\r\n\r\n".encode()
    mark = b"HTTP/1.1 302"
    with RawConnection(gateway.port, "auth.test", timeout=60, source=source) as raw:
        for _ in range(count // AT_ONCE):
            raw.send(request * AT_ONCE)
            seen, tail = 0, b""
            while seen < AT_ONCE:
                got = raw.socket.recv(1 << 18)
                assert got, "the connection was closed"
                piece = tail + got
                seen += piece.count(mark)
                tail = piece[-(len(mark) - 1):]
            assert seen == AT_ONCE


@pytest.mark.timeout(300)
def test_who_begins_too_many_logins_loses_only_their_own(make_gateway, upstream):
    gateway = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(gateway)
    page = browser.go(gateway.origin("wiki.test") + "/x?y=1")
    at_wecom = browser.get(page.frame)
    assert at_wecom.status == 302
    threads = [threading.Thread(target=begin_many, args=(gateway, "127.0.0.2", ENOUGH // 2)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scanned = browser.get(at_wecom.location.split("#")[0] + "&sim_user=zhangsan")
    assert scanned.status == 302
    answer = browser.go(scanned.location)
    assert answer.status == 200 and answer.url.endswith("/x?y=1")
