"""``toottail secrets``: keys that seal tokens, changed.

What a command runs on is imported when it is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

secrets_app = typer.Typer(no_args_is_help=True, help="The keys that seal what is secret.")

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
]


@secrets_app.callback()
def _secrets() -> None:
    """A group, though of one command yet."""


@secrets_app.command()
def reseal(config: Config = None) -> None:
    """Seal everything anew under the first key, so that older ones can be taken away."""
    from toottail.cli.secrets import reseal as run_reseal

    raise typer.Exit(run_reseal(config))
