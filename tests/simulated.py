"""A simulated Customer.io as a test sees it: what it holds, what it was asked, what it is to do wrong."""

import json
from typing import Any

import httpx

from tests.build_settings import API_KEY, SITE_ID

_OPTIONS = {
    "latency": 0.0,
    "mode": "email_or_id",
    "auto_merge": False,
    "email_change_by_id": False,
    "event_creates_person": True,
    "oversize": 400,
    "non_ulid": "400",
    "shuffle": None,
    "visibility_seconds": 0.0,
    "app_rate_limit": 10,
    "dynamic_segments": [],
    "strict": True,
}


class Simulated:
    """A running simulator, or one that `transport` leads to."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=10, transport=transport)

    def close(self) -> None:
        """Closes the connection to it."""
        self._client.close()

    def reset(self, **options: Any) -> None:
        """Empties it, ends all faults, and sets these options beside the usual ones."""
        assert self._client.post("/_simulator/reset", json={**_OPTIONS, **options}).status_code == 200

    def go_wrong(self, *rules: dict[str, Any]) -> None:
        """Orders these faults in place of those in force."""
        answer = self._client.post("/_simulator/faults", json=rules)
        assert answer.status_code == 200, answer.text

    def violations(self) -> list[str]:
        """What of the requests is not documented (`simulator.server.strict`)."""
        found: list[str] = self._client.get("/_simulator/violations").json()
        return found

    def take(self, *items: dict[str, Any]) -> None:
        """Takes these operations as from another program than the one that is tested."""
        answer = self._client.post("/api/v2/batch", json={"batch": items}, auth=(SITE_ID, API_KEY))
        assert answer.status_code == 200, answer.text

    def fired(self) -> list[int]:
        """How often each of the ordered faults has come."""
        return [rule["fired"] for rule in self._client.get("/_simulator/faults").json()]

    def whole_people(self) -> list[dict[str, Any]]:
        """Everybody with all that they have."""
        return self._lines("people")

    def people(self) -> dict[str, dict[str, Any]]:
        """Everybody's attributes, by id (or e-mail where there is no id)."""
        return {name: person["attributes"] for name, person in self._people()}

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of one person, in the order in which they were received."""
        found = [person["events"] for found_name, person in self._people() if found_name == name]
        return found[0] if found else []

    def objects(self) -> dict[str, dict[str, Any]]:
        """Every object's attributes, by type and id."""
        return {_object_key(one): one["attributes"] for one in self._lines("objects")}

    def relationships(self) -> dict[str, dict[str, dict[str, Any]]]:
        """To which objects each person is related, and with which attributes, by the person's id."""
        return {
            name: {_object_key(each): each["relationship_attributes"] for each in person["relationships"]}
            for name, person in self._people()
        }

    def failures(self) -> list[dict[str, Any]]:
        """What the activity log says went wrong, though it was accepted."""
        return [each for each in self._lines("activity") if each["type"].startswith("failed")]

    def event_names(self, name: str) -> list[str]:
        """The names of one person's events."""
        return [event["name"] for event in self.events(name)]

    def anonymous(self) -> list[dict[str, Any]]:
        """The events that nobody has claimed."""
        return self._lines("anonymous")

    def calls(self) -> list[dict[str, Any]]:
        """The requests to the APIs, oldest first."""
        return self._lines("calls")

    def statuses(self) -> list[int]:
        """The status of each request; 0 where the connection was cut."""
        return [call["status"] for call in self.calls()]

    def summary(self) -> dict[str, Any]:
        """Everything in numbers."""
        found: dict[str, Any] = self._client.get("/_simulator/summary").json()
        return found

    def _people(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (person["identifiers"].get("id") or person["identifiers"]["email"], person)
            for person in self.whole_people()
        ]

    def _lines(self, page: str) -> list[dict[str, Any]]:
        # Not splitlines(): a text may hold one of the other characters that end a line.
        lines = self._client.get(f"/_simulator/{page}").text.split("\n")
        return [json.loads(line) for line in lines if line]


def _object_key(one: dict[str, Any]) -> str:
    return f"{one['identifiers']['object_type_id']}/{one['identifiers']['object_id']}"
