"""``toottail members …`` and its options. What a command runs on is imported when it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

members_app = typer.Typer(no_args_is_help=True, help="The members of the service you run.")

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Who = Annotated[
    str, typer.Argument(metavar="MEMBER", help="@me@example.social, or the number in the list.")
]


@members_app.command("list")
def list_(
    home: Annotated[
        str | None, typer.Option(metavar="HOME", help="Only those of this server.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List all members, with what is wrong where something is."""
    from toottail.cli.members import show_all

    raise typer.Exit(show_all(home, as_json=json, config=config))


@members_app.command()
def show(who: Who, json: Json = False, config: Config = None) -> None:
    """Tell what is stored about one member, and how it goes."""
    from toottail.cli.members import show_one

    raise typer.Exit(show_one(who, as_json=json, config=config))


@members_app.command()
def data(who: Who, config: Config = None) -> None:
    """Give all that is stored about one member as JSON, as they get it on their own page."""
    from toottail.cli.members import data as run_data

    raise typer.Exit(run_data(who, config))


@members_app.command()
def add(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="@me@example.social")],
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The token; else TOOTTAIL_TOKEN, else it is asked for."),
    ] = None,
    sources: Annotated[
        str | None, typer.Option(metavar="LIST", help="What to read, with commas; else home.")
    ] = None,
    config: Config = None,
) -> None:
    """Take in a member by a token of theirs, after asking their server whether it is good."""
    from toottail.cli.members_adding import add as run_add

    raise typer.Exit(run_add(account, token_file, sources, config))


@members_app.command()
def pause(who: Who, config: Config = None) -> None:
    """Do nothing for a member until they are resumed here; they cannot do that themselves."""
    from toottail.cli.members import pause as run_pause

    raise typer.Exit(run_pause(who, config))


@members_app.command()
def resume(who: Who, config: Config = None) -> None:
    """Go on with a member, whoever paused them."""
    from toottail.cli.members import resume as run_resume

    raise typer.Exit(run_resume(who, config))


@members_app.command()
def remove(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
) -> None:
    """End a member's token at their server, and delete all that is stored about them."""
    from toottail.cli.members import remove as run_remove

    raise typer.Exit(run_remove(who, config, sure=yes))


@members_app.command()
def invite(
    uses: Annotated[int, typer.Option(min=1, max=10_000, help="How many may come with it.")] = 1,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long it is good; else for ever.")
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="For whom, for yourself.")] = "",
    config: Config = None,
) -> None:
    """Make an invite code, and show it this one time."""
    from toottail.cli.members import invite as run_invite

    raise typer.Exit(run_invite(uses, days, note, config))


@members_app.command("export")
def export_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends with .csv or .json.")],
    with_tokens: Annotated[
        bool, typer.Option("--with-tokens", help="With the tokens themselves: a file to guard.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    config: Config = None,
) -> None:
    """Write all members into a file that only you can read."""
    from toottail.cli.members_moving import export_to

    raise typer.Exit(export_to(file, with_tokens=with_tokens, force=force, config=config))


@members_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or JSON, as export writes.")],
    config: Config = None,
) -> None:
    """Take in members from a file; those who are here already stay as they are."""
    from toottail.cli.members_moving import import_from

    raise typer.Exit(import_from(file, config))
