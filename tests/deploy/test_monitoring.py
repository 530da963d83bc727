"""Dashboard, alerts and docs tell of figures that there are, and of all of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
MONITORING = CHECKOUT / "deploy" / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ASKED = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
]
"""Every expression of the dashboard and the alerts."""
PROMTOOL = shutil.which("promtool")


def filled(expression: str) -> str:
    """The expression with Grafana's own words replaced as Grafana does."""
    return expression.replace("$__rate_interval", "5m").replace("$job", "toottail")


def names_in(expression: str) -> set[str]:
    """The series that an expression reads."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"\b(?:toottail|process)_[a-z_]+|\bup\b", bare))


def documented() -> set[str]:
    """What `docs/monitoring.md` has in its tables of figures."""
    text = (CHECKOUT / "docs" / "monitoring.md").read_text()
    return set(re.findall(r"^\| `(toottail_[a-z_]+)` \|", text, flags=re.MULTILINE))


@pytest.mark.parametrize("expression", ASKED)
def test_every_expression_is_one_of_prometheus(expression: str) -> None:
    promql_parser.parse(filled(expression))


def test_what_is_none_is_noticed() -> None:
    with pytest.raises(ValueError, match=r"."):
        promql_parser.parse("sum by (le (rate(x[5m]))")


def test_dashboard_and_alerts_ask_for_documented_figures_only() -> None:
    known = documented()
    suffixes = ("_bucket", "_count", "_sum")
    for name in set().union(*map(names_in, ASKED)):
        base = next((name.removesuffix(s) for s in suffixes if name.endswith(s)), name)
        assert name == "up" or name.startswith("process_") or {name, base} & known, name


def test_every_documented_figure_but_two_is_on_the_dashboard_or_in_an_alert() -> None:
    asked = "\n".join(ASKED) + json.dumps(DASHBOARD["templating"])
    left_out = {name for name in documented() if name not in asked}
    assert left_out == {"toottail_homes", "toottail_pool_connections_limit"}


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert "id" not in DASHBOARD
    source, job = DASHBOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert job["datasource"]["uid"] == "${datasource}"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert len(rows) == 5
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))
        assert all('job=~"$job"' in target["expr"] for target in panel["targets"])


def test_no_two_panels_lie_on_each_other() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    for place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
    for one, two in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= two["x"]
            or two["x"] + two["w"] <= one["x"]
            or one["y"] + one["h"] <= two["y"]
            or two["y"] + two["h"] <= one["y"]
        )
        assert apart, (one, two)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"TootTail[A-Za-z]+", rule["alert"])
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert len(rule["annotations"]["summary"]) < 110
    page, _, section = rule["annotations"]["runbook_url"].partition("#")
    text = (CHECKOUT / page).read_text()
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings}
    assert section in anchors | {""}


def test_every_alert_is_tried_on_a_made_up_service() -> None:
    tried = (MONITORING / "alerts_test.yaml").read_text()
    assert [r["alert"] for r in RULES if f'alertname="{r["alert"]}"' not in tried] == []


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not there")
@pytest.mark.parametrize(
    "arguments", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")]
)
def test_prometheus_own_tool_takes_the_rules(arguments: tuple[str, ...]) -> None:
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *arguments],
        cwd=MONITORING,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
