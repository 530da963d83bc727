"""One line of the log for each visit of a lane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import structlog

from toottail.worker.lease import Lease

if TYPE_CHECKING:
    from toottail.worker.visit import LaneVisit

_Word = TypeVar("_Word", bound=str)

log = structlog.get_logger(__name__)


def tell_visit(visit: LaneVisit, lease: Lease, worker: UUID, seconds: float) -> None:
    """Says what a visit did and why it ended; hosts and numbers, nobody's name and no address."""
    done = visit.counts
    log.info(
        "visit",
        lane=visit.key,
        worker=str(worker),
        epoch=lease.epoch,
        seconds=round(seconds, 3),
        steps=_in_words(done.steps),
        requests=lease.requests,
        looks=_in_words(done.looks),
        resolves=_in_words(done.resolves),
        put_off=done.put_off,
        failed=done.failed,
        ended=visit.ended,
    )


def _in_words(counts: Mapping[_Word, int]) -> str:
    """``look:4,resolve:1``, the most frequent first; empty where there is nothing."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ",".join(f"{word}:{number}" for word, number in ranked)
