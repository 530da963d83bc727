"""Tokens and client secrets at rest: sealed under keys that can be changed.

A key is 32 random bytes in base64. The first one seals, all of them open: to change it, put a new
one in front, seal everything again, and take the old one away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from toottail.errors import SettingsError
from toottail.repository.embedded_folder import make_data_dir
from toottail.repository.translation import refused
from toottail.settings import Settings

KEY_FILE = "secret.key"
_HOW_TO_MAKE = "A key is 32 random bytes in base64, as from: openssl rand -base64 32"


class Sealer:
    """Seals and opens short texts. Raises `SettingsError` for keys that are none."""

    def __init__(self, keys: Sequence[str]) -> None:
        raw = [_decoded(key, number) for number, key in enumerate(keys, start=1)]
        if not raw:
            raise SettingsError(f"There is no secret key. {_HOW_TO_MAKE}")
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in raw])
        # Not the sealing keys themselves: a fingerprint must tell nothing about them.
        self._marks = [hmac.digest(key, b"toottail fingerprint", hashlib.sha256) for key in raw]

    def seal(self, text: str) -> bytes:
        """``text``, encrypted under the first key; different each time."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """The text that was sealed. Raises `SettingsError` where no key fits."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SettingsError(
                "What is stored cannot be opened with the present secret keys. Put the key it was "
                f"sealed with back, in TOOTTAIL_SECRET_KEYS or {KEY_FILE} in the data folder."
            ) from None

    def opens(self, sealed: bytes) -> bool:
        """Whether one of the keys fits."""
        try:
            self._fernet.decrypt(sealed)
        except InvalidToken:
            return False
        return True

    def fingerprint(self, home: str, token: str) -> bytes:
        """32 bytes by which to find a member without opening tokens; under the first key."""
        return self.fingerprints(home, token)[0]

    def fingerprints(self, home: str, token: str) -> list[bytes]:
        """The fingerprints under each key, the first one first: to find one stored earlier."""
        message = f"{home}\0{token}".encode()
        return [hmac.digest(mark, message, hashlib.sha256) for mark in self._marks]


def open_sealer(settings: Settings) -> Sealer:
    """A sealer with the keys of the settings, else with that of the key file, made if need be.

    Raises `SettingsError` or `StorageError`.
    """
    found = keys_there(settings)
    if found is not None:
        return _sealer(settings, found)
    path = settings.data_dir / KEY_FILE
    made = base64.urlsafe_b64encode(os.urandom(32)).decode()
    try:
        return _sealer(settings, _lines(_keep_first(path, f"{made}\n")))
    except OSError as error:
        raise refused(error, path) from None


def keys_there(settings: Settings) -> list[str] | None:
    """The keys of the settings, else those of the key file; None where there are none yet.

    Raises `StorageError`.
    """
    if settings.secret_keys is not None:
        keys = settings.secret_keys.get_secret_value().split(",")
        return [key.strip() for key in keys if key.strip()]
    path = settings.data_dir / KEY_FILE
    try:
        return _lines(path.read_text(encoding="ascii", errors="replace"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(error, path) from None


def existing_sealer(settings: Settings) -> Sealer:
    """A sealer with keys that are there already. Raises `SettingsError` where there are none."""
    found = keys_there(settings)
    if found is None:
        raise SettingsError(
            f"There is no secret key, neither in TOOTTAIL_SECRET_KEYS nor in "
            f"{settings.data_dir / KEY_FILE}. Put back the one that the tokens were sealed with."
        )
    return _sealer(settings, found)


def keep_keys(settings: Settings, keys: Sequence[str]) -> None:
    """Writes keys into the key file of a data folder that has none. Raises `StorageError`."""
    path = settings.data_dir / KEY_FILE
    try:
        _keep_first(path, "".join(f"{key}\n" for key in keys))
    except OSError as error:
        raise refused(error, path) from None


def _sealer(settings: Settings, keys: Sequence[str]) -> Sealer:
    if settings.secret_keys is not None:
        return Sealer(keys)
    try:
        return Sealer(keys)
    except SettingsError as error:
        raise SettingsError(f"{settings.data_dir / KEY_FILE}: {error}") from None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _keep_first(path: Path, text: str) -> str:
    """Writes the key file where there is none; gives what is in it then. Raises `OSError`."""
    make_data_dir(path.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=f"{KEY_FILE}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        try:
            # A link is made whole or not at all, and never over one that another process made.
            os.link(temporary, path)
        except FileExistsError:
            return path.read_text(encoding="ascii", errors="replace")
    finally:
        Path(temporary).unlink()
    return text


def _decoded(key: str, number: int) -> bytes:
    try:
        raw = base64.b64decode(key.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise SettingsError(f"Secret key number {number} is not one. {_HOW_TO_MAKE}")
    return raw
