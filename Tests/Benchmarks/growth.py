"""What a request costs when there is more of everything: sites, rules, live sessions in the store."""
import os
import sqlite3

import proxy_cpu
from lab import Lab
from peers import menwei


def variants(sessions):
    """Name of each row, and how that gateway is started. The first is what the others are compared with."""
    def fill(path):
        add_sessions(path, sessions)

    return {
        "1 site, 3 rules, 1 session": {},
        "1,000 sites": {"sites": 1000},
        "500 rules, of which the last matches": {"rules": 499},
        f"{sessions:,} live sessions": {"between": fill},
    }


def measure(seconds, rounds, sessions):
    """Microseconds of CPU time per request."""
    with Lab() as lab:
        peers = []
        for name, how in variants(sessions).items():
            peers.append(menwei.start(lab, **how))
            peers[-1].name = name
        return proxy_cpu.measure(peers, seconds, rounds)


def add_sessions(path, count):
    """Copies of the one session that is there, each with an identity and cookies of its own, as the gateway's own statements would have put them."""
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA synchronous=OFF")
        columns = [row[1] for row in store.execute("PRAGMA table_info(sessions)")]
        template = dict(zip(columns, store.execute("SELECT * FROM sessions ORDER BY id LIMIT 1").fetchone()))
        hosts = [row[0] for row in store.execute("SELECT host FROM cookies WHERE session = ?", (template["id"],))]
        first = store.execute("SELECT max(id) FROM sessions").fetchone()[0] + 1

        def rows():
            for number in range(first, first + count):
                account = f"user{number}"
                # Later, by less than a second each: upkeep finds nothing to do during the run.
                yield [{"id": number, "sid": f"bench-{number:016d}", "account": account, "account_key": account, "user": account, "user_key": account}
                       .get(column, template[column]) for column in columns]

        store.executemany(f"INSERT INTO sessions ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows())
        cookies = ((os.urandom(32), number, host) for number in range(first, first + count) for host in hosts)
        store.executemany("INSERT INTO cookies (hash, session, host) VALUES (?, ?, ?)", cookies)
    store.close()
