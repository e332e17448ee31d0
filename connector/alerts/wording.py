"""Writes the message that a channel is sent about one or more changes of state, as text and as data. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from connector.model.alert import Notice
from connector.model.spoken_times import duration

NAME = "Audience Sync Connector"
TEST = "This is a test: alerts reach you"


class AlertMessage(NamedTuple):
    """A message. id: the same whenever it is sent again. data: what a signed webhook carries, without the time.

    key: of its first alert. over: whether all its alerts have recovered. urgent: whether one of them is a page.
    """

    id: str
    title: str
    body: str
    data: dict[str, Any]
    key: str
    over: bool
    urgent: bool


def message(id: str, notices: Sequence[Notice], most: int) -> AlertMessage:
    """Returns the message of some notices.

    Args:
        id: Its id.
        notices: At least one, in their order.
        most: The most notices that the text lists; it counts the others. The data has all of them.
    """
    lines = [_line(each) for each in notices[:most]]
    left = len(notices) - most
    more = [f"... and {left} more: `connector alerts` lists them"] if left > 0 else []
    over = all(each.change == "recovered" for each in notices)
    return AlertMessage(
        id=id,
        title=f"{NAME}: {_title(notices)}",
        body="\n".join([*lines, *more]),
        data={"type": "alerts.changed", "data": {"alerts": [_data(each) for each in notices]}},
        key=notices[0].alert,
        over=over,
        urgent=any(each.severity == "page" for each in notices),
    )


def trial(id: str) -> AlertMessage:
    """Returns the test message for a channel."""
    return AlertMessage(
        id, f"{NAME}: a test", TEST, {"type": "alerts.test", "data": {"alerts": []}}, "test", True, False
    )


def timed(data: dict[str, Any], now: float) -> dict[str, Any]:
    """Returns the data of a message with the time at which it is sent."""
    return {"type": data["type"], "timestamp": _iso(now), "data": data["data"]}


def _title(notices: Sequence[Notice]) -> str:
    opened = sum(each.change == "opened" for each in notices)
    over = sum(each.change == "recovered" for each in notices)
    still = len(notices) - opened - over
    counts = ((opened, "new"), (still, "still open"), (over, "over"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def _line(notice: Notice) -> str:
    took = duration(notice.at - notice.opened_at)
    begin = {"opened": notice.severity.upper(), "still open": f"STILL, for {took}", "recovered": f"OVER after {took}"}
    return f"{begin[notice.change]}: {notice.sentence}"


def _data(notice: Notice) -> dict[str, Any]:
    return {
        "alert": notice.alert,
        "kind": notice.kind,
        "subject": notice.subject,
        "change": notice.change,
        "severity": notice.severity,
        "sentence": notice.sentence,
        "episode": notice.episode,
        "opened_at": _iso(notice.opened_at),
        "at": _iso(notice.at),
    }


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
