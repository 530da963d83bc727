"""Whether a request is signed by an actor that the pretend servers know.

Real servers fetch the actor when they first meet it; here its document is given. What is checked is
what GoToSocial and Mastodon check, by the wording of draft-cavage-http-signatures-12 and RFC 9421.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_CLOCKS_DIFFER = 3600.0
_CAVAGE = re.compile(r'(\w+)="([^"]*)"')
_INPUT = re.compile(r'(\w+)=(\(([^)]*)\)(?:;[a-z]+=(?:\d+|"[^"]*"))*)')
_PARAMETER = re.compile(r';([a-z]+)=(?:(\d+)|"([^"]*)")')


class Actors:
    """The public keys of known actors, by key id, from their documents."""

    def __init__(self, documents: Iterable[Mapping[str, Any]] = ()) -> None:
        self._keys: dict[str, rsa.RSAPublicKey] = {}
        for document in documents:
            told = document["publicKey"]
            key = serialization.load_pem_public_key(told["publicKeyPem"].encode())
            assert isinstance(key, rsa.RSAPublicKey)
            assert told["owner"] == document["id"]
            self._keys[told["id"]] = key

    def scheme(self, method: str, target: str, headers: Mapping[str, str]) -> str | None:
        """`cavage` or `rfc9421` where the request is well signed in that way, None otherwise.

        ``target`` is the path and query as sent; ``headers`` ignore case.
        """
        try:
            if "Signature-Input" in headers:
                return "rfc9421" if self._by_rfc9421(method, target, headers) else None
            if "Signature" in headers:
                return "cavage" if self._by_cavage(method, target, headers) else None
        except (KeyError, ValueError, IndexError, binascii.Error):
            pass
        return None

    def _by_cavage(self, method: str, target: str, headers: Mapping[str, str]) -> bool:
        parts = dict(_CAVAGE.findall(headers["Signature"]))
        names = parts["headers"].lower().split()
        if not {"(request-target)", "host", "date"} <= set(names):
            return False
        if not _is_now(parsedate_to_datetime(headers["Date"]).timestamp()):
            return False
        values = {"(request-target)": f"{method.lower()} {target}"}
        text = "\n".join(f"{name}: {values.get(name) or headers[name]}" for name in names)
        return self._fits(parts["keyId"], parts["signature"], text)

    def _by_rfc9421(self, method: str, target: str, headers: Mapping[str, str]) -> bool:
        found = _INPUT.fullmatch(headers["Signature-Input"].strip())
        if found is None:
            return False
        label, parameters, inside = found.groups()
        names = re.findall(r'"([^"]*)"', inside)
        told = {name: number or text for name, number, text in _PARAMETER.findall(parameters)}
        if not {"@method", "@target-uri"} <= set(names) or not _is_now(float(told["created"])):
            return False
        host = headers["Host"].lower()
        values = {
            "@method": method,
            "@target-uri": f"https://{host}{target}",
            "@authority": host,
        }
        lines = [f'"{name}": {values.get(name) or headers[name]}' for name in names]
        text = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = re.fullmatch(rf"{label}=:([^:]*):", headers["Signature"].strip())
        return signature is not None and self._fits(told["keyid"], signature[1], text)

    def _fits(self, key_id: str, signature: str, text: str) -> bool:
        try:
            self._keys[key_id].verify(
                base64.b64decode(signature, validate=True),
                text.encode(),
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
        except InvalidSignature:
            return False
        return True


def _is_now(moment: float) -> bool:
    return abs(time.time() - moment) < _CLOCKS_DIFFER
