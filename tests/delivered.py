"""People who are in a simulated Customer.io before a command is run."""

from connector import inbox
from connector.runtime import AtHand
from connector.settings.schema import load
from tests.processes import SHIPPED_SETTINGS


def deliver(environ: dict[str, str], *messages: bytes) -> None:
    """Takes messages in and delivers everything that is due, as `connector run` would."""
    at_hand = AtHand.open(load(SHIPPED_SETTINGS, environ))
    at_hand.store.migrate()
    inbox.take(at_hand.store, at_hand.syncs, "hull", messages, 1_000_000)
    at_hand.courier("main").deliver()
    at_hand.close()
