"""docker-compose.yml and the Dockerfile, read strictly: there need not be a Docker engine where this runs."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from connector.cli.health import Role
from connector.settings.schema import load
from tests import composed
from tests.processes import ROOT, SHIPPED_SETTINGS

VARIABLES = {name: text or f"{name.lower()}-of-tests" for name, text in composed.example().items()}
SERVICES = composed.services(VARIABLES)
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
CONNECTED = sorted(set(OURS) - {"simulator"})
KEYS = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "hostname", "image", "ports",
    "profiles", "restart", "security_opt", "stop_grace_period", "stop_signal", "user", "volumes",
}  # fmt: skip
DOCKERFILE = [
    line.split() for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines() if line.strip()
]
ROOT_USERS = {"0", "root"}


def seconds(duration: str) -> int:
    """A duration of whole seconds, as all here are written."""
    return int(re.fullmatch(r"(\d+)s", duration)[1])  # type: ignore[index]


def nodes(node: Any) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for key, value in node.value:
            yield from (*nodes(key), *nodes(value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from nodes(value)


def test_no_key_stands_twice_in_a_table() -> None:
    root = yaml.compose(composed.COMPOSE.read_text(), yaml.SafeLoader)
    counts = [Counter(key.value for key, _ in node.value) for node in nodes(root)]
    assert [name for count in counts for name, times in count.items() if times > 1] == []


def test_the_fleet_is_whole() -> None:
    assert set(SERVICES) == {"postgres", "rabbitmq", "migrate", "web", "worker", "beat", "simulator"}
    assert SERVICES["simulator"]["profiles"] == ["staging"]
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["simulator"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_nothing_that_compose_does_not_know(name: str) -> None:
    assert set(SERVICES[name]) - KEYS == set()


def test_every_variable_is_explained_in_the_example_and_no_other() -> None:
    assert composed.named() == set(composed.example())


@pytest.mark.parametrize("name", ["SITE_ID", "API_KEY", "WEB_TOKEN", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"])
def test_a_secret_that_is_missing_stops_compose_before_anything_starts(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        composed.services({**VARIABLES, name: ""})


def test_the_example_holds_no_secret() -> None:
    kept = {name: text for name, text in composed.example().items() if text}
    assert kept == dict.fromkeys(
        ("CONNECTOR__CONNECTIONS__MAIN__TRACK_URL", "CONNECTOR__CONNECTIONS__MAIN__APP_URL"), "http://simulator:8090"
    )


@pytest.mark.parametrize("name", CONNECTED)
def test_the_settings_accept_the_environment_of_a_service(name: str) -> None:
    environ = composed.environment(SERVICES[name], VARIABLES)
    settings = load(SHIPPED_SETTINGS, environ)
    assert settings.store.url.endswith(f":{VARIABLES['POSTGRES_PASSWORD']}@postgres/connector")
    assert settings.broker.url == f"amqp://connector:{VARIABLES['RABBITMQ_PASSWORD']}@rabbitmq//"
    assert settings.connections["main"].track_base == "http://simulator:8090"
    assert settings.web.host == "0.0.0.0"


@pytest.mark.parametrize("name", CONNECTED)
def test_without_the_lines_for_staging_a_service_goes_to_customerio(name: str) -> None:
    variables = {variable: text for variable, text in VARIABLES.items() if not variable.endswith("_URL")}
    environ = composed.environment(SERVICES[name], variables)
    assert load(SHIPPED_SETTINGS, environ).connections["main"].track_base == "https://track.customer.io"


def test_the_servers_are_given_the_passwords_that_we_show_them() -> None:
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"] == VARIABLES["POSTGRES_PASSWORD"]
    assert SERVICES["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_PASS"] == VARIABLES["RABBITMQ_PASSWORD"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    assert [port for port in SERVICES[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(OURS)))
def test_a_server_does_not_run_as_root(name: str) -> None:
    assert SERVICES[name]["user"].split(":")[0] not in ROOT_USERS


@pytest.mark.parametrize("name", OURS)
def test_a_program_of_ours_has_no_rights_but_those_of_its_user(name: str) -> None:
    service = SERVICES[name]
    assert "user" not in service
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_who_has_a_door_or_works_on_has_a_health_check(name: str) -> None:
    waited_for = {
        needed
        for service in SERVICES.values()
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }
    check = SERVICES[name].get("healthcheck")
    assert bool(check) == ("ports" in SERVICES[name] or name in waited_for or name in ("worker", "beat"))
    assert check is None or (check["test"][0] == "CMD" and seconds(check["interval"]) >= seconds(check["timeout"]))


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_who_has_no_door_is_asked_by_a_command_that_exists(name: str) -> None:
    program, *words = SERVICES[name]["healthcheck"]["test"][1:]
    assert (program, words) == ("connector", ["health", name])
    assert Role(name).value == name


@pytest.mark.parametrize("name", SERVICES)
def test_who_is_waited_for_can_be(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        ends = how["condition"] == "service_completed_successfully"
        assert SERVICES[needed]["restart"] == ("on-failure" if ends else "unless-stopped")


def test_workers_and_beat_wait_for_the_tables() -> None:
    waiting = [name for name, service in SERVICES.items() if "migrate" in service.get("depends_on", {})]
    assert sorted(waiting) == ["beat", "web", "worker"]


def test_a_worker_is_given_longer_to_stop_than_it_takes() -> None:
    worker = SERVICES["worker"]
    assert seconds(worker["stop_grace_period"]) > load(SHIPPED_SETTINGS, {}).worker.stop_seconds + 10


def test_workers_can_be_many() -> None:
    assert not {"ports", "hostname", "container_name"} & set(SERVICES["worker"])


def test_every_volume_is_there() -> None:
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", [])]
    paths = {source for source, *_ in mounts if source.startswith(".")}
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert {source for source, *_ in mounts} - paths == set(composed.whole()["volumes"])


# ---- Dockerfile ------------------------------------------------------------------------------------------------------


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    copied = [word for line in DOCKERFILE if line[0] == "COPY" for word in line[1:-1]]
    sources = [word for word in copied if not word.startswith(("--", "/"))]
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert "requirements-image.txt" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if not any(fnmatch(source, name) for name in kept)] == []


def test_the_image_has_what_the_commands_need() -> None:
    """`connector` and `celery` are installed into one folder, which the last stage has first in its PATH."""
    last = DOCKERFILE[max(number for number, line in enumerate(DOCKERFILE) if line[0] == "FROM") :]
    paths = [word for line in last if line[0] == "ENV" for word in line[1:] if word.startswith("PATH=")]
    assert paths == ["PATH=/opt/connector/bin:$PATH"]
    assert {SERVICES[name]["command"][0] for name in OURS} == {"connector", "celery"}


def test_the_image_does_not_run_as_root_and_says_so_by_number() -> None:
    """Kubernetes' runAsNonRoot refuses an image whose user is a name: it cannot tell whose."""
    users = [line[1] for line in DOCKERFILE if line[0] == "USER"]
    made = [line[line.index("--uid") + 1] for line in DOCKERFILE if "useradd" in line]
    assert users[-1] == made[-1]
    assert int(users[-1]) > 0


def test_the_image_installs_nothing_but_what_is_pinned() -> None:
    installs = [" ".join(line) for line in DOCKERFILE if line[0] == "RUN" and "install" in line]
    assert len(installs) == 2
    assert all("--require-hashes -r requirements-image.txt" in each or "--no-deps" in each for each in installs)


def pins(name: str) -> dict[str, str]:
    """The version of each package that a file of pins names."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_image_has_every_extra_in_the_versions_that_are_tested() -> None:
    """An operator adds a channel of alerts or an export in the settings, and not in the image."""
    image, tested = pins("requirements-image.txt"), pins("requirements-dev.txt")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {Requirement(each).name for extra in extras.values() for each in extra}
    assert {"apprise", "pyarrow"} <= wanted
    assert wanted <= image.keys()
    assert {name: version for name, version in image.items() if tested.get(name, version) != version} == {}
    assert pins("requirements.txt").keys() <= image.keys()
