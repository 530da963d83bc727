"""The Helm chart, rendered by Helm's own engine, and its objects as Kubernetes would get them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

CHECKOUT = Path(__file__).parents[2]
CHART = CHECKOUT / "deploy" / "helm" / "toottail"
VALUE_SETS = sorted(
    path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml")
)
NAMESPACE = "toots"
Object = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """What one set of values becomes: the objects, and what is said at the end."""

    objects: list[Object]
    notes: str

    def of(self, kind: str) -> list[Object]:
        """All objects of one kind."""
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        """The one object of that kind and name."""
        (found,) = (one for one in self.of(kind) if one["metadata"]["name"] == name)
        return found

    def pods(self) -> Iterator[tuple[str, Object]]:
        """The name and the spec of each pod that any object makes."""
        for one in self.objects:
            if one["kind"] == "Pod":
                yield one["metadata"]["name"], one["spec"]
            elif one["kind"] in ("Deployment", "Job"):
                yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def values(name: str, changes: Mapping[str, object] | None = None) -> Object:
    """One of the sets in ci/; ``changes`` names what else is set, as in ``worker.replicas``."""
    found = copy.deepcopy(_read(name))
    for path, value in (changes or {}).items():
        *above, last = path.split(".")
        place = found
        for step in above:
            place = place.setdefault(step, {})
        place[last] = value
    return found


def render(
    name: str = "minimal",
    changes: Mapping[str, object] | None = None,
    *,
    upgrade: bool = False,
    chart: Path = CHART,
) -> Release:
    """The release. Raises `helm_python.HelmError` where Helm would refuse the values."""
    # One render takes a tenth of a second, and many tests look at the same one.
    return copy.deepcopy(_render(name, json.dumps(changes or {}), upgrade, chart))


@cache
def _render(name: str, changes: str, upgrade: bool, chart: Path) -> Release:
    with helm_python.Chart.load(chart) as loaded:
        files = loaded.render(
            values(name, json.loads(changes)),
            name="toottail",
            namespace=NAMESPACE,
            is_install=not upgrade,
            is_upgrade=upgrade,
        )
    notes = [text for file, text in files.items() if file.endswith("NOTES.txt")]
    texts = [text for file, text in files.items() if not file.endswith("NOTES.txt")]
    objects = [one for text in texts for one in yaml.safe_load_all(text) if one]
    return Release(objects, "".join(notes))


def refusal(name: str, changes: Mapping[str, object]) -> str:
    """What Helm says when it refuses these values; empty where it takes them."""
    try:
        render(name, changes)
    except helm_python.HelmError as error:
        return str(error)
    return ""


def container(release: Release, part: str) -> Object:
    """The one container of a Deployment of ours."""
    pod = release.one("Deployment", f"toottail-{part}")["spec"]["template"]["spec"]
    (found,) = pod["containers"]
    assert isinstance(found, dict)
    return found


def environment(release: Release, part: str) -> dict[str, str]:
    """The variables of a part's processes as they are written; what comes from elsewhere is not."""
    found: dict[str, str] = {}
    of = container(release, part)
    for source in of["envFrom"]:
        found |= release.one("ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {one["name"]: one["value"] for one in of["env"] if "value" in one}


def is_picked(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether an object with ``labels`` is one of those that ``matchLabels`` mean."""
    return bool(selector) and selector.items() <= labels.items()


@cache
def _read(name: str) -> Object:
    return dict(helm_python.values_from_yaml((CHART / "ci" / f"{name}-values.yaml").read_text()))
