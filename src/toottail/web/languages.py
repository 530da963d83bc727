"""Languages: all that pages say is in ``messages/CODE.ftl``, one file for each language.

Files are in the syntax of Project Fluent. `docs/web.md` says how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from babel.units import format_unit
from fluent.runtime import FluentBundle, FluentResource
from markupsafe import Markup, escape

from toottail.web.strangers import clip, plain

MESSAGES = Path(__file__).parent / "messages"
DEFAULT = "en"
_MOST_IN_A_MESSAGE = 300
"""Characters of a value within a message; the runtime itself refuses more than 2,500."""

# Where pieces of HTML go while a message is put together; `plain` takes these signs from strangers.
_OPENS, _CLOSES = "\ufff0", "\ufff1"


@dataclass(frozen=True)
class Language:
    """One language: its messages, and how it writes numbers, times and sizes."""

    code: str
    locale: Locale
    bundle: FluentBundle
    # What messages without values say, which is always the same.
    _fixed: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def say(self, message: str, **values: Any) -> str:
        """The message with its values, as text that is not yet escaped. Raises `KeyError`."""
        if values:
            return self._format(message, {name: _tamed(value) for name, value in values.items()})
        if message not in self._fixed:
            self._fixed[message] = self._format(message, {})
        return self._fixed[message]

    def rich(self, message: str, **values: Any) -> Markup:
        """The same as HTML: values that are `Markup` stay what they are, all else is escaped."""
        pieces = {name: value for name, value in values.items() if isinstance(value, Markup)}
        told = self._format(
            message,
            {
                name: f"{_OPENS}{name}{_CLOSES}" if name in pieces else _tamed(value)
                for name, value in values.items()
            },
        )
        html = str(escape(told))
        for name, piece in pieces.items():
            html = html.replace(f"{_OPENS}{name}{_CLOSES}", str(piece))
        return Markup(html)  # noqa: S704 — escaped above, but for the pieces

    def number(self, value: float) -> str:
        """A number, with at most two digits behind the point."""
        return str(format_decimal(value, format="#,##0.##", locale=self.locale))

    def day(self, value: date) -> str:
        """A day, in short."""
        return str(format_date(value, format="medium", locale=self.locale))

    def moment(self, value: datetime) -> str:
        """A time, UTC."""
        return f"{format_datetime(value, format='medium', locale=self.locale)} UTC"

    def time(self, value: datetime) -> Markup:
        """A time as an element that a browser may show in its own zone."""
        return Markup('<time datetime="{}">{}</time>').format(
            value.isoformat(timespec="seconds"), self.moment(value)
        )

    def lasting(self, seconds: float) -> str:
        """How long, in one unit: "2 minutes"."""
        return str(format_timedelta(timedelta(seconds=seconds), locale=self.locale))

    def size(self, count: int) -> str:
        """Bytes, as megabytes or gigabytes."""
        unit, by = ("gigabyte", 10**9) if count >= 10**9 else ("megabyte", 10**6)
        return str(
            format_unit(round(count / by, 1), f"digital-{unit}", length="short", locale=self.locale)
        )

    def _format(self, message: str, values: Mapping[str, Any]) -> str:
        found = self.bundle.get_message(message)
        if found.value is None:
            raise KeyError(message)
        text, errors = self.bundle.format_pattern(found.value, dict(values))
        if errors:
            raise errors[0]
        return str(text)


def _tamed(value: Any) -> Any:
    return clip(plain(value), _MOST_IN_A_MESSAGE) if isinstance(value, str) else value


@cache
def languages() -> Mapping[str, Language]:
    """All languages there are, by code, the default one first."""
    codes = sorted((path.stem for path in MESSAGES.glob("*.ftl")), key=lambda c: (c != DEFAULT, c))
    return {code: _load(code) for code in codes}


def _load(code: str) -> Language:
    # Values that may turn the direction of a text stand in elements of their own, see `strangers`.
    bundle = FluentBundle([code], use_isolating=False)
    bundle.add_resource(FluentResource((MESSAGES / f"{code}.ftl").read_text(encoding="utf-8")))
    return Language(code, Locale.parse(code, sep="-"), bundle)


def choose(wanted: str | None, accepted: str) -> Language:
    """The language ``wanted`` by code, else the best for an Accept-Language header."""
    known = languages()
    if wanted is not None and wanted in known:
        return known[wanted]
    code = negotiate_locale(_by_preference(accepted), list(known), sep="-")
    return known[code or DEFAULT]


def _by_preference(accepted: str) -> list[str]:
    """The codes of an Accept-Language header, the dearest first; nonsense is left out."""
    found: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        code, _, rest = part.strip().partition(";")
        name, _, quality = rest.strip().partition("=")
        try:
            weight = float(quality) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if code and weight > 0:
            found.append((-weight, code))
    return [code for _, code in sorted(found, key=lambda pair: pair[0])]
