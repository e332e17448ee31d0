"""The acts on one person. A page first says what will happen, except for an unsuppression."""

from connector.admin.person import resend
from connector.admin.person.gather import Depth, PersonInSync, of_key
from connector.admin.privacy import direct_request, find_user, wording
from connector.admin.privacy.forget import Forgetting
from connector.console import addresses
from connector.console.page import Desk, Page, Redirect, Visit
from connector.console.pages.people.person_key import key_of
from connector.errors import ConnectorError, NothingLeftError

_LOOKS_LONG = (
    "Everything that is kept is looked through for them, which takes minutes where there are millions of events. It "
    "goes on if this page is closed, and the page Operators says how it ended."
)


def _confirmation(visit: Visit, title: str, sentences: list[str], button: str, **fields: str) -> Page:
    key = key_of(visit)
    if not visit.visitor.sees_people:
        raise ConnectorError("This names whom it is about, which is masked: first show what is personal on their page.")
    shown = {"title": title, "sentences": sentences, "button": button, "fields": {"key": key, **fields}}
    return Page("person_act.html", {**shown, "back": addresses.person(key), "key": key}, about_people=True)


def _in_sync(desk: Desk, visit: Visit) -> PersonInSync:
    """Returns the person as they are in the sync that is given.

    Raises SettingsError where there is no such sync, ConnectorError where it has no row of them.
    """
    key, sync = key_of(visit), visit.given("sync")
    desk.runtime.rules(sync)
    found = of_key(desk.reads, key, sync, Depth(indexed=True)).syncs
    if not found:
        raise ConnectorError(f"the sync {sync!r} has no row of {key!r}")
    return found[0]


def confirm_resync(desk: Desk, visit: Visit) -> Page:
    """Shows what a resync of one person does. Raises ConnectorError where their page is masked for the visitor."""
    sync, here = visit.given("sync"), _in_sync(desk, visit)
    said = [
        f"All of this person is sent to Customer.io again by the sync {sync}, as if it were not known what it holds.",
        "It happens behind what is live, within seconds where little waits.",
        "If they should not be there, they are deleted, as far as the deletion guard lets it.",
        *(f"Mind: {each}." for each in here.waits),
    ]
    return _confirmation(visit, "Send this person again?", said, "Send them again", sync=sync)


def resync(desk: Desk, visit: Visit) -> Redirect:
    """Makes one person due in a sync, so that everything of them is sent again.

    Raises SettingsError where the sync does not deliver, ConnectorError where nothing can be sent of them now.
    """
    key, sync = key_of(visit), visit.given("sync")
    first = resend.again(desk.runtime, key, sync)
    said = f"They are due in {sync}, and all of them is sent again."
    return Redirect(addresses.person(key), said if first else f"Nothing was left to do: they were due already. {said}")


def confirm_forget(desk: Desk, visit: Visit) -> Page:
    """Shows what forgetting a person does. Raises ConnectorError where their page is masked for the visitor."""
    found = of_key(desk.reads, key_of(visit), visit.given("sync"), Depth(indexed=True))
    said = []
    for each in found.syncs:
        named = ", ".join(f"{one.type} {one.value}" for one in each.identifiers) or "nobody, as none is known"
        said.append(f"{each.row.sync}: Customer.io is asked to delete {named}. This cannot be undone.")
    owed = sum(each.event_counts.get("pending", 0) for each in found.syncs)
    said += [
        "Then whatever is kept of them here is erased: their history, the bodies of requests that speak of them, "
        f"problems ({len(found.problems):,}), and events, of which {owed:,} would still be sent.",
        wording.UPSTREAM,
        _LOOKS_LONG,
    ]
    return _confirmation(visit, "Forget this person?", said, "Forget them for good", sync=visit.given("sync"))


def forget(desk: Desk, visit: Visit) -> Page:
    """Forgets a person, at Customer.io and here, and shows the result. It may take minutes.

    Raises ConnectorError where no sync has a row of them, NothingLeftError where they are forgotten already.
    """
    found = find_user.of_key(desk.runtime, key_of(visit), visit.given("sync"))
    receipt = Forgetting(desk.runtime, found).run()
    if not receipt.parts:
        raise NothingLeftError("nothing was left to do: somebody else has forgotten them meanwhile")
    said = [f"{each}." for each in wording.sentences(receipt)]
    erased = [f"{part.sync}: erased here {wording.counts(part.erased)}." for part in receipt.parts if part.erased]
    shown = {"complete": receipt.complete, "sentences": said + erased, "key": receipt.key}
    return Page("person_forgotten.html", {**shown, "left": wording.NOT_COMPLETE}, about_people=True)


def confirm_suppress(desk: Desk, visit: Visit) -> Page:
    """Shows what suppressing a person does.

    Raises ConnectorError where their page is masked for the visitor, or no identifier of theirs is known.
    """
    sync = visit.given("sync")
    identifier = _address(_in_sync(desk, visit))
    said = [
        f"Customer.io deletes {identifier} in the workspace of the sync {sync}, and refuses them from then on, whoever "
        "sends them. What it has recorded of them is gone for good.",
        "What is kept of them here stays. Upstream's next message may want them there again: it is refused then, and "
        "that is a problem of this person.",
        "“Free them” on their page takes the block away later, and restores nothing.",
    ]
    return _confirmation(visit, "Suppress this person?", said, "Suppress them", sync=sync, identifier=identifier)


def suppress(desk: Desk, visit: Visit) -> Redirect:
    """Makes Customer.io delete a person and refuse them from then on.

    Raises ConnectorError where Customer.io does not confirm it, or their identifier is another one than the form says.
    """
    sync, identifier = visit.given("sync"), _address(_in_sync(desk, visit))
    if identifier != visit.given("identifier"):
        raise ConnectorError("They have another identifier now than the page said: look again, and decide anew.")
    direct_request.order(desk.runtime, sync, identifier, "suppress")
    to = addresses.person(key_of(visit))
    return Redirect(to, f"{sync}: suppressed. Customer.io has deleted them, and ignores them from now on.")


def unsuppress(desk: Desk, visit: Visit) -> Redirect:
    """Makes Customer.io take a suppressed person again. Raises ConnectorError where it does not confirm it."""
    sync = visit.given("sync")
    direct_request.order(desk.runtime, sync, _address(_in_sync(desk, visit)), "unsuppress")
    return Redirect(addresses.person(key_of(visit)), f"{sync}: free again. Customer.io takes what comes next.")


def _address(here: PersonInSync) -> str:
    """Returns the identifier by which Customer.io knows the person. Raises ConnectorError where none is known."""
    rules = here.rules
    kinds = () if rules is None else (rules.addressing.main_kind, "email" if rules.addressing.knows_leads else "")
    found = next((each.value for kind in kinds for each in here.identifiers if each.type == kind), "")
    if not found:
        raise ConnectorError(f"{here.row.sync}: no identifier is known by which Customer.io could be told of them")
    return found
