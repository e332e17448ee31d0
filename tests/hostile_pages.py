"""A world in which every text that others choose is hostile, and the pages that show them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import text

from connector.admin import operator_acts
from connector.console.pages import routes
from connector.model.alert import AlertState, Notice, Routed
from connector.model.job import Job
from connector.model.problem import Problem
from connector.store import alerts, jobs, operator_log, problems
from tests.hostile_texts import HOSTILE_TEXTS
from tests.world import World, event, message

HARM = "window.harmed"
"""What a script sets that ran."""
SCRIPT = f"<script>{HARM}=1</script>"
WORKED_OUT = str(1234 * 5678)
"""What a template makes of a text that it takes for one of its own."""
TEXTS = (
    *HOSTILE_TEXTS,
    SCRIPT,
    f"</script></textarea></pre></title>{SCRIPT}",
    f"\"'><img src=x onerror={HARM}=1>",
    f"javascript:{HARM}=1",
    f"' onmouseover='{HARM}=1",
    "\u202e\u2067right to left",
    "bell\x07 escape\x1b[31m",
    "\N{FAMILY}\u200d\N{PILE OF POO}" * 20,
    "{{ 1234 * 5678 }}{% include 'base.html' %}${1234*5678}<%= 1234*5678 %>",
)
LONG = "word" * 2500
CHANNEL = "ops"


def settings() -> dict[str, Any]:
    """Settings with hostile texts wherever they may have texts of their own."""
    channel = {
        "webhook_url": "http://127.0.0.1:9/x",
        "webhook_secret": "whsec_" + "YSBrZXkgb2YgdHdlbnR5LWZvdXIgYnl0ZXM=",
        "label": SCRIPT,
    }
    segments = ["Paying", *TEXTS]
    guard = {"share": 0.01, "at_least": 0}
    return {
        "sync": {"segments": segments, "attributes": ["plan", "city"], "description": SCRIPT, "deletion_guard": guard},
        "alerts": {"channels": {CHANNEL: channel}},
        "retention": {"call_bodies": "all"},
    }


def fill(world: World) -> None:
    """Has hostile people be synced, leave and be refused, with problems, alerts, jobs and acts of operators beside."""
    for number, each in enumerate(TEXTS):
        said = {"plan": each, "city": LONG, "external_id": f"{each}{number}", "segments": ["Paying", each]}
        world.run(message(each, 1, event("Signed up", f"e{number}", properties={each: each}), **said))
    world.take(message(TEXTS[0], 2, external_id=f"{TEXTS[0]}0", segments=["Elsewhere"]), {"user": {SCRIPT: SCRIPT}})
    world.runtime.courier("main").cycle()
    with world.store.writing() as tx:
        now = world.store.now(tx)
        found = [Problem("refused", each, f"{each} {LONG}", {each: each}) for each in TEXTS]
        problems.add(tx, "main", found, now)
        states = [_alert(number, each) for number, each in enumerate(TEXTS)]
        alerts.keep(tx, states)
        alerts.tell(tx, [Routed(CHANNEL, _notice(states[0]), now)])
        alerts.claim(tx, CHANNEL, "me", now, 60.0)
        alerts.failed(tx, CHANNEL, "me", f"{SCRIPT} {LONG}", now, 30.0)
        for number, each in enumerate(TEXTS):
            jobs.add(tx, Job(f"job{number}", "main", "resync", total=2, per_second=1.0, started_by=each))
            operator_log.begin(tx, operator_acts.act(each, "command", "resync", f"{each} {LONG}", of_person=False))
        tx.execute(
            text("UPDATE call SET reason = :reason, reply = :reply"), {"reason": SCRIPT, "reply": f"{SCRIPT}{LONG}"}
        )


def addresses(world: World) -> Sequence[str]:
    """Every page that can be looked at, with what is there in the address."""
    with world.store.reading() as tx:
        calls = tx.execute(text("SELECT id FROM call ORDER BY at LIMIT 2")).scalars().all()
        found = tx.execute(text("SELECT id FROM problem")).scalars().all()
    plain = [each.path for each in routes() if each.method == "GET" and "{" not in each.path]
    some = (SCRIPT, TEXTS[7], TEXTS[8], TEXTS[10], TEXTS[13])
    return [
        *plain,
        "/syncs/main", "/held/main", "/jobs/job1", *(f"/calls/{each}" for each in calls),
        *(f"/problems/{each}" for each in found),
        *(f"/people/{quote(each, safe='')}" for each in TEXTS),
        *(f"{path}?{urlencode({name: each})}" for each in some for path, name in _ASKED),
        *(f"/funnel?{urlencode({'step': step, 'reason': each})}" for each in ("", SCRIPT) for step in _STEPS),
    ]  # fmt: skip


_ASKED = (
    ("/people", "q"), ("/settings", "q"), ("/operators", "act"), ("/calls", "status"), ("/calls", "person"),
    ("/problems", "q"), ("/problems/list", "kind"), ("/try", "format"), ("/try", "sync"), ("/sign-in", "to"),
    ("/funnel", "sync"),
)  # fmt: skip
_STEPS = ("due", "refused", "held", "not in the audience", "unreadable", SCRIPT)


def _alert(number: int, words: str) -> AlertState:
    over = None if number % 2 else 900.0
    sentence = f"{words} {LONG}"
    return AlertState(
        f"backlog: {words}", "backlog", words, "page", sentence, 1, 500.0,
        recovered_at=over, acknowledged_at=600.0, acknowledged_by=words,
    )  # fmt: skip


def _notice(state: AlertState) -> Notice:
    return Notice(state.key, 1, 1, "opened", state.kind, state.subject, "page", state.sentence, 1000.0, 1000.0)
