"""A process that uses the embedded server: ``tenant.py DATA_DIR``, told what to do line by line.

Each line is a statement of SQL, answered by its first value as JSON; the end of input is the end.
It says ``ready`` once it is in, and ``error: …`` if it does not get in.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from toottail.errors import StorageError
from toottail.repository.embedded import EmbeddedPostgres

# Processes are killed here, not machines: what was written to a file stays.
FOR_TESTS = {"fsync": "off"}


async def main(data_dir: Path) -> None:
    # As in a program that shuts down in its own time after Ctrl-C.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        async with EmbeddedPostgres(data_dir, settings=FOR_TESTS) as server:
            say("ready")
            while line := await asyncio.to_thread(sys.stdin.readline):
                connection = await server.connect()
                say(json.dumps(await connection.fetchval(line), default=str))
                await connection.close()
    except StorageError as error:
        say(f"error: {type(error).__name__}: {error}")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
