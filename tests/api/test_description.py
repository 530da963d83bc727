"""What the API says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.stand import Stand
from tests.service.http.services import service
from toottail.api import create_api
from toottail.api.app import OPENAPI

DESCRIPTION: dict[str, Any] = create_api(service()).openapi()
OPERATIONS = [
    (method, path, operation)
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
]


def test_every_operation_has_a_name_words_and_an_example_of_its_answer() -> None:
    names = [operation["operationId"] for *_, operation in OPERATIONS]
    assert len(names) == len(set(names)) > 20
    for method, path, operation in OPERATIONS:
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        good = [code for code in operation["responses"] if code < "400"]
        assert len(good) == 1, (method, path)
        for content in operation["responses"][good[0]].get("content", {}).values():
            assert "example" in content, (method, path)


def test_every_error_that_can_occur_is_described_in_the_one_shape() -> None:
    shapes = DESCRIPTION["components"]["responses"]
    for _, path, operation in OPERATIONS:
        codes = set(operation["responses"])
        assert "422" not in codes, path
        assert codes >= {"400", "408", "413", "421", "500", "503"}, path
        for code in codes:
            if code >= "400":
                name = operation["responses"][code]["$ref"].rpartition("/")[2]
                schema = shapes[name]["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Error"}


def test_who_must_be_signed_in_is_told() -> None:
    for method, path, operation in OPERATIONS:
        closed = path.startswith(("/api/v1/me", "/api/v1/operator", "/api/v1/sign-out"))
        wanted = {"session"} if method == "get" else {"session", "csrf"}
        told = operation.get("security", [{}])
        assert [set(one) for one in told] == ([wanted] if closed else [set()]), path
        assert ("401" in operation["responses"]) is closed, path


def test_no_schema_is_left_over() -> None:
    text = str(DESCRIPTION)
    for name in DESCRIPTION["components"]["schemas"]:
        assert f"#/components/schemas/{name}'" in text, name


async def test_it_is_served_and_no_page_with_foreign_scripts_is(stand: Stand) -> None:
    answer = await stand.stranger().ask("GET", OPENAPI)
    assert answer.json()["openapi"].startswith("3.1")
    assert answer.json()["servers"] == [{"url": stand.origin}]
    for path in ("/docs", "/redoc", "/api/v1/docs", "/openapi.json"):
        assert (await stand.stranger().ask("GET", path)).status == 404


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_described_by_its_real_name(secure: bool) -> None:
    url = "https://toottail.example" if secure else "http://localhost:8080"
    told = create_api(service(service_url=url)).openapi()["components"]["securitySchemes"]
    assert told["session"]["name"] == ("__Host-toottail" if secure else "toottail")
