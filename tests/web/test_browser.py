"""The service in a real browser: from the front page to whole threads, and out again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.web.site import OURS, PHONE, Site, Visitor, browsing, serving, visiting

QUICK = ("--world", "tiny", "--home", "gotosocial", "--latency-scale", "0")
SLOW = ("--world", "small", "--latency-scale", "2")
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    """A service with a home that has everything the moment it is asked."""
    with serving(tmp_path, database_url, *QUICK) as opened:
        yield opened


@pytest_asyncio.fixture
async def browser(chromium: str, site: Site) -> AsyncIterator[Browser]:
    """A browser beside it."""
    async with browsing(chromium, site) as opened:
        yield opened


@pytest_asyncio.fixture
async def visitor(browser: Browser, site: Site) -> AsyncIterator[Visitor]:
    """Somebody with a desktop, a mouse and JavaScript."""
    async with visiting(browser, site) as somebody:
        yield somebody


async def test_from_the_front_page_to_whole_threads_and_out_again(
    visitor: Visitor, site: Site
) -> None:
    await visitor.sign_up()
    await visitor.until_done()
    told = site.simulator.report()
    assert told["still_missing"] == []
    assert told["recovered"] > 0
    page = visitor.page
    counts = await page.locator(".count").all_inner_texts()
    assert len(counts) == 3
    assert all("now" in count for count in counts)

    await page.locator(".conversation h3 a").first.click()
    await page.wait_for_url("**/me/conversations/*")
    assert await page.locator(".pill.delivered").count() > 1
    assert await page.locator(".leaf .says").count() > 0

    await page.get_by_role("link", name="Settings").click()
    await page.get_by_label("Bookmarks").check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Saved.").wait_for()
    assert await page.get_by_label("Bookmarks").is_checked()

    await page.get_by_role("link", name="Leave…").click()
    assert await _rows_of_members(site) != {}
    await page.get_by_role("button", name="Leave and delete everything").click()
    await page.get_by_text("You have left").wait_for()
    assert site.simulator.oauth()["live_tokens"] == []
    assert await _rows_of_members(site) == {}
    await visitor.go("/me")
    assert page.url == f"{OURS}/?problem=not_signed_in"


async def test_progress_of_the_first_run_is_seen_as_it_happens(
    chromium: str, tmp_path: Path, database_url: str
) -> None:
    with serving(tmp_path, database_url, *SLOW) as site:
        async with browsing(chromium, site) as browser, visiting(browser, site) as visitor:
            await visitor.sign_up()
            delivered = visitor.page.locator("[data-field=delivered]")
            seen = set()
            for _ in range(240):
                if await delivered.count() == 0:
                    break
                seen.add(await delivered.inner_text())
                await visitor.page.wait_for_timeout(250)
                if len(seen) > 3:
                    break
            # No page was opened anew meanwhile: the numbers came by themselves.
            assert len(seen) > 3
            assert visitor.page.url == f"{OURS}/me"


async def test_everything_works_without_javascript(browser: Browser, site: Site) -> None:
    async with visiting(browser, site, java_script_enabled=False) as visitor:
        await visitor.sign_up()
        await visitor.until_done()
        page = visitor.page
        await page.locator(".conversation h3 a").first.click()
        await page.locator(".leaf").first.wait_for()
        await visitor.go("/me/settings")
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_role("heading", name="Paused").wait_for()
        await page.get_by_role("button", name="Go on").click()
        await page.get_by_role("button", name="Pause").wait_for()
        await visitor.go("/me/leave")
        await page.get_by_role("button", name="Leave and delete everything").click()
        await page.get_by_text("You have left").wait_for()
    assert site.simulator.oauth()["live_tokens"] == []


async def test_everything_works_with_the_keyboard_alone(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    await visitor.go("/")
    await page.keyboard.press("Tab")
    await _press(page, "To the content")
    assert await page.evaluate("document.activeElement.id") == "main"
    await _tab_to(page, "server")
    await page.keyboard.type(f"@mira@{site.simulator.home}")
    await page.keyboard.press("Enter")
    await page.wait_for_url("https://home.example/**")
    await _press(page, "Log in as @mira")
    await page.wait_for_url(f"{OURS}/me")
    await visitor.until_done()
    await _press(page, "Settings")
    await page.wait_for_url(f"{OURS}/me/settings")
    await _press(page, "Leave…")
    await page.wait_for_url(f"{OURS}/me/leave")
    await _press(page, "Leave and delete everything")
    await page.get_by_text("You have left").wait_for()


async def test_on_a_small_phone_nothing_is_cut_off(browser: Browser, site: Site) -> None:
    async with visiting(browser, site, viewport=PHONE, has_touch=True, is_mobile=True) as visitor:
        await visitor.sign_up()
        await visitor.until_done()
        for path in await _pages(visitor):
            await visitor.go(path)
            for sign_up in (PHONE["width"], 320):
                await visitor.page.set_viewport_size({"width": sign_up, "height": 740})
                wide = await visitor.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= sign_up, f"{path} is {wide} wide on {sign_up}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_checker_of_accessibility_finds_nothing_serious(
    browser: Browser, site: Site, scheme: Any
) -> None:
    axe = Axe()
    async with visiting(browser, site, color_scheme=scheme) as visitor:
        await visitor.sign_up()
        found = []
        for path in ["/me", *await _after_the_run(visitor)]:
            await visitor.go(path)
            # What is folded away counts as well.
            await visitor.page.evaluate(
                "document.querySelectorAll('details').forEach(d => d.open = true)"
            )
            told = await axe.run(visitor.page)
            found += [
                f"{path}: {one['id']}: {one['nodes'][0]['html']}"
                for one in told.response["violations"]
                if one["impact"] in ("serious", "critical")
            ]
        assert found == []


async def test_who_says_no_at_home_comes_back_with_a_word(visitor: Visitor) -> None:
    await visitor.go("/")
    await visitor.page.get_by_label("Your server", exact=True).fill("https://home.example/@mira")
    await visitor.page.get_by_role("button", name="Sign in").click()
    await visitor.page.get_by_role("button", name="Deny").click()
    await visitor.page.get_by_role("alert").get_by_text("You said no").wait_for()


async def test_an_admin_asks_to_be_left_alone_and_the_operator_decides(
    visitor: Visitor, site: Site
) -> None:
    page = visitor.page
    await visitor.go("/about")
    await page.get_by_label("Your server", exact=True).fill("calm.example")
    await page.get_by_role("button", name="Leave my server alone").click()
    await page.get_by_text("so a person looks at your wish").wait_for()
    await visitor.sign_up()
    await visitor.go("/operator")
    await page.get_by_role("button", name="Leave it alone").click()
    await page.get_by_text("Nobody is waiting for a decision.").wait_for()


async def _after_the_run(visitor: Visitor) -> list[str]:
    await visitor.until_done()
    return await _pages(visitor)


async def _pages(visitor: Visitor) -> list[str]:
    """All pages there are, for a member who is an operator."""
    await visitor.go("/me")
    one = await visitor.page.locator(".conversation h3 a").first.get_attribute("href")
    assert one is not None
    return [
        "/",
        "/?problem=expired",
        "/me",
        one,
        "/me/settings",
        "/me/leave",
        "/about",
        "/privacy",
        "/status",
        "/operator",
        "/nothing-here",
        "/?lang=de",
        "/privacy",
        "/me",
    ]


async def _tab_to(page: Page, field: str) -> None:
    for _ in range(60):
        if await page.evaluate("document.activeElement.id") == field:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {field}")


async def _press(page: Page, name: str) -> None:
    """Tabs to what is called ``name`` and presses Enter."""
    for _ in range(80):
        if await page.evaluate("(document.activeElement?.textContent ?? '').trim()") == name:
            await page.keyboard.press("Enter")
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {name}")


async def _rows_of_members(site: Site) -> dict[str, int]:
    """Tables in which there is still something of a member or their home."""
    connection = await asyncpg.connect(site.database_url)
    try:
        found = {}
        for row in await connection.fetch(_TABLES):
            name = row["tablename"]
            texts = await connection.fetch(f'SELECT t::text AS told FROM "{name}" AS t')
            left = [one["told"] for one in texts if "mira" in one["told"]]
            if left or (name in ("members", "sessions", "sign_ins", "watches") and texts):
                found[name] = len(left or texts)
        return found
    finally:
        await connection.close()
