"""Signatures of what we send, as Standard Webhooks has them."""

import base64

import pytest

from connector import standard_webhooks

KEY = b"a key of the tests, 32 bytes long"[:32]
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
OTHER = f"whsec_{base64.b64encode(KEY[::-1]).decode()}"
# The example of the specification's reference libraries.
EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_body_is_signed_as_the_specification_shows() -> None:
    made = standard_webhooks.headers([EXAMPLE], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_are_two_signatures_and_none_is_none() -> None:
    both = standard_webhooks.headers([SECRET, OTHER], "m-1", 7, b"{}")["webhook-signature"].split(" ")
    each = [standard_webhooks.headers([one], "m-1", 7, b"{}")["webhook-signature"] for one in (SECRET, OTHER)]
    assert both == each
    assert standard_webhooks.headers([], "m-1", 7, b"{}") == {"webhook-id": "m-1", "webhook-timestamp": "7"}


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%", "whsec_c2hvcnQ=", "secret"])
def test_what_is_no_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match=r"is a|is not") as refused:
        standard_webhooks.key_of(secret)
    assert secret.removeprefix("whsec_") not in str(refused.value) or secret == "whsec_"
