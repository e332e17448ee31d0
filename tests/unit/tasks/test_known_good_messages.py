"""The messages by which the reader tells one message's fault from everybody's."""

import pytest

from connector import formats
from connector.model.change import Change
from tasks.reader import known_good_messages


@pytest.mark.parametrize("format", formats.NAMES)
def test_there_is_one_of_each_format_that_can_be_read(format: str) -> None:
    (change,) = formats.parse(format, known_good_messages.MESSAGES[format])
    assert isinstance(change, Change)
