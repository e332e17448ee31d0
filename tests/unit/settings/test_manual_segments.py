"""`manual_segments`: what is accepted, and what is said of what is not."""

from typing import Any

import pytest
from pydantic import ValidationError

from connector.settings import manual_segments
from connector.settings.schema import Sync


def test_a_name_an_id_and_the_same_name_are_accepted() -> None:
    sync = Sync(connection="main", manual_segments={"Paying": " Paying (synced) ", "Trial": "", "Staff": 7})
    assert manual_segments.targets(sync.manual_segments) == {"Paying": "Paying (synced)", "Trial": "Trial", "Staff": 7}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"Paying": True}, "is not accepted for 'Paying'; give the name of a manual segment"),
        ({"Paying": 0}, "or an id such as 7"),
        ({"Paying": 1.5}, "or an id such as 7"),
        ({" ": "x"}, "an empty name of an upstream segment"),
        ({"Paying": "X", "Trial": " X "}, "are all mirrored into 'X'; give each a manual segment of its own"),
        ({"Paying": "", "Trial": "Paying"}, "are all mirrored into 'Paying'"),
        (["Paying"], "give a table such as"),
    ],
)
def test_what_is_not_accepted_is_said_with_what_is(given: Any, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sync(connection="main", manual_segments=given)
    assert says in str(caught.value)
