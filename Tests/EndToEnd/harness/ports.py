"""Free TCP ports on the loopback interface."""
import fcntl
import os
import socket
import tempfile
from pathlib import Path

#: A process takes ports by the block, and nobody else's tests take any of that block while it lives: not what runs beside it under pytest-xdist, and not
#: another run. A gateway that is stopped finds its port again when it is started.
BLOCK = 200
LOWEST, HIGHEST = 10_240, 65_000


def _blocks():
    """Where blocks begin, outside of what the system gives to connections: of those a port that is free now may be some client's in a moment."""
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    every = range(LOWEST, HIGHEST - BLOCK, BLOCK)
    outside = [begin for begin in every if begin + BLOCK <= first or begin > last]
    # Where the system leaves next to nothing, there is nothing to choose.
    return outside if len(outside) >= 20 else list(every)


_held = []
_ports = iter(())


def _take_block():
    """The next block that nobody has; the system lets go of it with the process."""
    folder = Path(tempfile.gettempdir()) / f"menwei-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    taken = {begin for begin, _ in _held}
    for begin in _blocks():
        if begin in taken:
            continue
        file = open(folder / str(begin), "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        _held.append((begin, file))
        return range(begin, begin + BLOCK)
    assert _held, "other runs have all the ports"
    # All of them were given out once, and most are free again: from the first block on.
    _held.append(_held.pop(0))
    return range(_held[-1][0], _held[-1][0] + BLOCK)


def free_port():
    """A port that nobody listens on, and not given out before in this run as long as there are others."""
    global _ports
    while True:
        for port in _ports:
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        _ports = iter(_take_block())
