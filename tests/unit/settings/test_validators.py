"""What the settings refuse beyond wrong types, and the line that says why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.errors import SettingsError
from connector.settings import schema
from connector.settings.schema import Settings

CONNECTION = "[connections.main]\n"
SYNC = '[syncs.main]\nconnection = "main"\n'
LEAST = CONNECTION + SYNC

Load = Callable[[str], Settings]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a text as settings.toml, with nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    path = Path("settings.toml")

    def loaded(text: str) -> Settings:
        path.write_text(text, "utf-8")
        return schema.load(path, {})

    return loaded


def mistakes(load: Load, text: str) -> list[str]:
    """The lines that a text gets, without the name of the file, which all of them begin with."""
    with pytest.raises(SettingsError) as caught:
        load(text)
    lines = str(caught.value).splitlines()
    assert all(line.startswith("settings.toml: ") for line in lines)
    return [line.removeprefix("settings.toml: ") for line in lines]


CHOICES = [
    ('identify_by = "phone"', "identify_by: 'phone' is not accepted; give one of id, email, cio_id, id_or_email"),
    ('mode = "insert"', "mode: 'insert' is not accepted; give one of upsert, update, create"),
    ('on_exit = "archive"', "on_exit: 'archive' is not accepted; give one of keep, clear, delete"),
    (
        'on_identifier_change = "x"',
        "on_identifier_change: 'x' is not accepted; give one of merge, replace, keep, leave",
    ),
    (
        'mode = "update"\non_exit = "delete"',
        "on_exit: 'delete' is not accepted with mode = \"update\", which never deletes; give one of keep, clear",
    ),
]

NAMES = [
    ('segments = ["A", "B", "A"]', "segments: 'A' is named twice; name it once"),
    ('segments = ["A", " "]', "segments: an empty name is not accepted; leave it out"),
    ('events = ["Paid", "Paid"]', "events: 'Paid' is named twice; name it once"),
    ('events = ["Paid", { name = "Paid" }]', "events: 'Paid' is named twice; name it once"),
    ('events = [""]', "events: an empty name is not accepted; leave it out"),
]

IDENTIFIERS = [
    ('identifier = ""', "identifier: '' is not accepted; name an upstream field"),
    ('identifier = " "', "identifier: '' is not accepted; name an upstream field"),
    *(
        (
            f'identifier = "{name}"',
            f"identifier: '{name}' is not accepted: many users share an account; name a field of the user",
        )
        for name in ("account", "account.id", "account.external_id")
    ),
    *(
        (
            f'identifier = "{name}"',
            f"identifier: '{name}' is not accepted: it is a list, and an identifier one value; "
            "name a field of the user",
        )
        for name in ("segments", "events")
    ),
]

TARGETS = [
    ('attributes = [""]', "attributes[0]: '' is not accepted; name an upstream field"),
    ('attributes = ["a", { to = "b" }]', "attributes[1].from: is missing"),
    (
        'attributes = [{ from = "a", to = "" }]',
        "attributes[0].to: '' is not accepted as a name in Customer.io; give one",
    ),
    (
        f'attributes = [{{ from = "a", to = "{"é" * 76}" }}]',
        f"attributes[0].to: '{'é' * 59}…' has 152 bytes; Customer.io takes 150 in a name",
    ),
    (
        'attributes = ["plan", "traits_plan"]',
        "attributes: 'plan', 'traits_plan' all become 'plan'; give each a name of its own: { from = ..., to = ... }",
    ),
    (
        'attributes = [{ from = "groups", to = "hull_segment" }]',
        "attributes: 'groups' becomes 'hull_segment', the name of segment_attribute; give one of them another",
    ),
    (
        'attributes = [{ from = "key", to = "id" }]',
        "attributes: 'id' is not accepted as a name in Customer.io: with identify_by = \"id\" it is the "
        "identifier itself",
    ),
    (
        'attributes = [{ from = "account", to = "company" }]',
        "attributes[0].to: 'company' is not accepted: account is all its attributes, each sent as account_NAME; "
        "leave out to",
    ),
    (
        'attributes = ["_update"]',
        "attributes[0]: '_update' is not accepted as a name in Customer.io: Customer.io takes it as an order never to "
        'create the person; mode = "update" says that',
    ),
    (
        'attributes = ["_timestamp"]',
        "attributes[0]: '_timestamp' is not accepted as a name in Customer.io: Customer.io takes it as the time of the "
        "update, and would drop newer values",
    ),
    (
        'attributes = [{ from = "x", to = "cio_id" }]',
        "attributes[0].to: 'cio_id' is not accepted as a name in Customer.io: Customer.io gives it out itself; "
        "set identify_by to address people by it",
    ),
    (
        'segment_attribute = "cio_relationships"',
        "segment_attribute: 'cio_relationships' is not accepted as a name in Customer.io: Customer.io takes it as "
        "relationships to objects, not as an attribute",
    ),
    (
        'segment_attribute = "id"',
        "segment_attribute: 'id' is not accepted as a name in Customer.io: with identify_by = \"id\" it is the "
        "identifier itself",
    ),
    (
        f"attributes = {json.dumps([f'a{number}' for number in range(300)])}",
        "attributes: 300 are too many; Customer.io holds 300 a person, name at most 299",
    ),
]

STEPS = "lower, upper, trim, number, boolean, date, text, join, { join = TEXT }, { default = VALUE }"
TRANSFORMS = [
    ('["lowr"]', f"[0]: 'lowr' is not accepted; give one of {STEPS}"),
    ('["trim", "Lower"]', f"[1]: 'Lower' is not accepted; give one of {STEPS}"),
    ("[5]", f"[0]: 5 is not accepted; give one of {STEPS}"),
    ("[true]", f"[0]: true is not accepted; give one of {STEPS}"),
    ('[["lower"]]', f"[0]: a list is not accepted; give one of {STEPS}"),
    ("[{}]", f"[0]: a table is not accepted; give one of {STEPS}"),
    ('[{ join = ";", default = "x" }]', f"[0]: a table is not accepted; give one of {STEPS}"),
    ('[{ joint = ";" }]', f"[0]: {{ joint = ... }} is not accepted; give one of {STEPS}"),
    ("[{ join = 5 }]", "[0]: { join = 5 } is not accepted; give text in quotes"),
    ("[{ default = [] }]", "[0]: { default = a list } is not accepted; give text, a number, true or false"),
    ("[{ default = nan }]", "[0]: { default = nan } is not accepted; give text, a number, true or false"),
    (
        "[{ default = 2026-01-31 }]",
        "[0]: { default = 2026-01-31 } is not accepted; give text, a number, true or false",
    ),
    ('"lower"', ': \'lower\' is not accepted; give a list such as ["first", "second"]'),
]


@pytest.mark.parametrize(("written", "line"), TRANSFORMS)
def test_a_step_that_there_is_not_is_told_with_those_there_are(load: Load, written: str, line: str) -> None:
    text = f'{LEAST}attributes = ["email", {{ from = "plan", transform = {written} }}]'
    assert mistakes(load, text) == [f"syncs.main.attributes[1].transform{line}"]


@pytest.mark.parametrize(("written", "line"), TRANSFORMS)
def test_a_step_of_an_events_property_is_told_in_the_same_words(load: Load, written: str, line: str) -> None:
    text = f'{LEAST}events = ["a", {{ name = "b", transform = {{ total = {written} }} }}]'
    assert mistakes(load, text) == [f"syncs.main.events[1].transform.total{line}"]


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("3", ": 3 is not accepted; give text in quotes or a table { name = ..., transform = ... }"),
        ('{ nme = "x" }', ".name: is missing\n.nme: unknown key; did you mean name?"),
        (
            '{ name = "x", transform = ["trim"] }',
            ".transform: a list is not accepted; give a table of properties: { PROPERTY = [STEP, ...] }",
        ),
        (
            '{ name = "x", transform = { "" = ["trim"] } }',
            ".transform: '' is not accepted; name a property of the event",
        ),
    ],
)
def test_an_event_is_a_name_or_a_table_with_steps(load: Load, written: str, line: str) -> None:
    lines = [f"syncs.main.events[0]{each}" for each in line.split("\n")]
    assert mistakes(load, f"{LEAST}events = [{written}]") == lines


def test_a_whole_account_takes_no_steps(load: Load) -> None:
    assert mistakes(load, f'{LEAST}attributes = [{{ from = "account", transform = ["trim"] }}]') == [
        "syncs.main.attributes[0].transform: is not accepted: account is all its attributes; "
        "name those to transform one by one: account.NAME"
    ]


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (
            '{ from = "*", to = "x" }',
            "to: 'x' is not accepted: * is every field, each under its own name; leave out to",
        ),
        (
            '{ from = "*", transform = ["trim"] }',
            "transform: is not accepted: * is every field; name those to transform one by one, beside it",
        ),
        ('{ from = "plan", except = ["x"] }', "except: is not accepted with from = 'plan': it belongs to from = \"*\""),
        ('{ from = "*", except = ["x", "x"] }', "except: 'x' is named twice; name it once"),
    ],
)
def test_every_field_at_once_takes_no_name_and_no_steps(load: Load, written: str, line: str) -> None:
    assert mistakes(load, f"{LEAST}attributes = [{written}]") == [f"syncs.main.attributes[0].{line}"]


@pytest.mark.parametrize(
    ("format", "written", "target"),
    [
        ("hull", '"id"', "hull_id"),
        ("native", '"id"', "id"),
        ("segment", '"traits_id"', "id"),
        ("lytics", '{ from = "id", to = "lytics_id" }', "lytics_id"),
        ("native", '{ from = "id", to = "hull_id" }', "hull_id"),
    ],
)
def test_upstreams_own_id_is_named_after_hull_where_it_is_hulls(
    load: Load, format: str, written: str, target: str
) -> None:
    by_email = 'identify_by = "email"\nidentifier = "email"\n'
    found = load(f'{LEAST}{by_email}attributes = [{written}]\n[intake]\nformat = "{format}"')
    assert [each.target for each in found.syncs["main"].attributes] == [target]


def test_upstreams_own_id_does_not_take_the_place_of_the_identifier(load: Load) -> None:
    assert mistakes(load, f'{LEAST}attributes = ["id"]\n[intake]\nformat = "native"') == [
        "syncs: main.attributes: 'id' is not accepted as a name in Customer.io: with identify_by = \"id\" it is the "
        'identifier itself; give upstream\'s own id another name: { from = "id", to = ... }'
    ]


def test_every_field_of_an_object_is_not_accepted(load: Load) -> None:
    text = f'{LEAST}[[syncs.main.objects]]\ntype = "1"\nattributes = ["*"]'
    assert mistakes(load, text) == [
        "syncs.main.objects[0].attributes: '*' is not accepted of objects and relationships; name the attributes"
    ]


@pytest.mark.parametrize("identify_by", ["id", "email", "cio_id"])
def test_an_id_can_be_an_email_only_where_people_are_known_by_either(load: Load, identify_by: str) -> None:
    assert mistakes(load, f'{LEAST}identify_by = "{identify_by}"\naddress_ids = "email"') == [
        "syncs.main.address_ids: 'email' is not accepted: only with identify_by = \"id_or_email\" people are known by "
        "e-mail too"
    ]
    assert load(f'{LEAST}identify_by = "id_or_email"\naddress_ids = "email"').syncs["main"].address_ids == "email"


@pytest.mark.parametrize(("text", "line"), CHOICES + NAMES + IDENTIFIERS + TARGETS)
def test_a_sync_that_cannot_work_is_told_why(load: Load, text: str, line: str) -> None:
    assert mistakes(load, f"{LEAST}{text}") == [f"syncs.main.{line}"]


@pytest.mark.parametrize(
    "text",
    [
        'segments = ["*"]',
        'segments = ["a", "A"]',
        'identify_by = "email"\nidentifier = "email"\nrequire_email = true',
        'identify_by = "email"\nattributes = [{ from = "key", to = "id" }]',
        'identify_by = "cio_id"\nidentifier = "customerio/cio_id"',
        'identifier = "accounting_id"',
        'attributes = ["account", "account.name"]',
        'attributes = ["*"]',
        'attributes = [{ from = "*", except = ["ip"] }, "account", { from = "plan", to = "Plan" }]',
        'attributes = ["hull_segment"]\nsegment_attribute = ""',
        'mode = "update"\non_exit = "clear"',
        f"attributes = {json.dumps([f'a{number}' for number in range(299)])}",
        f'attributes = ["{"x" * 150}"]',
        'attributes = [{ from = "x", transform = [] }, { from = "y", transform = ["text", "text"] }]',
        'attributes = ["account", { from = "account.name", transform = ["trim", { default = "" }] }]',
    ],
)
def test_what_looks_odd_but_works_is_accepted(load: Load, text: str) -> None:
    assert load(f"{LEAST}{text}").syncs["main"].connection == "main"


URLS = [
    (
        "[store]\nurl = 'mysql://u1:hush@db/x'",
        "store.url: 'mysql://***@db/x' is not accepted; give sqlite:///FILE or "
        "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
    ),
    (
        "[store]\nurl = 'postgres://u1:hu@sh@db/x?password=hush'",
        "store.url: 'postgres://***@db/x?password=***' is not accepted; begin it with "
        "postgresql+psycopg://, the rest stays",
    ),
    (
        "[store]\nurl = 'postgresql+psycopg://u1:hu@sh@db/x'",
        "store.url: 'postgresql+psycopg://***@db/x' is not accepted; write an @ in a user name or password as %40",
    ),
    (
        "[store]\nurl = 'postgresql://db/x'",
        "store.url: 'postgresql://db/x' is not accepted; begin it with postgresql+psycopg://, the rest stays",
    ),
    (
        "[broker]\nurl = 'redis://:hush@cache'",
        "broker.url: 'redis://***@cache' is not accepted; give memory://, amqp://... or amqps://...; Redis loses the "
        "messages of a worker that dies between two of its steps",
    ),
    ("[broker]\nurl = 'rabbit'", "broker.url: 'rabbit' is not accepted; give memory://, amqp://... or amqps://..."),
    *(
        (
            f"[connections.other]\ntrack_url = '{url}'",
            f"connections.other.track_url: '{told}' is not accepted; "
            "give http://HOST or https://HOST, without query or password",
        )
        for url, told in [
            ("track.customer.io", "track.customer.io"),
            ("ftp://host", "ftp://host"),
            ("https://", "https://"),
            ("https://host?x=1", "https://host?x=1"),
            ("https://a:hush@host", "https://***@host"),
            ("https://host:99999", "https://host:99999"),
            ("https://host:0", "https://host:0"),
            ("https://[::1", "https://[::1"),
            ("https://ho st", "https://ho st"),
            ("", ""),
        ]
    ),
]


@pytest.mark.parametrize(("text", "line"), URLS)
def test_an_address_that_cannot_serve_is_told_without_its_password(load: Load, text: str, line: str) -> None:
    assert mistakes(load, f"{LEAST}{text}") == [line]
