"""The command line: ``main`` is the command ``toottail``.

Everything heavy is imported by the command that needs it, so that help and mistakes are quick, and
so that Ctrl-C is understood from the first moment on.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import NoReturn

from toottail.cli.interrupts import Interrupted, signals
from toottail.errors import TootTailError, UsageError


def main() -> NoReturn:
    """Runs the command that the arguments name, and ends the process with its exit code."""
    try:
        signals.install()
        for stream in (sys.stdout, sys.stderr):
            # Cron often has a locale that cannot write every sign: a "?" is better than no output.
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        code = _run()
    except Interrupted as stop:
        print(f"toottail: {stop}", file=sys.stderr)
        code = stop.exit_code
    finally:
        signals.leave_to_system()
    sys.exit(code)


def _run() -> int:
    try:
        from toottail.cli.commands import run

        code = run()
        sys.stdout.flush()
        return code
    except TootTailError as error:
        print(f"toottail: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        print(f"toottail: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        # What is left in the buffer cannot be written either: the interpreter must not try.
        with suppress(OSError):
            sys.stdout.close()
        return 1
    except Exception as error:
        from toottail.cli.logs import tell_fault

        tell_fault(error)
        return 1
