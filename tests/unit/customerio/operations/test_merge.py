"""merge on the wire."""

from connector.customerio.operations import merge
from tests.build import ident


def test_a_merge_names_both_and_has_no_identifiers_of_its_own() -> None:
    assert merge.item(ident("new"), ident("user-1@example.com", "email")) == {
        "type": "person",
        "action": "merge",
        "primary": {"id": "new"},
        "secondary": {"email": "user-1@example.com"},
    }
