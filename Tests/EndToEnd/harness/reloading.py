"""A configuration that changes while the gateway serves."""
import signal


def reload(gateway, change=None):
    """Changes the configuration, asks for a reload and waits for its end: whether it was taken, and the faults."""
    if change:
        change(gateway.configuration)
        gateway.write()
    at = len(gateway.process.err)
    gateway.process.signal(signal.SIGHUP)
    last = gateway.process.wait_line(lambda line: line in ("menwei: reloaded", "menwei: reload refused"), start=at)
    said = [line for line in gateway.process.err[at:] if not line.startswith("{") and ": warning: " not in line]
    return last == "menwei: reloaded", said[:said.index(last)]


def reloaded(gateway, change=None):
    """The same, where nothing else will do."""
    taken, said = reload(gateway, change)
    assert taken, said
