"""The files for Kubernetes: valid by the published schema, without privileges, with two of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from server import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy" / "kubernetes"
THINGS: list[dict[str, Any]] = [
    thing
    for file in sorted(FOLDER.glob("*.yaml"))
    for thing in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
# The oldest and the newest that the schemas are at hand for and that is still kept up.
VERSIONS = ("1.33", "1.35")
PODS = [thing for thing in THINGS if thing["kind"] in ("Deployment", "Job", "CronJob")]
DEPLOYMENTS = [thing for thing in THINGS if thing["kind"] == "Deployment"]


def name_of(thing: dict[str, Any]) -> str:
    return f"{thing['kind']} {thing['metadata']['name']}"


def pod_of(thing: dict[str, Any]) -> dict[str, Any]:
    spec = thing["spec"]
    spec = spec["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else spec
    pod: dict[str, Any] = spec["template"]["spec"]
    return pod


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("thing", THINGS, ids=name_of)
def test_each_is_valid_by_the_published_schema(thing: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(thing, version, strict=True)


def test_the_schema_would_find_a_misspelt_field() -> None:
    wrong = {**DEPLOYMENTS[0], "spec": {**DEPLOYMENTS[0]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("thing", PODS, ids=name_of)
def test_a_pod_has_no_privileges_and_a_root_that_is_read_only(thing: dict[str, Any]) -> None:
    """As the level `restricted` of Pod Security asks, and more."""
    pod = pod_of(thing)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


def test_no_secret_is_in_a_file_and_each_pod_names_them() -> None:
    assert "Secret" not in {thing["kind"] for thing in THINGS}
    [settings] = [thing for thing in THINGS if thing["kind"] == "ConfigMap"]
    secret = {"WAYMARK_SECRET_KEYS", "WAYMARK_DATABASE_URL", "WAYMARK_SMTP_URL"}
    secret |= {"WAYMARK_METRICS_TOKEN", "WAYMARK_CHANNELS", "WAYMARK_INBOUND"}
    assert not secret & settings["data"].keys()
    for thing in PODS:
        [container] = pod_of(thing)["containers"]
        assert {"secretRef": {"name": "waymark"}} in container["envFrom"]
        volumes = {volume["name"]: volume for volume in pod_of(thing)["volumes"]}
        assert volumes["vapid"]["secret"]["secretName"] == "waymark-vapid"


@pytest.mark.parametrize("thing", DEPLOYMENTS, ids=name_of)
def test_there_are_two_of_each_and_one_of_them_stays(thing: dict[str, Any]) -> None:
    labels = thing["spec"]["template"]["metadata"]["labels"]
    assert thing["spec"]["replicas"] == 2
    assert thing["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert thing["spec"]["selector"]["matchLabels"] == labels
    budgets = [each["spec"] for each in THINGS if each["kind"] == "PodDisruptionBudget"]
    assert {"minAvailable": 1, "selector": {"matchLabels": labels}} in budgets


@pytest.mark.parametrize("thing", DEPLOYMENTS, ids=name_of)
def test_a_pod_is_probed_and_never_by_what_the_database_or_a_ticker_does(
    thing: dict[str, Any],
) -> None:
    [container] = pod_of(thing)["containers"]
    probes = [container.get(f"{kind}Probe") for kind in ("startup", "liveness", "readiness")]
    assert probes[0]
    assert probes[1]
    assert bool(probes[2]) is (container["name"] == "web")
    assert "/health" not in str(probes)


def selected(policy: dict[str, Any], labels: dict[str, str]) -> bool:
    return policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("thing", PODS, ids=name_of)
def test_only_the_ingress_may_connect_and_only_to_the_web(thing: dict[str, Any]) -> None:
    """The web believes the address that it is handed, so who connects could choose it."""
    spec = thing["spec"]["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else thing["spec"]
    labels = spec["template"]["metadata"]["labels"]
    policies = [each for each in THINGS if each["kind"] == "NetworkPolicy"]
    ours = [each["spec"] for each in policies if selected(each, labels)]
    assert ours
    assert all(each["policyTypes"] == ["Ingress"] for each in ours)
    allowed = [rule for each in ours for rule in each.get("ingress", [])]
    is_web = labels["app.kubernetes.io/component"] == "web"
    assert len(allowed) == is_web
    for rule in allowed:
        [source] = rule["from"]
        assert source["namespaceSelector"]["matchLabels"]
        assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]


@pytest.mark.parametrize("thing", PODS, ids=name_of)
def test_a_pod_has_the_version_of_this_code(thing: dict[str, Any]) -> None:
    assert pod_of(thing)["containers"][0]["image"] == f"waymark:{VERSION}"


def test_the_web_is_found_by_its_service() -> None:
    [service] = [thing for thing in THINGS if thing["kind"] == "Service"]
    [web] = [thing for thing in DEPLOYMENTS if thing["metadata"]["name"] == "waymark-web"]
    assert service["spec"]["selector"] == web["spec"]["template"]["metadata"]["labels"]
    [container] = pod_of(web)["containers"]
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
