"""What changes without a reload: certificates, and the keys in the shared folder."""
import base64
import datetime
import hashlib
import json
import os
import re
import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.browser import Browser
from harness.raw import RawConnection
from harness.reloading import reload, reloaded
from harness.waiting import wait_for


def shown(gateway, host="wiki.test"):
    """The serial number of the certificate that a new handshake shows."""
    with RawConnection(gateway.port, host, ca=gateway.ca) as raw:
        return x509.load_der_x509_certificate(raw.socket.getpeercert(binary_form=True)).serial_number


def serial(path):
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


def expiry(gateway):
    return [value for name, value in gateway.metrics().items() if name.startswith("menwei_certificate_expiry_timestamp_seconds")]


def gauges(gateway):
    """Name → time, of the lines themselves: a name that stood twice would be malformed for whoever scrapes."""
    text = gateway.operations("/metrics")[2]
    found = re.findall(r'^menwei_certificate_expiry_timestamp_seconds\{name="([^"]*)"\} (\S+)$', text, re.M)
    assert found and len({name for name, _ in found}) == len(found), found
    return {name: float(value) for name, value in found}


def ends(chain):
    return x509.load_pem_x509_certificate(chain.read_bytes()).not_valid_after_utc.timestamp()


class Live:
    """Certificates as certbot or Kubernetes lay them down: files of a folder, reached by a link that is pointed elsewhere."""

    def __init__(self, folder, authority):
        self.folder, self.authority, self.number = folder, authority, 0
        self.names = ["auth.test", "wiki.test"]
        self.renew()

    def make(self, days=60):
        self.number += 1
        version = self.folder / f"v{self.number}"
        version.mkdir(parents=True)
        chain, key = self.authority.issue(f"live-{self.folder.name}-{self.number}", self.names, days)
        shutil.copy(chain, version / "fullchain.pem")
        shutil.copy(key, version / "privkey.pem")
        return version

    def point(self, version):
        link = self.folder / "new"
        link.symlink_to(version.name)
        os.replace(link, self.folder / "live")

    def renew(self, days=60):
        version = self.make(days)
        self.point(version)
        return serial(version / "fullchain.pem")


@pytest.fixture
def live(workspace, authority, tmp_path):
    return Live(tmp_path / "certificates", authority)


@pytest.fixture
def own(make_gateway, upstream, live):
    def use(configuration):
        configuration["tls"]["certificates"] = [{"certificate": str(live.folder / "live/fullchain.pem"), "key": str(live.folder / "live/privkey.pem")}]
    return make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base], "access": [{"allow": "anyone"}]}], use)


