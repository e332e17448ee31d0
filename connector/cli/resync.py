"""`connector resync`: everybody of a sync is delivered whole again."""

from typing import Annotated

from typer import Argument, Option

from connector.bulk.resync import start
from connector.cli import job_progress
from connector.cli.opening import opened
from connector.cli.operator_acts import operator
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile

ResyncPace = Annotated[float, Option("--per-second", min=1, help="How many people a second become due at the most.")]
ResyncDetach = Annotated[bool, Option("--detach", help="Start it and come back at once.")]


def resync(
    sync: Annotated[str, Argument(help="The sync, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
    per_second: ResyncPace = 500.0,
    detach: ResyncDetach = False,
    json: AsJson = False,
) -> None:
    """Deliver everybody of a sync whole again, behind what is live. Ctrl-C only stops the watching."""
    runtime = opened(settings)
    job = start(runtime, sync, per_second, operator())
    if detach:
        job_progress.leave(job, json=json)
    else:
        job_progress.follow(runtime, job, json=json)
    runtime.close()
