"""Files that are there whole or not at all, for their owner's eyes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from toottail.errors import UsageError


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file that is at ``path``, on the disk, when the block has ended well.

    Raises `UsageError` where one is there already, unless ``force``, or none can be.
    """
    if not force and os.path.lexists(path):
        raise UsageError(f"{path}: is already there; choose another name, or --force")
    try:
        with _whole(path, force=force) as stream:
            yield stream
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({os.strerror(error.errno or 0)})") from None


@contextmanager
def _whole(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    folder = path.absolute().parent
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield cast("BinaryIO", stream)
            stream.flush()
            os.fsync(handle)
        if force:
            made.replace(path)
        else:
            _put(made, path)
    finally:
        made.unlink(missing_ok=True)
    inside = os.open(folder, os.O_RDONLY)
    try:
        # Of a folder that is on another machine some systems do not take this. The file is there.
        with suppress(OSError):
            os.fsync(inside)
    finally:
        os.close(inside)


def _put(made: Path, path: Path) -> None:
    """Gives ``made`` the name ``path``, which nothing has. Raises `OSError`."""
    try:
        path.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError:
        # Sticks and cards (FAT), and many shares, know no second name of a file: it would be known
        # only now, when all is written. An empty one holds the place then.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        made.replace(path)
