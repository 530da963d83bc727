"""Ctrl-C and SIGTERM: the first one lets the command end in order, the second ends it at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

_SHOW_CURSOR = b"\x1b[?25h\n"


class Interrupted(BaseException):
    """The person, or a service manager, asked the command to stop.

    Not a `KeyboardInterrupt`, which libraries answer in their own ways.
    """

    def __init__(self, number: int) -> None:
        how = "interrupted" if number == signal.SIGINT else "stopped"
        super().__init__(f"{how}; nothing is lost, the next run goes on where this one stopped")
        self.exit_code = 128 + number


class Signals:
    """What the process does about SIGINT and SIGTERM."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._stop: Callable[[], None] | None = None

    def install(self) -> None:
        """From now on a signal raises `Interrupted`, or does what `on_first` says."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._arrived)

    def on_first(self, stop: Callable[[], None] | None) -> None:
        """Lets the first signal call ``stop`` instead of raising; None takes that back.

        Raises `Interrupted` where one arrived before.
        """
        self._stop = stop
        self.check()

    def check(self) -> None:
        """Raises `Interrupted` if a signal arrived."""
        if self.received is not None:
            raise Interrupted(self.received)

    def leave_to_system(self) -> None:
        """The command is over: a signal now just ends the process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self.received is not None:
            # No clean-up: the database server is stopped by its keeper, rows are left as they are.
            if sys.stderr.isatty():
                os.write(2, _SHOW_CURSOR)
            os._exit(128 + number)
        self.received = number
        if self._stop is None:
            raise Interrupted(number)
        self._stop()


signals = Signals()
"""This process's."""
