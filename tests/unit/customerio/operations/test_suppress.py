"""suppress and unsuppress on the wire."""

import pytest

from connector.customerio.operations import suppress
from connector.customerio.operations.suppress import Suppressing
from tests.build import ident


@pytest.mark.parametrize("type", ["id", "email", "cio_id"])
@pytest.mark.parametrize("action", ["suppress", "unsuppress"])
def test_it_names_one_identifier_and_nothing_else(type: str, action: Suppressing) -> None:
    item = suppress.item(ident("1001", type), action)
    assert item == {"type": "person", "identifiers": {type: "1001"}, "action": action}
