"""Looks up what Customer.io has reported of those who are claimed, where the settings make something of it."""

from collections import Counter
from collections.abc import Sequence

from connector.audience.feedback import known_names, restraint
from connector.audience.rules import Rules
from connector.model.reported import standing
from connector.planning.attempt import Attempt, Claim
from connector.store import reported
from connector.store.encoding import identifier_text
from connector.store.engine import Store


def restrained(store: Store, rules: Rules, claims: Sequence[Claim]) -> Sequence[Claim]:
    """Returns the claims, each with what is kept from the person. Asks the store once; never without such settings."""
    if not rules.feedback.any or not claims or claims[0].entity.kind != "person":
        return claims
    names = [known_names(claim.entity, rules) for claim in claims]
    texts = [[identifier_text(each) for each in one.identifiers] for one in names]
    with store.reading() as tx:
        found = reported.words(tx, rules.connection, {text for each in texts for text in each})
    if not found:
        return claims
    return [
        claim._replace(restraint=restraint(standing(reported.of(found, mine), mine, name.address), rules))
        for claim, name, mine in zip(claims, names, texts, strict=True)
    ]


def counted(attempts: Sequence[Attempt]) -> Counter[str]:
    """Returns what was kept back, by name and reason, as it is tallied."""
    found: Counter[str] = Counter()
    for attempt in attempts:
        if attempt.restrained is not None:
            found.update(dict(attempt.restrained.tallies()))
    return found
