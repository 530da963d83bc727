"""Who reaches whom in the cluster: network policies and the Ingress, followed as rules are."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from tests.deploy.chart import Object, Release, container, is_picked, render
from toottail.service.http.origins import MACHINE_PATHS

INTERNET = ("198.51.100.7", "2606:4700::1111")
PRIVATE = (
    *("10.1.2.3", "172.20.0.1", "192.168.7.7", "100.64.3.3", "127.0.0.1", "169.254.169.254"),
    *("fd00::7", "fe80::1", "::1"),
)
DNS_PODS = {"k8s-app": "kube-dns"}
PARTS = ("api", "web", "worker")


def _policies(release: Release, part: str) -> list[Object]:
    labels = container_labels(release, part)
    return [
        one["spec"]
        for one in release.of("NetworkPolicy")
        if is_picked(one["spec"]["podSelector"]["matchLabels"], labels)
    ]


def container_labels(release: Release, part: str) -> dict[str, str]:
    kind, name = ("Job", "migrate") if part == "migrate" else ("Deployment", part)
    template = release.one(kind, f"toottail-{name}")["spec"]["template"]
    labels: dict[str, str] = template["metadata"]["labels"]
    return labels


def _may_reach(release: Release, part: str, address: str, port: int) -> bool:
    """Whether a part's pods may open a TCP connection to an address outside of the cluster."""
    (policy,) = _policies(release, part)
    assert "Egress" in policy["policyTypes"]
    return any(
        {"port": port, "protocol": "TCP"} in rule["ports"]
        and (
            "to" not in rule
            or any("ipBlock" in peer and _is_in(address, peer["ipBlock"]) for peer in rule["to"])
        )
        for rule in policy["egress"]
    )


def _is_in(address: str, block: Object) -> bool:
    found = ip_address(address)
    return found in ip_network(block["cidr"]) and not any(
        found in ip_network(one) for one in block.get("except", [])
    )


@pytest.mark.parametrize("part", PARTS)
def test_parts_reach_the_internet_on_the_one_port_that_is_ever_asked(part: str) -> None:
    release = render("external-database")
    for address in INTERNET:
        assert _may_reach(release, part, address, 443)
        for port in (22, 25, 80, 5432, 8443):
            assert not _may_reach(release, part, address, port)


@pytest.mark.parametrize("part", PARTS)
def test_parts_reach_nothing_private(part: str) -> None:
    release = render("external-database")
    for address in PRIVATE:
        for port in (80, 443, 5432, 6432):
            assert not _may_reach(release, part, address, port)


@pytest.mark.parametrize("part", [*PARTS, "migrate"])
def test_parts_reach_the_database_that_is_named_and_no_other(part: str) -> None:
    release = render("external-database")
    assert _may_reach(release, part, "192.0.2.7", 6432)
    assert not _may_reach(release, part, "192.0.2.8", 6432)


@pytest.mark.parametrize("part", PARTS)
def test_with_the_operator_its_pods_are_the_database(part: str) -> None:
    (policy,) = _policies(render("autoscaled"), part)
    (rule,) = (one for one in policy["egress"] if one["ports"][0]["port"] == 5432)
    assert rule["to"] == [{"podSelector": {"matchLabels": {"cnpg.io/cluster": "shared-db"}}}]


def test_where_nobody_said_where_the_database_is_its_port_is_open_and_that_is_told() -> None:
    release = render()
    assert _may_reach(release, "worker", "10.1.2.3", 5432)
    assert "networkPolicy.databaseTo" in release.notes
    assert "networkPolicy.databaseTo" not in render("external-database").notes


def test_who_brings_tables_up_to_date_needs_no_internet() -> None:
    for address in INTERNET:
        assert not _may_reach(render("external-database"), "migrate", address, 443)


@pytest.mark.parametrize("part", [*PARTS, "migrate"])
def test_names_are_looked_up_in_the_cluster_alone(part: str) -> None:
    (policy,) = _policies(render("external-database"), part)
    (rule,) = (one for one in policy["egress"] if one["ports"][0]["port"] == 53)
    assert {port["protocol"] for port in rule["ports"]} == {"UDP", "TCP"}
    for address in INTERNET:
        assert not _may_reach(render("external-database"), part, address, 53)