def ask(raw, gateway):
    raw.send(f"GET /x HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
    return raw.response().status


def test_a_certificate_behind_a_link_that_moves_is_shown_by_the_next_handshakes(own, live):
    first = shown(own)
    before = expiry(own)
    with RawConnection(own.port, "wiki.test", ca=own.ca) as kept:
        assert ask(kept, own) == 200
        second = live.renew(days=80)
        wait_for(lambda: shown(own) == second, what="the new certificate")
        assert first != second
        assert ask(kept, own) == 200
    assert expiry(own)[0] > before[0] + 10 * 86400
    # The files themselves are exchanged.
    version = live.make()
    for name in ("fullchain.pem", "privkey.pem"):
        os.replace(version / name, live.folder / "live" / name)
    wait_for(lambda: shown(own) == serial(live.folder / "live/fullchain.pem"), what="the new certificate")


def test_a_faulty_pair_keeps_the_old_one_and_is_told_once(own, live):
    first = shown(own)
    other = live.make()

    def told():
        return [json.loads(line) for line in own.process.err if line.startswith("{") and "file not taken" in line]
    # A key that does not belong to the certificate.
    mixed = live.make()
    shutil.copy(other / "privkey.pem", mixed / "privkey.pem")
    live.point(mixed)
    wait_for(told, what="a diagnostic")
    for _ in range(3):
        assert shown(own) == first
    live.point(other)
    wait_for(lambda: shown(own) == serial(other / "fullchain.pem"), what="the good pair")
    assert len(told()) == 1 and told()[0]["path"].endswith("fullchain.pem")
    # Gone altogether: what is in memory serves on.
    os.unlink(live.folder / "live")
    wait_for(lambda: len(told()) == 2, what="a diagnostic")
    assert shown(own) == serial(other / "fullchain.pem")


def test_a_refused_reload_leaves_new_certificates_their_way(own, live):
    second = live.renew()
    taken, _ = reload(own, lambda c: c.update(nonsense=1))
    assert not taken
    wait_for(lambda: shown(own) == second, what="the new certificate")
    third = live.renew()
    reloaded(own, lambda c: c.pop("nonsense"))
    assert shown(own) == third


# Keys

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def write_key(folder, created, mode=0o600):
    """A key as another machine's rotation lays it down; its kid."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    x, y = (base64url(n.to_bytes(32, "big")) for n in (point.x, point.y))
    kid = base64url(hashlib.sha256(f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()).digest())
    file = folder / f"{created:%Y%m%dT%H%M%SZ}-{kid}.pem"
    temporary = folder / "tmp"
    temporary.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    temporary.chmod(mode)
    temporary.rename(file)
    return kid, file


def now(**ago):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**ago)


def published(gateway):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /.menwei/jwks.json HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
        return [key["kid"] for key in json.loads(raw.response().body)["keys"]]


def signer(gateway, browser, upstream):
    upstream.clear()
    assert browser.call(gateway.origin("wiki.test") + "/x").status == 200
    head = upstream.last().one("X-Menwei-Assertion").split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def test_a_key_of_another_machine_is_published_at_once_and_signs_when_its_time_comes(make_gateway, upstream):
    own = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(own)
    assert browser.log_in(own.origin("wiki.test") + "/").status == 200
    folder = own.folder / "keys"
    (first,) = published(own)
    assert signer(own, browser, upstream) == first
    # Made just now (two seconds on, since the first may be of this second): it does not sign for ten minutes yet.
    young, young_file = write_key(folder, now(seconds=-2))
    wait_for(lambda: published(own) == [first, young], what="the new key")
    assert signer(own, browser, upstream) == first
    # Made eleven minutes ago: it signs, and the first is still published.
    old, _ = write_key(folder, now(minutes=11))
    first_file = next(folder.glob(f"*{first}.pem"))
    os.rename(first_file, folder / f"{now(hours=1):%Y%m%dT%H%M%SZ}-{first}.pem")
    wait_for(lambda: sorted(published(own)) == sorted([first, old, young]), what="the older key")
    wait_for(lambda: signer(own, browser, upstream) == old, what="the older key to sign")
    assert own.record("key_rotated")
    # Withdrawn.
    young_file.unlink()
    wait_for(lambda: young not in published(own), what="the key to go")
    reloaded(own)
    assert sorted(published(own)) == sorted([first, old]) and signer(own, browser, upstream) == old


def test_whatever_becomes_of_the_folder_the_gateway_serves_on(make_gateway, upstream):
    own = make_gateway([{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}])
    browser = Browser(own)
    assert browser.log_in(own.origin("wiki.test") + "/").status == 200
    folder = own.folder / "keys"
    (first,) = published(own)
    broken, file = write_key(folder, now(hours=1))
    file.write_text("nonsense")
    wait_for(lambda: any("file not taken" in line for line in own.process.err), what="a diagnostic")
    assert published(own) == [first] and signer(own, browser, upstream) == first
    shutil.rmtree(folder)
    wait_for(lambda: any("no key any more" in line for line in own.process.err), what="a diagnostic")
    assert published(own) == [first] and signer(own, browser, upstream) == first


def test_certificates_of_one_name_have_one_gauge_the_first_to_expire(make_gateway, upstream, authority, tmp_path):
    """Two for the same names, as an RSA and an ECDSA one are, and one for another name."""
    names = ["auth.test", "wiki.test"]
    made = [authority.issue(f"gauge-{tmp_path.name}-{days}", names if days < 50 else ["app.test"], days) for days in (40, 20, 55)]
    gateway = make_gateway(
        [{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}, {"id": "app", "host": "app.test", "upstreams": [upstream.base]}],
        lambda c: c["tls"].update(certificates=[{"certificate": str(chain), "key": str(key)} for chain, key in made]))
    assert gauges(gateway) == {"auth.test": ends(made[1][0]), "app.test": ends(made[2][0])}
    # The one that would have expired first is renewed: now it is the other.
    chain, key = authority.issue(f"gauge-{tmp_path.name}-fresh", names, 80)
    fresh = ends(chain)
    os.replace(key, made[1][1])
    os.replace(chain, made[1][0])
    wait_for(lambda: gauges(gateway)["auth.test"] == ends(made[0][0]), 20, "the gauge to tell of the other one", every=0.2)
    assert fresh > ends(made[0][0]) and gauges(gateway)["app.test"] == ends(made[2][0])
