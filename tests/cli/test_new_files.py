"""Files that are there whole or not at all, on whatever they are written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from toottail.cli.new_files import new_file
from toottail.errors import UsageError


def no_links(*_: object, **__: object) -> None:
    """What FAT answers."""
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("force", [False, True])
def test_it_is_written_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    monkeypatch.setattr(os, "link", no_links)
    file = tmp_path / "a.backup"
    with new_file(file, force=force) as stream:
        stream.write(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.backup"]
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"whole", 0o600)


def test_what_came_there_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    file = tmp_path / "a.backup"

    def write() -> None:
        with new_file(file, force=False) as stream:
            stream.write(b"mine")
            file.write_bytes(b"of others")

    with pytest.raises(UsageError, match="File exists"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["a.backup"]
    assert file.read_bytes() == b"of others"


def test_what_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with new_file(tmp_path / "a.backup", force=False) as stream:
            stream.write(b"half of it")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert list(tmp_path.iterdir()) == []
