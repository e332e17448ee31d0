"""delete on the wire."""

import pytest

from connector.customerio.operations import delete
from tests.build import ident


@pytest.mark.parametrize("type", ["id", "email", "cio_id"])
def test_a_delete_names_one_identifier_and_nothing_else(type: str) -> None:
    assert delete.item(ident("1001", type)) == {"type": "person", "identifiers": {type: "1001"}, "action": "delete"}