@pytest.mark.parametrize("part", ["worker", "migrate"])
def test_nothing_reaches_a_worker(part: str) -> None:
    (policy,) = _policies(render(), part)
    assert "Ingress" in policy["policyTypes"]
    assert policy["ingress"] == []


@pytest.mark.parametrize("part", PARTS)
def test_figures_go_to_the_monitor_that_is_named_and_to_nobody_else(part: str) -> None:
    release = render("external-database")
    (policy,) = _policies(release, part)
    (rule,) = (one for one in policy["ingress"] if one["ports"][0]["port"] == "metrics")
    labels = {"kubernetes.io/metadata.name": "monitoring"}
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": labels}}]
    assert "metrics" in {port["name"] for port in container(release, part)["ports"]}
    # A service of the operator's that nobody narrowed must still be read.
    (policy,) = _policies(render("autoscaled"), part)
    assert policy["ingress"][-1] == {"ports": [{"port": "metrics", "protocol": "TCP"}]}


@pytest.mark.parametrize("part", ["api", "web"])
def test_visitors_come_by_the_ingress(part: str) -> None:
    (policy,) = _policies(render("external-database"), part)
    (rule,) = (one for one in policy["ingress"] if one["ports"][0]["port"] == "http")
    spaces = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for peer in rule["from"]
        if "namespaceSelector" in peer
    ]
    assert spaces == ["traefik"]
    # And `helm test`.
    assert len(rule["from"]) == 2


def _answers(release: Release, path: str) -> str:
    """The service to which the Ingress sends a path: the longest rule that fits."""
    (ingress,) = release.of("Ingress")
    (rule,) = ingress["spec"]["rules"]
    fitting = [
        one
        for one in rule["http"]["paths"]
        if path == one["path"]
        or (one["pathType"] == "Prefix" and path.startswith(one["path"].rstrip("/") + "/"))
    ]
    best = max(fitting, key=lambda one: len(one["path"]))
    service: str = best["backend"]["service"]["name"]
    (port,) = release.one("Service", service)["spec"]["ports"]
    assert best["backend"]["service"]["port"] == {"name": port["name"]}
    return service.removeprefix("toottail-")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/api/v1/status", "api"),
        ("/healthz", "api"),
        ("/readyz", "api"),
        ("/actor", "api"),
        ("/nodeinfo/2.1", "api"),
        ("/.well-known/webfinger", "api"),
        ("/", "web"),
        ("/me/conversations/7", "web"),
        ("/apiary", "web"),
        ("/static/x.css", "web"),
    ],
)
def test_each_address_goes_to_who_answers_it(path: str, part: str) -> None:
    assert _answers(render(), path) == part


def test_figures_are_not_public() -> None:
    # The pages have none: what comes there is answered with 404.
    assert "/metrics" in MACHINE_PATHS
    assert _answers(render(), "/metrics") == "web"


def test_the_way_in_speaks_https_under_the_services_name() -> None:
    (ingress,) = render("external-database").of("Ingress")
    assert ingress["spec"]["tls"] == [
        {"hosts": ["toottail.example.org"], "secretName": "toottail-tls"}
    ]
    assert ingress["spec"]["rules"][0]["host"] == "toottail.example.org"
    assert ingress["spec"]["ingressClassName"] == "traefik"
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}


def test_where_https_ends_before_the_cluster_no_certificate_is_asked_for() -> None:
    release = render(
        changes={"ingress.tls.enabled": False, "serviceUrl": "https://t.example.org:8443"}
    )
    (ingress,) = release.of("Ingress")
    assert "tls" not in ingress["spec"]
    assert ingress["spec"]["rules"][0]["host"] == "t.example.org"


def test_all_of_it_can_be_switched_off() -> None:
    release = render("everything-off")
    kinds = {one["kind"] for one in release.objects}
    assert kinds == {"ConfigMap", "Secret", "Service", "Deployment"}
    assert "No Ingress was made" in release.notes
