"""Every operation, asked all sorts of things, answers as its description says, and without a fault.

Made by schemathesis from the description alone; the same each time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, TypeVar

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.stand import Browser, Stand, standing
from tests.service.http.services import service
from tests.service.stand import conversation
from toottail.api import create_api, events
from toottail.api.description import routes_of
from toottail.errors import NotSignedIn
from toottail.repository import opt_outs
from toottail.repository.database import connector, open_pool
from toottail.service import allowances, public, sessions
from toottail.service.allowances import Rate
from toottail.service.http import cookies

EXAMPLES = 20
BOUNDLESS = Rate(10**6, 10**6, 1)
OPERATIONS = sorted(route.operation_id or "" for route in routes_of(create_api(service())))
WANTED = [
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
_Result = TypeVar("_Result")


class Running:
    """A stand in a thread of its own, for clients that block."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._loop = asyncio.new_event_loop()
        self._up: Future[Stand] = Future()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._browser: Browser | None = None

    def __enter__(self) -> Running:
        self._thread.start()
        self.stand = self._up.result(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    def do(self, what: Coroutine[Any, Any, _Result]) -> _Result:
        """Runs ``what`` where the service runs."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    async def signed_in(self) -> Browser:
        """The operator, signed in; anew where what was asked ended that."""
        jar = self._browser.cookies if self._browser else {}
        try:
            name = cookies.session_name(self.stand.service)
            await sessions.find(self.stand.service, jar.get(name))
        except NotSignedIn:
            self._browser = await self.stand.signed_in()
            async with self.stand.service.database.transaction() as conn:
                await conversation(
                    conn,
                    self._browser.member_id,
                    f"thread-{datetime.now(UTC).timestamp()}",
                    ("already_there", "delivered", "not_obtained", None),
                )
                await opt_outs.ask(conn, "alone.example", "", "")
        assert self._browser is not None
        return self._browser

    async def _run(self) -> None:
        self._over = asyncio.Event()
        try:
            async with (
                open_pool(connector(self._url), embedded=False) as database,
                standing(
                    database,
                    reading=BOUNDLESS,
                    operators="@mira@home.example",
                    # Nothing is looked up, nobody is reached.
                    connect_to={"": "127.0.0.1:9"},
                ) as stand,
            ):
                self._up.set_result(stand)
                await self._over.wait()
        except BaseException as error:
            if not self._up.done():
                self._up.set_exception(error)
            raise


@pytest.fixture
def running(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A stand on which limits do not get in the way."""
    for name in ("SIGN_IN", "VERIFY", "OPT_OUT", "HOME_REQUESTS", "LIVE_TEXTS"):
        monkeypatch.setattr(allowances, name, BOUNDLESS)
    monkeypatch.setattr(events, "LONGEST", 0.2)
    monkeypatch.setattr(public, "ready", _all_well)
    with Running(database_url) as made:
        yield made


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_it_answers_as_described_whoever_asks(running: Running, operation_id: str) -> None:
    closed, description = _without_security(running.stand.app.openapi())
    schema = schemathesis.openapi.from_dict(description)
    operation = schema.find_operation_by_id(operation_id)
    assert drive(running, operation, signed_in=True)
    statuses = drive(running, operation, signed_in=False)
    assert statuses
    if operation_id in closed:
        assert statuses <= {400, 401, 404}


def drive(running: Running, operation: Any, *, signed_in: bool) -> set[int]:
    """Asks for ``operation`` in all sorts of ways; returns the statuses that came back."""
    stand = running.stand
    statuses: set[int] = set()
    kinds = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    strategy = hypothesis.strategies.one_of(
        *(operation.as_strategy(generation_mode=kind) for kind in kinds)
    )

    @hypothesis.given(case=strategy)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def ask(case: schemathesis.Case[Any]) -> None:
        browser = running.do(running.signed_in()) if signed_in else stand.stranger()
        response = case.call(
            base_url=stand.origin,
            headers={"Origin": stand.origin, "X-CSRF-Token": browser.csrf or ""},
            cookies=browser.cookies,
            allow_redirects=False,
        )
        statuses.add(response.status_code)
        # That a home does not answer is told; something wrong with us is no answer.
        assert response.status_code not in (500, 503), response.text
        case.validate_response(response, checks=WANTED)

    ask()
    return statuses


async def _all_well(_: object) -> dict[str, str]:
    return {}


def _without_security(description: dict[str, Any]) -> tuple[set[str], dict[str, Any]]:
    """Which operations want a session, and the description without a word of it: sessions are made
    here, and are nothing to be left out on the way."""
    bare = deepcopy(description)
    operations = [one for methods in bare["paths"].values() for one in methods.values()]
    return {one["operationId"] for one in operations if one.pop("security", None)}, bare
