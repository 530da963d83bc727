"""The tab key: what shells ask Typer, and what has them ask.

Typer's own options for this are left out. They change people's start-up files, and in zsh the first
press of the key then does nothing.
"""

from __future__ import annotations

import os
from enum import StrEnum

from typer.completion import get_completion_inspect_parameters

_ASKED = "_TOOTTAIL_COMPLETE"


class Shell(StrEnum):
    """Those whose completion is tried in the tests."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def answer_shells() -> None:
    """Has Typer answer the shell that runs this process, if one does, in place of the command."""
    if _ASKED in os.environ:
        # Typer gets to know the shells on the way to the options that are left out.
        get_completion_inspect_parameters()


def ask_for_script(shell: Shell) -> None:
    """Has the next run of the command in this process print the lines for ``shell``, and end."""
    os.environ[_ASKED] = f"source_{shell}"
