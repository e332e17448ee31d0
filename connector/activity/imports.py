"""Starts, pauses, resumes and ends import jobs, and lists them with what waits for each."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import uuid4

from connector.errors import ConnectorError, SettingsError
from connector.model import import_job
from connector.model.import_job import ImportDirection, ImportJob, ImportState
from connector.store import import_jobs, named_leases, outgoing, webhooks
from connector.store.engine import Store

_LEASE_SECONDS = 10.0


class ImportStatus(NamedTuple):
    """A job, and how many items wait for it: webhooks to fold (in), or messages to send on (out)."""

    job: ImportJob
    waiting: int


def listed(store: Store) -> list[ImportStatus]:
    """Returns all jobs, the latest first. Only the latest job of a name has items waiting. Raises StoreError."""
    with store.reading() as tx:
        jobs, going_out, coming_in = import_jobs.every(tx), outgoing.backlogs(tx), webhooks.waiting_counts(tx)
    current = {job.id for job in import_job.latest(jobs).values()}
    counts: dict[tuple[str, str], int] = {("out", name): backlog.messages for name, backlog in going_out.items()}
    counts |= {("in", name): count for name, count in coming_in.items()}
    return [ImportStatus(job, counts.get((job.direction, job.name), 0) if job.id in current else 0) for job in jobs]


def start(
    store: Store,
    direction: ImportDirection,
    name: str,
    known: Collection[str],
    label: str = "",
    description: str = "",
) -> ImportJob:
    """Starts a job. What came while the one before stood still is taken up.

    Args:
        store: Where it is kept.
        direction: in for a connection, out for a target.
        name: The connection or the target.
        known: Those that the settings have.
        label: What people read in place of the name.
        description: What it is for.

    Returns:
        The job.

    Raises:
        SettingsError: The settings have none of that name.
        ConnectorError: One of that name is running or paused, or the store fails.
    """
    if name not in known:
        what = "connection" if direction == "in" else "target"
        raise SettingsError(f"there is no {what} {name!r}: the settings name {', '.join(sorted(known)) or 'none'}")
    with store.writing() as tx:
        now, id, alone = store.now(tx), uuid4().hex[:12], f"import:{direction}:{name}"
        named_leases.take(tx, alone, id, now, _LEASE_SECONDS)  # waits for whoever starts one at this moment
        before = import_job.latest(import_jobs.every(tx)).get((direction, name))
        if before is not None and before.state != "ended":
            raise ConnectorError(f"the import {before.id} of {name} is {before.state}: end it, or go on with it")
        job = ImportJob(id, direction, name, label, description, "running", now, now)
        import_jobs.add(tx, job)
        named_leases.give_back(tx, alone, id)
    return job


def pause(store: Store, id: str) -> ImportJob:
    """Pauses a running job and returns it. What arrives meanwhile is kept.

    `id`: the name of the job, or the beginning of its id. Raises ConnectorError where this is not one running job.
    """
    return _turn(store, id, ("running",), "paused")


def resume(store: Store, id: str) -> ImportJob:
    """Resumes a paused job and returns it; the job goes on with what arrived meanwhile.

    `id`: the name of the job, or the beginning of its id. Raises ConnectorError where this is not one paused job.
    """
    return _turn(store, id, ("paused",), "running")


def end(store: Store, id: str) -> ImportJob:
    """Ends a job and returns it. Webhooks are kept until another one is started; a target is given nothing more.

    `id`: the name of the job, or the beginning of its id. Raises ConnectorError where it is not one job, or has ended.
    """
    return _turn(store, id, ("running", "paused"), "ended")


def _turn(store: Store, id: str, before: tuple[ImportState, ...], state: ImportState) -> ImportJob:
    with store.writing() as tx:
        found = [each for each in import_jobs.every(tx) if each.id.startswith(id) or each.name == id]
        current = [each for each in found if each.state != "ended"] or found
        if len(current) != 1:
            said = ", ".join(f"{each.id} ({each.direction} {each.name})" for each in current) or "none"
            raise ConnectorError(f"{id!r} must be one import, by its id or its name; it is {said}")
        [job] = current
        now = store.now(tx)
        if job.state not in before or not import_jobs.turn(tx, job.id, job.state, state, now):
            wanted = " or ".join(before)
            raise ConnectorError(f"the import {job.id} is {job.state}: only one that is {wanted} can be {state}")
    return job._replace(state=state, changed_at=now)
