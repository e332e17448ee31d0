"""The signature of reporting webhooks."""

import pytest

from connector.activity.signature import fits, sign
from connector.simulator.server import webhooks as simulated

BODY = b'{"event_id":"E1"}'
SIGNED = sign("first-key", "1700000000", BODY)


def test_it_is_made_as_customerio_makes_it() -> None:
    assert simulated.signature("first-key", "1700000000", BODY) == SIGNED
    assert SIGNED == "121f6287126c88b20b322304e78144b8d9617e79fffaf92eb59a83c724b5e5fe"


@pytest.mark.parametrize("given", [SIGNED, f"v0={SIGNED}", SIGNED.upper(), f" {SIGNED} "])
@pytest.mark.parametrize("keys", [["first-key"], ["second-key", "first-key"], ["first-key", "second-key"]])
def test_it_fits_with_either_key(keys: list[str], given: str) -> None:
    assert fits(keys, given, "1700000000", BODY)


@pytest.mark.parametrize(
    ("keys", "given", "timestamp", "body"),
    [
        ([], SIGNED, "1700000000", BODY),
        (["second-key"], SIGNED, "1700000000", BODY),
        (["first-key"], SIGNED, "1700000001", BODY),
        (["first-key"], SIGNED, "1700000000", BODY + b" "),
        (["first-key"], "", "1700000000", BODY),
        (["first-key"], SIGNED[:-1], "1700000000", BODY),
        (["first-key"], "v0=", "1700000000", BODY),
        (["first-key"], "sch\xf6n\udcff", "\u2028", BODY),
    ],
)
def test_it_does_not_fit_another_body_time_or_key(keys: list[str], given: str, timestamp: str, body: bytes) -> None:
    assert not fits(keys, given, timestamp, body)
