"""The stage of `tests.flow` for tests of the worker."""

from __future__ import annotations

from tests.flow.conftest import open_stage

__all__ = ["open_stage"]
