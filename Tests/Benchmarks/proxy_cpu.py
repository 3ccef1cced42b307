#!/usr/bin/env python3
"""CPU time per request of the gateway beside nginx as a plain TLS proxy, in the same run.

The gateway does everything it does in earnest: TLS 1.3, session check, hygiene, identity headers with the assertion, an access record.
nginx only terminates TLS and passes on. Both run on one core (taskset) with one worker; the load (h2load) and the upstream (nginx, 1 KiB from
memory) share the other. What counts is the ratio: these machines are noisy.

    Tests/Benchmarks/proxy_cpu.py [--requests N] [--rounds N]

Needs: nginx, nghttp2-client (h2load), openssl, util-linux (taskset); a release build of menwei (MENWEI_BIN names another).
"""
import argparse, contextlib, json, os, pathlib, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.parse, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
MENWEI = os.environ.get("MENWEI_BIN", str(ROOT / ".build/release/menwei"))
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(p) for p in out]


def wait_port(port):
    deadline = time.time() + 15
    while time.time() < deadline:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


class Peer:
    """A process under test: its name, its port, and the processes whose CPU time counts."""

    def __init__(self, name, port, process, headers=()):
        self.name, self.port, self.process, self.headers = name, port, process, list(headers)

    def pids(self):
        return [self.process.pid] + children(self.process.pid)


def nginx(folder, name, config, core):
    path = folder / f"{name}.conf"
    path.write_text(config)
    return subprocess.Popen(["taskset", "-c", str(core), "nginx", "-p", str(folder), "-c", str(path)], stderr=subprocess.DEVNULL)


def start_upstream(folder, port):
    (folder / "www").mkdir()
    (folder / "www/1k").write_bytes(b"x" * 1024)
    return nginx(folder, "upstream", f"""
daemon off; master_process off; pid {folder}/up.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/www; open_file_cache max=10; }} }}
""", 1)


def start_nginx(folder, port, upstream):
    process = nginx(folder, "proxy", f"""
daemon off; master_process off; pid {folder}/proxy.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{ access_log {folder}/access.log combined buffer=64k; keepalive_requests 100000000;
  upstream app {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} ssl http2 backlog=4096; http2_max_concurrent_streams 256;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;
    location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }} }} }}
""", 0)
    return Peer("nginx, plain TLS proxy", port, process)


def start_menwei(folder, port, upstream):
    simulator, operations = free_port(), free_port()
    (folder / "menwei.yaml").write_text(f"""
listen: {{ https: ["127.0.0.1:{port}"], operations: "127.0.0.1:{operations}" }}
tls: {{ certificates: [ {{ certificate: cert.pem, key: key.pem }} ], minimum_version: "1.3" }}
auth: {{ origin: "https://auth.localhost:{port}" }}
connections:
  - {{ id: corp, type: wecom, name: WeCom, corp_id: ww0123456789abcdef, agent_id: 1000002, secret: simulator-secret,
      endpoints: {{ api: "http://127.0.0.1:{simulator}", authorize: "http://127.0.0.1:{simulator}/connect/oauth2/authorize",
                   web_login: "http://127.0.0.1:{simulator}/wwlogin/sso/login" }} }}
sites:
  - {{ id: wiki, origin: "https://wiki.localhost:{port}", upstream: "http://127.0.0.1:{upstream}",
      access: [ {{ path: /public/*, allow: anyone }}, {{ path: /admin/*, allow: {{ users: [lisi] }} }}, {{ allow: members }} ] }}
sessions: {{ store: "sqlite:menwei.db" }}
signing: {{ keys: keys }}
""")
    sim = subprocess.Popen([MENWEI, "simulator", "--listen", f"127.0.0.1:{simulator}"], stderr=subprocess.DEVNULL)
    wait_port(simulator)
    body = json.dumps({"domains": [f"auth.localhost:{port}"]}).encode()
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{simulator}/_simulator/trusted-domains", body, {"Content-Type": "application/json"})).read()
    log = open(folder / "menwei.log", "w")
    process = subprocess.Popen(["taskset", "-c", "0", MENWEI, "run", "--config", str(folder / "menwei.yaml")], stdout=log, stderr=log)
    wait_port(port)
    cookie = log_in(port)
    sim.terminate()
    sim.wait()
    return Peer("menwei, session and assertion", port, process, [f"cookie: app=1; __Host-menwei={cookie}; theme=dark"])


def log_in(port):
    """Silently, as inside WeCom; curl resolves *.localhost by itself. Returns the value of the site's session cookie."""
    target = urllib.parse.quote(f"https://wiki.localhost:{port}/1k", safe="")
    with tempfile.NamedTemporaryFile() as jar:
        subprocess.run(["curl", "-skL", "-o", "/dev/null", "-c", jar.name, "-b", jar.name, "-A", "wxwork/4.1.39 MicroMessenger/7.0.1",
                        f"https://auth.localhost:{port}/.menwei/start/corp?return={target}"], check=True)
        for line in open(jar.name):
            fields = line.split()
            if len(fields) >= 7 and fields[5] == "__Host-menwei":
                return fields[6]
    sys.exit("the login did not give a session")


def measure(peer, requests, http2):
    shape = ["-c", "16", "-m", "16"] if http2 else ["--h1", "-c", "64"]
    command = ["taskset", "-c", "1", "h2load", "-n", str(requests), "-t", "1", f"--connect-to=127.0.0.1:{peer.port}", *shape]
    for header in peer.headers + ["user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36",
                                  "accept: text/html,application/xhtml+xml", "accept-language: zh-CN,zh;q=0.9", "accept-encoding: gzip, br"]:
        command += ["-H", header]
    before = cpu_seconds(peer.pids())
    out = subprocess.run(command + [f"https://wiki.localhost:{peer.port}/1k"], capture_output=True, text=True).stdout
    used = cpu_seconds(peer.pids()) - before
    good = int(re.search(r"(\d+) 2xx", out).group(1))
    if good != requests:
        sys.exit(f"{peer.name}: only {good} of {requests} answers were 2xx\n{out}")
    return used / requests * 1e6


@contextlib.contextmanager
def peers_beside_each_other():
    """nginx and the gateway with the same certificate before the same upstream; all of it is gone afterwards."""
    for tool in ("nginx", "h2load", "openssl", "taskset", "curl"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="menwei-bench-"))
    processes = []
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
                        "-addext", "subjectAltName=DNS:wiki.localhost,DNS:auth.localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                       check=True, stderr=subprocess.DEVNULL)
        upstream_port = free_port()
        processes.append(start_upstream(folder, upstream_port))
        wait_port(upstream_port)
        peers = []
        for start in (start_nginx, start_menwei):
            peers.append(start(folder, free_port(), upstream_port))
            processes.append(peers[-1].process)
            wait_port(peers[-1].port)
        yield peers
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=40)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--requests", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with peers_beside_each_other() as peers:
        rows = {peer.name: ([], []) for peer in peers}
        for _ in range(options.rounds):
            for peer in peers:
                for column, http2 in ((0, False), (1, True)):
                    rows[peer.name][column].append(measure(peer, options.requests, http2))
    base = [statistics.median(column) for column in rows[peers[0].name]]
    print("| µs CPU per request | HTTP/1.1, 64 connections | HTTP/2, 16 × 16 streams |")
    print("|---|---|---|")
    for name, columns in rows.items():
        cells = [f"{statistics.median(c):.1f} ({statistics.median(c) / b:.2f} ×)" for c, b in zip(columns, base)]
        print(f"| {name} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
