"""Services that nothing is asked of but their settings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from toottail.service.context import Service
from toottail.settings import Settings
from toottail.types.counts import Counts, PoolUse


def service(**settings: Any) -> Service:
    """A service whose database and door count what they are used for, which is nothing."""
    wanted = {"service_url": "https://toottail.example", **settings}
    database: Any = SimpleNamespace(use=PoolUse())
    door: Any = SimpleNamespace(counts=Counts())
    return Service(Settings.model_validate(wanted), database, door, None)  # type: ignore[arg-type]


def headers(**more: str) -> list[tuple[bytes, bytes]]:
    """Headers as a server hands them on; _ stands for -."""
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
