"""Services that nothing is asked of but their settings."""

from __future__ import annotations

from typing import Any

from toottail.service.context import Service
from toottail.settings import Settings


def service(**settings: Any) -> Service:
    """A service without a database or a door."""
    wanted = {"service_url": "https://toottail.example", **settings}
    return Service(Settings.model_validate(wanted), None, None, None)  # type: ignore[arg-type]


def headers(**more: str) -> list[tuple[bytes, bytes]]:
    """Headers as a server hands them on; _ stands for -."""
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
