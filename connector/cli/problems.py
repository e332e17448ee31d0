"""`connector problems`: what needs a human, and what to do about it."""

from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any, NamedTuple, get_args

import typer
from pydantic_core import to_json
from typer import Argument, Option, Typer

from connector.admin import problems as remedy
from connector.admin.problem_list import ProblemGroup, grouped
from connector.background_thread import BackgroundThread
from connector.bulk import jobs, problem_job
from connector.bulk.problem_job import Meant, ProblemAct
from connector.cli import job_progress
from connector.cli.opening import opened
from connector.cli.operator_acts import operator
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes, agreed, day_and_time, err, out
from connector.cli.tables import table
from connector.errors import ConnectorError, SettingsError
from connector.model.problem import ProblemKind
from connector.model.problem_filter import ProblemFilter
from connector.model.visible import visible
from connector.runtime import Runtime
from connector.store import problems
from connector.store.problems import Kept

app = Typer(help="List, show, replay and discard what needs a human.", no_args_is_help=False)
ProblemId = Annotated[str, Argument(help="The problem's id, or how it begins.")]

OneProblem = Annotated[str, Argument(help="The problem's id, or how it begins; none with --all.")]
AllProblems = Annotated[bool, Option("--all", help="All of them, or all of a kind, or those of lately.")]
OfKind = Annotated[str, Option(help="With --all: only of this kind.")]
Lately = Annotated[float, Option(min=0.0, help="With --all: only what came in the last so many seconds; 0 is for all.")]
ReplayPace = Annotated[float, Option("--per-second", min=0.1, help="With --all: how many a second at the most.")]
ReplayDetach = Annotated[bool, Option("--detach", help="With --all: start the job and come back at once.")]
ReplayFormat = Annotated[
    str, Option("--format", "-f", help="The form of an unreadable message; left out, the one that refused it.")
]


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    settings: SettingsFile = SETTINGS_TOML,
    kind: Annotated[str, Option(help=f"Only of this kind: {', '.join(get_args(ProblemKind))}.")] = "",
    limit: Annotated[int, Option(help="How many at the most, the latest first.")] = 50,
    group: Annotated[
        bool, Option("--group", help="Those of the same cause in one line, the most frequent first.")
    ] = False,
    json: AsJson = False,
) -> None:
    """List problems, the latest first."""
    if context.invoked_subcommand is not None:
        return
    kind = _known(kind)
    runtime = opened(settings)
    if group:
        _show_groups(grouped(runtime.store, ProblemFilter(kind=kind))[:limit], json=json)
        runtime.close()
        return
    with runtime.store.reading() as tx:
        found = problems.kept(tx, kind=kind, limit=limit)
    runtime.close()
    if json:
        for each in found:
            out.out(to_json(_as_json(each)).decode(), highlight=False)
        return
    columns = ("id", "last", "kind", "what happened")
    out.print(table(columns, map(_cells, found), whole=columns[:3]) if found else "No problems.")


@app.command()
def show(id: ProblemId, settings: SettingsFile = SETTINGS_TOML) -> None:
    """Show a problem whole, with what it stopped."""
    runtime = opened(settings)
    out.print_json(to_json(_as_json(remedy.find(runtime, id))).decode())
    runtime.close()


@app.command()
def replay(
    id: OneProblem = "",
    settings: SettingsFile = SETTINGS_TOML,
    format: ReplayFormat = "",
    all: AllProblems = False,
    kind: OfKind = "",
    since: Lately = 0.0,
    per_second: ReplayPace = 100.0,
    detach: ReplayDetach = False,
    yes: Yes = False,
) -> None:
    """Try again what the problem stopped, once its cause is mended; or with --all, as a job, what many stopped."""
    _one_or_all(id, all=all)
    with closing(opened(settings)) as runtime:
        if all:
            _do_all(runtime, "replay", _Many(_known(kind), since, per_second, detach), format, yes=yes)
        else:
            out.print(remedy.replay(runtime, remedy.find(runtime, id), format), highlight=False)


