"""`connector health`: whether a process of this machine, or container, does what it is for. It needs no settings."""

from enum import StrEnum
from typing import Annotated

from typer import Argument, Exit, Option

from connector.admin import liveness
from connector.cli.options import err, out


class Role(StrEnum):
    """What a process is for."""

    WORKER = "worker"
    BEAT = "beat"
    WEB = "web"
    RUN = "run"


def health(
    role: Annotated[Role, Argument(help="What the process is for.")],
    within: Annotated[float, Option("--within", min=1.0, help="How many seconds it may have been silent.")] = 60.0,
) -> None:
    """Whether a worker, beat, the web doors or `connector run` work on this machine. Exit code 1 where none does.

    It asks neither the store nor the broker: a process that waits for them lives.
    """
    seconds = liveness.seconds_since(role.value)
    if seconds is None:
        err.print(
            f"{role.value}: none has said here that it lives ({liveness.folder()})", highlight=False, soft_wrap=True
        )
        raise Exit(1)
    if seconds > within:
        err.print(f"{role.value}: last said that it lives {seconds:.0f} s ago", highlight=False, soft_wrap=True)
        raise Exit(1)
    out.print(f"{role.value}: lives, said so {seconds:.1f} s ago", highlight=False)
