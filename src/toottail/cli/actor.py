"""``toottail actor``: the key pair, what to serve where, and whether others find it there.

What a command runs on is imported when it is run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from toottail.servers.actor import Actor
    from toottail.settings import Settings

app = typer.Typer(help="Our actor: in its name requests are signed, where servers want that.")

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
]


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Ask for it at its public address, as others do.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, with every document to serve.")
    ] = False,
    config: Config = None,
) -> None:
    """Make the actor's key pair if there is none, and tell what is to be served where."""
    if context.invoked_subcommand is not None:
        return
    from toottail.settings import load

    settings = load(config)
    path, made = _ensure_key(settings)
    actor = _open(settings)
    if as_json:
        print(json.dumps(_as_json(actor, path)))
    else:
        print(f"{'made' if made else 'found'} the private key: {path}")
        print(_words(actor))
    if check:
        from toottail.cli.actor_check import check as run_check

        raise typer.Exit(run_check(settings, actor))


@app.command()
def serve(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen.")
    ] = "127.0.0.1:8085",
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve https by itself: the chain in PEM.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate's private key in PEM.")
    ] = None,
    config: Config = None,
) -> None:
    """Serve the actor, by https or behind a proxy that does that part."""
    from toottail.cli.actor_serve import serve as run_serve
    from toottail.settings import load

    settings = load(config)
    _ensure_key(settings)
    raise typer.Exit(run_serve(_required(_open(settings)), listen, certificate, key))


def _ensure_key(settings: Settings) -> tuple[Path, bool]:
    """Where the key is, and whether it was made just now."""
    from toottail.repository.embedded_folder import make_data_dir
    from toottail.repository.translation import refused
    from toottail.servers.signatures import key_path, make_key

    path = key_path(settings)
    try:
        if path.parent == settings.data_dir:
            make_data_dir(settings.data_dir)
        return path, make_key(path)
    except OSError as error:
        raise refused(error, path) from None


def _open(settings: Settings) -> Actor | None:
    from toottail.servers.actor import actor_of
    from toottail.servers.signatures import open_signer

    signer = open_signer(settings)
    return actor_of(settings, signer.public_pem) if signer is not None else None


def _required(actor: Actor | None) -> Actor:
    if actor is None:
        from toottail.errors import SettingsError

        raise SettingsError(_NO_ADDRESS)
    return actor


_NO_ADDRESS = (
    "the actor has no address yet. Others must find it by https under a public name: set\n"
    "TOOTTAIL_ACTOR_URL, for example to https://toottail.example.org/actor"
)


def _words(actor: Actor | None) -> str:
    if actor is None:
        return _NO_ADDRESS
    lines = [
        f"the actor: {actor.url} ({actor.handle})",
        f"its key id: {actor.key_id}",
        f"to be served at https://{actor.host}, by `toottail actor serve` or from files",
        "(`toottail actor --json` has them):",
    ]
    lines += [f"  {path}" for path in actor.documents()]
    lines += [
        "Keep the private key: servers remember the first they see. With a new one the actor",
        "needs a new address.",
    ]
    return "\n".join(lines)


def _as_json(actor: Actor | None, path: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"key_file": str(path), "actor_url": None, "key_id": None}
    if actor is not None:
        told |= {
            "actor_url": actor.url,
            "key_id": actor.key_id,
            "handle": actor.handle,
            "documents": actor.documents(),
        }
    return told
