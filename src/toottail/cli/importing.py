"""``toottail import``: from another program's configuration to files for ``toottail fetch``.

Nothing is written before all of it is known to be good, and nothing is replaced unless that was
asked for. All files are for the owner's eyes: tokens are in some, monitors' addresses in another.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from toottail.cli.accounts import read_accounts
from toottail.errors import SettingsError, UsageError
from toottail.moving import fedifetcher, getmoarfediverse
from toottail.moving.fedifetcher_state import read_state
from toottail.moving.move import Memory, Move
from toottail.moving.toml import render
from toottail.settings import load


@dataclass(frozen=True, slots=True)
class Target:
    """Where the configuration goes; tokens and a block list go beside it."""

    out: Path
    force: bool

    def beside(self, name: str) -> Path:
        """The path of another file of this import."""
        return self.out.absolute().parent / f"{self.out.stem}-{name}"


def from_fedifetcher(config: Path | None, state: Path | None, target: Target) -> int:
    """Moves over from FediFetcher and says how; returns the exit code. Raises `UsageError`."""
    try:
        given = fedifetcher.read_options(config, os.environ)
        move = fedifetcher.translate(given)
    except UsageError as error:
        raise UsageError(_with_file(str(error), config)) from None
    folder = state or Path(str(given.get("state_dir") or fedifetcher.DEFAULTS["state_dir"]))
    memory = Memory()
    if state is not None or folder.is_dir():
        memory = read_state(folder, datetime.now(UTC))
    _write(move, target, "FediFetcher")
    _remember(move, memory)
    _tell(move, memory, target)
    return 0


def from_getmoarfediverse(config: Path, home: str | None, target: Target) -> int:
    """Moves over from GetMoarFediverse and says how; returns the exit code. Raises `UsageError`."""
    try:
        move = getmoarfediverse.translate(getmoarfediverse.read_options(config), home)
    except UsageError as error:
        raise UsageError(_with_file(str(error), config)) from None
    _write(move, target, "GetMoarFediverse")
    _tell(move, Memory(), target)
    return 0


def _with_file(words: str, config: Path | None) -> str:
    return words if config is None or words.startswith(str(config)) else f"{config}: {words}"


def _write(move: Move, target: Target, whence: str) -> None:
    tokens = [target.beside(f"{n}.token") for n, _ in enumerate(move.accounts, start=1)]
    files: dict[Path, str] = {
        path: account.token.get_secret_value() + "\n"
        for path, account in zip(tokens, move.accounts, strict=True)
        if account.token is not None
    }
    blocklist = target.beside("blocklist.txt") if move.blocked else None
    if blocklist is not None:
        files[blocklist] = "".join(f"{host}\n" for host in move.blocked)
    files[target.out] = render(
        move,
        token_files=[path.name for path in tokens],
        blocklist=str(blocklist) if blocklist else None,
        heading=f"Moved over from {whence}. Used by: toottail fetch --config THIS_FILE",
    )
    if not target.force and (there := [str(path) for path in files if os.path.lexists(path)]):
        raise UsageError(
            f"{', '.join(there)}: already there, and would be replaced. Nothing was written; "
            "choose another name with --out, or --force"
        )
    _check(files[target.out])
    _put(files, force=target.force)


def _check(text: str) -> None:
    """Raises `UsageError` where ``toottail fetch`` would not take the file."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            load(Path(file.name), environ={})
            read_accounts(Path(file.name))
        except SettingsError as error:
            words = str(error).replace(file.name, "what would be written")
            raise UsageError(f"this cannot be moved over: {words}") from None


def _put(files: Mapping[Path, str], *, force: bool) -> None:
    """Writes all files, readable by their owner only; where one cannot be, none stays."""
    made: list[Path] = []
    for path, text in files.items():
        try:
            _put_one(path, text, force=force)
        except OSError as error:
            for one in made if not force else []:
                one.unlink()
            words = os.strerror(error.errno or 0)
            raise UsageError(f"{path}: cannot be written ({words})") from None
        made.append(path)


def _put_one(path: Path, text: str, *, force: bool) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    whole = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if force:
            whole.replace(path)
        else:
            # Unlike a rename it fails where somebody has made such a file meanwhile.
            path.hardlink_to(whole)
    finally:
        whole.unlink(missing_ok=True)


def _remember(move: Move, memory: Memory) -> None:
    """Stores until when profiles are not asked for again, where any need not be."""
    account = move.accounts[0]
    now = datetime.now(UTC)
    again = move.profile_again
    later = {name: at + again for name, at in memory.profiles.items() if at + again > now}
    if later and account.token is not None:
        from toottail.cli import loop

        loop.run(_store(account.home, account.token, later))


async def _store(home: str, token: SecretStr, later: Mapping[str, datetime]) -> None:
    from toottail.repository import members, moved
    from toottail.repository.database import open_database
    from toottail.repository.sealing import open_sealer

    settings = load()
    sealer = open_sealer(settings)
    secret = token.get_secret_value()
    async with open_database(settings) as database, database.transaction() as conn:
        member = await members.ensure(
            conn, home, sealer.fingerprint(home, secret), sealer.seal(secret)
        )
        await moved.remember_profiles(conn, home, member.id, later)


def _tell(move: Move, memory: Memory, target: Target) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for fate in (*move.fates, *memory.fates):
        style = "green" if fate.kept else "yellow"
        console.print(Text.assemble((fate.name, "bold"), ": ", (fate.words, style)))
    for number, account in enumerate(move.accounts, start=1):
        if account.token is None:
            file = target.beside(f"{number}.token")
            console.print(f"\nThere is no token yet: put it into {file}, with mode 0600.")
    console.print(f"\nWritten: {target.out}, and its files beside it. See what it would do with")
    console.print(f"    toottail fetch --config {target.out} --dry-run")
