"""Tokens at rest: unreadable without the key, readable after the key was changed."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from toottail.errors import SettingsError, StorageError
from toottail.repository.sealing import Sealer, open_sealer
from toottail.settings import Settings

OLD = base64.b64encode(b"o" * 31 + b"\xff").decode()
NEW = base64.urlsafe_b64encode(b"n" * 32).decode()


@given(st.text())
def test_what_was_sealed_opens_and_does_not_show(text: str) -> None:
    sealed = Sealer([NEW]).seal(text)
    assert Sealer([NEW]).open(sealed) == text
    assert len(text) < 4 or text.encode() not in sealed


def test_the_same_text_is_never_sealed_alike() -> None:
    assert Sealer([NEW]).seal("token") != Sealer([NEW]).seal("token")


def test_after_a_change_of_keys_old_seals_open_and_new_ones_need_the_new_key() -> None:
    changed = Sealer([NEW, OLD])
    assert changed.open(Sealer([OLD]).seal("token")) == "token"
    assert Sealer([NEW]).open(changed.seal("token")) == "token"


@pytest.mark.parametrize(
    "sealed", [Sealer([OLD]).seal("token"), b"", b"garbage"], ids=["other key", "empty", "garbage"]
)
def test_a_wrong_key_is_said_to_be_one(sealed: bytes) -> None:
    with pytest.raises(SettingsError, match="TOOTTAIL_SECRET_KEYS"):
        Sealer([NEW]).open(sealed)


def test_a_fingerprint_is_the_same_for_the_same_member_only() -> None:
    sealer = Sealer([NEW])
    assert sealer.fingerprint("a.example", "t") == Sealer([NEW]).fingerprint("a.example", "t")
    others = [("b.example", "t"), ("a.example", "u"), ("a.examplet", "")]
    assert sealer.fingerprint("a.example", "t") not in {sealer.fingerprint(*one) for one in others}
    assert sealer.fingerprint("a.example", "t") != Sealer([OLD]).fingerprint("a.example", "t")


def test_a_member_stored_under_the_old_key_is_found_after_the_change() -> None:
    stored = Sealer([OLD]).fingerprint("a.example", "t")
    assert stored in Sealer([NEW, OLD]).fingerprints("a.example", "t")


@pytest.mark.parametrize("key", ["hush", "", "ü" * 32, base64.b64encode(b"h" * 31).decode()])
def test_what_is_no_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SettingsError, match="number 2") as caught:
        Sealer([NEW, key])
    assert not key or key not in str(caught.value)


def test_the_keys_of_the_settings_come_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_keys=SecretStr(f" {NEW} , {OLD},"))
    assert open_sealer(settings).open(Sealer([OLD]).seal("token")) == "token"
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data")
    with ThreadPoolExecutor(8) as threads:
        sealers = list(threads.map(lambda _: open_sealer(settings), range(8)))
    assert len({sealer.fingerprint("a.example", "t") for sealer in sealers}) == 1
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret.key"]
    assert (settings.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_holds_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("hush\n")
    with pytest.raises(SettingsError, match=r"secret\.key: Secret key number 1") as caught:
        open_sealer(Settings(data_dir=tmp_path))
    assert "hush" not in str(caught.value)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(StorageError, match=r"secret\.key"):
        open_sealer(Settings(data_dir=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
