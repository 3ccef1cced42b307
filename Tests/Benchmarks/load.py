"""Load by h2load: always from the other core, always with what a browser sends."""
import re
import subprocess

from lab import HOST, LOAD_CORE, PAGE
from table import PeerFailed

BROWSER = ["user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36",
           "accept: text/html,application/xhtml+xml", "accept-language: zh-CN,zh;q=0.9", "accept-encoding: gzip, br"]
HTTP1, HTTP2 = "HTTP/1.1", "HTTP/2"
#: Connections, and streams on each.
SHAPES = {HTTP1: ["--h1", "-c", "64"], HTTP2: ["-c", "16", "-m", "16"]}


def h2load(peer, requests, shape, path=PAGE, more=(), scheme="https"):
    """Sends `requests` requests, each of which must be answered with 2xx. Returns h2load's summary."""
    command = ["taskset", "-c", LOAD_CORE, "h2load", "-n", str(requests), "-t", "1", f"--connect-to=127.0.0.1:{peer.port}", *shape, *map(str, more)]
    for header in [*peer.headers, *BROWSER]:
        command += ["-H", header]
    command.append(f"{scheme}://{HOST}:{peer.port}{path}")
    out = subprocess.run(command, capture_output=True, text=True).stdout
    good = re.search(r"(\d+) 2xx", out)
    if not good or int(good.group(1)) != requests:
        raise PeerFailed(f"{peer.name}: only {good.group(1) if good else 0} of {requests} answers were 2xx")
    return out


def cpu_per_request(peer, requests, protocol, path=PAGE):
    """CPU seconds of the gateway."""
    before = peer.cpu_seconds()
    h2load(peer, requests, SHAPES[protocol], path)
    return (peer.cpu_seconds() - before) / requests


def requests_for(peer, seconds, protocol):
    """How many requests keep the gateway's core busy for so many seconds. Warms it, too."""
    cpu_per_request(peer, 2000, protocol)
    return max(1000, round(seconds / max(cpu_per_request(peer, 2000, protocol), 1e-6)))
