"""How much memory this process holds, and giving back what it does not use.

Bodies of all sizes come and go, and glibc keeps what was freed between two things that stay: of
170 MiB a worker that had nothing to do used 40. Other C libraries give back by themselves.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

GIVE_BACK_EVERY = 10.0
"""Seconds between two times; each takes some ten milliseconds."""

# malloc.h's M_TRIM_THRESHOLD, M_MMAP_THRESHOLD and M_ARENA_MAX.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 128 * 1024


def memory_now() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@cache
def keep_little() -> None:
    """Lets what is large be given back as soon as it is freed, and threads share one heap.

    What there is so far, mostly modules, is left out when garbage is looked for from now on.
    """
    gc.freeze()
    set_option = _of_glibc("mallopt")
    if set_option is not None:
        # Named once, a threshold does not grow with what is freed any more.
        for option, value in (
            (_MMAP_THRESHOLD, _LARGE),
            (_TRIM_THRESHOLD, _LARGE),
            (_ARENA_MAX, 1),
        ):
            set_option(option, value)


def give_back() -> None:
    """Gives memory that is free to the system, that of garbage in circles included.

    An error and the frames that it passed through are such a circle, and hold what was read. By
    itself Python looks for them when there are a quarter more things than before, which is late.
    """
    gc.collect()
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


@cache
def _of_glibc(name: str) -> Callable[..., int] | None:
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 — only glibc has it
        found: Callable[..., int] = getattr(library, name)
    except (OSError, AttributeError, TypeError):
        return None
    return found
