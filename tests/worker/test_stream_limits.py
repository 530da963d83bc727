"""How many streams a process may hold, and how long it waits for one that was lost."""

from __future__ import annotations

import resource
from datetime import timedelta

import pytest

from toottail.worker import streams


def _files(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> list[tuple[int, int]]:
    """The limits of open files; returns what they are set to."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    return asked


def test_the_limit_of_open_files_is_raised_as_far_as_streams_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = _files(monkeypatch, 1_024, 4_096)
    assert streams.room_for(2_000) == 2_000
    assert asked == [(2_500, 4_096)]


def test_where_it_cannot_be_raised_far_enough_there_are_fewer_streams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _files(monkeypatch, 1_024, 4_096)
    assert streams.room_for(5_000) == 4_096 - 500
    _files(monkeypatch, 256, 256)
    assert streams.room_for(5_000) == 1


@pytest.mark.parametrize("soft", [4_096, resource.RLIM_INFINITY])
def test_a_limit_that_is_high_enough_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, soft: int
) -> None:
    asked = _files(monkeypatch, soft, soft)
    assert streams.room_for(2_000) == 2_000
    assert asked == []


def test_the_wait_for_a_lost_stream_grows_to_an_hour_and_is_never_the_same() -> None:
    waits = [[streams._wait(failures) for _ in range(50)] for failures in range(1, 40)]
    for these in waits:
        assert len(set(these)) > 40
        assert timedelta(seconds=5) <= min(these)
        assert max(these) <= timedelta(hours=1)
    assert max(waits[0]) <= timedelta(seconds=10)
    assert min(waits[-1]) >= timedelta(minutes=30)
