"""A message of one form that is read as another says which form it is, and changes nothing."""

import pytest

from connector import formats
from connector.intake import bodies
from connector.model.change import Unreadable

USER = {"id": "u1", "plan": "free"}
MESSAGES = [
    ("native", {"user": USER, "segments": ["Paying"], "version": 6}, "version"),
    ("native", {"user": USER, "entered": ["Paying"]}, "entered"),
    ("native", {"user": USER, "segments": [], "whole": False}, "whole"),
    ("native", {"user": USER, "segments": [], "deleted": True}, "deleted"),
    ("native", {"object": {"id": "c1"}}, "object"),
    ("segment", {"type": "identify", "userId": "u1", "traits": {"plan": "free"}}, "type"),
    ("segment", {"userId": "u1", "traits": {"plan": "free"}}, "userId"),
    ("segment", {"user": USER, "segments": ["Paying"], "traits": {}}, "traits"),
    ("hull", {"channel": "user:update", "messages": [{"user": USER, "segments": []}]}, "channel"),
    ("hull", {"user": USER, "segments": [], "changes": {}}, "changes"),
    ("lytics", {"data": {"email": "ada@example.com"}, "meta": {}}, "data"),
]
"""The form of a message, the message, and the field that tells."""


@pytest.mark.parametrize("read_as", formats.NAMES)
@pytest.mark.parametrize(("form", "message", "field"), MESSAGES)
def test_a_message_of_another_form_is_refused_and_the_form_is_named(
    form: str, message: dict[str, object], field: str, read_as: str
) -> None:
    if read_as != form:
        (refused,) = bodies.read(read_as, message, 1000)
        assert isinstance(refused, Unreadable)
        says = f'"{field}" is a field of the form {form}, and the message is read as {read_as}: '
        assert refused.reason.startswith(says)


def test_what_two_forms_share_is_read_as_it_is_told() -> None:
    shared = {"user": USER, "segments": ["Paying"], "events": [], "account": {}, "message_id": "m1"}
    for form in ("native", "hull"):
        (change,) = formats.parse(form, shared)
        assert not isinstance(change, Unreadable)


def test_who_could_not_be_read_knows_by_which_form() -> None:
    for form in formats.NAMES:
        assert {each.form for each in formats.parse(form, [{}, 7]) if isinstance(each, Unreadable)} == {form}
        lines = formats.read(form, b'{"a": 1}\n{\n{"b": 2}\n')
        assert [each.form for each in lines if isinstance(each, Unreadable)] == [form] * 3
