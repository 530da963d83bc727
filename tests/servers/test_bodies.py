"""Bodies stay within their caps, alone and together."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toottail.errors import AnswerRefused
from toottail.servers.bodies import ByteBudget, read_body

MIB = 1 << 20


async def pieces(data: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(
    chunks: AsyncIterator[bytes],
    encoding: str = "",
    cap: int = 8 * MIB,
    budget: ByteBudget | None = None,
    cut: bool = False,
) -> bytes:
    return await read_body(
        "a.example",
        chunks,
        encoding=encoding,
        cap=cap,
        budget=budget or ByteBudget(64 * MIB),
        cut=cut,
    )


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@given(st.binary(max_size=2000), st.integers(1, 700))
def test_what_was_sent_is_what_is_read_however_it_is_cut_and_packed(data: bytes, size: int) -> None:
    for encoding, packed in (
        ("", data),
        ("identity", data),
        ("gzip", gzip.compress(data)),
        ("GZIP", gzip.compress(data)),
        ("deflate", zlib.compress(data)),
    ):
        assert asyncio.run(read(pieces(packed, size), encoding)) == data


def test_raw_deflate_is_understood_too() -> None:
    data = b'{"statuses": []}' * 50
    assert asyncio.run(read(pieces(raw_deflate(data)), "deflate")) == data


@given(st.binary(min_size=1, max_size=300))
def test_garbage_for_gzip_is_refused_and_nothing_else_happens(data: bytes) -> None:
    try:
        asyncio.run(read(pieces(data), "gzip"))
    except AnswerRefused:
        return
    assert data[0] != 0x1F or data[:2] == b"\x1f\x8b"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_an_encoding_never_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(AnswerRefused):
        asyncio.run(read(pieces(b"x"), encoding))


def test_a_compressed_body_that_ends_early_or_goes_on_is_refused() -> None:
    whole = gzip.compress(b"x" * 5000)
    for broken in (whole[:-9], whole + b"more"):
        with pytest.raises(AnswerRefused):
            asyncio.run(read(pieces(broken), "gzip"))


def test_the_cap_holds_to_the_byte() -> None:
    assert len(asyncio.run(read(pieces(b"x" * MIB), cap=MIB))) == MIB
    with pytest.raises(AnswerRefused, match="more than 1 MiB"):
        asyncio.run(read(pieces(b"x" * (MIB + 1)), cap=MIB))


def test_the_cap_counts_inflated_bytes() -> None:
    data = b"".join(b'{"id": %d, "content": "some words of a status"},' % n for n in range(60000))
    packed = gzip.compress(data)
    assert len(data) > 2 * MIB > 4 * len(packed)
    with pytest.raises(AnswerRefused, match="more than 2 MiB"):
        asyncio.run(read(pieces(packed), "gzip", cap=2 * MIB))


def test_a_compressed_body_that_never_yields_anything_is_cut_off_too() -> None:
    empty_blocks = b"\x00\x00\x00\xff\xff" * (MIB // 2)
    with pytest.raises(AnswerRefused, match="more than 1 MiB"):
        asyncio.run(read(pieces(empty_blocks), "deflate", cap=MIB))


def test_a_body_to_be_cut_is_cut_at_the_cap() -> None:
    assert asyncio.run(read(pieces(b"x" * MIB), cap=1000, cut=True)) == b"x" * 1000
    packed = gzip.compress(b"x" * MIB)
    assert asyncio.run(read(pieces(packed), "gzip", cap=1000, cut=True)) == b"x" * 1000


def test_a_gigabyte_from_a_small_gzip_is_refused_in_flat_memory() -> None:
    packer = zlib.compressobj(9, wbits=-15)
    packer.compress(bytes(MIB))
    block = packer.flush(zlib.Z_FULL_FLUSH)
    bomb = block * 1024 + packer.flush()
    assert len(bomb) < 2 * MIB
    tracemalloc.start()
    try:
        for cap in (8 * MIB, 48 * MIB):
            with pytest.raises(AnswerRefused):
                asyncio.run(read(pieces(bomb), "deflate", cap=cap))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * MIB


async def test_two_hundred_megabytes_are_not_read_to_the_end() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(200 * 16):
            taken += 65536
            yield bytes(65536)

    with pytest.raises(AnswerRefused):
        await read(endless())
    assert taken <= 8 * MIB + 65536


async def _gated(blocks: Iterable[bytes], gate: asyncio.Event) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
        await gate.wait()


async def test_bodies_together_stay_within_the_budget_and_one_body() -> None:
    budget = ByteBudget(4 * MIB)
    lowest = budget.free

    async def watched() -> AsyncIterator[bytes]:
        nonlocal lowest
        for _ in range(32):
            yield bytes(65536)
            lowest = min(lowest, budget.free)
            await asyncio.sleep(0)

    bodies = await asyncio.gather(*(read(watched(), cap=2 * MIB, budget=budget) for _ in range(12)))
    assert [len(body) for body in bodies] == [2 * MIB] * 12
    assert lowest >= -2 * MIB
    assert budget.free == 4 * MIB


async def test_bodies_that_all_wait_for_room_end_all_the_same() -> None:
    budget = ByteBudget(100)
    waiting = asyncio.Event()
    bodies = [
        asyncio.ensure_future(read(_gated([b"x" * 40] * 5, waiting), budget=budget))
        for _ in range(6)
    ]
    await asyncio.sleep(0)
    waiting.set()
    assert [len(body) for body in await asyncio.gather(*bodies)] == [200] * 6
    assert budget.free == 100


async def test_a_body_given_up_while_it_waits_gives_its_bytes_back() -> None:
    budget = ByteBudget(100)
    waiting = asyncio.Event()
    first = asyncio.ensure_future(read(_gated([b"x" * 90] * 2, waiting), budget=budget))
    await asyncio.sleep(0)
    others = [
        asyncio.ensure_future(read(_gated([b"y" * 80], waiting), budget=budget)) for _ in range(3)
    ]
    await asyncio.sleep(0)
    others[1].cancel()
    first.cancel()
    waiting.set()
    done = await asyncio.gather(first, *others, return_exceptions=True)
    assert [len(body) for body in done if isinstance(body, bytes)] == [80, 80]
    assert budget.free == 100


async def test_a_broken_body_gives_its_bytes_back() -> None:
    budget = ByteBudget(4 * MIB)
    with pytest.raises(AnswerRefused):
        await read(pieces(b"x" * 5000), cap=100, budget=budget)
    assert budget.free == 4 * MIB
