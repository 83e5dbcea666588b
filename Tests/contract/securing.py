"""The service over TLS with tokens of an identity provider, and certificates and keys that change while it runs."""

import json
import os
import re
import signal
import ssl
import subprocess
import time

import tokens
import wire
from commands import ends


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class SigningKey:
    """A key of an identity provider, made and used by the command openssl."""

    def __init__(self, path, algorithm, name):
        self.path, self.algorithm, self.name = path, algorithm, name
        kind = {
            "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            "EdDSA": ["ED25519"],
        }[algorithm]
        openssl("genpkey", "-out", path, "-algorithm", *kind)

    def public(self):
        """As a member of a JWK set."""
        found = {"kid": self.name, "alg": self.algorithm, "use": "sig"}
        if self.algorithm == "RS256":
            modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").split(b"=")[1].strip()
            return {**found, "kty": "RSA", "e": "AQAB", "n": tokens.encode(bytes.fromhex(modulus.decode()))}
        whole = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        if self.algorithm == "EdDSA":
            return {**found, "kty": "OKP", "crv": "Ed25519", "x": tokens.encode(whole[-32:])}
        return {**found, "kty": "EC", "crv": "P-256", "x": tokens.encode(whole[-64:-32]), "y": tokens.encode(whole[-32:])}

    def _signature(self, text):
        if self.algorithm != "EdDSA":
            signature = openssl("dgst", "-sha256", "-sign", self.path, data=text)
            return signature if self.algorithm == "RS256" else joined(signature)
        with open(self.path + ".text", "wb") as file:
            file.write(text)
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", self.path + ".text")

    def token(self, user, **claims):
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.name}
        unsigned = tokens.make(b"", tokens.claims(user, **claims), header, "")[:-1]
        return "%s.%s" % (unsigned, tokens.encode(self._signature(unsigned.encode())))


def joined(signature):
    """The two numbers of an ECDSA signature side by side, as a token has them, from the DER that openssl writes."""
    numbers, at = [], 2
    for _ in range(2):
        length = signature[at + 1]
        number = signature[at + 2:at + 2 + length]
        numbers.append(number.lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(numbers)


def make_certificate(folder, name):
    certificate, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
    return certificate, key


def replace(source, target):
    with open(source, "rb") as file:
        write(target, file.read())


def write(path, data):
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.rename(path + ".new", path)


def write_set(path, keys):
    write(path, json.dumps({"keys": [key.public() for key in keys]}).encode())


def eventually(body, seconds=10):
    deadline = time.monotonic() + seconds
    while not body() and time.monotonic() < deadline:
        time.sleep(0.02)
    return body()


def secured(r, world):
    """TLS, a JWK set, and both read again on SIGHUP"""
    folder = world.path("identity")
    os.mkdir(folder)
    first, second = make_certificate(folder, "first"), make_certificate(folder, "second")
    used, used_key, keys_file = (os.path.join(folder, name) for name in ("used.pem", "used.key", "keys.json"))
    replace(first[0], used)
    replace(first[1], used_key)
    keys = [SigningKey(os.path.join(folder, name), name, "kid-" + name) for name in ("RS256", "ES256", "EdDSA")]
    stranger = SigningKey(os.path.join(folder, "stranger"), "ES256", "kid-ES256")
    write_set(keys_file, keys)
    options = ["--tls-certificate", used, "--tls-key", used_key, "--jwks-file", keys_file]
    with world.serve(*options) as s:
        r.check("its line says https", re.search(r"https://127\.0\.0\.1:\d+", s.lines[0]), s.lines)

        def connect(trusted):
            return wire.Wire(s.port, context=ssl.create_default_context(cafile=trusted))

        def shows(trusted):
            try:
                with connect(trusted) as connection:
                    return connection.request("GET", "/readyz").status == 200
            except ssl.SSLError:
                return False

        def ask(token, trusted=used, **options):
            with connect(trusted) as connection:
                return connection.request("GET", "/v1/me/votes", token, **options)

        r.check("who trusts its certificate is served", shows(first[0]))
        r.check("who trusts another one is not", not shows(second[0]))
        try:
            with wire.Wire(s.port, timeout=5) as plain:
                answer = plain.request("GET", "/readyz")
            r.check("plain HTTP is not answered", False, answer)
        except (wire.Gone, ValueError, IndexError, OSError):
            r.check("plain HTTP is not answered", True)
        for key in keys:
            with connect(used) as connection:
                voted = connection.request("POST", "/v1/votes", key.token(key.algorithm), wire.vote("t"))
            r.answer("a vote with " + key.algorithm, voted, 200)
            r.answer("a list with " + key.algorithm, ask(key.token(key.algorithm)), 200)
        with connect(used) as connection:
            seen = connection.request(
                "GET", "/v1/votes/summary?target_ids=t", keys[0].token("RS256"),
                headers=[("Spillway-Position", voted["Spillway-Position"])])
        r.equal("they are counted", seen.json()["items"]["t"], {"likes": 3, "dislikes": 0, "user_state": "like"})
        r.answer("a stranger's key of the same name", ask(stranger.token("u")), 401)
        r.answer("an expired token", ask(keys[2].token("u", exp=int(time.time()) - 1)), 401)
        by_secret = tokens.make(openssl("pkey", "-in", keys[0].path, "-pubout"), tokens.claims("u"))
        r.answer("a public key as a secret", ask(by_secret), 401)
        r.check("no key of the data directory was made", not os.path.exists(os.path.join(s.data, "key")))
        admin = keys[1].token("root", scope="admin")
        url = "https://localhost:%d" % s.port
        ends(r, "inspect over TLS", world.run(
            "inspect", "--url", url, "--token", admin, "--ca-certificate", used), 0, "reactions: running")
        ends(r, "inspect without trust in it", world.run("inspect", "--url", url, "--token", admin), 1, "no answer")
        changed(r, s, first, second, used, used_key, keys_file, keys, connect, shows, ask)
        r.equal("SIGTERM", s.stop(), 0)


def changed(r, s, first, second, used, used_key, keys_file, keys, connect, shows, ask):
    """New certificates and keys, then bad ones."""
    old, new = keys[0].token("u"), SigningKey(keys[0].path + ".new", "EdDSA", "newer")
    r.answer("before: the old key", ask(old), 200)
    r.answer("before: the new key", ask(new.token("u")), 401)
    with connect(first[0]) as kept:
        r.equal("a connection of before", kept.request("GET", "/readyz").status, 200)
        replace(second[0], used)
        replace(second[1], used_key)
        write_set(keys_file, [new, keys[1]])
        r.check("nothing changes by itself", shows(first[0]))
        s.process.send_signal(signal.SIGHUP)
        r.check("SIGHUP: the new certificate", eventually(lambda: shows(second[0])))
        r.check("and the old one no more", not shows(first[0]))
        r.equal("the connection of before goes on", kept.request("GET", "/readyz").status, 200)
    r.check("SIGHUP: the new key", eventually(lambda: ask(new.token("u")).status == 200))
    r.answer("a key that is gone, though its token was verified before", ask(old), 401)
    r.answer("a key that stayed", ask(keys[1].token("u")), 200)
    write(used, b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    write(keys_file, b"{")
    s.process.send_signal(signal.SIGHUP)
    r.check("bad files are named", eventually(lambda: s.log_text().count("could not be read; the old stays") == 2), s.log_text()[-800:])
    r.check("the certificate in use stays", shows(second[0]))
    r.answer("the keys in use stay", ask(new.token("u"), second[0]), 200)
