"""Signatures under our GETs, by which a server knows whose program asks.

Two ways are in use. **cavage**: draft-cavage-http-signatures-12 with ``(request-target) host date``
and RSA-SHA256, which all servers take that want any signature (read: GoToSocial 0.20, which takes
no other and looks at neither algorithm nor date; Mastodon 4.5, which wants ``host`` and ``date`` in
it and a date of the last hours). **rfc9421**: HTTP Message Signatures with ``@method``,
``@target-uri`` and ``created``, which Mastodon takes from 4.4 on, Fedify's servers (Hollo, Ghost)
too, and which is to outlive the other.

Servers keep the key they once fetched for an actor. GoToSocial never asks for it again by itself,
so a new key wants a new actor URL.
"""

from __future__ import annotations

import base64
import os
import tempfile
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from toottail.errors import SettingsError
from toottail.settings import Settings

Scheme = Literal["cavage", "rfc9421"]
KEY_FILE = "actor.pem"
_KEY_BITS = 2048
_CAVAGE_PARTS = "(request-target) host date"
_RFC9421_PARTS = '("@method" "@target-uri" "@authority")'


class Signer:
    """Signs requests with ``key``, which others find at ``key_id``."""

    def __init__(self, key_id: str, key: rsa.RSAPrivateKey) -> None:
        self.key_id = key_id
        self._key = key

    @property
    def public_pem(self) -> str:
        """The public half, as the actor's document shows it."""
        pem = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem.decode("ascii")

    def headers(self, scheme: Scheme, host: str, target: str, now: datetime) -> dict[str, str]:
        """The headers that sign ``GET https://HOST/TARGET``; ``Host`` must go out as given.

        ``target`` is the path and query exactly as sent, ``now`` a UTC datetime.
        """
        if scheme == "cavage":
            return self._cavage(host, target, now)
        return self._rfc9421(host, target, now)

    def _cavage(self, host: str, target: str, now: datetime) -> dict[str, str]:
        date = format_datetime(now, usegmt=True)
        signed = self._sign(f"(request-target): get {target}\nhost: {host}\ndate: {date}")
        return {
            "Host": host,
            "Date": date,
            "Signature": f'keyId="{self.key_id}",algorithm="rsa-sha256",'
            f'headers="{_CAVAGE_PARTS}",signature="{signed}"',
        }

    def _rfc9421(self, host: str, target: str, now: datetime) -> dict[str, str]:
        parameters = (
            f"{_RFC9421_PARTS};created={int(now.timestamp())};"
            f'keyid="{self.key_id}";alg="rsa-v1_5-sha256"'
        )
        base = (
            f'"@method": GET\n"@target-uri": https://{host}{target}\n"@authority": {host}\n'
            f'"@signature-params": {parameters}'
        )
        return {
            "Host": host,
            "Signature-Input": f"sig1={parameters}",
            "Signature": f"sig1=:{self._sign(base)}:",
        }

    def _sign(self, text: str) -> str:
        signature = self._key.sign(text.encode("ascii"), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature).decode("ascii")


def key_path(settings: Settings) -> Path:
    """Where the actor's private key is kept."""
    return settings.actor_key_file or settings.data_dir / KEY_FILE


def open_signer(settings: Settings) -> Signer | None:
    """The signer of the actor that the settings name; None where they name none.

    Raises `SettingsError` where there is no such key, or no key in the file.
    """
    if settings.actor_url is None:
        return None
    path = key_path(settings)
    try:
        return signer_of(settings.actor_url, path.read_bytes(), str(path))
    except FileNotFoundError:
        raise SettingsError(
            f"TOOTTAIL_ACTOR_URL is set, but there is no key in {path}: toottail actor makes it"
        ) from None
    except OSError as error:
        raise SettingsError(f"{path}: the actor's key cannot be read ({error.strerror})") from None


def signer_of(actor_url: str, pem: bytes, where: str) -> Signer:
    """The signer of the actor at ``actor_url`` with the private key ``pem``, which is ``where``.

    Raises `SettingsError` where that holds no such key.
    """
    return Signer(f"{actor_url}#main-key", _read_key(pem, where))


def new_key() -> bytes:
    """A new private key in PEM; takes a tenth of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def make_key(path: Path) -> bool:
    """Makes a key pair in ``path``, for the owner's eyes only; False where one is there already.

    Raises `OSError` where the file cannot be made.
    """
    if path.exists():
        return False
    pem = new_key()
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        # A link is made whole or not at all, and never over one that another process made.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        Path(temporary).unlink()
    return True


def _read_key(pem: bytes, where: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _KEY_BITS:
        raise SettingsError(f"{where}: holds no RSA key of {_KEY_BITS} bits or more in PEM")
    return key
