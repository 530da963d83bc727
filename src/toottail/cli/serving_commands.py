"""``toottail serve``, ``api``, ``web``, ``worker``, ``lanes`` and ``rebalance``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from toottail.cli.serving_given import Given

Listen = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Where to listen; else TOOTTAIL_LISTEN.", show_default=False
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Serve https by itself: the chain in PEM.", show_default=False
    ),
]
CertificateKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Its private key, if in another file.", show_default=False),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML; also TOOTTAIL_CONFIG."),
]
Check = Annotated[
    bool, typer.Option("--check", help="Only tell whether it lives: 0 if so, else 1.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log what is done; also TOOTTAIL_LOG=info or debug.")
]


def add_to(app: typer.Typer) -> None:
    """Makes the commands those of ``app``."""
    for command in (serve, api, web, worker, lanes, rebalance):
        app.command()(command)


def serve(
    listen: Listen = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    check: Check = False,
    config: Config = None,
    verbose: Verbose = False,
) -> None:
    """Run the whole service in one process: pages, API and worker."""
    given = Given(config, listen, certificate, certificate_key)
    _run({"api", "web", "worker"}, verbose, given, check=check)


def api(
    listen: Listen = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    check: Check = False,
    config: Config = None,
    verbose: Verbose = False,
) -> None:
    """Run the service's API and its actor alone."""
    given = Given(config, listen, certificate, certificate_key)
    _run({"api"}, verbose, given, check=check)


def web(
    listen: Listen = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    check: Check = False,
    config: Config = None,
    verbose: Verbose = False,
) -> None:
    """Run the service's pages alone."""
    given = Given(config, listen, certificate, certificate_key)
    _run({"web"}, verbose, given, check=check)


def worker(check: Check = False, config: Config = None, verbose: Verbose = False) -> None:
    """Run one worker of the service; any number share the work."""
    _run({"worker"}, verbose, Given(config), check=check)


def lanes(
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: Config = None,
) -> None:
    """Tell which worker serves what, what is due and how late it is."""
    from toottail.cli.lanes import show

    raise typer.Exit(show(as_json=json, config=config))


def rebalance(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: Config = None,
) -> None:
    """Share out the members of large servers evenly over slices, while workers go on."""
    from toottail.cli.rebalance import rebalance as run_rebalance

    raise typer.Exit(run_rebalance(dry=dry_run, as_json=json, config=config))


def _run(parts: set[str], verbose: bool, given: Given, *, check: bool) -> None:
    from toottail.cli.logs import configure

    configure(os.environ.get("TOOTTAIL_LOG") or "warning", verbose=verbose)
    if check:
        from toottail.cli.checking import check as run_check

        listens, works = bool(parts & {"api", "web"}), "worker" in parts
        raise typer.Exit(run_check(given.settings(), listens=listens, works=works))
    from toottail.cli.serving import Parts
    from toottail.cli.serving import serve as run_serve

    raise typer.Exit(run_serve(Parts(**dict.fromkeys(parts, True)), given.settings()))
