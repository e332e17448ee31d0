"""What the App API's answers about segments come to."""

import json
from typing import Any

import pytest

from connector.customerio import segments
from connector.customerio.responses import Reply
from connector.customerio.segments import Absent, FoundSegment, SegmentFault


def listed(*rows: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps({"segments": rows}).encode())


MANUAL = {"id": 7, "name": "Paying", "type": "manual"}


@pytest.mark.parametrize(
    ("rows", "target", "answer"),
    [
        ([MANUAL], "Paying", FoundSegment(7)),
        ([MANUAL], 7, FoundSegment(7)),
        ([MANUAL], "7", Absent()),
        ([{**MANUAL, "type": "dynamic"}, {**MANUAL, "id": 8}], "Paying", FoundSegment(8)),
        ([], "Paying", Absent()),
    ],
)
def test_a_manual_segment_is_found_by_its_name_or_id(rows: list[dict[str, Any]], target: Any, answer: object) -> None:
    assert segments.looked_up(listed(*rows), target) == answer


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([MANUAL, {**MANUAL, "id": 9}], "several manual segments have this name (7, 9)"),
        ([{**MANUAL, "type": "dynamic"}], "conditions of its own"),
    ],
)
def test_what_cannot_be_chosen_is_for_a_human(rows: list[dict[str, Any]], says: str) -> None:
    answer = segments.looked_up(listed(*rows), "Paying")
    assert isinstance(answer, SegmentFault)
    assert answer.for_human
    assert says in answer.reason


@pytest.mark.parametrize(("status", "for_human"), [(0, False), (429, False), (503, False), (401, True), (404, False)])
def test_a_failure_that_passes_is_told_from_one_that_stays(status: int, for_human: bool) -> None:
    for answer in (segments.looked_up(Reply(status), "Paying"), segments.made(Reply(status))):
        assert isinstance(answer, SegmentFault)
        assert answer.for_human is for_human


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_stays_where_the_app_api_says_so_in_its_own_words(status: int) -> None:
    body = b'{"errors":[{"detail":"no","status":"404"}]}'
    for reply, for_human in ((Reply(status, body), True), (Reply(status, b"<html>no</html>"), False)):
        for answer in (segments.looked_up(reply, "Paying"), segments.made(reply)):
            assert isinstance(answer, SegmentFault)
            assert answer.for_human is for_human


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"segment": {"id": "7"}, "segments": {}}'])
def test_an_answer_of_another_form_finds_nothing_and_is_asked_for_again(body: bytes) -> None:
    assert isinstance(segments.made(Reply(200, body)), SegmentFault)
    assert isinstance(segments.looked_up(Reply(200, body), "Paying"), SegmentFault)
