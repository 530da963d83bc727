"""A process that completes one account and says what came of it: ``runner.py HOME``.

The token is the first line of standard input. It says ``ready`` once it begins, and at the end the
report as JSON or ``error: …``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict

from pydantic import SecretStr

from toottail.errors import TootTailError
from toottail.repository.database import open_database
from toottail.settings import load
from toottail.worker.run import fetch


async def main(home: str, token: str) -> None:
    settings = load()
    try:
        async with open_database(settings) as database:
            say("ready")
            outcome = await fetch(settings, database, home, SecretStr(token))
        say(json.dumps(asdict(outcome)))
    except TootTailError as error:
        say(f"error: {type(error).__name__}: {error}")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.stdin.readline().strip()))
