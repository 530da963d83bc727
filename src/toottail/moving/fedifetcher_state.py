"""FediFetcher's state folder: which profiles were fetched when, and why the rest is not needed.

Read in its source: find_posts.py, 7.1.21 of July 2026. It writes all files at the end of a run:
``known_followings`` (an account a line), ``recently_checked_users`` (a JSON object, account to
time), ``seen_urls`` (a URL a line), ``replied_toot_server_ids``, ``recent_context`` and
``seen_hosts`` (JSON objects), ``robots-HASH.txt``, ``lock.lock``. Accounts of the home have no
``@``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from toottail.errors import UsageError
from toottail.moving.move import Fate, Memory, read_object, read_text
from toottail.types.hosts import is_public_host

NEEDLESS = {
    "seen_urls": "TootTail sees for itself what the home has, and some of these never arrived",
    "replied_toot_server_ids": "TootTail finds a reply's conversation by the status's own address",
    "recent_context": "TootTail looks once at every conversation that is new to it, for it goes "
    "deeper, and decides then when to look again",
    "seen_hosts": "TootTail asks each server itself what it runs: it can read more kinds of them",
    "robots-*.txt": "are read afresh, as they name TootTail, or do not",
}
"""What is said of each of the other files."""


def read_state(folder: Path, now: datetime) -> Memory:
    """What the folder is good for. Raises `UsageError` that names the file that cannot be read."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: is no folder; FediFetcher's state is in the one of state-dir")
    profiles = _followings(folder / "known_followings", now)
    checked = _checked_users(folder / "recently_checked_users", now)
    fates = []
    if names := [
        name
        for name, found in (("known_followings", profiles), ("recently_checked_users", checked))
        if found
    ]:
        profiles |= checked
        words = f"{len(profiles)} profiles are not fetched again before their time"
        fates.append(Fate(", ".join(names), words))
    for name, why in NEEDLESS.items():
        if any(folder.glob(name)):
            fates.append(Fate(name, f"not needed: {why}", kept=False))
    if (folder / "lock.lock").exists():
        words = "FediFetcher is at work, or was killed: take it out of cron before you change over"
        fates.append(Fate("lock.lock", words, kept=False))
    return Memory(profiles, tuple(fates))


def _followings(path: Path, now: datetime) -> dict[str, datetime]:
    """FediFetcher never fetches these again; its last word on them is the file's own time."""
    if not path.exists():
        return {}
    written = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now)
    lines = read_text(path).splitlines()
    return {name: written for line in lines if (name := _remote(line))}


def _checked_users(path: Path, now: datetime) -> dict[str, datetime]:
    if not path.exists():
        return {}
    found = {}
    for account, when in read_object(path).items():
        try:
            at = datetime.fromisoformat(when)
        except (TypeError, ValueError):
            raise UsageError(f"{path}: {when!r} is no time, as FediFetcher writes them") from None
        # FediFetcher writes them with their zone; without one it would be this machine's.
        if name := _remote(account):
            found[name] = min(at.astimezone(UTC), now)
    return found


def _remote(account: str) -> str | None:
    """``user@host`` where the account is on another server."""
    user, _, host = account.strip().rpartition("@")
    host = host.lower()
    return f"{user}@{host}" if user and is_public_host(host) else None
