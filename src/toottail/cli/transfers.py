"""What moving, backups and restoring have in common: how far they are, which keys fit."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from toottail.errors import SettingsError
from toottail.repository.resealing import unreadable
from toottail.repository.sealing import Sealer

_TELL_EVERY = 0.2
_MEGABYTE = 1e6


class Through:
    """Tells on a terminal, while the block lasts, how much of which table is through."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._shown = sys.stderr.isatty()
        self._told = 0.0

    def __call__(self, table: str, size: int) -> None:
        """``size`` bytes of ``table`` are through."""
        now = time.monotonic()
        if self._shown and now - self._told > _TELL_EVERY:
            self._told = now
            print(
                f"\r\x1b[K{self._doing} {table}: {megabytes(size)}",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown and self._told:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def megabytes(size: int) -> str:
    """``3.2 MB``."""
    return f"{size / _MEGABYTE:.1f} MB"


async def refuse_unreadable(conn: Any, sealer: Sealer) -> None:
    """Raises `SettingsError` where these keys do not open all that is sealed behind ``conn``."""
    bad = await unreadable(conn, sealer)
    if bad:
        what = ", ".join(f"{number} {kind}" for kind, number in bad.items())
        raise SettingsError(
            f"The secret keys here do not open what is stored: {what}. Put the key that they were "
            "sealed with into TOOTTAIL_SECRET_KEYS, or secret.key in the data folder. "
            "Nothing was changed."
        )
