"""``toottail import …`` and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="Move over from another program: its options become files for toottail fetch --config, "
    "its members those of the service you run.",
)

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The configuration to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]
_OUT = Path("toottail.toml")


@app.command()
def fedifetcher(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="[CONFIG.json]", help="Its options; also read from FF_* variables."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Its state folder; else its state-dir.")
    ] = None,
    out: Out = _OUT,
    force: Force = False,
) -> None:
    """Take over FediFetcher's options, tokens and what it knows of profiles."""
    from toottail.cli.importing import Target, from_fedifetcher

    raise typer.Exit(from_fedifetcher(config, state, Target(out, force)))


@app.command()
def getmoarfediverse(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.json", help="Its options.")],
    home: Annotated[
        str | None, typer.Option(metavar="HOME", help="Your server, if its options name none.")
    ] = None,
    out: Out = _OUT,
    force: Force = False,
) -> None:
    """Take over GetMoarFediverse's hashtags, servers and tokens."""
    from toottail.cli.importing import Target, from_getmoarfediverse

    raise typer.Exit(from_getmoarfediverse(config, home, Target(out, force)))


@app.command("combine-social")
def combine_social(
    database_url: Annotated[
        str,
        typer.Argument(
            metavar="TOOTTAIL_COMBINE_SOCIAL_URL",
            envvar="TOOTTAIL_COMBINE_SOCIAL_URL",
            help="Its PostgreSQL database, which is only read.",
            show_default=False,
            show_envvar=True,
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
    ] = None,
) -> None:
    """Take over the members and clients of a combine.social service."""
    from toottail.cli.combine_social import take_over

    raise typer.Exit(take_over(database_url, config))
