"""Every link of every document leads somewhere. The network is not asked."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.package import pages
from tests.package.pages import CHECKOUT

SOURCE = "https://github.com/toottail/toottail"
PAGES = pages.pages()
# What stands for "yours" in an example, and must not be clicked on.
_NOT_REAL = re.compile(
    r"(^|\.)(example|invalid|test|localhost|local)(\.(com|org|net|social))?$|^[^.]*$|^[\d.]+$|\[|\s"
)
# Addresses of the project's own place that are no files.
_OF_OURS = re.compile(
    rf"{SOURCE}(/issues(/new(/choose)?)?|/security(/advisories/new)?|/releases(/tag/v[\d.]+)?|/pulls)?"
)


def wrong(page: Path, target: str) -> str | None:
    """What is wrong with a link in ``page``; None where it leads somewhere."""
    place, _, name = target.partition("#")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", target):
        return _wrong_elsewhere(target)
    file = (page.parent / place).resolve() if place else page
    if not file.is_relative_to(CHECKOUT) or not file.exists():
        return "there is no such file"
    if name and file.suffix == ".md" and name not in pages.anchors(file):
        return "the page has no such heading"
    return None


def _wrong_elsewhere(target: str) -> str | None:
    parts = urlsplit(target)
    if parts.scheme != "https" or parts.username or parts.port:
        return "not plain https"
    if _NOT_REAL.search(parts.hostname or ""):
        return "a host that is not there"
    if target.startswith(SOURCE):
        return _wrong_at_ours(target.partition("?"))
    return None


def _wrong_at_ours(target: tuple[str, str, str]) -> str | None:
    address, _, query = target
    if found := re.fullmatch(rf"{SOURCE}/(?:blob|tree)/main/([^#]+)", address):
        return None if (CHECKOUT / found[1]).exists() else "there is no such file"
    if not _OF_OURS.fullmatch(address):
        return "no page of the project's place"
    form = query.removeprefix("template=")
    if query and not (CHECKOUT / ".github" / "ISSUE_TEMPLATE" / form).is_file():
        return "there is no such form"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_leads_to_a_file_a_heading_or_an_address_of_a_sound_shape(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = {target: wrong(page, target) for target in pages.links(text)}
    assert {target: why for target, why in found.items() if why is not None} == {}
    assert list(pages.bracketed(text)) == []


def test_all_documents_are_read() -> None:
    names = {str(page.relative_to(CHECKOUT)) for page in PAGES}
    assert names >= {"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/decisions.md"}
    assert sum(len(list(pages.links(page.read_text(encoding="utf-8")))) for page in PAGES) > 50


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("docs/settings.md#storage", None),
        ("docs/settings.md#nowhere", "the page has no such heading"),
        ("docs/nothing.md", "there is no such file"),
        ("../elsewhere.md", "there is no such file"),
        ("#further", None),
        ("#farther", "the page has no such heading"),
        ("https://projectfluent.org", None),
        ("http://projectfluent.org", "not plain https"),
        ("mailto:somebody@projectfluent.org", "not plain https"),
        ("https://toottail.example/about", "a host that is not there"),
        ("https://example.org", "a host that is not there"),
        ("https://localhost/x", "a host that is not there"),
        (f"{SOURCE}/blob/main/LICENSE", None),
        (f"{SOURCE}/blob/main/LICENCE", "there is no such file"),
        (f"{SOURCE}/issues/new?template=bug.yml", None),
        (f"{SOURCE}/issues/new?template=wish.yml", "there is no such form"),
        (f"{SOURCE}/wiki", "no page of the project's place"),
        (f"{SOURCE}-old", "no page of the project's place"),
    ],
)
def test_a_link_that_leads_nowhere_is_noticed(target: str, why: str | None) -> None:
    assert wrong(CHECKOUT / "README.md", target) == why


def test_headings_are_named_as_github_names_them() -> None:
    text = "# To change …, open …\n## `toottail lanes`, told\n## Same\n### Same\n    # code\n"
    assert list(pages._anchors(text)) == [
        "to-change--open-",
        "toottail-lanes-told",
        "same",
        "same-1",
    ]


def test_links_in_code_are_none_and_unfinished_ones_are_noticed() -> None:
    text = "`[a](b)` [a](c) <https://d.org>\n\n    [a](e)\n\n| [f](g) |\n|---|\n| [h][i] |\n"
    assert list(pages.links(text)) == ["c", "https://d.org", "g"]
    assert list(pages.bracketed(text)) == ["[h][i"]


def test_forms_and_workflows_of_the_projects_place_are_sound() -> None:
    place = CHECKOUT / ".github"
    forms = sorted(place.glob("ISSUE_TEMPLATE/*.yml"))
    assert {form.stem for form in forms} == {"bug", "complaint", "config", "reply-missing"}
    for form in forms:
        told = yaml.safe_load(form.read_text(encoding="utf-8"))
        if form.stem == "config":
            assert all(wrong(form, link["url"]) is None for link in told["contact_links"])
            continue
        assert told["name"]
        assert told["description"]
        fields = [field for field in told["body"] if field["type"] != "markdown"]
        names = [field["id"] for field in fields]
        assert len(names) == len(set(names)) > 2
        assert all(field["attributes"]["label"] for field in fields)
    asked = yaml.safe_load((place / "ISSUE_TEMPLATE" / "reply-missing.yml").read_text())["body"]
    explained = next(field for field in asked if field.get("id") == "explained")
    assert "toottail explain" in explained["attributes"]["label"]
    assert explained["validations"]["required"] is True


def test_ci_runs_what_every_change_must_pass() -> None:
    workflow = yaml.safe_load((CHECKOUT / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert (CHECKOUT / ".ci" / "run").is_file()
    assert workflow["permissions"] == {"contents": "read"}
