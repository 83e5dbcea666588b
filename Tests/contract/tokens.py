"""Makes tokens by hand: good ones with the data directory's key, and bad ones of every kind."""

import base64
import hashlib
import hmac
import json
import time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make(key, claims, header=None, signature=None):
    head = encode(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode())
    body = encode(claims if isinstance(claims, bytes) else json.dumps(claims).encode())
    signed = "%s.%s" % (head, body)
    if signature is None:
        signature = encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())
    return "%s.%s" % (signed, signature)


def claims(user, **others):
    now = int(time.time())
    return {"sub": user, "iat": now, "exp": now + 3600, **others}


def bad(key):
    """Name and text of tokens that must be refused."""
    now = int(time.time())
    good = make(key, claims("me"))
    head, body, signature = good.split(".")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    return [
        ("expired", make(key, claims("me", exp=now - 1))),
        ("expiring at this moment", make(key, claims("me", exp=now))),
        ("without exp", make(key, {"sub": "me", "iat": now})),
        ("exp of another type", make(key, claims("me", exp="9999999999"))),
        ("not valid yet", make(key, claims("me", nbf=now + 600))),
        ("without sub", make(key, {"exp": now + 600})),
        ("empty sub", make(key, claims(""))),
        ("sub of 256 bytes", make(key, claims("u" * 256))),
        ("sub with a control character", make(key, claims("a\x07b"))),
        ("sub with a C1 control", make(key, claims("a\x85b"))),
        ("sub of another type", make(key, claims(17))),
        ("foreign key", make(b"x" * 32, claims("me"))),
        ("flipped signature", "%s.%s.%s" % (head, body, flipped)),
        ("no signature", "%s.%s." % (head, body)),
        ("two parts", "%s.%s" % (head, body)),
        ("four parts", good + ".x"),
        ("alg none", make(key, claims("me"), {"alg": "none"}, "")),
        ("alg None", make(key, claims("me"), {"alg": "None"}, "")),
        ("alg none, signed", make(key, claims("me"), {"alg": "none"})),
        ("alg HS512", make(key, claims("me"), {"alg": "HS512"})),
        ("alg RS256 with the secret", make(key, claims("me"), {"alg": "RS256"})),
        ("a critical extension", make(key, claims("me"), {"alg": "HS256", "crit": ["x"], "x": 1})),
        ("sub twice", make(key, ('{"sub":"me","sub":"you","exp":%d}' % (now + 600)).encode())),
        ("an audience of somebody else", make(key, claims("me", aud="other"))),
        ("padding", "%s.%s.%s=" % (head, body, signature)),
        ("not a token", "x"),
        ("dots", ".."),
        ("5 KB", make(key, claims("me", more="x" * 5000))),
    ]
