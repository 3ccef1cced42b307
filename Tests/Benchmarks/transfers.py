"""10 MiB up and down: MiB per second of the gateway's CPU."""
import load
from load import HTTP1, HTTP2
from table import Rounds

SIZE = 10  # MiB
#: Few at once: bodies are long.
SHAPES = {HTTP1: ["--h1", "-c", "4"], HTTP2: ["-c", "2", "-m", "2"]}
COLUMNS = [(direction, protocol) for direction in ("download", "upload") for protocol in (HTTP1, HTTP2)]


def measure(lab, peers, count, rounds):
    """MiB per CPU second."""
    body = lab.folder / "www/10m"
    result = Rounds(peers, COLUMNS)
    for _ in range(rounds):
        for direction, protocol in COLUMNS:
            for peer in peers:
                result.take(peer, (direction, protocol), lambda: per_cpu_second(peer, direction, protocol, count, body))
    return result


def per_cpu_second(peer, direction, protocol, count, body):
    before = peer.cpu_seconds()
    if direction == "upload":
        load.h2load(peer, count, SHAPES[protocol], "/upload", ["-d", body])
    else:
        load.h2load(peer, count, SHAPES[protocol], "/10m")
    return count * SIZE / (peer.cpu_seconds() - before)
