"""Whatever makes pods makes them harmless, measured and easy to replace."""

import pytest

from shared.settings import ServiceSettings, load_settings
from tests.deploy.manifests import NAME, OVERLAYS, SERVICES, Workload, of_kind, workloads
from tests.support.kustomize import rendered
from tests.support.system import KEY

PODS = [
    pytest.param(overlay, workload, id=f"{overlay.rpartition('/')[2]} {workload}")
    for overlay in OVERLAYS
    for workload in workloads(rendered(overlay))
]
each_pod = pytest.mark.parametrize(("overlay", "workload"), PODS)
each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@each_overlay
def test_all_services_run(overlay: str) -> None:
    assert set(SERVICES) <= set(of_kind(rendered(overlay), "Deployment"))


@each_pod
def test_a_pod_may_do_nothing_that_it_need_not(overlay: str, workload: Workload) -> None:
    security = workload.pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & workload.pod.keys()
    assert not any("hostPath" in volume for volume in workload.pod.get("volumes", ()))
    for container in workload.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@each_pod
def test_a_pod_has_no_token_of_the_cluster(overlay: str, workload: Workload) -> None:
    assert workload.pod["automountServiceAccountToken"] is False
    assert workload.pod["enableServiceLinks"] is False
    if workload.ours:
        account = of_kind(rendered(overlay), "ServiceAccount")[workload.pod["serviceAccountName"]]
        assert account["automountServiceAccountToken"] is False


@each_pod
def test_a_pod_has_limits(overlay: str, workload: Workload) -> None:
    for container in workload.containers:
        resources = container["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}


@each_pod
def test_an_image_says_its_version(overlay: str, workload: Workload) -> None:
    for container in workload.containers:
        tag = container["image"].rpartition("/")[2].partition(":")[2]
        assert tag not in ("", "latest")


@each_pod
def test_what_serves_is_probed(overlay: str, workload: Workload) -> None:
    if workload.kind in ("Job", "CronJob"):
        assert workload.pod["restartPolicy"] == "OnFailure"
        return
    for container in workload.containers:
        assert {"livenessProbe", "readinessProbe"} <= container.keys()
        if workload.ours:
            assert container["startupProbe"]["httpGet"]["path"] == "/health/live"
            assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
            assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


@each_pod
def test_each_mount_has_its_volume(overlay: str, workload: Workload) -> None:
    claims = next(
        (
            {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", ())}
            for each in rendered(overlay)
            if (each["kind"], each["metadata"]["name"]) == ("StatefulSet", workload.name)
        ),
        set(),
    )
    volumes = {volume["name"] for volume in workload.pod.get("volumes", ())} | claims
    mounts = [mount["name"] for each in workload.containers for mount in each["volumeMounts"]]
    assert set(mounts) == volumes


@each_overlay
@pytest.mark.parametrize("name", SERVICES)
def test_a_rollout_loses_no_call(overlay: str, name: str) -> None:
    spec = of_kind(rendered(overlay), "Deployment")[name]["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = load_settings(ServiceSettings, {"BARONG_SERVICE_KEYS": KEY}).shutdown_seconds
    assert pod["terminationGracePeriodSeconds"] > pause + 2 * drain  # two ports, one by one
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert {each["topologyKey"] for each in pod["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_production_scales_and_survives_a_drain(name: str) -> None:
    resources = rendered("k8s/overlays/production")
    scaler = of_kind(resources, "HorizontalPodAutoscaler")[name]["spec"]
    assert scaler["scaleTargetRef"]["name"] == name
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    budget = of_kind(resources, "PodDisruptionBudget")[name]["spec"]
    assert budget["maxUnavailable"] < scaler["minReplicas"]
    assert budget["selector"]["matchLabels"][NAME] == name
    assert "replicas" not in of_kind(resources, "Deployment")[name]["spec"]  # the scaler's


@each_overlay
def test_public_and_internal_ports_are_services_apart(overlay: str) -> None:
    resources = rendered(overlay)
    services = of_kind(resources, "Service")
    for name in SERVICES:
        (pods,) = (each for each in workloads(resources) if each.labels.get(NAME) == name)
        ports = {port["name"]: port["containerPort"] for port in pods.pod["containers"][0]["ports"]}
        expected = {f"{name}-internal": ("internal", 9080)}
        if "public" in ports:
            expected[name] = ("public", 8080)
        for service, (target, number) in expected.items():
            spec = services.pop(service)["spec"]
            assert spec["selector"][NAME] == name
            assert [(p["targetPort"], p["port"]) for p in spec["ports"]] == [(target, number)]
            assert ports[target] == number
            assert spec.get("type", "ClusterIP") == "ClusterIP"
    # The others belong to parts that only the local overlay has.
    assert not any("svc" in name or "gateway" in name for name in services)


def test_postgresql_has_a_connection_for_every_pod() -> None:
    resources = rendered("k8s/overlays/production")
    scalers = of_kind(resources, "HorizontalPodAutoscaler")
    pods = sum(
        scalers[name]["spec"]["maxReplicas"]
        for name in (
            "identity-svc",
            "resource-svc",
            "admin-svc",
            "mailer-svc",
            "webhooks-svc",
            "oauth-svc",
        )
    )
    cluster = of_kind(resources, "Cluster")["postgres"]
    limit = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
    assert pods * 12 < limit  # a pool of ten, the relay's, and one to spare
