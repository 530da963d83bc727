"""The commands below ``toottail hosts``. Whatever is none of their names is that of a host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

_SHOW = "show"


class _HostsGroup(TyperGroup):
    """``hosts``, ``hosts NAME`` and ``hosts --json`` mean ``hosts show …``."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


hosts_app = typer.Typer(
    cls=_HostsGroup,
    help="Tell what is known of other servers, or leave one alone.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The server: example.social.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
]


@hosts_app.command(_SHOW)
def show(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Just this server.")] = None,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only those with a problem, or left alone.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: Config = None,
) -> None:
    """Tell what we know of servers, asked, were told, and when we ask next (the default)."""
    from toottail.cli.hosts import show as run_show

    raise typer.Exit(run_show(name, only_problems=problems, as_json=json, config=config))


@hosts_app.command()
def block(
    name: Name,
    why: Annotated[str | None, typer.Option(metavar="WORDS", help="The reason, for later.")] = None,
    config: Config = None,
) -> None:
    """Leave a server and its subdomains alone: never asked, never named to a home."""
    from toottail.cli.hosts import block as run_block

    raise typer.Exit(run_block(name, why, config))


@hosts_app.command()
def unblock(name: Name, config: Config = None) -> None:
    """Take a block by hand back."""
    from toottail.cli.hosts import unblock as run_unblock

    raise typer.Exit(run_unblock(name, config))
