"""Templates become pages. Everything is escaped unless it is HTML of our own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from toottail import __version__
from toottail.web import static_files
from toottail.web.languages import languages
from toottail.web.strangers import clip, link, plain
from toottail.web.visits import Visit, masked, with_language


@cache
def environment() -> Environment:
    """Templates, compiled once."""
    made = Environment(
        loader=PackageLoader("toottail.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_final,
    )
    made.filters.update(clip=clip, link=link)
    made.globals.update(
        static=static_files.address, version=__version__, link_to=_link_to, code=_code, end=_END
    )
    return made


_END = Markup("</a>")


def _link_to(path: str) -> Markup:
    """Where a link within a message begins; `_END` is its end."""
    return Markup('<a href="{}">').format(path)


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _final(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def render(visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page ``template`` for a visit."""
    language = visit.language
    html = (
        environment()
        .get_template(template)
        .render(
            visit=visit,
            session=visit.session,
            settings=visit.service.settings,
            language=language,
            languages=languages(),
            t=language.say,
            rich=language.rich,
            field=_csrf_field(visit),
            **values,
        )
    )
    headers = {
        "Content-Language": language.code,
        "Vary": "Accept-Language, Cookie",
        "Cache-Control": "no-store" if visit.session else "private, no-cache",
    }
    response = HTMLResponse(html, status, headers)
    with_language(visit, response)
    return response


def _csrf_field(visit: Visit) -> Callable[[], Markup]:
    """The hidden field that a member's forms must bring."""

    def field() -> Markup:
        return Markup('<input type="hidden" name="csrf" value="{}">').format(
            masked(visit.member.csrf)
        )

    return field
