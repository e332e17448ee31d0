"""The same notifications for one sync and for four, each with a Customer.io of its own: what the others cost."""

from pathlib import Path

from benchmarks.fleet import Figures, measure, working
from benchmarks.notifications import Notifications
from benchmarks.stage import SETTINGS, Size, staged

NAMES = ("main", "second", "third", "fourth")


def run(changes: int, size: Size) -> Figures:
    """Returns the CPU that workers, PostgreSQL and RabbitMQ take for a notification with one sync, and with four."""
    found = {}
    for count in (1, len(NAMES)):
        with staged(connections=NAMES[:count]) as stage:
            environ = {"CONNECTOR_SETTINGS": str(settings(stage.folder, NAMES[:count]))}
            with working(stage, stage.database("syncs", environ), size, environ) as fleet:
                found[count] = measure(fleet, Notifications(changes))
    one, four = found[1]["microseconds"], found[len(NAMES)]["microseconds"]
    return {"changes": changes, "one": one, "four": four, "times": round(four / one, 2)}


def settings(folder: Path, names: tuple[str, ...]) -> Path:
    """Returns a file with the settings of the benchmarks: a sync and a connection for each name."""
    text = SETTINGS.read_text("utf-8")
    path = folder / "syncs.toml"
    path.write_text("\n".join(_named(text, name) for name in names), "utf-8")
    return path


def _named(text: str, name: str) -> str:
    return (
        text.replace("[connections.main]", f"[connections.{name}]")
        .replace("[syncs.main]", f"[syncs.{name}]")
        .replace('connection = "main"', f'connection = "{name}"')
    )
