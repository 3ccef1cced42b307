"""Names under .test lead to this machine, as DNS of a company would lead to its gateway."""
import socket

_original = socket.getaddrinfo


def _getaddrinfo(host, *arguments, **more):
    return _original("127.0.0.1" if isinstance(host, str) and host.endswith(".test") else host, *arguments, **more)


socket.getaddrinfo = _getaddrinfo
