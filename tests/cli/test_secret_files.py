"""Secrets in files of their own, as container engines hand them out: ``TOOTTAIL_…_FILE``."""

from __future__ import annotations

from pathlib import Path

import pytest

from toottail.errors import SettingsError
from toottail.repository.sealing import open_sealer
from toottail.settings import load

KEYS = (
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI=",
)


def test_a_secret_can_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text("postgresql://me:word@there/mine\n")
    settings = load(environ={"TOOTTAIL_DATABASE_URL_FILE": str(file)})
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://me:word@there/mine"


def test_the_file_goes_before_the_general_variable(tmp_path: Path) -> None:
    file = tmp_path / "database_url"
    file.write_text("postgresql://mine/mine")
    environment = {"TOOTTAIL_DATABASE_URL_FILE": str(file), "DATABASE_URL": "postgresql://a/b"}
    url = load(environ=environment).database_url
    assert url is not None
    assert url.get_secret_value() == "postgresql://mine/mine"


@pytest.mark.parametrize("between", [",", "\n", ", \n"])
def test_keys_in_a_file_stand_one_a_line_or_behind_commas(tmp_path: Path, between: str) -> None:
    file = tmp_path / "keys"
    file.write_text(between.join(KEYS) + "\n")
    both = open_sealer(load(environ={"TOOTTAIL_SECRET_KEYS_FILE": str(file)}))
    for key in KEYS:
        one = open_sealer(load(environ={"TOOTTAIL_SECRET_KEYS": key}))
        assert both.open(one.seal("a token")) == "a token"
    first = open_sealer(load(environ={"TOOTTAIL_SECRET_KEYS": KEYS[0]}))
    assert first.open(both.seal("a token")) == "a token"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not a text file in UTF-8"),
    ],
)
def test_a_file_of_no_use_is_said_with_its_variable(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        load(environ={"TOOTTAIL_SECRET_KEYS_FILE": str(file)})
    assert str(refused.value) == f"TOOTTAIL_SECRET_KEYS_FILE: {file} {told}"


def test_both_at_once_are_refused_and_neither_is_told(tmp_path: Path) -> None:
    environment = {"TOOTTAIL_SECRET_KEYS": KEYS[0], "TOOTTAIL_SECRET_KEYS_FILE": "/nowhere"}
    with pytest.raises(SettingsError, match="both set: take one away") as refused:
        load(environ=environment)
    assert KEYS[0] not in str(refused.value)


def test_only_secrets_have_files_and_a_misspelt_one_is_noticed() -> None:
    # The actor's key is a file anyway.
    assert load(environ={"TOOTTAIL_LISTEN_FILE": "/nowhere"}).listen == "127.0.0.1:8080"
    with pytest.raises(SettingsError, match="is TOOTTAIL_SECRET_KEYS_FILE meant"):
        load(environ={"TOOTTAIL_SECRET_KEY_FILE": "/nowhere"})
