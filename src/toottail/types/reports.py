"""What a run tells while it goes on, and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. Counts are of the run's own conversations."""

    collected: bool = False
    statuses_read: int = 0
    conversations: int = 0
    alone: int = 0
    """Of these, posts that are brought without their conversation."""
    looked: int = 0
    finished: int = 0
    found: int = 0
    delivered: int = 0
    feeds: int = 0
    """Profiles and hashtags to be read at their hosts."""
    feeds_done: int = 0
    waiting_for: tuple[tuple[str, datetime], ...] = ()
    """Hosts that let us ask again only later, and when."""
    problem: str | None = None
    exit_code: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return (
            self.collected and self.finished >= self.conversations and self.feeds_done >= self.feeds
        )

    @property
    def done(self) -> int:
        """What was done in all: while that grows, the run goes on."""
        return (
            self.statuses_read
            + self.conversations
            + self.looked
            + self.finished
            + self.found
            + self.delivered
            + self.feeds_done
        )


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What became of one source; ``problem`` says why it was not read, None where it was."""

    source: str
    entries: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run; the names are those of the JSON object that `fetch --json` prints."""

    home: str
    account: str | None
    finished: bool
    statuses_read: int = 0
    conversations: int = 0
    replies_found: int = 0
    already_there: int = 0
    delivered: int = 0
    unattached: int = 0
    not_obtained: int = 0
    unreachable: int = 0
    requests: int = 0
    requests_home: int = 0
    requests_remote: int = 0
    hosts_failed: dict[str, str] = field(default_factory=dict)
    sources: tuple[SourceReport, ...] = ()
    profiles: int = 0
    hashtags: int = 0
    profiles_opted_out: int = 0
    posts_delivered: int = 0
    """Posts of profiles and hashtags that were brought without their conversations."""
    posts_not_obtained: int = 0
    feeds_failed: dict[str, str] = field(default_factory=dict)
    """Profiles and hashtags that could not be read, and why."""
    seconds: float = 0.0
    problem: str | None = None
    would_resolve: tuple[str, ...] = ()
