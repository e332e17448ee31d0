"""deploy/: the units and manifests are well-formed, and name commands, paths and settings that exist."""

import re
import shlex
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from connector.cli import app
from connector.cli.health import Role
from connector.runtime import Runtime
from connector.settings.schema import load
from connector.web.app import create_app
from tests.build_settings import build
from tests.documents import ROOT
from tests.processes import SHIPPED_SETTINGS

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = [
    manifest
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(path.read_text())
]
PODS = [each for each in MANIFESTS if each["kind"] in ("Deployment", "Job")]
_ASSIGNED = re.compile(r"^(CONNECTOR\w+)=(.*)$", re.MULTILINE)


def name(manifest: Mapping[str, Any]) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def containers() -> Iterator[Any]:
    for pod in PODS:
        yield from pod["spec"]["template"]["spec"]["containers"]


def unit(path: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def commands() -> list[list[str]]:
    of_units = [shlex.split(unit(path)["Service"]["ExecStart"]) for path in UNITS]
    return [*of_units, *(container["command"] for container in containers())]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_each_command_exists(command: list[str]) -> None:
    program, *words = command
    if Path(program).name == "connector":
        assert words in (["run"], ["web"], ["migrate"])
        assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0
    else:
        from celery.bin.celery import celery

        assert Path(program).name == "celery"
        assert words[:2] == ["-A", "tasks"]
        named = celery.commands[words[2]]
        options = {option for parameter in named.params for option in parameter.opts}
        assert [word for word in words[3:] if word.startswith("--") and word not in options] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_as_nobody_special_and_reads_its_settings_from_the_usual_place(path: Path) -> None:
    service = unit(path)["Service"]
    assert service["User"] == "connector"
    assert service["EnvironmentFile"] == "/etc/connector/connector.env"
    assert service["NoNewPrivileges"] == "true"
    page = re.fullmatch(r"file:/opt/connector/(.*)", unit(path)["Unit"]["Documentation"])
    assert page is not None
    assert (ROOT / page[1]).exists()


def test_a_worker_is_given_longer_to_end_than_it_takes() -> None:
    settings = load(SHIPPED_SETTINGS, {})
    stop = float(unit(DEPLOY / "systemd" / "connector-worker@.service")["Service"]["TimeoutStopSec"])
    (worker,) = (pod for pod in PODS if pod["metadata"]["name"] == "connector-worker")
    grace = worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert min(stop, grace) >= settings.worker.stop_seconds + 30


@pytest.mark.parametrize("manifest", PODS, ids=name)
def test_a_pod_has_a_numeric_user_and_no_rights(manifest: Mapping[str, Any]) -> None:
    pod = manifest["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert isinstance(pod["securityContext"]["runAsUser"], int)
    assert pod["securityContext"]["runAsUser"] > 0
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("manifest", [each for each in PODS if each["kind"] == "Deployment"], ids=name)
def test_a_deployment_finds_its_own_pods(manifest: Mapping[str, Any]) -> None:
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert manifest["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_probes_ask_paths_that_the_doors_have() -> None:
    runtime = Runtime.open(build(store="sqlite:///unused.db"))
    paths = set(create_app(runtime, lambda _: None).openapi()["paths"])
    runtime.close()
    probes = [
        container[kind]["httpGet"]
        for container in containers()
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
        if "httpGet" in container.get(kind, {})
    ]
    assert len(probes) == 3
    assert {probe["path"] for probe in probes} <= paths
    assert {probe["port"] for probe in probes} == {"http"}


def test_who_has_no_door_is_probed_by_a_command_that_exists() -> None:
    asked = [
        container["livenessProbe"]["exec"]["command"]
        for container in containers()
        if "exec" in container.get("livenessProbe", {})
    ]
    assert sorted(asked) == [["connector", "health", "beat"], ["connector", "health", "worker"]]
    assert all(Role(role) for *_, role in asked)


def test_the_service_leads_to_the_doors() -> None:
    (service,) = (each for each in MANIFESTS if each["kind"] == "Service")
    (web,) = (pod for pod in PODS if pod["metadata"]["name"] == "connector-web")
    assert service["spec"]["selector"].items() <= web["spec"]["template"]["metadata"]["labels"].items()
    ports = {port["name"] for port in web["spec"]["template"]["spec"]["containers"][0]["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def variables() -> list[dict[str, str]]:
    """The environment of each way to run it."""
    (secret,) = (each for each in MANIFESTS if each["kind"] == "Secret")
    of_pods = [
        {**secret["stringData"], **{each["name"]: each["value"] for each in container["env"]}}
        for container in containers()
    ]
    example = dict(_ASSIGNED.findall((DEPLOY / "systemd" / "connector.env.example").read_text()))
    return [example, *of_pods]


@pytest.mark.parametrize("environ", variables())
def test_every_variable_is_a_setting(environ: dict[str, str]) -> None:
    settings = load(SHIPPED_SETTINGS, environ)
    assert settings.log.format == "json"
    assert settings.broker.url.startswith("amqp://")


def test_nginx_lets_through_what_the_doors_take_and_passes_to_their_port() -> None:
    text = (DEPLOY / "nginx" / "connector.conf").read_text()
    web = load(SHIPPED_SETTINGS, {}).web
    most = re.search(r"client_max_body_size (\d+)m;", text)
    assert most is not None
    assert int(most[1]) * 1024 * 1024 >= web.max_body_bytes
    assert f"proxy_pass http://{web.host}:{web.port};" in text
    assert text.count("{") == text.count("}")


def test_the_names_of_the_manifests_are_those_of_files_and_secrets() -> None:
    names = {name(each) for each in MANIFESTS}
    assert names == {
        "Secret/connector",
        "Job/connector-migrate",
        "Deployment/connector-web",
        "Service/connector",
        "Deployment/connector-worker",
        "Deployment/connector-beat",
    }
    for pod in PODS:
        for container in pod["spec"]["template"]["spec"]["containers"]:
            assert container["envFrom"] == [{"secretRef": {"name": "connector"}}]
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == {volume["name"] for volume in pod["spec"]["template"]["spec"]["volumes"]}
