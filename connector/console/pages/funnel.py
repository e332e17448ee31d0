"""/funnel: what became of every message in a period, step by step, down to samples and their people."""

from functools import partial

from connector.admin import funnel, samples_of_step
from connector.console.page import Desk, Page, Route, Visit


def steps(desk: Desk, visit: Visit) -> Page:
    """Shows the funnel of a sync in a period, and for the step in the address its reasons and samples.

    The samples are of the reason in the address, or of all reasons. Without a sync in the address the first is shown.
    """
    syncs = list(desk.settings.syncs)
    if not syncs:
        return Page("funnel.html", {"syncs": syncs})
    sync = desk.reads.rules(visit.given("sync") or syncs[0]).name
    period = visit.given("period") or funnel.USUAL_PERIOD
    read = partial(funnel.of_sync, desk.reads.store, sync, funnel.minutes(period))
    found = desk.shared.get(("funnel", sync, period), read)
    step = found.step(visit.given("step"))
    reason = visit.given("reason")
    samples = None
    if step is not None:
        samples = samples_of_step.of(desk.reads.store, found, step.name, reason)
    context = {
        "syncs": syncs,
        "sync": sync,
        "period": period,
        "periods": list(funnel.PERIODS),
        "funnel": found,
        "step": step,
        "reason": reason,
        "samples": samples,
        "keeps_history": desk.settings.retention.history_days > 0,
    }
    return Page("funnel.html", context, about_people=True)


ROUTES = (Route("/funnel", steps),)
