"""Errors of ours, and those of FastAPI, in the one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from toottail.errors import TootTailError
from toottail.service.http.problems import Problem, problem_of

_MOST_TOLD = 5
_CODES = {404: "not_found", 405: "method_not_allowed"}


def add_handlers(app: FastAPI) -> None:
    """Makes ``app`` tell of errors as `problems` has it."""
    app.add_exception_handler(TootTailError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(_: Request, error: Exception) -> Response:
    return problem_of(error).as_json()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Problem(400, "bad_request", _in_words(error.errors())).as_json()


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "bad_request")
    response = Problem(error.status_code, code, f"{error.detail}.").as_json()
    response.headers.update(error.headers or {})
    return response


def _in_words(mistakes: Iterable[Mapping[str, Any]]) -> str:
    """Which field is wrong and what was expected; never what was sent."""
    told = [_one_in_words(mistake) for mistake in mistakes]
    return "; ".join(told[:_MOST_TOLD]) or "The request cannot be understood."


def _one_in_words(mistake: Mapping[str, Any]) -> str:
    place, *path = mistake["loc"]
    if mistake["type"] == "extra_forbidden":
        # Its name was made up by whoever sent it.
        return f"{place}: there is a field that is not described"
    name = ".".join(str(part) for part in path) or place
    if mistake["type"] == "string_pattern_mismatch":
        return f"{name}: control characters cannot be taken"
    return f"{name}: {mistake['msg']}"
