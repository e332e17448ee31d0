"""Forgets a user, as a privacy request asks: out of Customer.io first, and then out of the store.

Their rows in all syncs are leased first, so that nobody sends for them meanwhile. Each sync's row is erased once
Customer.io has confirmed the deletion and does not show the person any more. Where it has not, the row stays, and
another run goes on from there.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

import structlog

from connector.admin.privacy import find_user, verify_deleted
from connector.admin.privacy.direct_request import ByHand, OperationAnswer
from connector.admin.privacy.find_user import FoundUser
from connector.admin.privacy.verify_deleted import GONE_SECONDS, NOT_READ_BACK, Proof
from connector.audience.rules import Rules
from connector.customerio.operations import delete, suppress
from connector.customerio.operations.operation import Operation
from connector.errors import ConnectorError
from connector.model.entity import Entity, Identifier
from connector.runtime import Runtime
from connector.store import encoding, erasure, mentions, name_search, resend, samples
from connector.store.erasure import Busy
from connector.store.mentions import Erased, Traces

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 300.0
"""The time for which the user's rows are leased: enough for the requests and for reading the person back."""
BUSY_SECONDS = 40.0
"""The longest wait for a worker that is sending for the user. That takes a second, unless the worker is dead."""
_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ForgetPart:
    """What came of one sync.

    answers: what Customer.io said to each operation; proof: what reading the person back showed; erased: the numbers
    of rows erased, None where the user's row is still there; reason: why it is. left: identifiers of theirs that stay,
    as another user of the sync holds them; others: (sync, key) of users of the same workspace who hold an identifier
    that was deleted: they are sent again.
    """

    sync: str
    answers: Sequence[OperationAnswer] = ()
    proof: Proof = NOT_READ_BACK
    erased: Erased | None = None
    reason: str = ""
    left: tuple[Identifier, ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    @property
    def unproved(self) -> tuple[Identifier, ...]:
        """Returns the identifiers that Customer.io was asked to delete and that no read has shown to be gone."""
        asked = [Identifier(*pair) for each in self.answers for pair in each.operation.item["identifiers"].items()]
        return tuple(each for each in asked if self.proof.state_of(each) != "gone")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of a request.

    at: when it was done, in unix seconds; suppress: whether the user was suppressed, not only deleted; elsewhere: what
    was erased in syncs without a row of the user, and of Customer.io's reports.
    """

    user: str
    key: str
    at: float
    suppress: bool
    parts: tuple[ForgetPart, ...]
    elsewhere: Erased

    @property
    def complete(self) -> bool:
        """Says whether the user's rows are erased in every sync, so that nothing is left to do."""
        return all(part.erased is not None for part in self.parts)

    @property
    def proved(self) -> bool:
        """Says whether each sync with a row asked Customer.io, and a read showed nobody under any of the identifiers.

        It is true where no sync has a row of the user: Customer.io is then not asked.
        """
        return self.complete and all(part.answers and not part.unproved for part in self.parts)


@dataclass(slots=True)
class _Claimed:
    """A row that is leased.

    rules: None where the settings name the sync no more; mine: identifiers under which Customer.io may know the user;
    left: further ones, which another user of the sync holds; sent: something may have gone out.
    """

    sync: str
    entity: Entity
    rules: Rules | None
    mine: tuple[Identifier, ...] = ()
    left: tuple[Identifier, ...] = ()
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Forgetting:
    """One run: it leases the rows of all syncs; then, for each sync, it deletes in Customer.io, verifies, and erases.

    suppress: whether the user is suppressed, not only deleted; busy_seconds: the longest wait for a row that another
    holds; gone_seconds: the longest wait until Customer.io shows the person no more.
    """

    runtime: Runtime
    found: FoundUser
    suppress: bool = False
    busy_seconds: float = BUSY_SECONDS
    gone_seconds: float = GONE_SECONDS
    sleep: Callable[[float], None] = time.sleep
    lease: str = field(default_factory=lambda: uuid4().hex)

    def run(self) -> Receipt:
        """Forgets the user and returns the receipt.

        Raises ConnectorError where somebody else still holds the user's row after `busy_seconds`.
        """
        claimed: list[_Claimed] = []
        try:
            for sync in self._syncs():
                claimed += self._claim(sync)
            for each in claimed:
                self._address(each)
            names = self._names(claimed)
            found = self._traces(names)
            parts = tuple(self._part(each, claimed, found) for each in claimed)
        finally:
            self._give_back(claimed)
        return self._receipt(parts, found, names)

    def _syncs(self) -> list[str]:
        """Returns the syncs with a row of the user, in the order in which intake takes rows."""
        order = {rules.name: place for place, rules in enumerate(self.runtime.syncs)}
        return sorted((row.sync for row in self.found.rows), key=lambda sync: order.get(sync, len(order)))

    def _claim(self, sync: str) -> Iterator[_Claimed]:
        """Leases the row once no worker holds it, and yields it; nothing if the row has been erased meanwhile."""
        give_up_at = time.monotonic() + self.busy_seconds
        while isinstance(claim := self._try_to_claim(sync), Busy):
            if time.monotonic() >= give_up_at:
                raise ConnectorError(
                    f"{sync}: somebody is sending for the user {self.found.key!r}, for {claim.seconds:.0f} s more at "
                    "the most: nothing was done, run it again then"
                )
            self.sleep(_LOOK_AGAIN_SECONDS)
        if claim is not None:
            rules = next((rules for rules in self.runtime.syncs if rules.name == sync), None)
            yield _Claimed(sync, claim, rules)

    def _try_to_claim(self, sync: str) -> Entity | Busy | None:
        store, seconds = self.runtime.store, CLAIM_SECONDS
        with store.writing(patient=True) as tx:
            return erasure.claim(tx, sync, self.found.key, self.lease, store.now(tx), seconds)

    def _address(self, claimed: _Claimed) -> None:
        """Finds the identifiers to act on. One that another user of the sync holds is left alone."""
        if claimed.rules is None:
            return
        possible = find_user.addresses(claimed.entity, claimed.rules)
        texts = {each: encoding.identifier_text(each) for each in possible}
        with self.runtime.store.reading(patient=True) as tx:
            holders = samples.holders(tx, [claimed.sync], sorted(texts.values()))
        own = {(claimed.sync, self.found.key)}
        claimed.mine = tuple(each for each in possible if holders.get(texts[each], own) == own)
        claimed.left = tuple(each for each in possible if each not in claimed.mine)

    def _names(self, claimed: Sequence[_Claimed]) -> set[str]:
        """Returns all names of the user, in lower case."""
        names = {self.found.user.lower(), self.found.key.lower()}
        return names.union(*(name_search.names(each.entity, each.mine) for each in claimed))

    def _traces(self, names: Collection[str]) -> Traces:
        """Returns the other rows that mention the user by any of their names."""
        with self.runtime.store.reading(patient=True) as tx:
            return mentions.find(tx, [self.found.key], names, self.found.sync)

    def _part(self, claimed: _Claimed, all_claimed: Sequence[_Claimed], found: Traces) -> ForgetPart:
        sync, rules = claimed.sync, claimed.rules
        if rules is None:
            reason = "the settings do not name this sync any more, nor so its workspace: put it back, and run it again"
            return ForgetPart(sync, reason=reason)
        answers = self._tell(claimed)
        failed = next((each for each in answers if each.state != "confirmed"), None)
        if failed is not None:
            return ForgetPart(
                sync, answers, reason=f"{failed.state} by Customer.io: {failed.reason}", left=claimed.left
            )
        proof = verify_deleted.look(self.runtime, rules.connection, claimed.mine, self.gone_seconds, self.sleep)
        if proof.state == "still there":
            reason = "Customer.io confirmed it, and shows the person still: something else may write them there"
            return ForgetPart(sync, answers, proof, reason=reason, left=claimed.left)
        others = self._others(rules, claimed.mine, {each.sync for each in all_claimed})
        erased = self._erase(sync, found)
        self._send_again(others)
        reason = "" if erased is not None else "somebody else has taken the row up meanwhile"
        return ForgetPart(sync, answers, proof, erased, reason, claimed.left, others)

    def _tell(self, claimed: _Claimed) -> list[OperationAnswer]:
        """Has Customer.io delete, or suppress, the user under all identifiers."""
        item = suppress.item if self.suppress else delete.item
        if not claimed.mine:
            return []
        claimed.sent = True  # in case the sending is broken off: something may have gone out
        answers = ByHand.of(self.runtime, claimed.sync).send([Operation(item(each)) for each in claimed.mine])
        claimed.sent = any(each.may_be_applied for each in answers)
        return answers

    def _others(self, rules: Rules, identifiers: Sequence[Identifier], ours: set[str]) -> tuple[tuple[str, str], ...]:
        """Returns (sync, key) of each other user of the workspace who holds one of these identifiers.

        Customer.io has lost them too.
        """
        syncs = [rules.name, *(each.name for each in self.runtime.side_by_side(rules))]
        with self.runtime.store.reading(patient=True) as tx:
            holders = samples.holders(tx, syncs, [encoding.identifier_text(each) for each in identifiers])
        found = {holder for each in holders.values() for holder in each}
        return tuple(sorted(found - {(sync, self.found.key) for sync in ours}))

    def _send_again(self, others: Sequence[tuple[str, str]]) -> None:
        """Makes users of other syncs due to be sent whole, as this deletion took them out of Customer.io too."""
        with self.runtime.store.writing(patient=True) as tx:
            for sync, key in others:
                resend.send_whole(tx, sync, [key], self.runtime.store.now(tx))

    def _erase(self, sync: str, found: Traces) -> Erased | None:
        store = self.runtime.store
        with store.writing(patient=True) as tx:
            erased = erasure.erase(tx, sync, self.found.key, self.lease, found, store.now(tx), self.runtime.rules(sync))
        if erased is not None:
            log.info("forgotten", sync=sync, events=erased.events, problems=erased.problems)
        return erased

    def _give_back(self, claimed: Sequence[_Claimed]) -> None:
        """Ends the leases on rows that are still there."""
        with self.runtime.store.writing(patient=True) as tx:
            for each in claimed:
                erasure.give_back(tx, each.sync, self.found.key, self.lease, sent=each.sent)

    def _receipt(self, parts: tuple[ForgetPart, ...], found: Traces, names: Collection[str]) -> Receipt:
        receipt = Receipt(self.found.user, self.found.key, time.time(), self.suppress, parts, Erased())
        return replace(receipt, elsewhere=self._sweep(parts, found, names)) if receipt.complete else receipt

    def _sweep(self, parts: Sequence[ForgetPart], found: Traces, names: Collection[str]) -> Erased:
        """Erases what mentions the user where they have no row, such as messages that could not be read.

        Where the request is for all syncs, Customer.io's reports, which belong to no sync, are erased too. They are
        looked for only now, since more may have come meanwhile.
        """
        store, elsewhere = self.runtime.store, sorted(found.syncs() - {part.sync for part in parts})
        total = Erased() if self.found.sync else mentions.erase_reported(store, names)
        for sync in elsewhere:
            with store.writing(patient=True) as tx:
                total = total.plus(mentions.erase(tx, sync, self.found.key, found))
        return total
