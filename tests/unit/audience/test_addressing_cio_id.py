"""People by cio_id: Customer.io writes it with a prefix in paths and without one in bodies."""

import pytest

from connector.audience import addressing
from connector.model.entity import Identifier


@pytest.mark.parametrize("written", ["a3000001", "cio_a3000001"])
def test_a_cio_id_goes_without_its_prefix(written: str) -> None:
    assert addressing.of("cio_id").identifier({"identifier": written}) == Identifier("cio_id", "a3000001")
    assert addressing.of("cio_id").given(written) == Identifier("cio_id", "a3000001")


def test_a_prefix_alone_names_nobody() -> None:
    assert addressing.of("cio_id").identifier({"identifier": "cio_"}) is None


@pytest.mark.parametrize("identify_by", ["id", "email", "id_or_email"])
def test_of_other_identifiers_it_is_a_part(identify_by: str) -> None:
    found = addressing.of(identify_by).given("cio_a3000001@example.com")
    assert found is not None
    assert found.value == "cio_a3000001@example.com"
