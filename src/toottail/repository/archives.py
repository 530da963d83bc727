"""A backup: a database in one file, as it was at one moment.

The file is a ZIP: each table as ``tables/NAME`` (COPY's binary format), and last ``manifest.json``:
of which schema all is, the rows and a digest of each table, where sequences are.
Tokens in it are as sealed as in the database; the keys are there only where they were asked for.
"""

from __future__ import annotations

import errno
import hashlib
import zipfile
import zlib
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from toottail import __version__
from toottail.errors import UsageError
from toottail.repository import transfer
from toottail.repository.catalogue import Table
from toottail.repository.transfer import Contents, Pieces, Show

FORMAT = "toottail backup 1"
_MANIFEST = "manifest.json"
_MOST_MANIFEST = 1 << 20
_PIECE = 1 << 18
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# What zipfile makes of a damaged file: by where the damage is, it takes an entry for one that is
# encrypted, or packed in a way that it does not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, KeyError, EOFError, OSError)


class StoredTable(msgspec.Struct, frozen=True):
    """A table in the file; ``sha256`` is of its rows as they are when unpacked, in hexadecimal."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: int
    sha256: str

    @property
    def table(self) -> Table:
        """The table that it is of."""
        return Table(self.name, self.columns, self.types)


class Manifest(msgspec.Struct, frozen=True):
    """What a backup tells of itself; ``keys`` are those of the tokens, seldom there."""

    format: str
    version: str
    made_at: datetime
    schema: int
    tables: tuple[StoredTable, ...]
    sequences: dict[str, tuple[int, bool]]
    keys: tuple[str, ...] = ()

    @property
    def contents(self) -> Contents:
        """What a database has to hold when all of it is there."""
        rows = {stored.table: stored.rows for stored in self.tables}
        return Contents(self.schema, rows, self.sequences)


async def write(conn: Any, file: BinaryIO, keys: Sequence[str], show: Show) -> Manifest:
    """Writes a backup of the database behind ``conn``, an asyncpg connection.

    Raises `UsageError` where there is no space for it.
    """
    try:
        return await _write(conn, file, keys, show)
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise UsageError(
                f"The backup cannot be written ({error.strerror}). Nothing was changed."
            ) from None
        raise


async def _write(conn: Any, file: BinaryIO, keys: Sequence[str], show: Show) -> Manifest:
    # Level 1: what the database gives is read as fast as it is packed.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        async with transfer.snapshot(conn) as contents:
            stored = tuple([await _pack(conn, archive, one, show) for one in contents.tables])
        manifest = Manifest(
            FORMAT,
            __version__,
            datetime.now(UTC),
            contents.schema,
            stored,
            dict(contents.sequences),
            tuple(keys),
        )
        archive.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


async def _pack(conn: Any, archive: zipfile.ZipFile, table: Table, show: Show) -> StoredTable:
    digest, through = hashlib.sha256(), 0
    with archive.open(_entry(table), "w", force_zip64=True) as packed:

        async def put(piece: bytes) -> None:
            nonlocal through
            packed.write(piece)
            digest.update(piece)
            through += len(piece)
            show(table.name, through)

        rows = await transfer.dump(conn, table, put)
    return StoredTable(table.name, table.columns, table.types, rows, digest.hexdigest())


class Archive:
    """A backup that is read. Raises `UsageError` where it is none, or not whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
        except _DAMAGED:
            raise self._broken("is no backup, or its end is missing") from None
        self.manifest = self._read_manifest()

    def _read_manifest(self) -> Manifest:
        try:
            with self._zip.open(_MANIFEST) as file:
                manifest = msgspec.json.decode(file.read(_MOST_MANIFEST), type=Manifest)
        except (*_DAMAGED, msgspec.DecodeError):
            raise self._broken("is no backup, or was damaged") from None
        if manifest.format != FORMAT:
            raise self._broken("was made by a version of TootTail that this one does not know")
        return manifest

    def check(self, show: Show) -> None:
        """Reads all of it and compares it with what the manifest says; blocks."""
        for stored in self.manifest.tables:
            digest, through = hashlib.sha256(), 0
            try:
                with self._zip.open(_entry(stored.table)) as packed:
                    while piece := packed.read(_PIECE):
                        digest.update(piece)
                        through += len(piece)
                        show(stored.name, through)
            except _DAMAGED:
                raise self._broken(f"was damaged (table {stored.name})") from None
            if digest.hexdigest() != stored.sha256:
                raise self._broken(f"was damaged or changed (table {stored.name})")

    @property
    def pieces(self) -> Pieces:
        """Its tables, as `transfer.load` wants them."""

        async def pieces(table: Table) -> AsyncGenerator[bytes, None]:
            with self._zip.open(_entry(table)) as packed:
                while piece := packed.read(_PIECE):
                    yield piece

        return pieces

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()

    def _broken(self, why: str) -> UsageError:
        return UsageError(f"{self._path}: {why}. Nothing was changed.")


def _entry(table: Table) -> str:
    return f"tables/{table.name}"
