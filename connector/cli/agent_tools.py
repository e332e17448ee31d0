"""What an agent may ask and do by `connector mcp`: what the commands show and do, bounded, and as JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from connector.admin import approvals, funnel, held, operator_acts, problem_advice, problem_list, problems, request_log
from connector.admin.funnel import USUAL_PERIOD, FunnelStep
from connector.admin.operator_acts import noted
from connector.admin.person.answer import answers
from connector.admin.person.as_json import as_json
from connector.admin.person.gather import gather
from connector.admin.preview.preview import Previewer
from connector.admin.status import gathered
from connector.bulk import resync
from connector.errors import ConnectorError, NothingLeftError, StoreError
from connector.formats import parse
from connector.runtime import Runtime
from connector.store.request_log import CallFilter

ToolAnswer = TypeVar("ToolAnswer")
DOOR = "mcp"
_BEHIND_SECONDS = 300.0
_MOST_REASONS = 20
_MOST_CHARACTERS, _MOST_ROWS, _MOST_MESSAGE_BYTES = 50_000, 50, 100_000
_MASKED = "masked: `connector mcp --people` shows it"
_NOT_REPLAYED = "it cannot be replayed as it is; why not may be personal, and is"
_NOT_ONE = "nobody is known so, or more than one user is: give the key of the one that is meant. Who they are is"


class AgentTools:
    """The tools. Each returns JSON as text, of at most 50,000 characters; a refusal is a ConnectorError."""

    def __init__(self, runtime: Runtime, who: str, *, people: bool) -> None:
        """who: on whose behalf; people: whether what is personal is shown."""
        self._runtime = runtime
        self._who = who
        self._people = people

    def reading(self) -> list[Callable[..., str]]:
        """Returns the tools that change nothing."""
        return [
            self.status, self.funnel, self.show_person, self.list_problems, self.list_calls, self.plan_message,
        ]  # fmt: skip

    def writing(self) -> list[Callable[..., str]]:
        """Returns the tools that change something."""
        return [self.replay_problem, self.resync_sync, self.approve_deletions]

    def status(self) -> str:
        """How things stand: one sentence, and the state of syncs, connections, queues and processes."""
        return _text(gathered(self._runtime.settings, self._runtime.store, None, _BEHIND_SECONDS, at_a_glance=True))

    def funnel(self, sync: str, period: str = USUAL_PERIOD) -> str:
        """What became of every message for a sync in a period that ends now, and how many in as long a time before.

        The steps of `messages` add up to `received`; `people` counts people and objects, once Customer.io has answered.
        sync: its name. period: 10m, 1h, 6h, 24h, 7d, 14d or 30d.
        """
        found = funnel.of_sync(self._runtime.store, self._runtime.rules(sync).name, funnel.minutes(period))
        steps = {name: [_step(each) for each in getattr(found, name)] for name in ("messages", "people")}
        return _text({**found._asdict(), "period": period, "received": _step(found.received), **steps})

    def show_person(self, user: str) -> str:
        """Why somebody is or is not in Customer.io. user: an id, e-mail address, or id upstream."""
        found = self._told(_NOT_ONE, lambda: gather(self._runtime, user))
        if self._people:
            operator_acts.seen(self._runtime.store, self._act("reveal", found.key, of_person=True))
        said = [
            {"sync": each.sync, "sentences": [self._sentence(one.text, one.detail) for one in each.sentences]}
            for each in answers(found)
        ]
        return _text({"answers": said, "person": as_json(found) if self._people else _MASKED})

    def list_problems(self) -> str:
        """What needs a human, by its cause, those that came most often first."""
        groups = [asdict(each) for each in problem_list.grouped(self._runtime.store)[:_MOST_ROWS]]
        for each in groups:
            if not self._people and problem_advice.is_personal(each["kind"]):
                each["reason"] = _MASKED
        return _text({"groups": groups})

    def list_calls(self, failed: bool = False) -> str:
        """The latest requests to Customer.io, without their bodies. failed: only those that failed."""
        found = request_log.find_about(self._runtime, "", CallFilter(failed=failed), 0.0, _MOST_ROWS)
        hidden = {"request", "reply", *(() if self._people else ("reason",))}
        rows = [(each.logged.id, asdict(each.logged.call)) for each in found]
        return _text([{"id": id, **{name: row[name] for name in row if name not in hidden}} for id, row in rows])

    def plan_message(self, message: str, format: str = "native") -> str:
        """What a message would send to Customer.io, and why; nothing is stored or sent. message: JSON."""
        if len(message.encode()) > _MOST_MESSAGE_BYTES:
            raise ConnectorError(f"the message is longer than {_MOST_MESSAGE_BYTES:,} bytes: use `connector plan`")
        try:
            body = json.loads(message)
        except (ValueError, RecursionError) as error:
            raise ConnectorError(f"the message is no JSON: {error}") from error
        previewer = Previewer(self._runtime.syncs, explained=True)
        return _text([each.as_json() for each in previewer.preview(parse(format, body)[:_MOST_ROWS])])

    def replay_problem(self, id: str) -> str:
        """Tries again what a problem stopped. id: the problem's id, or its beginning."""
        with noted(self._runtime.store, self._act("problems replay", id)):
            kept = problems.find(self._runtime, id)
            done = self._told(_NOT_REPLAYED, lambda: problems.replay(self._runtime, kept))
        return _text({"done": done if self._people else "replayed"})

    def resync_sync(self, sync: str, per_second: float = 100.0) -> str:
        """Starts to deliver everybody of a sync whole again. per_second: how many people a second at the most."""
        if not 0 < per_second <= 100_000:
            raise ConnectorError(f"{per_second} people a second is not accepted; give more than 0")
        with noted(self._runtime.store, self._act("resync", sync)) as outcome:
            job = resync.start(self._runtime, sync, per_second, self._who)
            outcome.words = operator_acts.started(job.id)
        return _text({"job": job.id})

    def approve_deletions(self, sync: str, expected: int) -> str:
        """Lets the held deletions of a sync go. expected: how many are held; with any other number nothing is done."""
        self._runtime.rules(sync)
        with noted(self._runtime.store, self._act("approve", sync)):
            approvals.refuse_alone(self._runtime)
            found = problems.held(self._runtime, sync)
            if found != expected:
                raise ConnectorError(f"{found} deletions of {sync} are held, not {expected}: nothing is done")
            count = held.settle(self._runtime, sync, None, delete_them=True, at_most=expected)
        return _text({"let_go": count})

    def _act(self, name: str, subject: str, *, of_person: bool = False) -> Any:
        return operator_acts.act(self._who, DOOR, name, subject, of_person=of_person)

    def _told(self, masked: str, do: Callable[[], ToolAnswer]) -> ToolAnswer:
        """Returns what comes of it. Why it is refused may name people: who does not see them is told `masked`."""
        try:
            return do()
        except (NothingLeftError, StoreError):
            raise
        except ConnectorError:
            if self._people:
                raise
            raise ConnectorError(f"{masked} {_MASKED}") from None

    def _sentence(self, text: str, detail: str) -> str:
        return f"{text} {detail}".strip() if self._people else text


def _step(step: FunnelStep) -> dict[str, Any]:
    """A step with its commonest reasons, and how many reasons are left out."""
    reasons = [each._asdict() for each in step.reasons[:_MOST_REASONS]]
    return {**step._asdict(), "reasons": reasons, "reasons_left_out": len(step.reasons) - len(reasons)}


def _text(found: Any) -> str:
    text = json.dumps(found, ensure_ascii=False, default=str)
    if len(text) <= _MOST_CHARACTERS:
        return text
    return f"{text[:_MOST_CHARACTERS]} ... (cut: {len(text):,} characters in all; the commands show the rest)"
