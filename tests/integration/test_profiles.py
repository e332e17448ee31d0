"""Webhooks become profiles: by whom they are about, in any order, once each; and whoever may ask is shown them."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from connector.activity import fields, profiles
from connector.activity.fold import Folding
from connector.activity.out import forms
from connector.activity.profiles import ActivityProfile
from connector.activity.receive import Posted, receive
from connector.runtime import Runtime
from connector.settings.profiles import ProfilesSettings
from connector.store import profiles as kept_profiles
from connector.store import webhooks as kept_webhooks
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.build_settings import TOKEN, build
from tests.webhooks import LATELY, reported
from tests.world import problems

FIELDS = fields.of(ProfilesSettings())
ADA = {"id": "user-1", "email": "ada@example.com", "cio_id": "a1"}


def take(store: Store, *bodies: dict[str, Any], connection: str = "main") -> None:
    receive(store, [Posted(connection, json.dumps(body).encode()) for body in bodies])


def fold(store: Store, machines: bool = True, connections: Sequence[str] = ("main",)) -> None:
    assert Folding(FIELDS, leave_out_machines=not machines).fold(store, connections)


def found(store: Store, user: str, connection: str = "main") -> ActivityProfile | None:
    return next(iter(profiles.find(store, user, [connection], FIELDS)), None)


def of(store: Store, user: str) -> ActivityProfile:
    profile = found(store, user)
    assert profile is not None
    return profile


@pytest.fixture
def file_store(file_url: str, open_store: Callable[[str], Store]) -> Store:
    """A store of which it does not matter in what database it is."""
    return open_store(file_url)


def test_a_persons_webhooks_become_one_profile_whatever_names_them(store: Store) -> None:
    take(store, reported(1, "email_sent", identifiers={"id": "user-1"}))
    take(store, reported(2, "email_opened", user="", identifiers={}, recipient="Ada <Ada@example.com>"))
    take(store, reported(3, "sms_clicked", user="", identifiers={"cio_id": "a1"}))
    fold(store)
    assert found(store, "a1") is not None
    take(store, reported(4, "email_clicked", identifiers=ADA))
    fold(store)

    profile = of(store, "user-1")
    assert profile.identifiers == {"id": ["user-1"], "email": ["ada@example.com"], "cio_id": ["a1"]}
    assert profile.fields["cio_events"] == {"email_clicked": 1, "email_opened": 1, "email_sent": 1, "sms_clicked": 1}
    assert profile.fields["last_active_ts"] == LATELY + 4
    for name in ("ADA@example.com", "a1", "cio_id:a1"):
        assert found(store, name) == profile


def test_repeats_orders_and_batches_make_no_difference(store: Store) -> None:
    kinds = ["email_sent", "email_opened", "email_clicked", "push_bounced", "in_app_opened"]
    who: list[dict[str, Any]] = [{"id": "user-1"}, ADA, {"email": "ada@example.com"}, {"cio_id": "a1"}]
    bodies = [
        reported(number, kinds[number % 5], user="", identifiers=who[number % 4], campaign_id=number % 3)
        for number in range(24)
    ]
    wanted: list[Any] = []
    for seed in range(3):
        with store.writing() as tx:
            for table in ("webhook", "profile", "profile_link"):
                tx.execute(text(f"DELETE FROM {table}"))
        order = bodies + bodies[:8]
        random.Random(seed).shuffle(order)
        for begin in range(0, len(order), 5 + seed):
            take(store, *order[begin : begin + 5 + seed])
            fold(store)
        profile = of(store, "user-1")
        wanted.append((profile.identifiers, profile.fields))
    assert wanted[0] == wanted[1] == wanted[2]
    assert sum(wanted[0][1]["cio_events"].values()) == 24


def test_an_address_belongs_to_who_had_it_last(store: Store) -> None:
    take(
        store,
        reported(3, "email_opened", user="", identifiers={}, recipient="ada@example.com"),
        reported(2, "email_sent", user="", identifiers={"id": "user-2", "email": "ada@example.com"}),
        reported(1, "email_sent", user="", identifiers={"id": "user-1", "email": "ada@example.com"}),
    )
    fold(store)
    assert (of(store, "user-2").fields["cio_events"], of(store, "user-1").fields["cio_events"]) == (
        {"email_opened": 1, "email_sent": 1},
        {"email_sent": 1},
    )


def test_of_several_addresses_the_one_that_was_said_last_stands_last(store: Store) -> None:
    addresses = {1: "zoe@old.example.com", 3: "ada@new.example.com", 2: "mia@example.com"}
    take(store, *(reported(at, identifiers={"id": "user-1", "email": each}) for at, each in addresses.items()))
    fold(store)
    profile = of(store, "user-1")
    assert profile.identifiers["email"] == ["zoe@old.example.com", "mia@example.com", "ada@new.example.com"]
    form: Any
    for form, address in (("segment", ("traits", "email")), ("hull", ("user", "email"))):
        body = forms.profile(form, profile, "id").body
        assert body[address[0]][address[1]] == "ada@new.example.com"


def test_forgetting_somebody_leaves_the_profile_of_who_has_their_address_now(store: Store) -> None:
    mail = {"email": "ada@example.com"}
    take(
        store,
        reported(1, user="user-1", identifiers={"id": "user-1", "cio_id": "a1", **mail}),
        reported(2, user="user-2", identifiers={"id": "user-2", **mail}),
        reported(3, user="", identifiers={"cio_id": "b2", "email": "bob@example.com"}),
    )
    fold(store)
    with store.reading() as tx:
        mentioned = [kept_profiles.mentioning(tx, names) for names in ({"user-1", "ada@example.com"}, {"b2"}, {"a1"})]
        by_address = kept_profiles.mentioning(tx, {"ada@example.com"})
    assert mentioned == [
        ["cio_id:a1", "email:ada@example.com", "id:user-1"],
        ["cio_id:b2", "email:bob@example.com"],
        ["cio_id:a1", "id:user-1"],
    ]
    assert by_address == ["email:ada@example.com", "id:user-2"]


def test_forgetting_somebody_finds_their_profile_in_a_workspace_that_knows_them_by_another_id(store: Store) -> None:
    mail = {"email": "ada@example.com"}
    take(store, reported(1, user="user-1", identifiers={"id": "user-1", **mail}))
    take(store, reported(2, user="b-77", identifiers={"id": "b-77", **mail}), connection="other")
    fold(store, connections=["main", "other"])
    with store.reading() as tx:
        mentioned = kept_profiles.mentioning(tx, {"user-1", "ada@example.com"})
    assert mentioned == ["email:ada@example.com", "id:b-77", "id:user-1"]


def test_each_workspace_has_profiles_of_its_own(store: Store) -> None:
    take(store, reported(1, "email_sent"))
    take(store, reported(1, "email_opened"), connection="other")
    fold(store, connections=["main"])
    assert (found(store, "user-1", "other"), of(store, "user-1").fields["cio_events"]) == (None, {"email_sent": 1})
    fold(store, connections=["other"])
    assert len(profiles.find(store, "user-1", ["main", "other"], FIELDS)) == 2


@pytest.mark.parametrize("machines", [True, False])
def test_opens_and_clicks_by_machines_are_left_out_by_a_switch(file_store: Store, machines: bool) -> None:
    flags = ({"proxied": True}, {"prefetched": True}, {})
    take(file_store, *(reported(number, "email_opened", **flag) for number, flag in enumerate(flags)))
    take(file_store, reported(9, "email_clicked", machine=True))
    fold(file_store, machines)
    assert of(file_store, "user-1").fields["cio_events"] == (
        {"email_clicked": 1, "email_opened": 3} if machines else {"email_opened": 1}
    )


def test_what_was_cut_off_in_the_middle_is_folded_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    take(store, *(reported(number, "email_sent") for number in range(5)))
    with monkeypatch.context() as patch:
        patch.setattr("connector.store.webhooks.settle", _killed)
        with pytest.raises(KeyboardInterrupt):
            fold(store)
    assert found(store, "user-1") is None
    fold(store)
    fold(store)
    assert of(store, "user-1").fields["cio_events"] == {"email_sent": 5}


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_one_that_cannot_be_folded_is_a_problem_and_the_others_go_on(store: Store) -> None:
    take(store, reported(1, "email_sent"), reported(2, "email_sent"), reported(3, "email_sent"))
    with store.writing() as tx:
        tx.execute(text("UPDATE webhook SET body = 'broken' WHERE event_id = 'event-1'"))
        tx.execute(text("UPDATE webhook SET body = '{}' WHERE event_id = 'event-2'"))
    fold(store)
    assert of(store, "user-1").fields["cio_events"] == {"email_sent": 1}
    assert [(each["kind"], each["subject"]) for each in problems(store)] == [("webhook", "main")] * 2


def test_identifiers_too_long_for_an_index_hold_nobody_up(store: Store) -> None:
    digits = random.Random(1)
    long = ["".join(chr(digits.randrange(0x10000, 0x1FFFF)) for _ in range(900)) for _ in range(2)]
    named = {"id": long[0], "email": f"{long[1]}@example.com", "cio_id": "a1"}
    longest = {"id": long[0][:250], "email": f"{long[1][:245]}@example.com", "cio_id": long[1][:250]}
    for number, each in enumerate((named, longest)):
        take(store, reported(number, "email_unsubscribed", user="", identifiers=each))
    take(store, reported(3, "email_sent"))
    fold(store)
    assert of(store, "a1").identifiers == {"cio_id": ["a1"]}
    assert of(store, longest["id"]).identifiers == {name: [value] for name, value in longest.items()}
    assert of(store, "user-1").fields["cio_events"] == {"email_sent": 1}


def test_a_field_with_another_aggregate_shows_what_came_since_by_whatever_identifier(file_store: Store) -> None:
    take(file_store, reported(1, "email_sent", identifiers=ADA, subject="before"))
    fold(file_store)
    own = fields.of(ProfilesSettings.model_validate({"fields": [{"from": "subject", "to": "cio_subjects"}]}))
    take(file_store, reported(2, "email_sent", user="", identifiers={}, recipient=ADA["email"], subject="since"))
    assert Folding(own).fold(file_store, ["main"])
    [profile] = profiles.find(file_store, "user-1", ["main"], own)
    assert (profile.fields["cio_subjects"], profile.fields["cio_events"]) == ("since", {"email_sent": 2})


@pytest.mark.parametrize("id", ["\u00c4B-1", "\u0130x-1", "\u039f\u03a3", "Ab_1%"])
def test_whom_a_profile_is_of_is_found_in_any_case(store: Store, id: str) -> None:
    take(store, reported(1, user="", identifiers={"id": id, "cio_id": "a1"}), reported(2, user="user-2"))
    fold(store)
    with store.reading() as tx:
        assert kept_profiles.mentioning(tx, {id.lower()}) == ["cio_id:a1", f"id:{id}"]
        assert kept_webhooks.mentioning(tx, {id.lower()}) == ["event-1"]


def test_more_than_one_batch_is_folded(file_store: Store) -> None:
    take(file_store, *(reported(number, "email_sent", user=f"user-{number % 7}") for number in range(1200)))
    assert not Folding(FIELDS).fold(file_store, ["main"], until=lambda: True)
    fold(file_store)
    assert of(file_store, "user-3").fields["cio_events"] == {"email_sent": 171}


# ---- The door --------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(file_store: Store) -> Iterator[httpx.Client]:
    take(file_store, reported(1, "email_opened", user="a/b 1", identifiers={"id": "a/b 1", "email": "ada@example.com"}))
    fold(file_store)
    app = create_app(Runtime(build(web={"token": TOKEN}), file_store, ()), lambda _: None)
    with ExitStack() as stack:
        url = stack.enter_context(serving(served(app), "127.0.0.1", 0))
        yield stack.enter_context(httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30))


@pytest.mark.parametrize("user", ["a/b 1", "a%2Fb%201", "ada@example.com", "Ada@Example.com"])
@pytest.mark.parametrize("query", ["", "?connection=main"])
def test_whoever_shows_a_token_is_shown_a_profile(client: httpx.Client, user: str, query: str) -> None:
    answer = client.get(f"/v1/profiles/{user}{query}")
    assert answer.status_code == 200, answer.text
    [profile] = answer.json()["profiles"]
    assert (profile["connection"], profile["identifiers"]) == ("main", {"id": ["a/b 1"], "email": ["ada@example.com"]})
    assert profile["fields"]["cio_email_last_open_ts"] == LATELY + 1


@pytest.mark.parametrize("user", ["\0", "user-1\0", "user-1\udcff"])
def test_a_name_that_no_store_can_hold_is_nobodys(store: Store, user: str) -> None:
    take(store, reported(1))
    fold(store)
    assert profiles.find(store, user, ["main"], FIELDS) == []


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [("nobody", TOKEN, 404), ("a/b 1?connection=x", TOKEN, 404), ("a/b 1", "wrong", 401), ("nobody", "x", 401)],
)
def test_others_are_refused_and_nobody_is_not_there(client: httpx.Client, path: str, token: str, status: int) -> None:
    answer = client.get(f"/v1/profiles/{path}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, "detail" in answer.json()) == (status, True)
