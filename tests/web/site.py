"""The whole service as people meet it: ``toottail serve`` over TLS, a pretend home, a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from toottail.simulator.process import SimulatorProcess

OURS = "https://tail.example"
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Certificates of the pretend fediverse are signed by nobody whom a browser knows.
    "--ignore-certificate-errors",
    # Root has none.
    *(("--no-sandbox",) if os.geteuid() == 0 else ()),
)
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1100, "height": 800}


def find_chromium() -> str | None:
    """The browser of this machine; TOOTTAIL_CHROMIUM names another one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    named = os.environ.get("TOOTTAIL_CHROMIUM")
    return named or next((path for name in names if (path := shutil.which(name))), None)


@dataclass(frozen=True)
class Site:
    """A running service beside a pretend home."""

    simulator: SimulatorProcess
    port: int
    database_url: str

    @property
    def rules(self) -> str:
        """Where Chromium finds the pretend names."""
        return (
            f"MAP tail.example 127.0.0.1:{self.port},"
            f"MAP *.example 127.0.0.1:{self.simulator.port},MAP * ~NOTFOUND"
        )


@contextmanager
def serving(
    folder: Path, database_url: str, *world: str, settings: dict[str, str] | None = None
) -> Iterator[Site]:
    """``toottail serve`` until the block ends; ``world`` are arguments of the simulator."""
    authority = trustme.CA()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    pair = authority.issue_cert("tail.example")
    certificate.write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
    pair.private_key_pem.write_to_path(str(key))
    with SimulatorProcess(*world) as simulator:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TOOTTAIL_", "DATABASE"))},
            **simulator.env,
            "TOOTTAIL_AUTHORIZE_AT": "",
            "TOOTTAIL_DATABASE_URL": database_url,
            "TOOTTAIL_DATA_DIR": str(folder / "data"),
            "TOOTTAIL_SERVICE_URL": OURS,
            "TOOTTAIL_LISTEN": "127.0.0.1:0",
            "TOOTTAIL_CERTIFICATE": str(certificate),
            "TOOTTAIL_CERTIFICATE_KEY": str(key),
            "TOOTTAIL_OPERATORS": f"@mira@{simulator.home}",
            **(settings or {}),
        }
        log = folder / "service.log"
        command = [sys.executable, "-m", "toottail", "serve"]
        with (
            log.open("w") as said,
            subprocess.Popen(command, env=environment, stdout=said, stderr=said) as running,
        ):
            try:
                yield Site(simulator, _port_of(running, log), database_url)
            except BaseException:
                print(log.read_text()[-4_000:], file=sys.stderr)
                raise
            finally:
                running.send_signal(signal.SIGTERM)
                running.wait(timeout=20)


def _port_of(running: subprocess.Popen[bytes], log: Path) -> int:
    """The port that the service says it listens on."""
    for _ in range(600):
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)\)", log.read_text())
        if found:
            return int(found[1])
        assert running.poll() is None, f"the service did not start: {log.read_text()}"
        time.sleep(0.1)
    raise AssertionError("the service does not come up")


@asynccontextmanager
async def browsing(chromium: str, site: Site) -> AsyncIterator[Browser]:
    """A headless browser to which the pretend fediverse is the whole internet."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=[*FLAGS, f"--host-resolver-rules={site.rules}"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visitor:
    """Somebody with a browser on our pages."""

    context: BrowserContext
    page: Page
    site: Site

    async def go(self, path: str) -> None:
        """Opens one of our pages."""
        await self.page.goto(OURS + path)

    async def sign_up(self, server: str = "", user: str = "mira") -> None:
        """From the front page over the home's page to the member's own."""
        await self.go("/")
        field = self.page.get_by_label("Your server", exact=True)
        await field.fill(server or self.site.simulator.home)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.get_by_role("button", name=f"Log in as @{user}").click()
        await self.page.wait_for_url(f"{OURS}/me")

    async def until_done(self, tries: int = 120) -> None:
        """Until the first run is over."""
        for _ in range(tries):
            if await self.page.locator(".run").count() == 0:
                return
            await self.page.wait_for_timeout(500)
            await self.page.goto(f"{OURS}/me")
        raise AssertionError("the first run does not end")


@asynccontextmanager
async def visiting(browser: Browser, site: Site, **more: Any) -> AsyncIterator[Visitor]:
    """A visitor with an empty browser of their own; ``more`` as Playwright has it."""
    told = {"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce", **more}
    context = await browser.new_context(**told)
    context.set_default_timeout(20_000)
    problems: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda said: problems.append(said.text) if "Content Security" in said.text else None,
    )
    try:
        yield Visitor(context, page, site)
        assert problems == []
    finally:
        await context.close()
