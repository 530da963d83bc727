"""The simulator as a process of its own, for tests and benchmarks that must not share a loop."""

from __future__ import annotations

import http.client
import json
import math
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

CONTROL = "control.example"


class SimulatorProcess:
    """Starts ``python -m toottail.simulator`` and talks to its control host.

    ``arguments`` are those of the command without ``--dir``. After entering, ``port``,
    ``ca_file``, ``home``, ``token``, ``browser`` and ``env`` are set. It ends with the
    context, and with this process in whatever way that ends, because its standard input closes.
    """

    port: int
    ca_file: str
    home: str
    token: str
    browser: str
    env: dict[str, str]

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments

    def __enter__(self) -> SimulatorProcess:
        self._directory = tempfile.TemporaryDirectory(prefix="toottail-simulator-")
        command = [sys.executable, "-m", "toottail.simulator", "--dir", self._directory.name]
        self._process = subprocess.Popen(  # noqa: S603 — our own module, arguments of the caller
            [*command, "--until-stdin-closes", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise RuntimeError("the simulator did not start; its message is on standard error")
        ready = json.loads(line)
        self.port, self.ca_file = ready["port"], ready["ca_file"]
        self.home, self.token, self.env = ready["home"], ready["token"], ready["env"]
        self.browser = ready["browser"]
        self._trust = ssl.create_default_context(cafile=self.ca_file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the process and remove its folder."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._directory.cleanup()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def directory(self) -> Path:
        """Where ``ca.pem`` is; there is room for more."""
        return Path(self._directory.name)

    def report(self) -> dict[str, Any]:
        """What was recovered and what it cost."""
        return self._control("GET", "/report")

    def members(self) -> list[dict[str, str]]:
        """All members of all homes: home, account, account_id and token."""
        found: list[dict[str, str]] = self._control("GET", "/members")["members"]
        return found

    def traffic(self, until: float = math.inf, since: float = 0.0) -> dict[str, Any]:
        """The part of the report that tells of requests, and how long new replies took.

        Delays are those of what was posted from ``since`` ``until`` then, in Unix seconds.
        """
        return self._control("GET", f"/traffic?until={until}&since={since}")

    def waits(self) -> dict[str, list[float]]:
        """By home, how many seconds each new reply took to come, or has been waited for."""
        found: dict[str, list[float]] = self._control("GET", "/waits")
        return found

    def truth(self) -> dict[str, Any]:
        """Every conversation, status by status."""
        return self._control("GET", "/truth")

    def requests(self, count: int = 20_000) -> list[dict[str, Any]]:
        """The last requests, oldest first."""
        found: list[dict[str, Any]] = self._control("GET", f"/requests?count={count}")["requests"]
        return found

    def oauth(self) -> dict[str, Any]:
        """What the home saw of sign-ins: apps registered, tokens issued, revoked and live."""
        return self._control("GET", "/oauth")

    def reset_counters(self) -> None:
        """Forget what was counted."""
        self._control("POST", "/reset-counters")

    def scene(self, **changes: Any) -> dict[str, Any]:
        """Change the world while it runs: see `scene.change` and `control.play`."""
        return self._control("POST", "/scene", json.dumps(changes))

    def _control(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self._local())
        try:
            connection.request(method, path, body=body, headers={"Host": CONTROL})
            response = connection.getresponse()
            found: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(found["error"])
        return found

    def _local(self) -> ssl.SSLContext:
        # The name is in the Host header only, so the certificate is checked but not its name.
        self._trust.check_hostname = False
        return self._trust
