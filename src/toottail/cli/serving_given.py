"""What ``serve``, ``api``, ``web`` and ``worker`` are told at the shell."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from toottail.settings import Settings, load


@dataclass(frozen=True, slots=True)
class Given:
    """What was said; it goes before the environment and the file."""

    config: Path | None = None
    listen: str | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    def settings(self) -> Settings:
        """The settings with it. Raises `SettingsError`."""
        said = {
            "TOOTTAIL_LISTEN": self.listen,
            "TOOTTAIL_CERTIFICATE": self.certificate,
            "TOOTTAIL_CERTIFICATE_KEY": self.certificate_key,
        }
        here = {name: str(value) for name, value in said.items() if value is not None}
        return load(self.config, {**os.environ, **here})
