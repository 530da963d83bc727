"""What pages know of a visit."""

from __future__ import annotations

from typing import Any, cast

import pytest
from starlette.requests import Request

from toottail.web.languages import languages
from toottail.web.visits import Visit


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/me"])
def test_another_language_of_a_page_is_never_on_another_site(path: str) -> None:
    request = Request({"type": "http", "path": path, "query_string": b"a=1", "headers": []})
    visit = Visit(request, cast(Any, None), languages()["en"])
    assert visit.here(lang="de") == "?a=1&lang=de"
