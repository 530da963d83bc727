"""What the operator of the predecessor asked for: workers, their nodes, their images."""

from __future__ import annotations

import json

import pytest

from tests.deploy.chart import Object, Release, container, render, values
from toottail import __version__
from toottail.settings import Settings

PARTS = ("api", "web", "worker")


def _worker(release: Release) -> Object:
    return release.one("Deployment", "toottail-worker")


def _pod(release: Release) -> Object:
    found: Object = _worker(release)["spec"]["template"]
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_as_many_workers_as_one_number_says(count: int) -> None:
    release = render(changes={"worker.replicas": count})
    assert _worker(release)["spec"]["replicas"] == count
    assert len(release.of("Deployment")) == len(PARTS)


def test_no_worker_has_a_number() -> None:
    # Another count changes nothing but the count: nothing is restarted, nothing is handed out.
    few, many = render(changes={"worker.replicas": 2}), render(changes={"worker.replicas": 40})
    for one in (*few.objects, *many.objects):
        one["spec"] = {k: v for k, v in one.get("spec", {}).items() if k != "replicas"}
    assert few.objects == many.objects


def test_two_workers_are_never_on_one_node_where_that_is_required() -> None:
    release = render("many-workers")
    affinity = _pod(release)["spec"]["affinity"]["podAntiAffinity"]
    (rule,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
    assert list(affinity) == ["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["topologyKey"] == "kubernetes.io/hostname"
    labels = _pod(release)["metadata"]["labels"]
    assert rule["labelSelector"]["matchLabels"].items() <= labels.items()
    # Others may be beside them.
    for part in ("api", "web"):
        others = release.one("Deployment", f"toottail-{part}")["spec"]["template"]["metadata"]
        assert not rule["labelSelector"]["matchLabels"].items() <= others["labels"].items()


def test_an_upgrade_needs_no_further_node() -> None:
    rolling = _worker(render("many-workers"))["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 0, "maxUnavailable": 1}


def test_by_default_they_are_apart_where_there_is_room() -> None:
    affinity = _pod(render())["spec"]["affinity"]["podAntiAffinity"]
    (rule,) = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    assert list(affinity) == ["preferredDuringSchedulingIgnoredDuringExecution"]
    assert rule["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"


def test_where_nobody_minds_there_is_no_rule() -> None:
    pod = _pod(render("everything-off"))["spec"]
    assert "affinity" not in pod
    assert "topologySpreadConstraints" not in pod


def test_they_are_spread_over_zones() -> None:
    release = render()
    (spread,) = _pod(release)["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "topology.kubernetes.io/zone"
    assert (
        spread["labelSelector"]["matchLabels"].items()
        <= _pod(release)["metadata"]["labels"].items()
    )


def test_the_operator_sees_which_node_each_asks_from() -> None:
    env = {one["name"]: one for one in container(render(), "worker")["env"]}
    assert env["TOOTTAIL_EGRESS"]["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}


def test_beyond_what_it_asked_for_a_worker_takes_nothing_new() -> None:
    of = container(render(), "worker")
    env = {one["name"]: one for one in of["env"]}
    limit = env["TOOTTAIL_WORKER_MEMORY_LIMIT"]["valueFrom"]["resourceFieldRef"]
    assert limit == {"resource": "requests.memory"}
    assert (of["resources"]["requests"]["memory"], of["resources"]["limits"]["memory"]) == (
        "256Mi",
        "512Mi",
    )


@pytest.mark.parametrize("tag", ["", "2.0.1"])
def test_three_images_of_one_build_have_one_tag(tag: str) -> None:
    release = render(changes={"image.tag": tag})
    wanted = tag or __version__
    for part in PARTS:
        assert container(release, part)["image"] == f"ghcr.io/toottail/toottail-{part}:{wanted}"
        assert container(release, part)["command"] == ["toottail", part]


def test_images_may_come_from_elsewhere() -> None:
    release = render("external-database")
    for _, pod in release.pods():
        assert pod["imagePullSecrets"] == [{"name": "registry-password"}]
        for one in pod["containers"]:
            assert one["image"].startswith("registry.example.org/fediverse/toottail-")
            assert one["image"].endswith(":1.2.3")
            assert one["imagePullPolicy"] == "Always"


def test_all_parts_have_the_same_database_and_keys() -> None:
    release = render("external-database")
    seen = {
        json.dumps([one for one in container(release, part)["env"] if "secretKeyRef" in str(one)])
        for part in PARTS
    }
    (found,) = seen
    assert json.loads(found) == [
        {
            "name": "DATABASE_URL",
            "valueFrom": {"secretKeyRef": {"name": "toottail", "key": "database"}},
        },
        {
            "name": "TOOTTAIL_SECRET_KEYS",
            "valueFrom": {"secretKeyRef": {"name": "toottail", "key": "keys"}},
        },
    ]


def test_workers_follow_what_is_late_where_that_is_wanted() -> None:
    release = render("autoscaled")
    assert "replicas" not in _worker(release)["spec"]
    (scaler,) = release.of("HorizontalPodAutoscaler")
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 12)
    (metric,) = scaler["spec"]["metrics"]
    assert metric["external"]["metric"] == {
        "name": "toottail_lanes_late",
        "selector": {"matchLabels": {"over": "60"}},
    }
    # A quarter of what one worker serves at once.
    late = int(metric["external"]["target"]["averageValue"])
    assert late * 4 == Settings.model_fields["worker_concurrency"].default


def test_a_fixed_number_and_autoscaling_are_never_both_there() -> None:
    for name in ("minimal", "autoscaled"):
        release = render(name)
        assert ("replicas" in _worker(release)["spec"]) != bool(
            release.of("HorizontalPodAutoscaler")
        )


def test_nodes_can_be_emptied() -> None:
    release = render()
    budgets = {one["metadata"]["name"]: one["spec"] for one in release.of("PodDisruptionBudget")}
    assert set(budgets) == {f"toottail-{part}" for part in PARTS}
    for spec in budgets.values():
        assert spec["maxUnavailable"] == 1
        assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert render("everything-off").of("PodDisruptionBudget") == []


def test_workers_go_to_the_nodes_that_are_named() -> None:
    pod = _pod(render("external-database"))["spec"]
    wanted = values("external-database")["worker"]
    assert pod["nodeSelector"] == wanted["nodeSelector"]
    assert pod["tolerations"] == wanted["tolerations"]
    assert pod["priorityClassName"] == "background"
