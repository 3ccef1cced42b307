"""Free TCP ports on the loopback interface."""
import random
import socket

#: Below those that the system gives to connections: of those one that is free now may be some client's in a moment.
_LOWEST = 10_240
with open("/proc/sys/net/ipv4/ip_local_port_range") as _range:
    _HIGHEST = max(_LOWEST + 2_000, int(_range.read().split()[0]))
#: Runs beside each other begin at different places.
_next = random.SystemRandom().randrange(_LOWEST, _HIGHEST)


def free_port():
    """A port that nobody listens on, not given out before in this run."""
    global _next
    while True:
        port = _next
        _next = _next + 1 if _next + 1 < _HIGHEST else _LOWEST
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
