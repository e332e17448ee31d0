"""/jobs: the jobs, how far they are and who started them; they are paused, resumed and cancelled here. Also sources."""

from connector.bulk import job_status, jobs, problem_job
from connector.bulk.warehouse import scheduling
from connector.console.page import Desk, Page, Redirect, Route, Visit
from connector.console.paging import after, cursor

SHOWN = 50


def listing(desk: Desk, visit: Visit) -> Page:
    """Shows jobs, 50 at a time with the latest first, and the status of each source in the settings."""
    found = jobs.latest(desk.reads.store, after(visit.given("before")), SHOWN + 1)
    shown = [job_status.standing(desk.reads, each) for each in found[:SHOWN]]
    context = {
        "jobs": shown,
        "counted": job_status.counted,
        "next": cursor(found[SHOWN - 1].created_at, found[SHOWN - 1].id) if len(found) > SHOWN else "",
        "sources": scheduling.standings(desk.runtime) if desk.settings.sources else [],
    }
    return Page("jobs.html", context)


def one(desk: Desk, visit: Visit) -> Page:
    """Shows the job whose id begins with the path's. Raises ConnectorError where there is none, or more than one."""
    job = jobs.find(desk.reads.store, visit.path["id"])
    context: dict[str, object] = {"each": job_status.standing(desk.reads, job), "counted": job_status.counted}
    context["not_done"] = problem_job.not_done(job)
    return Page("job.html", context)


def pause(desk: Desk, visit: Visit) -> Redirect:
    """Stops a running job where it is. Raises ConnectorError for a job that is not running."""
    job = jobs.pause(desk.runtime.store, visit.path["id"])
    return Redirect(f"/jobs/{job.id}", "Paused. What it has made due is delivered all the same.")


def resume(desk: Desk, visit: Visit) -> Redirect:
    """Lets a paused job go on from where it is. Raises ConnectorError for a job that is not paused."""
    job = jobs.resume(desk.runtime.store, visit.path["id"])
    return Redirect(f"/jobs/{job.id}", "Resumed.")


def cancel(desk: Desk, visit: Visit) -> Redirect:
    """Cancels a job. Raises ConnectorError for a job that has ended."""
    job = jobs.cancel(desk.runtime.store, visit.path["id"])
    return Redirect(f"/jobs/{job.id}", "Cancelled. What it has made due is delivered all the same.")


def run_source(desk: Desk, visit: Visit) -> Redirect:
    """Asks for a run of a source, which the next process that looks begins. Raises ConnectorError for no source."""
    name = visit.path["name"]
    first = scheduling.ask(desk.runtime, name)
    asked = "Asked for" if first else "Nothing was left to ask for, as somebody has a moment ago"
    return Redirect("/jobs", f"{asked}: whoever looks next runs {name}, within seconds.")


def _id(visit: Visit) -> str:
    return visit.path["id"]


def _name(visit: Visit) -> str:
    return visit.path["name"]


ROUTES = (
    Route("/jobs", listing),
    Route("/jobs/{id}", one),
    Route("/jobs/{id}/pause", pause, "operator", "POST", "jobs pause", _id),
    Route("/jobs/{id}/resume", resume, "operator", "POST", "jobs resume", _id),
    Route("/jobs/{id}/cancel", cancel, "operator", "POST", "jobs cancel", _id),
    Route("/sources/{name}/run", run_source, "operator", "POST", "sources run", _name),
)
