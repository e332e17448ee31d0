"""The meaning of each kind of problem, what to do about it, and where the documents say more."""

from typing import NamedTuple

from connector.model.problem import REPLAYED, ProblemKind


class Advice(NamedTuple):
    """What to do about a kind of problem.

    means: what has happened; do: what to do; section: the heading of docs/when.md that says more, "" for none;
    replayed: whether the problem can be replayed.
    """

    means: str
    do: str
    section: str = ""
    replayed: bool = False


_NEXT_MESSAGE = "Mend the cause upstream or in the settings; the user's next message solves it. Then discard it."
_ADVICE: dict[ProblemKind, Advice] = {
    "unreadable": Advice(
        "A message could not be read; its neighbours went through.",
        "Mend the sender and let it send again, or mend the cause here and replay.",
        "When a message cannot be read",
    ),
    "poison": Advice(
        "A message broke off the taking in of its batch, and was set aside.",
        "Look at the message; after an update that mends it, replay.",
        "When a message breaks its workers",
    ),
    "attribute": Advice(
        "A value could not be sent and was left out; the rest of the person went.",
        _NEXT_MESSAGE,
        "When an attribute or event is missing",
    ),
    "event": Advice(
        "An event or one of its properties could not be sent.", _NEXT_MESSAGE, "When an attribute or event is missing"
    ),
    "action": Advice("An action of a message could not be done.", _NEXT_MESSAGE),
    "identifier": Advice(
        "An identifier cannot be sent, so the person cannot be sent by it.",
        _NEXT_MESSAGE,
        "When somebody is not in Customer.io",
    ),
    "conflict": Advice(
        "Two users claim one identifier: the first one is sent, the second one waits.",
        "Give one of them another identifier upstream, or say that they are one person. Who waits then goes by itself.",
        "When two users claim one identifier",
    ),
    "refused": Advice(
        "Customer.io refused an item for good; the others of its request went through.",
        "Mend the cause that Customer.io names, then replay: the person is sent again.",
        "When Customer.io refuses somebody",
    ),
    "failing": Advice(
        "Whenever this person is sent, Customer.io fails; others go through.",
        "Nothing: it is tried again by itself with growing pauses. A replay tries at once.",
        "When one person fails and nobody else",
    ),
    "failed later": Advice(
        "Customer.io answered 200, and dropped the item later.",
        "Mend the cause upstream or in Customer.io, then replay: the person is sent again.",
        "When Customer.io drops what it had answered 200",
    ),
    "held": Advice(
        "The guard holds deletions, since more than usual would go at once.",
        "Decide on the page Held deletions.",
        "When deletions are held",
    ),
    "segment": Advice(
        "A manual segment of Customer.io cannot be sent to.", "Mend the cause, then resync the sync: that fills it."
    ),
    "source": Advice(
        "A source did not come to its end, or too many of its rows are gone.",
        "Mend its query or driver; it is tried again by itself.",
        "When a source fails, or does not run",
    ),
    "backfill": Advice(
        "A backfill is paused, since something went wrong.",
        "Mend the cause, then resume it on the page Jobs.",
        "When a backfill or resync stands still",
    ),
    "connection": Advice(
        "Customer.io refuses the credentials: nothing is sent by this connection.",
        "Set the right credentials and restart; or `connector resume NAME` if they are right.",
        "When credentials are refused",
    ),
    "queue": Advice(
        "A queue is held, since nothing of it can be taken in.", "It goes by itself once the cause is mended."
    ),
    "queue arguments": Advice(
        "A queue was made with other arguments than ours; it is used as it is.",
        "`connector queues renew` gives it ours.",
        "When a queue has other arguments",
    ),
    "queue unread": Advice(
        "Messages wait in a queue that the settings name no more, so nobody reads them.",
        "Name it in `[intake] former_queues` (of bulk loads: `former_backfill_queues`), and restart the workers.",
        "When messages wait in a queue that nobody reads",
    ),
    "dead letters": Advice(
        "Messages that no worker could finish wait in a queue of their own.",
        "`connector dead-letters` shows them, `connector dead-letters replay` takes them in one by one.",
        "When a message breaks its workers",
    ),
    "webhook": Advice("A reporting webhook of Customer.io could not be used.", "Read it, and discard it."),
    "signature": Advice(
        "Reporting webhooks came whose signature does not fit.",
        "Give the signing key that Customer.io uses; with the first one that then fits the problem goes.",
        "When webhooks are refused",
    ),
    "activities": Advice(
        "The activity log of a workspace cannot be read.",
        "Where the key may not read it, give one that may. The problem goes by itself once it is read again.",
        "When Customer.io drops what it had answered 200",
    ),
    "export": Advice("The row-level log cannot be written.", "Mend the target; it is tried again by itself."),
    "out refused": Advice(
        "A message that is sent on was refused by its target for good; those behind it went on.",
        "Mend the target, then replay: the message goes on again.",
    ),
    "out": Advice("What is sent on is not taken.", "Mend the target; it is tried again by itself."),
}
_UNKNOWN = Advice("A problem of a kind that this version does not know.", "Look at its reason.")


def advice(kind: str) -> Advice:
    """Returns what to do about a kind of problem; for an unknown kind, to look at the problem's reason."""
    found = next((each for known, each in _ADVICE.items() if known == kind), _UNKNOWN)
    return found._replace(replayed=kind in REPLAYED)


def is_personal(kind: str) -> bool:
    """Says whether the reasons and subjects of problems of this kind may name people; true for an unknown kind."""
    return kind not in _IMPERSONAL


_IMPERSONAL: frozenset[str] = frozenset(
    {"held", "segment", "source", "backfill", "connection", "queue", "queue arguments", "queue unread", "dead letters",
     "signature", "activities", "out", "export"}
)  # fmt: skip
