"""The Helm chart becomes what Kubernetes takes, for every set of values; bad ones are refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from tests.deploy.chart import (
    CHART,
    CHECKOUT,
    VALUE_SETS,
    Object,
    Release,
    container,
    environment,
    is_picked,
    refusal,
    render,
    values,
)
from toottail.cli.commands import app
from toottail.cli.serving_checks import check
from toottail.cli.until_stopped import STOP_WITHIN
from toottail.settings import Settings, load

OLDEST, NEWEST = "1.30", kubernetes_validate.latest_version()
FOREIGN = {
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "Cluster": "postgresql.cnpg.io/v1",
}
"""Kinds that operators bring, for which there are no schemas here."""
BY_THE_CHART = {
    "data_dir",
    "service_url",
    "listen",
    "trusted_proxies",
    "egress",
    "worker_memory_limit",
    "worker_alive_file",
    "metrics_listen",
}
SECRET = {"database_url", "secret_keys"}
NOT_IN_A_CLUSTER = {
    *("connect_to", "authorize_at"),  # tests and the demonstration
    *("on_start", "on_done", "on_fail", "lan_monitors"),  # runs of one person
    *("certificate", "certificate_key"),  # the Ingress speaks https
}
NO_SETTINGS = {"DATABASE_URL", "TOOTTAIL_LOG", "TOOTTAIL_LOG_FORMAT", "SSL_CERT_FILE"}
AS_IN_KUBERNETES = {
    *("resources", "topologySpread", "dnsConfig", "podSecurityContext", "parameters", "labels"),
    *("dnsTo", "trustedProxies"),
}
ROW = re.compile(r"^\| `([A-Za-z.]+)`", flags=re.MULTILINE)


@pytest.fixture(scope="module", params=VALUE_SETS)
def release(request: pytest.FixtureRequest) -> Release:
    """What each of the sets of values becomes, one after the other."""
    return render(request.param)


@pytest.mark.parametrize("name", VALUE_SETS)
def test_the_linter_has_nothing_against_it(name: str) -> None:
    report = helm_python.lint(CHART, values(name), strict=True, kube_version=f"v{OLDEST}.0")
    told = [one for one in report["messages"] if "icon is recommended" not in one["error"]]
    assert (told, report["errors"]) == ([], [])


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_field(release: Release, version: str) -> None:
    for one in release.objects:
        if one["kind"] in FOREIGN:
            assert one["apiVersion"] == FOREIGN[one["kind"]]
        else:
            kubernetes_validate.validate(one, version, strict=True)


def test_no_two_objects_have_one_name(release: Release) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in release.objects]
    assert sorted(set(names)) == sorted(names)
    for _, name in names:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)


def test_a_long_name_of_a_release_leaves_names_that_kubernetes_takes() -> None:
    long = render(changes={"fullnameOverride": "t" * 120})
    assert max(len(one["metadata"]["name"]) for one in long.objects) <= 63


def test_what_refers_to_something_finds_just_that(release: Release) -> None:
    pods = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in release.of("Deployment")
    }
    for name in pods:
        selector = release.one("Deployment", name)["spec"]["selector"]["matchLabels"]
        assert [pod for pod, labels in pods.items() if is_picked(selector, labels)] == [name]
    for kind, path in (("Service", ()), ("PodDisruptionBudget", ("matchLabels",))):
        for one in release.of(kind):
            selector = one["spec"]["selector"]
            for step in path:
                selector = selector[step]
            found = [pod for pod, labels in pods.items() if is_picked(selector, labels)]
            all_of_them = one["metadata"]["name"] == "toottail-metrics"
            assert found == (list(pods) if all_of_them else [one["metadata"]["name"]])
    for one in release.of("HorizontalPodAutoscaler"):
        assert one["spec"]["scaleTargetRef"]["name"] in pods
    for one in release.of("ServiceMonitor"):
        selector = one["spec"]["selector"]["matchLabels"]
        (watched,) = (
            s for s in release.of("Service") if is_picked(selector, s["metadata"]["labels"])
        )
        assert [
            pod for pod, labels in pods.items() if is_picked(watched["spec"]["selector"], labels)
        ] == list(pods)
        (end,), (port,) = one["spec"]["endpoints"], watched["spec"]["ports"]
        assert (end["port"], end["path"]) == (port["name"], "/metrics")
        assert watched["metadata"]["labels"][one["spec"]["jobLabel"]] == "toottail"
        for part in ("api", "web", "worker"):
            ports = {it["name"]: it["containerPort"] for it in container(release, part)["ports"]}
            told = environment(release, part)["TOOTTAIL_METRICS_LISTEN"]
            assert told == f"0.0.0.0:{ports[port['targetPort']]}"


def test_every_variable_is_a_setting(release: Release) -> None:
    for _, pod in release.pods():
        for one in pod["containers"]:
            names = {variable["name"] for variable in one.get("env", [])}
            for source in one.get("envFrom", []):
                names |= set(release.one("ConfigMap", source["configMapRef"]["name"])["data"])
            known = {f"TOOTTAIL_{field.upper()}" for field in Settings.model_fields}
            assert names <= known | NO_SETTINGS


def test_what_is_set_is_what_the_processes_find() -> None:
    release = render("external-database")
    for part in ("api", "web", "worker"):
        found = load(None, environment(release, part))
        check(found)
        assert found.service_url == "https://toottail.example.org"
        assert found.listen_at == ("0.0.0.0", 8080)
        assert [str(network) for network in found.trusted_proxies] == ["10.42.0.0/16"]
        assert found.service_name == "TootTail of the choir"
        assert (found.most_members, found.bodies_in_memory) == (5000, 67108864)
        assert (found.home_share, found.streams) == (0.9, True)
        assert found.operators == ("@ann@example.social", "@bob@example.social")


def test_every_setting_can_be_given_or_there_is_a_reason_why_not() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    given = list(schema["properties"]["settings"]["properties"])
    reasons = BY_THE_CHART | SECRET | NOT_IN_A_CLUSTER
    assert not reasons & set(given)
    assert given == [name for name in Settings.model_fields if name not in reasons]


def test_every_command_is_one_of_the_program(release: Release) -> None:
    known: Any = get_command(app)
    found = set()
    for _, pod in release.pods():
        for one in pod["containers"]:
            probes = [
                one[key]["exec"] for key in one if key.endswith("Probe") and "exec" in one[key]
            ]
            for words in [one["command"], *(probe["command"] for probe in probes)]:
                if words[0] == "python3":
                    continue
                program, name, *options = words
                assert program == "toottail"
                taken = [text for option in known.commands[name].params for text in option.opts]
                assert set(options) <= set(taken)
                found.add(name)
    assert found >= {"api", "web", "worker"}


@pytest.mark.parametrize("name", ["try-out", "everything-off"])
def test_secrets_in_values_are_in_secrets_alone(name: str) -> None:
    release = render(name)
    words = list(values(name)["tryOut"].values())
    for one in release.objects:
        if one["kind"] != "Secret":
            assert not [word for word in words if word in json.dumps(one)]
    assert not [word for word in words if word in release.notes]
    assert "tryOut" in release.notes
    kept = release.one("Secret", "toottail-try-out")["stringData"]
    assert sorted(kept.values()) == sorted(words)


@pytest.mark.parametrize("name", [name for name in VALUE_SETS if "tryOut" not in values(name)])
def test_secrets_by_reference_make_none(name: str) -> None:
    assert render(name).of("Secret") == []


def _wants(pod: Object) -> set[tuple[str, str]]:
    """The objects without which this pod does not start."""
    wanted = {("ServiceAccount", pod.get("serviceAccountName", "default"))}
    for one in pod["containers"]:
        for source in one.get("envFrom", []):
            wanted.add(("ConfigMap", source["configMapRef"]["name"]))
        for variable in one.get("env", []):
            if "secretKeyRef" in variable.get("valueFrom", {}):
                wanted.add(("Secret", variable["valueFrom"]["secretKeyRef"]["name"]))
    return wanted


def _hook(one: Object) -> str:
    return str(one["metadata"].get("annotations", {}).get("helm.sh/hook", ""))


def _weight(one: Object) -> int:
    return int(one["metadata"]["annotations"]["helm.sh/hook-weight"])


@pytest.mark.parametrize("upgrade", [False, True])
@pytest.mark.parametrize("name", [name for name in VALUE_SETS if name != "everything-off"])
def test_tables_are_brought_up_to_date_by_what_is_there_already(name: str, upgrade: bool) -> None:
    release = render(name, upgrade=upgrade)
    (job,) = release.of("Job")
    if name == "cloudnativepg" and not upgrade:
        # The Cluster comes with the release: hooks run before there is any.
        assert _hook(job) == ""
        return
    assert _hook(job) == "pre-install,pre-upgrade"
    wanted = _wants(job["spec"]["template"]["spec"])
    made = {(one["kind"], one["metadata"]["name"]): one for one in release.objects}
    for one in (made[name] for name in wanted if name in made):
        assert _hook(one) == _hook(job)
        assert _weight(one) < _weight(job)
    policies = [one for one in release.of("NetworkPolicy") if _hook(one)]
    assert [_weight(one) < _weight(job) for one in policies] == [True]


def test_another_image_is_another_job_where_it_cannot_be_a_hook() -> None:
    names = {
        render("cloudnativepg", {"image.tag": tag}).of("Job")[0]["metadata"]["name"]
        for tag in ("1.0", "1.1")
    }
    assert len(names) == 2


def test_a_database_of_the_release_stays_when_that_goes() -> None:
    cluster = render("cloudnativepg").one("Cluster", "toottail-db")
    assert cluster["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert cluster["spec"]["instances"] == 3
    assert cluster["spec"]["storage"] == {"size": "50Gi", "storageClass": "fast"}
    assert cluster["spec"]["bootstrap"]["initdb"] == {"database": "toottail", "owner": "toottail"}
    assert render("autoscaled").of("Cluster") == []


@pytest.mark.parametrize("name", ["cloudnativepg", "autoscaled"])
def test_the_operators_own_secret_is_used(name: str) -> None:
    cluster = values(name)["database"]["cloudnativepg"]["cluster"]
    (url,) = (one for one in container(render(name), "api")["env"] if one["name"] == "DATABASE_URL")
    assert url["valueFrom"]["secretKeyRef"] == {"name": f"{cluster}-app", "key": "uri"}


def test_pods_may_do_no_more_than_they_must(release: Release) -> None:
    for _, pod in release.pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for one in pod["containers"]:
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(one["resources"]["requests"])
            assert "memory" in one["resources"]["limits"]


def test_processes_have_a_place_to_write(release: Release) -> None:
    for _, pod in release.pods():
        volumes = {one["name"]: one for one in pod.get("volumes", [])}
        for one in pod["containers"]:
            mounts = {m["mountPath"]: volumes[m["name"]] for m in one.get("volumeMounts", [])}
            if one["command"][0] == "toottail":
                assert "emptyDir" in mounts["/var/lib/toottail"]
                assert "emptyDir" in mounts["/tmp"]


def test_pods_get_the_time_that_stopping_takes(release: Release) -> None:
    for one in release.of("Deployment"):
        pod = one["spec"]["template"]["spec"]
        before = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        assert pod["terminationGracePeriodSeconds"] > STOP_WITHIN + before.get("seconds", 0)


def test_changed_settings_make_new_pods_and_nothing_else_does() -> None:
    def pods(changes: dict[str, object]) -> list[Object]:
        return [one["spec"]["template"] for one in render(changes=changes).of("Deployment")]

    assert pods({}) == pods({"worker.replicas": 7})
    for before, after in zip(pods({}), pods({"settings.watch_days": 3}), strict=True):
        assert before["metadata"]["annotations"] != after["metadata"]["annotations"]
        assert before["spec"] == after["spec"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"serviceUrl": ""}, "set it to where people find the service"),
        ({"serviceUrl": "http://toottail.example.org"}, "https"),
        ({"serviceUrl": "https://example.org/toottail"}, "no path"),
        ({"serviceUrl": "https://example.org/"}, "no slash at the end"),
        ({"worker.replicas": "three"}, "/worker/replicas': got string, want integer"),
        ({"worker.replicas": -1}, "/worker/replicas': minimum: got -1, want 0"),
        ({"worker.replica": 3}, "/worker': additional properties 'replica' not allowed"),
        ({"worker.antiAffinity": "always"}, "one of 'required', 'preferred', 'none'"),
        ({"worker.maxUnavailable": "half"}, "/worker/maxUnavailable"),
        ({"worker.resources.requests.memory": "256 MB"}, "/worker/resources/requests/memory"),
        ({"settings.sign_up": "open"}, "/settings': additional properties 'sign_up'"),
        ({"settings.database_url": "postgresql://a"}, "additional properties 'database_url'"),
        ({"settings.secret_keys": "a"}, "additional properties 'secret_keys'"),
        ({"logLevel": "loud"}, "one of 'debug', 'info', 'warning', 'error'"),
        ({"trustedProxies": []}, "/trustedProxies': minItems"),
        ({"trustedProxies": ["10.0.0.1"]}, "/trustedProxies/0"),
        ({"image.tag": "a b"}, "/image/tag"),
        ({"database.existingSecret": ""}, "no database: set one of database.existingSecret"),
        (
            {"tryOut.databaseUrl": "postgresql://a"},
            "2 databases are set: database.existingSecret and tryOut.databaseUrl",
        ),
        ({"database.cloudnativepg.create": True}, "needs a name for the Cluster"),
        ({"secretKeys.existingSecret": ""}, "no key for tokens: set secretKeys.existingSecret"),
        ({"tryOut.secretKeys": "a"}, "two keys for tokens"),
        (
            {"worker.autoscaling": {"enabled": True, "minReplicas": 9, "maxReplicas": 3}},
            "minReplicas is 9, more than maxReplicas, which is 3",
        ),
    ],
)
def test_bad_values_are_refused_with_a_clear_message(changes: dict[str, object], told: str) -> None:
    assert told in refusal("minimal", changes)


def test_alerts_and_dashboard_are_taken_along(tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / "toottail")
    # Prometheus' own templates are not Helm's.
    groups = [{"name": "a", "rules": [{"alert": "Late", "expr": "1", "for": "{{ $value }}"}]}]
    (chart / "files" / "alerts.yaml").write_text(yaml.safe_dump({"groups": groups}))
    (chart / "files" / "dashboard.json").write_text('{"title": "{{host}}"}')
    both = {"monitoring.prometheusRule.enabled": True, "monitoring.dashboard.enabled": True}
    release = render(changes=both, chart=chart)
    assert release.one("PrometheusRule", "toottail")["spec"]["groups"] == groups
    board = release.one("ConfigMap", "toottail-dashboard")
    assert json.loads(board["data"]["toottail.json"]) == {"title": "{{host}}"}
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize("part", ["prometheusRule", "dashboard"])
def test_what_a_copy_of_the_chart_does_not_have_is_said(part: str, tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / "toottail")
    for file in ("alerts.yaml", "dashboard.json"):
        (chart / "files" / file).unlink(missing_ok=True)
    with pytest.raises(helm_python.HelmError, match="this copy of the chart has no files/"):
        render(changes={f"monitoring.{part}.enabled": True}, chart=chart)


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_copies_in_the_chart_are_as_the_originals(file: str) -> None:
    original, copied = CHECKOUT / "deploy" / "monitoring" / file, CHART / "files" / file
    assert copied.exists() == original.exists()
    assert not copied.exists() or copied.read_bytes() == original.read_bytes()


def test_the_document_names_values_that_there_are() -> None:
    named = ROW.findall((CHECKOUT / "docs" / "kubernetes.md").read_text())
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    assert len(named) > 12
    for name in named:
        place = defaults
        for step in name.split("."):
            assert step in place, name
            place = place[step]


def test_every_value_is_explained() -> None:
    above, free, silent = "", 0, []
    for line in (CHART / "values.yaml").read_text().splitlines():
        indent = len(line) - len(line.lstrip())
        key = re.match(r"\s*([A-Za-z0-9]+):", line)
        if key and not 0 < free <= indent:
            # What is in these has its meaning from Kubernetes.
            free = indent + 1 if key[1] in AS_IN_KUBERNETES else 0
            if not above.lstrip().startswith("#") and " # " not in line:
                silent.append(line)
        above = line
    assert silent == []


def test_what_the_page_says_to_write_is_taken_and_names_the_secrets_that_it_makes() -> None:
    page = (CHECKOUT / "docs" / "kubernetes.md").read_text()
    (block,) = re.findall(r"in a file `values.yaml`:\n\n((?: {4}.*\n)+)", page)
    said = yaml.safe_load(block)
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(said, name="toottail", namespace="toottail", is_install=True)
    text = "".join(files.values())
    assert f'image: "{said["image"]["repository"]}-worker:' in text
    keys = said["secretKeys"]["existingSecret"]
    assert f"create secret generic {keys} --from-file=secret-keys" in page
    assert re.search(rf"name: {keys}\n\s+key: secret-keys", text)
    tags = set(re.findall(r"/toottail-\$part:(\S+)", page))
    assert tags == {yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]}
