"""Puts into sentences what came of forgetting a user, in the store and in Customer.io."""

from collections.abc import Iterator, Mapping

from connector.admin.privacy.forget import ForgetPart, Receipt
from connector.store.mentions import Erased

_NOT_PROVED = "Customer.io was asked, and nothing proves that it holds them no more"
_NOT_ASKED = "Customer.io was asked for nobody, as no identifier of theirs is known"
UPSTREAM = (
    "A message that waits in a queue, or a dead letter, may speak of them still, and upstream may send them again: "
    "then they come back."
)
NOT_COMPLETE = "Not everything was confirmed. What is left is still here: run it again."
_ONE = {"people": "person", "call_bodies": "call body"}


def erased(found: Erased) -> Mapping[str, int]:
    """Returns the number of rows erased, by kind."""
    return {name: count for name, count in found._asdict().items() if name != "handed_on"}


def counts(found: Erased) -> str:
    """Returns the numbers of rows erased in words, such as "3 events, 2 problems"; "nothing" where there were none."""
    named = (f"{count} {_noun(name, count)}" for name, count in erased(found).items() if count)
    return ", ".join(named) or "nothing"


def _noun(name: str, count: int) -> str:
    words = name.replace("_", " ")
    return words if count != 1 else _ONE.get(name) or words.removesuffix("s")


def sentences(receipt: Receipt) -> Iterator[str]:
    """Yields what came of each sync and of the whole request, each as a sentence without its full stop."""
    for part in receipt.parts:
        for sentence in _of_part(part):
            yield f"{part.sync}: {sentence}"
    if any(erased(receipt.elsewhere).values()):
        yield f"elsewhere: erased {counts(receipt.elsewhere)}"
    yield f"{receipt.key}: {_outcome(receipt)}"
    if receipt.suppress:
        yield _refused_from_now_on(receipt)


def _outcome(receipt: Receipt) -> str:
    if not receipt.complete:
        return "is not forgotten yet"
    if receipt.proved:
        return "is forgotten"
    asked = any(part.answers for part in receipt.parts)
    return f"is forgotten here; {_NOT_PROVED if asked else _NOT_ASKED}"


def _refused_from_now_on(receipt: Receipt) -> str:
    if any(each.state == "confirmed" for part in receipt.parts for each in part.answers):
        return f"{receipt.key}: Customer.io refuses them until `connector unsuppress`"
    return f"{receipt.key}: nobody is suppressed; `connector suppress` takes an identifier that is not known here"


def _of_part(part: ForgetPart) -> Iterator[str]:
    if part.reason:
        yield part.reason
    if part.proof.reason:
        yield f"not read back: {part.proof.reason}"
    if part.unproved and part.proof.state != "still there":
        named = ", ".join(f"{each.type} {each.value}" for each in part.unproved)
        yield f"not proved: that nobody is there any more as {named}. Customer.io has only answered that it took it"
    if part.erased is not None and part.erased.handed_on:
        yield f"their identifier goes to {', '.join(part.erased.handed_on)}, who waited for it"
    if part.left:
        yield f"left alone, as another user holds it: {', '.join(each.value for each in part.left)}"
    if part.others:
        names = ", ".join(f"{key} in {sync}" for sync, key in part.others)
        yield f"held under the same identifier, gone from Customer.io too, and sent there again: {names}"
