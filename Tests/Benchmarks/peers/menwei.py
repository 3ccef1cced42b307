"""The gateway itself, doing all it does in earnest: a real session of a login through the simulator, hygiene, assertion, access record."""
import json
import os
import subprocess
import tempfile
import urllib.parse
import urllib.request

from lab import HOST, MENWEI, PAGE, Missing, Peer, free_port

NAME = "Menwei, session and assertion"
#: What a site's rules commonly look like.
RULES = ["{ path: /public/*, allow: anyone }", "{ path: /admin/*, allow: { users: [lisi] } }"]


def start(lab, sites=1, rules=len(RULES), between=None, wrapper=(), environment=None, binary=None, more_logins=False):
    """`sites` and `rules` are how many there are; `between` is called with the store's path between two runs; `wrapper` is a command
    around it; `binary` another executable than the one under test, for which `version` speaks; `more_logins` keeps the
    simulator running."""
    if not os.access(MENWEI, os.X_OK):
        raise Missing(f"no executable {MENWEI}: build a release, or name one in MENWEI_BIN")
    port, simulator = free_port(), free_port()
    folder = lab.folder / f"menwei-{port}"
    folder.mkdir()
    configuration = lab.file(f"{folder.name}/menwei.yaml", _configuration(lab, port, simulator, sites, rules))
    world = lab.start([MENWEI, "simulator", "--listen", f"127.0.0.1:{simulator}"], core="1")
    lab.wait_port(simulator)
    _trust(simulator, port)

    def run(command):
        process = lab.start([*command, binary or MENWEI, "run", "--config", configuration], output=f"{folder.name}/log", env={**os.environ, **(environment or {})})
        lab.wait_port(port, 60)
        return process

    process = run(() if between else wrapper)
    cookie = log_in(port)
    if between:
        lab.stop(process)
        between(folder / "menwei.db")
        process = run(wrapper)
    if not more_logins:
        lab.stop(world)
    version = lab.run([MENWEI, "version"]).split("\n")[0].removeprefix("menwei ")
    return Peer(NAME, port, process, [f"cookie: app=1; __Host-menwei={cookie}; theme=dark"], version)


def _configuration(lab, port, simulator, sites, rules):
    written = [f"{{ path: /rule-{n}/*, allow: {{ users: [lisi] }} }}" for n in range(rules - len(RULES))] + RULES[:rules]
    access = ", ".join([*written, "{ allow: members }"])
    others = "\n".join(
        f'  - {{ id: other-{n}, origin: "https://other-{n}.localhost:{port}", upstream: "http://127.0.0.1:{lab.upstream}" }}' for n in range(1, sites))
    return f"""
listen: {{ https: ["127.0.0.1:{port}"], operations: "127.0.0.1:{free_port()}" }}
tls: {{ certificates: [ {{ certificate: {lab.certificate}, key: {lab.key} }} ], minimum_version: "1.3" }}
auth: {{ origin: "https://auth.localhost:{port}" }}
connections:
  - {{ id: corp, type: wecom, name: WeCom, corp_id: ww0123456789abcdef, agent_id: 1000002, secret: simulator-secret,
      endpoints: {{ api: "http://127.0.0.1:{simulator}", authorize: "http://127.0.0.1:{simulator}/connect/oauth2/authorize",
                   web_login: "http://127.0.0.1:{simulator}/wwlogin/sso/login" }} }}
sites:
  - {{ id: wiki, origin: "https://{HOST}:{port}", upstream: "http://127.0.0.1:{lab.upstream}", access: [ {access} ] }}
{others}
sessions: {{ store: "sqlite:menwei.db" }}
signing: {{ keys: keys }}
"""


def _trust(simulator, port):
    body = json.dumps({"domains": [f"auth.localhost:{port}"]}).encode()
    urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{simulator}/_simulator/trusted-domains", body, {"Content-Type": "application/json"})).read()


def log_in(port):
    """Silently, as inside WeCom; curl resolves *.localhost by itself. Returns the value of the site's session cookie."""
    target = urllib.parse.quote(f"https://{HOST}:{port}{PAGE}", safe="")
    with tempfile.NamedTemporaryFile() as jar:
        subprocess.run(["curl", "-skL", "-o", "/dev/null", "-c", jar.name, "-b", jar.name, "-A", "wxwork/4.1.39 MicroMessenger/7.0.1",
                        f"https://auth.localhost:{port}/.menwei/start/corp?return={target}"], check=True)
        for line in open(jar.name):
            fields = line.split()
            if len(fields) >= 7 and fields[5] == "__Host-menwei":
                return fields[6]
    raise Missing("the login did not give a session")
