"""The commands and their options. Each imports what it runs on only when it is run."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from toottail import __version__
from toottail.cli import completion
from toottail.cli.actor import app as actor_app
from toottail.cli.durations import parse_duration
from toottail.cli.hosts_commands import hosts_app
from toottail.cli.import_commands import app as import_app
from toottail.cli.members_commands import members_app
from toottail.cli.operations_commands import add_to as add_operations_to
from toottail.cli.secrets_commands import secrets_app
from toottail.cli.serving_commands import add_to

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Makes conversations whole on small Mastodon-compatible servers.\n\n"
    "Exit codes: 0 done, 1 failed or not finished, 2 wrong usage or settings or a token that "
    "was refused, 130 or 143 interrupted (the next run goes on from there).",
)


def _max_wait(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None


Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log what is done; also TOOTTAIL_LOG=info or debug.")
]


@app.callback(invoke_without_command=True)
def _global(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"toottail {__version__}")
        raise typer.Exit(0)


@app.command()
def fetch(
    home: Annotated[
        str | None,
        typer.Argument(
            metavar="[HOME]",
            help="Your server: example.social, or @you@example.social. Without it, all accounts "
            "of the configuration file.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many of the newest statuses of the home timeline to read; else 200."
        ),
    ] = None,
    sources: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="What to read, with commas: home=400,lists,bookmarks,followings. "
            "toottail sources --all tells all.",
        ),
    ] = None,
    profile_posts: Annotated[
        int | None,
        typer.Option(min=1, max=40, help="Posts to bring of each profile; else 20."),
    ] = None,
    profile_again: Annotated[
        float | None,
        typer.Option(
            parser=_max_wait, metavar="TIME", help="How long to leave a profile alone; else 7d."
        ),
    ] = None,
    with_conversations: Annotated[
        bool | None,
        typer.Option(
            "--with-conversations/--without-conversations",
            help="What profiles and hashtags bring comes with its replies.",
            show_default=False,
        ),
    ] = None,
    tag_servers: Annotated[
        str | None, typer.Option(metavar="LIST", help="Servers to read hashtags from.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be resolved, and resolve nothing.")
    ] = False,
    json: Json = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Servers that told nothing make the exit code 1.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="For cron: no word of a run that went well.")
    ] = False,
    max_wait: Annotated[
        float,
        typer.Option(
            parser=_max_wait, metavar="TIME", help="How long to wait for rate limits: 90s, 20m, 1h."
        ),
    ] = "20m",  # type: ignore[assignment]
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The token; else TOOTTAIL_TOKEN, else it is asked for."),
    ] = None,
    on_start: Annotated[
        str | None, typer.Option(metavar="URL", help="Pinged when the run begins.")
    ] = None,
    on_done: Annotated[
        str | None, typer.Option(metavar="URL", help="Pinged when it went well.")
    ] = None,
    on_fail: Annotated[
        str | None, typer.Option(metavar="URL", help="Pinged when it failed or was stopped.")
    ] = None,
    config: Config = None,
    verbose: Verbose = False,
) -> None:
    """Bring home every reply that your timeline's conversations lack, once."""
    _log(verbose)
    from toottail.cli.fetch import Options, Wanted
    from toottail.cli.fetch import fetch as run_fetch
    from toottail.cli.pings import pinged

    options = Options(
        limit=limit,
        sources=_listed(sources),
        profile_posts=profile_posts,
        profile_again=None if profile_again is None else timedelta(seconds=profile_again),
        with_conversations=with_conversations,
        tag_servers=_listed(tag_servers),
    )
    wanted = Wanted(home, dry_run, json, strict, max_wait, token_file, config, options, quiet)
    urls = {"on_start": on_start, "on_done": on_done, "on_fail": on_fail}
    raise typer.Exit(pinged(lambda: run_fetch(wanted), config, urls))


@app.command()
def sources(
    everything: Annotated[
        bool, typer.Option("--all", help="Tell which kinds there are, and their scopes.")
    ] = False,
    json: Json = False,
    config: Config = None,
    verbose: Verbose = False,
) -> None:
    """List what is read for each account, and what is not, and why."""
    _log(verbose)
    from toottail.cli.sources import show_sources

    raise typer.Exit(show_sources(everything=everything, as_json=json, config=config))


@app.command()
def explain(
    url: Annotated[str, typer.Argument(metavar="URL", help="Any status of the conversation.")],
    home: Annotated[
        str | None, typer.Option(metavar="HOME", help="As this server sees it.")
    ] = None,
    member: Annotated[
        str | None,
        typer.Option(metavar="@ME@HOME", help="As this member's server sees it, and why."),
    ] = None,
    json: Json = False,
    config: Config = None,
    verbose: Verbose = False,
) -> None:
    """Tell, reply by reply, what became of one conversation, and of URL why it is (not) there."""
    _log(verbose)
    from toottail.cli.explain import explain as run_explain

    raise typer.Exit(run_explain(url, home, member, as_json=json, config=config))


app.add_typer(actor_app, name="actor")
app.add_typer(hosts_app, name="hosts")
app.add_typer(import_app, name="import")
app.add_typer(members_app, name="members")
app.add_typer(secrets_app, name="secrets")
add_to(app)
add_operations_to(app)


@app.command(name="completion")
def print_completion(
    shell: Annotated[completion.Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print what has a shell complete commands: eval "$(toottail completion bash)"."""
    completion.ask_for_script(shell)
    run_command()


@app.command()
def demo(
    serve: Annotated[
        bool | None,
        typer.Option(
            "--serve/--no-serve",
            help="Then offer the service in the browser, until Ctrl-C; else: on a terminal.",
            show_default=False,
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Show it all on a pretend fediverse on this machine: nothing leaves it."""
    _log(verbose)
    from toottail.cli.demo import demo as run_demo

    raise typer.Exit(run_demo(serve=serve))


def run() -> int:
    """Runs the command that the arguments name and returns its exit code."""
    try:
        run_command()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def run_command() -> None:
    """The command itself, or what a shell asks about it."""
    completion.answer_shells()
    typer.main.get_command(app)(prog_name="toottail")


def _listed(text: str | None) -> list[str] | None:
    return [word for word in text.split(",") if word.strip()] if text else None


def _log(verbose: bool) -> None:
    from toottail.cli.logs import configure

    configure(os.environ.get("TOOTTAIL_LOG") or "warning", verbose=verbose)
