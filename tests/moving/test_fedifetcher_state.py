"""FediFetcher's state folder: what it knows of profiles is kept, the rest is named."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from toottail.errors import UsageError
from toottail.moving.fedifetcher_state import read_state

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)


def test_profiles_keep_the_time_when_they_were_fetched(tmp_path: Path) -> None:
    checked = {
        "Ann@One.example": "2026-07-02 11:47:02.123456+02:00",
        "later@one.example": "2031-01-01 00:00:00+00:00",
        "local": "2026-07-02 09:47:02+00:00",
        "x@not a host": "2026-07-02 09:47:02+00:00",
    }
    (tmp_path / "recently_checked_users").write_text(json.dumps(checked))
    (tmp_path / "known_followings").write_text("ben@two.example\nlocal\n\nAnn@one.example\n")
    written = (NOW - timedelta(days=2)).timestamp()
    os.utime(tmp_path / "known_followings", (written, written))
    memory = read_state(tmp_path, NOW)
    assert memory.profiles == {
        "Ann@one.example": datetime(2026, 7, 2, 9, 47, 2, 123456, tzinfo=UTC),
        "later@one.example": NOW,
        "ben@two.example": NOW - timedelta(days=2),
    }
    (fate,) = memory.fates
    assert (fate.name, fate.kept) == ("known_followings, recently_checked_users", True)
    assert "3 profiles" in fate.words


def test_every_other_file_is_named_with_the_reason(tmp_path: Path) -> None:
    files = ["seen_urls", "replied_toot_server_ids", "recent_context", "seen_hosts"]
    for name in [*files, "robots-0a1b.txt", "robots-2c3d.txt", "lock.lock", "notes.md"]:
        (tmp_path / name).touch()
    fates = read_state(tmp_path, NOW).fates
    assert [fate.name for fate in fates] == [*files, "robots-*.txt", "lock.lock"]
    assert not any(fate.kept for fate in fates)


def test_an_empty_folder_is_no_mistake(tmp_path: Path) -> None:
    memory = read_state(tmp_path, NOW)
    assert (dict(memory.profiles), memory.fates) == ({}, ())


@pytest.mark.parametrize("text", ["{", "[]", '{"a@b.example": "soon"}', '{"a@b.example": 5}'])
def test_a_file_that_is_broken_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "recently_checked_users").write_text(text)
    with pytest.raises(UsageError, match="recently_checked_users"):
        read_state(tmp_path, NOW)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="artifacts"):
        read_state(tmp_path / "artifacts", NOW)
