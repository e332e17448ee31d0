"""deploy/prometheus and deploy/grafana ask only for what /metrics has, with the labels that it has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from connector.alerts.freshness import Promise
from connector.store import tallies
from connector.store.connection_health import Health
from connector.store.gauges import Gauges, SyncGauges
from connector.web import exposition, metrics
from connector.web.exposition import Family
from tests.documents import ROOT

UNPACKED = ROOT / ".venv" / "prometheus" / "usr" / "bin"
PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=UNPACKED)  # not every machine has it
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = [rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "connector.json").read_text())
FOUND = Gauges(
    now=1.0,
    syncs={"main": SyncGauges(1, 2, 3.0, 4, 5, 6)},
    connections={"main": Health()},
    counts={"main": {"created": 1, "skipped: not in the audience": 2}, tallies.way("main"): {"delivered": 1}},
    problems={"unreadable": 1},
    processes={"worker": 2},
    queues_held=frozenset(),
)
PROMISES = [Promise("main", "Paying", "main", within_seconds=60.0, until=0.0, now=1.0)]
OF_QUEUES = {"connector_broker_up": set(), "connector_queue_messages": {"queue"}, "connector_queue_held": {"queue"}}


def families() -> Iterator[Family]:
    yield from metrics.of_syncs(FOUND)
    yield from metrics.of_counts(FOUND)
    yield from metrics.of_connections(FOUND, {"main": ""})
    yield from metrics.of_processes(FOUND)
    yield from metrics.of_promises(PROMISES)


def known() -> dict[str, set[str]]:
    """The labels of each series, by its name."""
    series: dict[str, set[str]] = {name: set(labels) for name, labels in OF_QUEUES.items()}
    for family in families():
        for sample in family.samples:
            series.setdefault(family.name + sample.suffix, set()).update(sample.labels)
    return series


def expressions() -> list[str]:
    of_panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [*(rule["expr"] for rule in RULES), *of_panels]


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_series_and_labels_that_are_there(expression: str) -> None:
    named = re.findall(r"(connector_\w+)(?:\{([^}]*)\})?", expression)
    assert named
    for name, matchers in named:
        assert name in known()
        assert set(re.findall(r"(\w+)\s*[!=]", matchers)) <= known()[name]


def test_every_series_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    names = {each.name for each in families()} | {"connector_queue_messages"}
    unseen = {name for name in names if name not in shown}
    assert unseen == {"connector_connection_needs_human", "connector_effects_total"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happened_and_how_urgent_it_is(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    summary = rule["annotations"]["summary"]
    assert summary.endswith((".", "`"))
    named = set(re.findall(r"\$labels\.(\w+)", summary))
    series = [name for name in known() if name in str(rule["expr"])]
    assert named <= {label for name in series for label in known()[name]}


def test_a_dead_fleet_is_an_alert_within_a_minute() -> None:
    (rule,) = (each for each in RULES if each["alert"] == "ConnectorNobodyWorks")
    assert rule["for"] == "30s"  # and half a minute until a worker counts as gone


def test_prometheus_shows_the_token_and_reads_the_rules() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    (job,) = config["scrape_configs"]
    assert job["authorization"]["type"] == "Bearer"


def test_names_that_are_too_many_are_counted_together() -> None:
    counts = {"main": {f"effect {number:03}": 1 for number in range(250)}}
    (family,) = (
        each for each in metrics.of_counts(FOUND._replace(counts=counts)) if each.name.endswith("effects_total")
    )
    assert len(family.samples) == metrics.MOST_NAMES + 1
    assert family.samples[-1] == ({"sync": "main", "effect": "other"}, 150, "")


@pytest.fixture(scope="module")
def promtool() -> str:
    if PROMTOOL is None:
        pytest.skip("no promtool, which Debian's package prometheus has (.ci/run unpacks it without its server)")
    return PROMTOOL


def test_promtool_accepts_the_rules(promtool: str) -> None:
    subprocess.run([promtool, "check", "rules", str(PROMETHEUS / "alerts.yml")], check=True, timeout=60)


def test_each_alert_comes_and_goes_when_it_must(promtool: str) -> None:
    done = subprocess.run(
        [promtool, "test", "rules", "alerts_test.yml"],
        cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_wrong_with_the_series(promtool: str) -> None:
    answer = exposition.text([*families(), *metrics.of_queues({"changes": 3, "dead-letters": 0}, frozenset())])
    done = subprocess.run(
        [promtool, "check", "metrics"], input=answer, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_each_rule_has_a_case_of_its_own() -> None:
    cases = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    expected = {each["alertname"] for case in cases for each in case["alert_rule_test"] if each["exp_alerts"]}
    assert expected == {rule["alert"] for rule in RULES}
