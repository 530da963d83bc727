"""Pretend servers believe a signature only where it is one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from multidict import CIMultiDict

from toottail.simulator.signing import Actors

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ACTOR = "https://actor.example/actor"
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
ACTORS = Actors(
    [
        {
            "id": ACTOR,
            "publicKey": {"id": f"{ACTOR}#k", "owner": ACTOR, "publicKeyPem": PEM.decode()},
        }
    ]
)


def signature(text: str) -> str:
    return base64.b64encode(KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def cavage(
    target: str = "/x?y=1", names: str = "(request-target) host date", late: float = 0.0
) -> Mapping[str, str]:
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=late), usegmt=True)
    values = {"(request-target)": f"get {target}", "host": "a.example", "date": date}
    signed = signature("\n".join(f"{name}: {values[name]}" for name in names.split()))
    header = f'keyId="{ACTOR}#k",algorithm="rsa-sha256",headers="{names}",signature="{signed}"'
    return CIMultiDict({"Host": "a.example", "Date": date, "Signature": header})


def rfc9421(
    target: str = "/x?y=1", parts: str = "@method @target-uri", late: float = 0.0
) -> object:
    created = int((datetime.now(UTC) - timedelta(seconds=late)).timestamp())
    values = {"@method": "GET", "@target-uri": f"https://a.example{target}"}
    names = parts.split()
    inside = " ".join(f'"{name}"' for name in names)
    told = f'({inside});created={created};keyid="{ACTOR}#k"'
    lines = [f'"{name}": {values[name]}' for name in names]
    signed = signature("\n".join([*lines, f'"@signature-params": {told}']))
    return CIMultiDict(
        {"Host": "a.example", "Signature-Input": f"s={told}", "Signature": f"s=:{signed}:"}
    )


@pytest.mark.parametrize(("make", "scheme"), [(cavage, "cavage"), (rfc9421, "rfc9421")])
def test_both_ways_of_signing_are_understood(make: object, scheme: str) -> None:
    assert callable(make)
    assert ACTORS.scheme("GET", "/x?y=1", make()) == scheme


@pytest.mark.parametrize("make", [cavage, rfc9421])
def test_a_signature_holds_for_one_request_of_the_present_by_a_known_actor(make: object) -> None:
    assert callable(make)
    assert ACTORS.scheme("GET", "/x?y=2", make()) is None
    assert ACTORS.scheme("GET", "/x?y=1", make(late=7200)) is None
    assert Actors().scheme("GET", "/x?y=1", make()) is None


def test_what_servers_want_covered_must_be_covered() -> None:
    assert ACTORS.scheme("GET", "/x?y=1", cavage(names="host date")) is None
    assert ACTORS.scheme("GET", "/x?y=1", cavage(names="(request-target) host")) is None
    assert ACTORS.scheme("GET", "/x?y=1", rfc9421(parts="@method")) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Signature": ""},
        {"Signature": 'keyId="x",headers="host",signature="!!"'},
        {"Signature": f'keyId="{ACTOR}#k",headers="(request-target) host date",signature="AA"'},
        {"Signature-Input": "sig1=()", "Signature": "sig1=:AA:"},
        {"Signature-Input": 'sig1=("@method" "@target-uri");created=9999999999999999'},
        {"Signature-Input": "x" * 1000},
    ],
)
def test_what_is_no_signature_is_none(headers: dict[str, str]) -> None:
    sent = CIMultiDict({"Host": "a.example", "Date": "yesterday"} | headers)
    assert ACTORS.scheme("GET", "/x", sent) is None
