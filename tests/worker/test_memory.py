"""Memory that was freed is given back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

MIB = 1 << 20

# What stays lies above what is freed, so that the C library keeps all of it by itself.
_PROGRAM = """
from toottail.worker.memory import give_back, memory_now
many = [bytes(60_000) for _ in range(2_000)]
kept = [bytearray(700) for _ in range(3_000)]
del many
before = memory_now()
give_back()
print(before, memory_now())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="for glibc alone")
def test_what_is_free_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert before > 100 * MIB
    assert after < before - 80 * MIB


# Each of them is reached from itself alone. Python itself is not to look for them.
_CIRCLES = """
import gc
from toottail.worker.memory import give_back, memory_now
gc.disable()
for _ in range(1_000):
    circle = [bytearray(100_000)]
    circle.append(circle)
before = memory_now()
give_back()
print(before, memory_now())
"""


def test_what_only_circles_hold_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CIRCLES], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert after < before - 60 * MIB
