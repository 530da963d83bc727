"""Caddy with the project's own Caddyfile, but a certificate of its own making and another port."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.programs import program

AUTHORITY = "caddy/pki/authorities/local/root.crt"
"""Whose certificate it has, below the folder."""


def command(
    folder: Path, variables: Mapping[str, str], port: int, named: Callable[[str], str]
) -> list[str]:
    """The command to run it on ``port`` of 127.0.0.1; ``named`` puts addresses for names.

    Raises `subprocess.CalledProcessError` where Caddy refuses the file.
    """
    adapted = subprocess.run(
        [program("caddy"), "adapt", "--config", "deploy/caddy/Caddyfile"],
        cwd=folder,
        env=dict(variables),
        capture_output=True,
        check=True,
    ).stdout
    config = json.loads(named(adapted.decode()))
    http = config["apps"]["http"]
    (server,) = http["servers"].values()
    server["listen"] = [f"127.0.0.1:{port}"]
    # Nobody is sent there from plain http: that port may be another program's.
    server["automatic_https"] = {"disable_redirects": True}
    http["https_port"] = port
    config["apps"]["tls"] = {"automation": {"policies": [{"issuers": [{"module": "internal"}]}]}}
    config["apps"]["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
    config["storage"] = {"module": "file_system", "root": str(folder / "caddy")}
    config["admin"] = {"disabled": True, "config": {"persist": False}}
    file = folder / "caddy.json"
    file.write_text(json.dumps(config))
    return [program("caddy"), "run", "--config", str(file)]
