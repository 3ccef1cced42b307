"""The keys that sign: algorithms, rotation by itself, by hand and after a theft, several gateways with one folder."""
import base64
import datetime
import hashlib
import json
import os
import re
import stat
import subprocess
import threading
import time

import jwt
import pytest

from harness.browser import Browser
from harness.raw import RawConnection
from harness.reloading import reloaded
from harness.waiting import wait_for
from test_renewal import now, published, signer, write_key

ALGORITHMS = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"), "RS256": ("RSA", None)}
NAME = re.compile(r"\d{8}T\d{6}Z-([\w-]{43})\.pem")


def site(upstream):
    return [{"id": "wiki", "host": "wiki.test", "upstreams": [upstream.base]}]


def signing(**settings):
    return lambda configuration: configuration.update(signing=settings)


def key_set(gateway):
    with RawConnection(gateway.port, "wiki.test", ca=gateway.ca) as raw:
        raw.send(f"GET /.menwei/jwks.json HTTP/1.1\r\nHost: wiki.test:{gateway.port}\r\n\r\n".encode())
        return json.loads(raw.response().body)["keys"]


def keys(gateway, *arguments, status=0):
    done = subprocess.run([gateway.binary, "keys", "--config", gateway.file, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def listed(gateway):
    """kid → state; what the columns say is what the lines of JSON say."""
    entries = [json.loads(line) for line in keys(gateway, "list", "--json").splitlines()]
    assert all(list(entry) == ["kid", "algorithm", "state", "created"] for entry in entries)
    head, *rows = (line.split() for line in keys(gateway, "list").splitlines())
    assert head == ["kid", "algorithm", "state", "created"] and rows == [list(entry.values()) for entry in entries]
    return {entry["kid"]: entry["state"] for entry in entries}


def logged_in(gateway):
    browser = Browser(gateway)
    assert browser.log_in(gateway.origin("wiki.test") + "/").status == 200
    return browser


def token(gateway, browser, upstream):
    upstream.clear()
    assert browser.call(gateway.origin("wiki.test") + "/x").status == 200
    return upstream.last().one("X-Menwei-Assertion")


def decode(gateway, text, keys):
    head = jwt.get_unverified_header(text)
    key = next(k for k in jwt.PyJWKSet.from_dict({"keys": keys}).keys if k.key_id == head["kid"])
    return head, jwt.decode(text, key.key, algorithms=[head["alg"]], issuer=gateway.auth, audience=gateway.origin("wiki.test"))


def files(gateway):
    return sorted(f for f in (gateway.folder / "keys").iterdir() if NAME.fullmatch(f.name))


def backdate(file, **ago):
    """The key is as if it had been made so long ago."""
    there = file.parent / f"{now(**ago):%Y%m%dT%H%M%SZ}{file.name[16:]}"
    os.rename(file, there)
    return there


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_assertions_are_signed_as_configured_and_verify_with_the_published_key(make_gateway, upstream, algorithm):
    own = make_gateway(site(upstream), signing(algorithm=algorithm))
    (key,) = key_set(own)
    kind, curve = ALGORITHMS[algorithm]
    assert (key["kty"], key.get("crv"), key["alg"], key["use"]) == (kind, curve, algorithm, "sig") and not set(key) & set("dpq")
    required = json.dumps({n: key[n] for n in key if n in ("crv", "e", "kty", "n", "x", "y")}, separators=(",", ":"), sort_keys=True)
    assert key["kid"] == base64.urlsafe_b64encode(hashlib.sha256(required.encode()).digest()).decode().rstrip("=")
    (file,) = files(own)
    assert NAME.fullmatch(file.name)[1] == key["kid"] and stat.S_IMODE(file.stat().st_mode) == 0o600 and b"BEGIN PRIVATE KEY" in file.read_bytes()
    head, claims = decode(own, token(own, logged_in(own), upstream), [key])
    assert head == {"alg": algorithm, "typ": "JWT", "kid": key["kid"]} and claims["sub"] == "zhangsan"
    assert listed(own) == {key["kid"]: "signing"}


def test_another_algorithm_comes_in_with_the_same_overlap(make_gateway, upstream):
    own = make_gateway(site(upstream))
    browser = logged_in(own)
    (first,) = published(own)
    old = backdate(files(own)[0], days=2)
    reloaded(own, signing(algorithm="EdDSA"))
    wait_for(lambda: len(published(own)) == 2, what="a key for EdDSA")
    assert {key["kid"]: key["alg"] for key in key_set(own)}[first] == "ES256"
    assert signer(own, browser, upstream) == first
    (new,) = set(published(own)) - {first}
    assert listed(own) == {first: "signing", new: "next"}
    # Ten minutes later.
    backdate(next(f for f in files(own) if f != old), minutes=11)
    wait_for(lambda: signer(own, browser, upstream) == new, what="the new key to sign")
    head, _ = decode(own, token(own, browser, upstream), key_set(own))
    assert head["alg"] == "EdDSA" and set(published(own)) == {first, new}
    assert listed(own) == {first: "previous", new: "signing"}
    # A reload that changes nothing makes no further key.
    reloaded(own)
    assert signer(own, browser, upstream) == new and len(files(own)) == 2


def test_with_zero_another_rotates_and_check_says_what_is_not_made(make_gateway, upstream):
    own = make_gateway(site(upstream), signing(rotate_every="0s"))
    backdate(files(own)[0], days=400)
    reloaded(own, signing(rotate_every="0s", algorithm="EdDSA"))
    done = subprocess.run([own.binary, "check", "--config", own.file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "the newest key is for ES256" in done.stderr
    # Time has to pass in which nothing comes: the watch looks once a second.
    seen = own.metrics()["menwei_config_loaded_timestamp_seconds"]
    wait_for(lambda: time.time() > seen + 5, what="some looks")
    assert len(files(own)) == 1 and len(published(own)) == 1


def test_of_several_gateways_with_one_folder_one_makes_the_key_that_is_due(make_gateway, upstream, tmp_path):
    folder = tmp_path / "keys"
    first = make_gateway(site(upstream), signing(keys=str(folder), rotate_every="30d"))
    (kid,) = published(first)
    others = [make_gateway(site(upstream), signing(keys=str(folder), rotate_every="30d")) for _ in range(2)]
    assert all(published(other) == [kid] for other in others)
    (file,) = (f for f in folder.iterdir() if NAME.fullmatch(f.name))
    backdate(file, days=31)
    gateways = [first, *others]
    wait_for(lambda: all(len(published(g)) == 2 for g in gateways), 30, "a new key")
    assert len({tuple(published(g)) for g in gateways}) == 1 and len([f for f in folder.iterdir() if NAME.fullmatch(f.name)]) == 2
    assert listed(first)[kid] == "signing"


def test_where_no_key_can_be_made_it_is_said_and_the_old_one_signs_on(make_gateway, upstream):
    own = make_gateway(site(upstream))
    browser = logged_in(own)
    (first,) = published(own)
    (own.folder / "keys/.lock").unlink()
    (own.folder / "keys/.lock").mkdir()
    backdate(files(own)[0], days=31)
    wait_for(lambda: any("no new signing key" in line for line in own.process.err), what="a diagnostic")
    assert published(own) == [first] and signer(own, browser, upstream) == first
    assert "cannot open" in keys(own, "rotate", status=1)


def test_a_key_that_others_may_read_is_used_and_told_of(make_gateway, upstream):
    own = make_gateway(site(upstream))
    kid, file = write_key(own.folder / "keys", now(seconds=-2))
    wait_for(lambda: kid in published(own), what="the key")
    other, file = write_key(own.folder / "keys", now(seconds=-3), mode=0o644)
    wait_for(lambda: any("others may read" in line for line in own.process.err), what="a diagnostic")
    assert other in published(own)


def test_rotating_by_hand_publishes_before_it_signs(make_gateway, upstream):
    own = make_gateway(site(upstream))
    browser = logged_in(own)
    (first,) = published(own)
    said = keys(own, "rotate")
    (new,) = set(listed(own)) - {first}
    assert said.startswith(f"{new} is published, and signs from ") and listed(own) == {first: "signing", new: "next"}
    wait_for(lambda: published(own) == [first, new], what="the new key")
    assert signer(own, browser, upstream) == first


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_after_a_theft_the_new_key_signs_at_once_and_the_old_ones_hold_no_longer(make_gateway, upstream, algorithm):
    own = make_gateway(site(upstream), signing(algorithm=algorithm))
    browser = logged_in(own)
    stolen = token(own, browser, upstream)
    decode(own, stolen, key_set(own))
    keys(own, "rotate")
    before = set(listed(own))
    assert len(before) == 2
    said = keys(own, "rotate", "--now").splitlines()
    (new,) = listed(own)
    assert said[0] == f"{new} signs at once" and {line.split()[0] for line in said[1:]} == before
    assert listed(own) == {new: "signing"}
    wait_for(lambda: published(own) == [new], what="the old keys to go")
    assert signer(own, browser, upstream) == new and own.record("key_rotated")
    with pytest.raises(StopIteration):
        decode(own, stolen, key_set(own))
    # The sealing key stays: sessions are readable on.
    own.stop()
    own.start()
    assert browser.call(own.origin("wiki.test") + "/x").status == 200 and published(own) == [new]


def test_the_first_key_can_be_made_beforehand(make_gateway, upstream):
    own = make_gateway(site(upstream), signing(algorithm="EdDSA"), start=False)
    assert keys(own, "list").split() == ["kid", "algorithm", "state", "created"] and not (own.folder / "keys").exists()
    said = keys(own, "rotate")
    ((kid, state),) = listed(own).items()
    assert said.startswith(kid) and state == "signing"
    own.start()
    assert published(own) == [kid]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives files away")
def test_what_the_superuser_makes_belongs_to_the_folders_owner(make_gateway, upstream):
    own = make_gateway(site(upstream))
    own.stop()
    for path in [own.folder / "keys", *(own.folder / "keys").iterdir()]:
        os.chown(path, 65534, 65534)
    keys(own, "rotate")
    assert len(files(own)) == 2 and {f.stat().st_uid for f in (own.folder / "keys").iterdir()} == {65534}


class Application:
    """Verifies as the README's examples do, and keeps the key set `kept` seconds without a look at whether it knows a key."""

    def __init__(self, gateway, kept):
        self.gateway, self.kept = gateway, kept
        self.lock, self.fetched, self.keys = threading.Lock(), float("-inf"), {}
        self.refused, self.signers = [], {}

    def __call__(self, exchange):
        text = exchange.request.one("X-Menwei-Assertion")
        with self.lock:
            if time.monotonic() - self.fetched > self.kept:
                self.keys = {key["kid"]: jwt.PyJWK(key) for key in key_set(self.gateway)}
                self.fetched = time.monotonic()
            known = self.keys
        kid = jwt.get_unverified_header(text)["kid"]
        try:
            jwt.decode(text, known[kid].key, algorithms=["ES256"], issuer=self.gateway.auth, audience=self.gateway.origin("wiki.test"), leeway=30)
            self.signers[kid] = self.signers.get(kid, 0) + 1
        except (KeyError, jwt.PyJWTError) as fault:
            self.refused.append(fault)
        exchange.respond(200)


def test_rotation_under_load_refuses_nobody(make_gateway, upstream):
    """T-18. Names say when a key was made, so that ten minutes can be twenty seconds; verifiers keep the set five seconds where they may keep it five minutes."""
    own = make_gateway(site(upstream), signing(lifetime="2s"))
    browser = logged_in(own)
    (first,) = published(own)
    backdate(files(own)[0], days=1)
    application = Application(own, kept=5)
    upstream.script("/load", application)
    stop = threading.Event()
    failed = []

    def ask():
        with RawConnection(own.port, "wiki.test", ca=own.ca, timeout=30) as raw:
            while not stop.is_set():
                raw.send(f"GET /load HTTP/1.1\r\nHost: wiki.test:{own.port}\r\nCookie: __Host-menwei={browser.cookie('wiki.test')}\r\n\r\n".encode())
                if raw.response().status != 200:
                    failed.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: application.signers.get(first, 0) > 50, 30, "a load")
        second, _ = write_key(own.folder / "keys", now(minutes=10) + datetime.timedelta(seconds=20))
        wait_for(lambda: second in published(own), what="the second key")
        keys(own, "rotate")
        wait_for(lambda: application.signers.get(second, 0) > 200, 60, "the second key to sign under load")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not application.refused and not failed
    assert set(application.signers) == {first, second}