@app.command()
def discard(
    id: OneProblem = "",
    settings: SettingsFile = SETTINGS_TOML,
    all: AllProblems = False,
    kind: OfKind = "",
    since: Lately = 0.0,
    per_second: ReplayPace = 100.0,
    detach: ReplayDetach = False,
    yes: Yes = False,
) -> None:
    """Take a problem from the list, or with --all many; nothing else changes."""
    _one_or_all(id, all=all)
    with closing(opened(settings)) as runtime:
        if all:
            _do_all(runtime, "discard", _Many(_known(kind), since, per_second, detach), yes=yes)
            return
        kept = remedy.find(runtime, id)
        remedy.discard(runtime, kept)
    out.print(f"{kept.id} discarded", highlight=False)


class _Many(NamedTuple):
    """Which problems are meant, how many a second, and whether to come back at once."""

    kind: str
    lately: float
    per_second: float
    detach: bool


def _one_or_all(id: str, *, all: bool) -> None:
    if bool(id) == all:
        raise SettingsError("give the id of a problem, or --all")


def _do_all(runtime: Runtime, act: ProblemAct, many: _Many, format: str = "", *, yes: bool) -> None:
    """Starts a job that does it with each, after a human has agreed, takes it further here, and shows how far it is."""
    meant = problem_job.which(runtime.store, act, ProblemFilter(kind=many.kind), many.lately)
    left_out = list(_left_out(meant))
    for line in left_out:
        out.print(line, highlight=False, soft_wrap=True)
    if not meant.total or not agreed(f"{act.capitalize()} {meant.total:,} problem(s)?", yes=yes):
        out.print("Nothing was done." if meant.total or left_out else "No problems.")
        return
    job = problem_job.start(runtime, act, meant.which, many.per_second, operator(), format)
    if many.detach:
        job_progress.leave(job, json=False)
        return
    with closing(_JobThread(runtime, job.id)):
        job_progress.follow(runtime, job, json=False)
    if problem_job.not_done(jobs.find(runtime.store, job.id)):
        raise typer.Exit(1)


def _left_out(meant: Meant) -> Iterator[str]:
    """Yields how many problems are left out, and why."""
    if meant.held:
        yield f"{meant.held:,} of held deletions left out: `connector approve` lets these go."
    if meant.others:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in meant.others.items())
        yield f"{sum(meant.others.values()):,} left out that no replay mends: {kinds}."


class _JobThread(BackgroundThread):
    """A thread that takes a job over problems further in this process, unless another process has its lease."""

    def __init__(self, runtime: Runtime, id: str) -> None:
        super().__init__(f"job {id}")
        self._runtime, self._id = runtime, id
        self.start()

    def run(self) -> None:
        try:
            problem_job.take_further(self._runtime, self._id, remedy.remedies, self.stop.is_set)
        except ConnectorError as error:
            err.print(f"The job does not go on here: {error}", highlight=False, soft_wrap=True)


def _show_groups(groups: list[ProblemGroup], *, json: bool) -> None:
    if json:
        for each in groups:
            out.out(to_json(each).decode(), highlight=False)
        return
    rows = [
        (f"{each.problems:,}", f"{each.times:,}", day_and_time(each.last_at), each.kind, visible(each.reason))
        for each in groups
    ]
    columns = ("problems", "times", "last", "kind", "what happened, for instance")
    out.print(table(columns, rows, whole=columns[:4]) if rows else "No problems.")


def _cells(kept: Kept) -> tuple[str, ...]:
    problem = kept.problem
    whose = ": ".join(visible(each) for each in (kept.sync, problem.subject) if each)
    times = f" ({kept.count:,} times)" if kept.count > 1 else ""
    what = f"{whose}: {problem.reason}" if whose else problem.reason
    return kept.id[:8], day_and_time(kept.last_at), problem.kind, f"{visible(what)}{times}"


def _known(kind: str) -> str:
    known = get_args(ProblemKind)
    if kind and kind not in known:
        raise SettingsError(f"--kind: {kind!r} is not accepted; give one of {', '.join(known)}")
    return kind


def _as_json(kept: Kept) -> dict[str, Any]:
    return {
        "id": kept.id,
        "sync": kept.sync,
        "kind": kept.problem.kind,
        "user": kept.problem.subject,
        "reason": kept.problem.reason,
        "times": kept.count,
        "first_at": kept.first_at,
        "last_at": kept.last_at,
        "payload": kept.problem.payload,
        "form": kept.problem.form,
    }
