"""What every use of the service needs, bound together once per process."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from toottail.repository.database import Database
from toottail.repository.sealing import Sealer
from toottail.servers.actor import Actor
from toottail.servers.door import Door
from toottail.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """The open service. ``settings`` are those in force, the actor's address among them.

    ``actor`` is None where requests cannot be signed, because the service has no public address.
    """

    settings: Settings
    database: Database
    door: Door
    sealer: Sealer
    actor: Actor | None = None

    @property
    def origin(self) -> str:
        """Scheme and host of our own pages, as a browser says it in ``Origin``."""
        parts = urlsplit(self.settings.service_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_secure(self) -> bool:
        """Whether our pages are reached by https, as everywhere but on a visitor's own machine."""
        return self.settings.service_url.startswith("https://")

    def address(self, path: str) -> str:
        """The full address of one of our pages."""
        return self.settings.service_url.rstrip("/") + path
