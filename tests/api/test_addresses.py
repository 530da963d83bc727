"""Limits are for addresses, and addresses cannot be made up."""

from __future__ import annotations

import pytest

from tests.api.conftest import OpenStand
from tests.api.stand import Browser, Stand
from toottail.service import allowances
from toottail.service.allowances import Rate

FEW = Rate(2, 2, 3600)
"""Two at once, then one each half hour."""
ME = "/api/v1/me"


async def until_refused(browser: Browser, most: int = 10) -> int:
    """How many requests got through."""
    for number in range(most):
        answer = await browser.ask("GET", ME, headers={"X-Forwarded-For": f"198.51.100.{number}"})
        if answer.status == 429:
            assert answer.code == "too_many_attempts"
            assert int(answer.headers["Retry-After"]) > 0
            return number
    return most


async def test_one_address_has_so_many_requests_whoever_is_signed_in(
    open_stand: OpenStand,
) -> None:
    stand = await open_stand(reading=FEW)
    browser = await stand.signed_in()
    allowed = await until_refused(browser)
    assert allowed == FEW.at_once
    other = await stand.signed_in(await stand.member("ole"))
    assert await until_refused(other) == 0
    assert await until_refused(stand.stranger()) == 0
    other.address = "127.0.0.2"
    assert await until_refused(other) == allowed


async def test_a_proxy_that_is_trusted_speaks_for_its_visitors(open_stand: OpenStand) -> None:
    stand = await open_stand(reading=FEW, trusted_proxies="127.0.0.9/32")
    browser = await stand.signed_in(address="127.0.0.9")
    assert await until_refused(browser) == 10
    browser.address = "127.0.0.1"
    assert await until_refused(browser) == FEW.at_once


async def test_what_costs_nothing_is_not_counted(open_stand: OpenStand) -> None:
    stand = await open_stand(reading=FEW)
    for _ in range(10):
        assert (await stand.stranger().ask("GET", "/healthz")).status == 200
        assert (await stand.stranger().ask("GET", "/api/v1/status")).status == 200


@pytest.mark.parametrize(
    ("path", "body", "rate"),
    [
        ("/api/v1/servers/verify", {"server": "127.0.0.1"}, allowances.VERIFY),
        ("/api/v1/opt-outs", {"host": "nowhere.example"}, allowances.OPT_OUT),
    ],
)
async def test_forms_have_an_allowance_for_each_address_whatever_it_says_of_itself(
    stand: Stand, path: str, body: dict[str, str], rate: Rate
) -> None:
    stranger = stand.stranger()
    statuses = [
        (
            await stranger.ask(
                "POST", path, body=body, headers={"X-Forwarded-For": f"198.51.100.{number}"}
            )
        ).status
        for number in range(rate.at_once + rate.per_period + 5)
    ]
    assert statuses[-1] == 429
    assert statuses.count(429) >= 5
