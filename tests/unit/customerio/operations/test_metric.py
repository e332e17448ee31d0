"""A metric of a delivery on the wire."""

from types import MappingProxyType

from connector.customerio.operations import metric
from tests.build import OCTOBER, owed


def test_a_metric_names_the_delivery_and_its_own_time() -> None:
    event = owed(name="opened", properties={"delivery_id": "delivery-1"})
    assert metric.item(event) == {"metric": "opened", "delivery_id": "delivery-1", "timestamp": OCTOBER}


def test_a_metric_without_a_time_gets_none_of_ours() -> None:
    assert "timestamp" not in metric.item(owed(name="opened", occurred_at=None))


def test_what_was_clicked_in_an_app_is_metadata() -> None:
    properties = MappingProxyType({"delivery_id": "delivery-1", "action_name": "Buy", "action_value": "shop"})
    assert metric.item(owed(name="clicked", properties=properties)) == {
        "metric": "clicked",
        "delivery_id": "delivery-1",
        "timestamp": OCTOBER,
        "metadata": {"action_name": "Buy", "action_value": "shop"},
    }
