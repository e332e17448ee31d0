"""`connector resync`: everybody of a sync is delivered whole again."""

from typing import Annotated

from typer import Argument, Option

from connector.bulk import resync as resyncs
from connector.cli import job_progress as following
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, opened

PerSecond = Annotated[float, Option("--per-second", min=1, help="How many people a second become due at the most.")]
Detach = Annotated[bool, Option("--detach", help="Start it and come back at once.")]


def resync(
    sync: Annotated[str, Argument(help="The sync, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
    per_second: PerSecond = 500.0,
    detach: Detach = False,
    json: AsJson = False,
) -> None:
    """Deliver everybody of a sync whole again, behind what is live. Ctrl-C only stops the watching."""
    at_hand = opened(settings)
    job = resyncs.start(at_hand, sync, per_second)
    if detach:
        following.show(job, json=json)
    else:
        following.follow(at_hand, job, json=json)
    at_hand.close()
