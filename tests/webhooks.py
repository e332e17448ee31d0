"""Reporting webhooks as Customer.io sends them: signed, one after another."""

import json
import time
from typing import Any

import httpx

from connector.activity.signature import sign

KEY, OTHER_KEY = "the-first-key", "the-second-key"
LATELY = int(time.time()) - 3600
"""When what they report happened."""


def reported(number: int = 1, event: str = "email_opened", user: str = "user-1", **data: Any) -> dict[str, Any]:
    """A webhook of the current shape; `event` is its type and metric."""
    known = next(each for each in ("in_app", event.partition("_")[0]) if event.startswith(each))
    who = {"customer_id": user, "identifiers": {"id": user}, "delivery_id": f"delivery-{number}"}
    return {
        "event_id": f"event-{number}",
        "object_type": known,
        "metric": event.removeprefix(f"{known}_"),
        "timestamp": LATELY + number,
        "data": {**who, **data},
    }


def headers(body: bytes, key: str = KEY, timestamp: str = "") -> dict[str, str]:
    """The headers of a body that is signed."""
    at = timestamp or str(int(time.time()))
    return {"X-CIO-Timestamp": at, "X-CIO-Signature": sign(key, at, body), "Content-Type": "application/json"}


def post(client: httpx.Client, body: Any, key: str = KEY, connection: str = "main") -> httpx.Response:
    """Posts a body, signed. What is not bytes is JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/webhooks/customerio/{connection}", content=content, headers=headers(content, key))
