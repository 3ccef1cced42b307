"""TLS 1.3 handshakes per second of the gateway's CPU: full ones, and ones that resume an earlier session by its ticket.

The client is Python's ssl, which is slow, and that does not matter: only the gateway's CPU time counts. Accepting and closing the connection are in it.
"""
import socket
import ssl
import threading

from lab import HOST
from table import PeerFailed, Rounds

FULL, RESUMED = "full", "resumed"


def measure(peers, count, rounds):
    """Handshakes per CPU second."""
    result = Rounds(peers, (FULL, RESUMED))
    for _ in range(rounds):
        for kind in (FULL, RESUMED):
            for peer in peers:
                result.take(peer, kind, lambda: per_cpu_second(peer, count, kind == RESUMED))
    return result


def per_cpu_second(peer, count, resumed, threads=16):
    context = ssl._create_unverified_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    sessions = [ticket(peer, context) if resumed else None for _ in range(threads)]
    wrong = []

    def some(session):
        for _ in range(count // threads):
            try:
                if shake(peer, context, session) != resumed:
                    wrong.append("a handshake was not resumed" if resumed else "a handshake was resumed")
            except OSError as error:
                wrong.append(str(error))

    workers = [threading.Thread(target=some, args=(session,)) for session in sessions]
    before = peer.cpu_seconds()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    used = peer.cpu_seconds() - before
    if wrong:
        raise PeerFailed(f"{peer.name}: {len(wrong)} of {count} handshakes went wrong: {wrong[0]}")
    return count // threads * threads / used


def connect(peer, context, session=None):
    plain = socket.create_connection(("127.0.0.1", peer.port), timeout=20)
    return context.wrap_socket(plain, server_hostname=HOST, session=session)


def shake(peer, context, session):
    """One handshake and an orderly end, for which it waits as long as most gateways take; some keep a connection a second. Whether it was resumed."""
    with connect(peer, context, session) as connection:
        reused = connection.session_reused
        connection.settimeout(0.05)
        try:
            connection.unwrap().close()
        except (ssl.SSLError, OSError):
            pass  # it closed without saying so, or not yet
        return reused


def ticket(peer, context):
    """What resumes a session: in TLS 1.3 it comes after the handshake, here before the answer to a request."""
    with connect(peer, context) as connection:
        fields = "".join(f"{header}\r\n" for header in peer.headers)
        connection.sendall(f"GET /1k HTTP/1.1\r\nHost: {HOST}:{peer.port}\r\n{fields}\r\n".encode())
        if not connection.recv(65536).startswith(b"HTTP/1.1 2"):
            raise PeerFailed(f"{peer.name} did not answer")
        return connection.session
