"""What a further API of an origin consists of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from toottail.simulator.question import Question, Reply
from toottail.simulator.world import Host, Status, World


@dataclass(frozen=True, slots=True)
class Api:
    """A server's own API, as functions.

    ``answer`` returns None for what is no part of it. ``listings`` tells what an anonymous reader
    may learn from ``host`` about one status of its, each with whether asking again below that one
    may tell more there. ``requests`` is the fewest requests that read the conversation below a root
    of ``host`` whole, its first one included; what only other hosts could tell is not counted.
    """

    answer: Callable[[World, Host, Question], Reply | None]
    listings: Callable[[Host, Status], Iterator[tuple[Status, bool]]]
    requests: Callable[[Host, Status], int]
