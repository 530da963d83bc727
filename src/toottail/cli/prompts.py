"""Where the token comes from: a file, the environment, or the person at the terminal.

Never from an argument: those are in the process list and in the shell's history.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from pydantic import SecretStr

from toottail.cli import logs
from toottail.errors import UsageError

VARIABLE = "TOOTTAIL_TOKEN"
_SCOPES = "read:statuses read:search"


def find_token(home: str, token_file: Path | None) -> SecretStr:
    """The token for ``home``. Raises `UsageError` where there is none, or it cannot be one."""
    # Taken out of the environment, which every process that is started from here would inherit.
    from_environment = os.environ.pop(VARIABLE, "")
    if token_file is not None:
        token = _checked(_read(token_file), str(token_file))
    elif from_environment:
        token = _checked(from_environment, VARIABLE)
    elif sys.stdin.isatty():
        print(where_to_get_one(home), file=sys.stderr)
        token = _checked(getpass.getpass("Token (not shown): ", sys.stderr), "the answer")
    else:
        raise UsageError(
            f"there is no token for {home}: name a file with --token-file, or set {VARIABLE}.\n"
            f"{where_to_get_one(home)}"
        )
    logs.hide(token)
    return SecretStr(token)


def read_token(home: str, file: Path | None, variable: str | None) -> SecretStr:
    """The token in a file, or in an environment variable of that name, and nowhere else.

    Raises `UsageError` where there is none, or it cannot be one.
    """
    if file is not None:
        token = _checked(_read(file), str(file))
    else:
        name = variable or VARIABLE
        given = os.environ.pop(name, "")
        if not given:
            raise UsageError(f"there is no token for {home}: {name} is not set")
        token = _checked(given, name)
    logs.hide(token)
    return SecretStr(token)


def where_to_get_one(home: str) -> str:
    """How the member gets a token, in a few lines."""
    return (
        f"A token is made at {home}. On Mastodon: Preferences → Development → New application\n"
        f"(https://{home}/settings/applications/new), with the scopes {_SCOPES} and no others;\n"
        'the page of the new application then shows "Your access token". Elsewhere look for\n'
        '"applications" in the settings (Takahē wants the scope read).'
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not a text file, so it holds no token") from None
    except OSError as error:
        raise UsageError(f"{path}: the token cannot be read ({error.strerror})") from None


def _checked(text: str, where: str) -> str:
    token = text.strip()
    if not token:
        raise UsageError(f"{where}: is empty, there should be a token")
    # What is no visible ASCII could not be sent in a header.
    if not all("!" <= sign <= "~" for sign in token):
        raise UsageError(f"{where}: is not a token: it holds spaces, line ends or special signs")
    return token
