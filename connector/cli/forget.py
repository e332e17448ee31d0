"""`connector forget`, and `connector suppress` and `unsuppress`: what a privacy request asks for."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from typer import Argument, Option

from connector.admin.privacy import direct_request, find_user, wording
from connector.admin.privacy.direct_request import OperationAnswer
from connector.admin.privacy.find_user import By, FoundUser
from connector.admin.privacy.forget import ForgetPart, Forgetting, Receipt
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes, agreed, day_and_time, err, out
from connector.cli.tables import table
from connector.errors import SettingsError
from connector.model.entity import Identifier

_BY: Mapping[str, By] = {"": "", "key": "key", "identifier": "identifier"}
_ACTIONS = {False: "delete", True: "suppress"}
User = Annotated[str, Argument(help="The user's key upstream, or their id or e-mail in Customer.io.")]
OneSync = Annotated[str, Option("--sync", help="Only in this sync.")]
How = Annotated[str, Option("--by", help="What USER is, where it could be both: key or identifier.")]
Suppress = Annotated[bool, Option("--suppress", help="Have Customer.io refuse them from now on.")]
UserArgument = Annotated[str, Argument(help="Whom, by what the sync's identify_by says: id, email or cio_id.")]
SyncOption = Annotated[str, Option("--sync", help="The sync, as the settings name it: it says which workspace.")]


def forget(
    user: User,
    settings: SettingsFile = SETTINGS_TOML,
    sync: OneSync = "",
    by: How = "",
    suppress: Suppress = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Forget a user: delete them in Customer.io, and then whatever the store has of them."""
    runtime = opened(settings)
    found = find_user.find(runtime, user, sync, _by(by))
    act = _ACTIONS[suppress].capitalize()
    _ask(f"{_found(found)}. {act} them in Customer.io, and erase them here, for good?", yes=yes)
    receipt = Forgetting(runtime, found, suppress=suppress).run()
    runtime.close()
    if json:
        out.out(to_json(_as_json(receipt)).decode(), highlight=False)
    else:
        _show(receipt)
    if not receipt.complete:
        raise typer.Exit(1)


def suppress(
    identifier: UserArgument, sync: SyncOption, settings: SettingsFile = SETTINGS_TOML, yes: Yes = False
) -> None:
    """Have Customer.io delete a person and refuse them from then on. The store keeps what it has of them."""
    runtime = opened(settings)
    runtime.rules(sync)
    _ask(f"{sync}: have Customer.io delete {identifier!r} for good, and refuse them from then on?", yes=yes)
    direct_request.order(runtime, sync, identifier, "suppress")
    runtime.close()
    out.print(f"{sync}: {identifier} is suppressed: Customer.io has deleted them and ignores them", highlight=False)


def unsuppress(identifier: UserArgument, sync: SyncOption, settings: SettingsFile = SETTINGS_TOML) -> None:
    """Have Customer.io take a suppressed person again. Nothing is restored."""
    runtime = opened(settings)
    direct_request.order(runtime, sync, identifier, "unsuppress")
    runtime.close()
    out.print(f"{sync}: {identifier} is free again: Customer.io takes what comes next", highlight=False)


def _by(given: str) -> By:
    if given not in _BY:
        raise SettingsError(f"--by: {given!r} is not accepted; give key or identifier")
    return _BY[given]


def _ask(question: str, *, yes: bool) -> None:
    """Goes on only where a human says so. Raises SettingsError where there is none to ask."""
    if not agreed(question, yes=yes):
        raise typer.Abort


def _found(found: FoundUser) -> str:
    if not found.rows:
        return f"There is no row of {found.user!r}, but other traces"
    held = {row.sync: "held" if row.entity.delivered else "not held" for row in found.rows}
    return f"The user {found.key!r} is in " + ", ".join(f"{sync} ({how} by Customer.io)" for sync, how in held.items())


def _as_json(receipt: Receipt) -> dict[str, Any]:
    return {
        "user": receipt.user,
        "key": receipt.key,
        "at": receipt.at,
        "complete": receipt.complete,
        "proved": receipt.proved,
        "suppressed": receipt.suppress,
        "syncs": [_part(part) for part in receipt.parts],
        "elsewhere": wording.erased(receipt.elsewhere),
    }


def _part(part: ForgetPart) -> dict[str, Any]:
    return {
        "sync": part.sync,
        "forgotten": part.erased is not None,
        "reason": part.reason,
        "customerio": [_answer(each, part) for each in part.answers],
        "read_back": part.proof.state,
        "read_back_reason": part.proof.reason,
        "erased": None if part.erased is None else wording.erased(part.erased),
        "handed_on": [] if part.erased is None else list(part.erased.handed_on),
        "not_proved": [{each.type: each.value} for each in part.unproved],
        "left": [{each.type: each.value} for each in part.left],
        "others": [{"sync": sync, "user": key} for sync, key in part.others],
    }


def _answer(answer: OperationAnswer, part: ForgetPart) -> dict[str, Any]:
    return {
        "action": answer.operation.item["action"],
        "identifier": answer.operation.item["identifiers"],
        "outcome": answer.state,
        "status": answer.status,
        "at": answer.at,
        "reason": answer.reason,
        "read_back": part.proof.state_of(_addressed(answer)),
    }


def _addressed(answer: OperationAnswer) -> Identifier:
    [pair] = answer.operation.item["identifiers"].items()
    return Identifier(*pair)


def _show(receipt: Receipt) -> None:
    columns = ("sync", "at", "at Customer.io", "read back", "erased here")
    if receipt.parts:
        out.print(table(columns, (cells for part in receipt.parts for cells in _lines(part)), whole=("at",)))
    for line in wording.sentences(receipt):
        out.print(line, highlight=False, soft_wrap=True)
    err.print(wording.UPSTREAM, soft_wrap=True)
    if not receipt.complete:
        err.print(wording.NOT_COMPLETE, soft_wrap=True)


def _lines(part: ForgetPart) -> Iterator[tuple[str, ...]]:
    erased = "nothing yet" if part.erased is None else wording.counts(part.erased)
    if not part.answers:
        yield (part.sync, "", "nothing", part.proof.state, erased)
    for answer in part.answers:
        identifier = _addressed(answer)
        at = day_and_time(answer.at) if answer.at else ""
        asked = f"{answer.operation.item['action']} {identifier.type} {identifier.value}"
        yield (part.sync, at, f"{asked}: {_status(answer)}", part.proof.state_of(identifier), erased)


def _status(answer: OperationAnswer) -> str:
    return f"{answer.state} ({answer.status})" if answer.status else answer.state
