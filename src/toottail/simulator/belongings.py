"""What the member has at home beside the timeline: lists, bookmarks, notifications, follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toottail.simulator.world import Account, Status, World


@dataclass(eq=False, slots=True)
class MemberList:
    """A list of accounts with a timeline of its own, the newest status first."""

    id: str
    title: str
    accounts: list[Account] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that happened to the member."""

    id: str
    kind: str
    at: int
    account: Account
    status: Status | None = None


@dataclass(eq=False, slots=True)
class Belongings:
    """Everything of it; all in the order of its making, the newest first."""

    lists: list[MemberList] = field(default_factory=list)
    bookmarks: list[Status] = field(default_factory=list)
    favourites: list[Status] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    followings: list[Account] = field(default_factory=list)
    followers: list[Account] = field(default_factory=list)
    follow_requests: list[Account] = field(default_factory=list)
    hashtags: list[str] = field(default_factory=list)

    def add_list(self, world: World, title: str, *statuses: Status) -> MemberList:
        """A list whose timeline shows ``statuses``, by the accounts on it; the home has them."""
        made = MemberList(str(len(self.lists) + 1), title)
        made.accounts = list(dict.fromkeys(status.author for status in statuses))
        world.bring_home(statuses)
        made.statuses = sorted(statuses, key=lambda s: s.at, reverse=True)
        self.lists.append(made)
        return made

    def bookmark(self, world: World, status: Status) -> None:
        """The newest bookmark; the home has the status."""
        world.bring_home([status])
        self.bookmarks.insert(0, status)

    def favour(self, world: World, status: Status) -> None:
        """The newest favourite; the home has the status."""
        world.bring_home([status])
        self.favourites.insert(0, status)

    def notify(
        self, world: World, kind: str, account: Account, status: Status | None = None
    ) -> None:
        """The newest notification; the home has the status."""
        at = world.now + len(self.notifications)
        if status is not None:
            world.bring_home([status])
        self.notifications.insert(0, Notification(str(at), kind, at, account, status))

    def furnish(self, world: World) -> None:
        """Something of everything, of what the timeline shows: nothing new comes home by this."""
        shown = [entry.status for entry in world.timeline if entry.status.visibility == "public"]
        others = list(dict.fromkeys(s.author for s in shown if s.host != world.home.name))
        self.add_list(world, "Friends", *shown[:5])
        for status in shown[:3]:
            self.bookmark(world, status)
            self.favour(world, status)
            self.notify(world, "mention", status.author, status)
        self.followings, self.followers = others[:20], others[:5]
        self.follow_requests = others[-1:]
        self.hashtags = ["lantern", "river"]
