"""What is on its way to the broker, and what becomes of it."""

from connector.broker.publisher import ConfirmWindow


def taken(outbox: ConfirmWindow, count: int) -> list[bytes | None]:
    return [outbox.take() for _ in range(count)]


def test_messages_are_taken_in_their_order_until_there_are_no_more() -> None:
    outbox = ConfirmWindow([b"1", b"2"])
    assert taken(outbox, 3) == [b"1", b"2", None]
    assert (outbox.flying, outbox.confirmed, outbox.repeated) == (2, 0, 0)


def test_a_confirmation_is_for_one_message_or_for_all_up_to_it() -> None:
    outbox = ConfirmWindow([b"1", b"2", b"3", b"4"])
    taken(outbox, 4)
    outbox.confirm(3, False)
    assert (outbox.flying, outbox.confirmed) == (3, 1)
    outbox.confirm(2, True)
    assert (outbox.flying, outbox.confirmed) == (1, 3)
    outbox.confirm(4, True)
    assert (outbox.flying, outbox.confirmed) == (0, 4)


def test_what_was_refused_is_taken_again_before_anything_new() -> None:
    outbox = ConfirmWindow([b"1", b"2", b"3"])
    taken(outbox, 2)
    assert not outbox.refused
    outbox.refuse(1, False)
    assert outbox.refused
    assert taken(outbox, 3) == [b"1", b"3", None]
    outbox.confirm(4, True)
    assert (outbox.flying, outbox.confirmed, outbox.repeated) == (0, 3, 1)


def test_what_a_lost_channel_did_not_confirm_is_taken_again_under_new_numbers() -> None:
    outbox = ConfirmWindow([b"1", b"2", b"3"])
    taken(outbox, 3)
    outbox.confirm(2, False)
    outbox.start_channel()
    assert outbox.flying == 0
    assert taken(outbox, 3) == [b"1", b"3", None]
    outbox.confirm(2, True)
    assert (outbox.flying, outbox.confirmed, outbox.repeated) == (0, 3, 2)


def test_the_first_channel_repeats_nothing() -> None:
    outbox = ConfirmWindow([b"1"])
    outbox.start_channel()
    assert taken(outbox, 2) == [b"1", None]
    assert outbox.repeated == 0
