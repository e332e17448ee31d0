"""Reads the App API's answers about reporting webhooks, and says what one lacks (docs/customerio.md#webhooks)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from connector.customerio import statuses
from connector.customerio.responses import Reply
from connector.customerio.statuses import Meaning
from connector.errors import ConnectorError

NAME = "Audience Sync Connector"
_SPELLINGS: Mapping[str, str] = {
    "customer_cio_subscription_preferences_changed": "customer_subscription_preferences_changed"
}


@dataclass(frozen=True, slots=True)
class WebhookRemedy:
    """The faults of a workspace's reporting webhook, and the request that would mend them.

    lacks: a sentence each, none where all is well. id: that of the webhook to change, None to make one. body: JSON.
    """

    lacks: tuple[str, ...]
    id: int | None
    body: bytes


def listed(reply: Reply, connection: str) -> list[Mapping[str, Any]]:
    """Returns the reporting webhooks of an answer. Raises ConnectorError where it is none."""
    meaning = statuses.meaning(statuses.APP, reply.status)
    if meaning is Meaning.CREDENTIALS:
        raise ConnectorError(f"connection {connection!r}: the App API refuses app_api_key ({reply.status})")
    try:
        rows = from_json(reply.usable_body)["reporting_webhooks"] if meaning is Meaning.ACCEPTED else None
    except (ValueError, KeyError, TypeError):
        rows = None
    if not isinstance(rows, list):
        raise ConnectorError(f"connection {connection!r}: the App API did not list its webhooks ({_why(reply)})")
    return [row for row in rows if isinstance(row, dict)]


def confirmed(reply: Reply, connection: str) -> None:
    """Raises ConnectorError where Customer.io did not make or change the webhook."""
    if statuses.meaning(statuses.APP, reply.status) is not Meaning.ACCEPTED:
        raise ConnectorError(f"connection {connection!r}: the App API did not change its webhook ({_why(reply)})")


def remedy(rows: Collection[Mapping[str, Any]], path: str, url: str, events: Collection[str]) -> WebhookRemedy:
    """Compares what a workspace has with what is wanted.

    Args:
        rows: Its reporting webhooks.
        path: The end of our address: `/webhooks/customerio/main`.
        url: The whole address to call, for a new webhook or in place of the one that is set; "" leaves that one.
        events: What must be reported: `email_opened`, ...

    Returns:
        What is missing, and the request that mends it.
    """
    row = _ours(rows, path, url)
    wanted = sorted({_SPELLINGS.get(each, each) for each in events})
    if row is None:
        always = {"disabled": False, "full_resolution": True, "with_content": False}
        made = {"name": NAME, "endpoint": url, "events": wanted, **always}
        return WebhookRemedy((f"no reporting webhook calls an address that ends with {path}",), None, to_json(made))
    there = [str(each) for each in row.get("events") or ()]
    missing = [each for each in wanted if each not in there]
    lacks = [f"it does not report {', '.join(missing)}"] if missing else []
    if row.get("disabled"):
        lacks.append("it is disabled")
    if not row.get("full_resolution"):
        lacks.append("it reports only the first time that something happens to a message, not every time")
    if url and str(row.get("endpoint")).rstrip("/") != url:
        lacks.append("it calls another address")
    change = {"disabled": False, "full_resolution": True, "events": [*there, *missing]}
    id, kept = row.get("id"), {"name": row.get("name") or NAME, "with_content": bool(row.get("with_content"))}
    body = to_json({**kept, "endpoint": url or row.get("endpoint"), **change})
    return WebhookRemedy(tuple(lacks), id if isinstance(id, int) else None, body)


def _ours(rows: Collection[Mapping[str, Any]], path: str, url: str) -> Mapping[str, Any] | None:
    """Returns the webhook that calls us: one with the whole address before one that may be another installation's."""
    found = [each for each in rows if str(each.get("endpoint", "")).rstrip("/").endswith(path)]
    whole = [each for each in found if url and str(each["endpoint"]).rstrip("/") == url]
    return next(iter((*whole, *found)), None)


def _why(reply: Reply) -> str:
    return reply.fault or f"status {reply.status}"
