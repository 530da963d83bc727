"""The tab key: set up with one command, in the real shells."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell

PROMPT = "READY> "
# Where each shell looks first, what makes its prompt one that can be waited for, and what
# README.md says to put there.
SHELLS = {
    "bash": (".bashrc", f"PS1='{PROMPT}'\n", 'eval "$(toottail completion bash)"'),
    "zsh": (
        ".zshrc",
        f"PS1='{PROMPT}'\nautoload -Uz compinit; compinit\n",
        'eval "$(toottail completion zsh)"',
    ),
    "fish": (
        ".config/fish/config.fish",
        f"function fish_prompt; echo -n '{PROMPT}'; end\n",
        "toottail completion fish | source",
    ),
}
README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("name", SHELLS)
def test_the_tab_key_completes_commands_once_the_shell_was_told(name: str, tmp_path: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} on this machine")
    file, prompt, line = SHELLS[name]
    assert f"    {line}\n" in README.read_text(encoding="utf-8")
    start = tmp_path / file
    start.parent.mkdir(parents=True, exist_ok=True)
    person = _person(name, tmp_path)
    shown = []
    for text in (prompt, f"{prompt}{line}\n"):
        start.write_text(text)
        shown.append(_types(person, "toottail secr\tres\t--help"))
    # What the completed command says.
    assert ["Seal everything anew" in one for one in shown] == [False, True], shown


def test_a_shell_that_is_not_known_is_refused(tmp_path: Path) -> None:
    done = Shell(tmp_path).run("completion", "tcsh")
    assert done.returncode == 2
    assert "tcsh" in done.stderr


def _person(shell: str, home: Path) -> Shell:
    """Somebody's shell on a terminal, with a home folder of its own. One that hangs is ended."""
    environment = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "ZDOTDIR": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ("timeout", "--foreground", "--signal=KILL", "120", shell, "-i")
    return Shell(home / "data", environment, command)


def _types(person: Shell, line: str) -> str:
    """Opens a terminal, types ``line`` at its prompt and leaves; gives all that it showed."""
    left = [f"{line}\n", "exit\n"]

    def answer(shown: str) -> str | None:
        turn = 2 - len(left)
        return left.pop(0) if left and shown.count(PROMPT) > turn else None

    return person.on_a_terminal(answer)[1]
