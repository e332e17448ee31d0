"""Writes the sample that `make run` sends, and what Customer.io must hold after it.

    python scripts/make_sample.py

About 300 invented users live through an autumn: they sign up, try, pay, churn, come back, change, look at pages. What
upstream would say about it goes to connector/demo/sample.ndjson.gz, one notification a line, with repeats, late ones
and broken ones among them. The oracle of the tests works out connector/demo/expected.json from the same lines.
Everything is drawn from one seed: running it again writes the same bytes.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.oracle import ExpectedEvent, ExpectedPerson, SyncRules, expected

Json = dict[str, Any]

SEED = 20260901
USERS = 300
NOTIFICATIONS = 1000
GROUPED = 50  # notifications with several messages
REPEATED = 25
LATE = 24
FIRST_SECOND = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
LAST_SECOND = int(datetime(2026, 11, 15, tzinfo=UTC).timestamp())

# What the shipped settings say.
SHIPPED = SyncRules(
    segments=["Active trial", "Paying"],
    identifier="external_id",
    identify_by="id",
    attributes=[
        *((name, name) for name in ("email", "first_name", "last_name", "plan", "created_at", "last_seen_at")),
        ("clearbit/employees", "employees"),
        ("account.name", "account_name"),
    ],
    segment_attribute="hull_segment",
    events=["Signed up", "Plan changed", "page"],
    on_exit="delete",
)

TRIAL, PAYING, NEWSLETTER, CHURNED, STAFF = "Active trial", "Paying", "Newsletter readers", "Churned", "Staff"
SEGMENT_IDS = {TRIAL: "s-0001", PAYING: "s-0002", NEWSLETTER: "s-0003", CHURNED: "s-0004", STAFF: "s-0005"}
# One story in twenty each: the steps of a life, in order.
PLOTS = [
    *4 * [["sign up", "try", "pay"]],
    *2 * [["sign up and try", "pay"]],
    *2 * [["sign up and try"]],
    *2 * [["sign up", "try"]],
    *2 * [["sign up and try", "pay", "churn"]],
    ["sign up", "try", "pay", "churn"],
    *2 * [["sign up and try", "pay", "churn", "pay"]],
    ["sign up and try", "lapse", "try"],
    ["sign up and try", "lapse"],
    *2 * [["sign up", "subscribe"]],
    ["sign up", "join the staff"],
]
PLANS = ["starter", "team", "business"]
COLOURS = ["Teal", "Ochre", "Cobalt", "Magenta", "Umber", "Turquoise", "Grün", "Żółty", "Синий", "青", "Écru", "Mauve"]
PLANTS = [
    "Bracken",
    "Thistle",
    "Moss",
    "Nettle",
    "Fennel",
    "Bamboo",
    "Löwenzahn",
    "Åkerbär",
    "竹",
    "Clover 🍀",
    "Sedge",
]
PAGES = ["", "pricing", "docs", "docs/start", "changelog", "account/plan", "blog/été"]
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Browser/1.0"

# Users who are special, by number: these numbers live through plots that enter the audience.
NEVER_AN_ID = {5, 25, 66, 107, 148, 209}
ID_COMES_LATER = {7, 48, 129, 230}
NO_EMAIL = {4, 45, 86, 127, 168, 229, 281}
EMAIL_COMES_LATER = {26, 147}
TOO_LONG = {41: "Bracken " * 188, 142: "Löwenzahn " * 95}  # over 1000 bytes; the second has 950 characters


# --- people ----------------------------------------------------------------------------------------------------------


@dataclass
class Person:
    """One invented user as upstream knows them now."""

    number: int
    steps: list[str]
    top: Json = field(default_factory=dict)
    traits: Json = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)
    sessions: int = 0
    told: Json | None = None
    last_event: Json | None = None

    @property
    def key(self) -> str:
        return f"u-{self.number:04}"

    @property
    def anonymous_id(self) -> str:
        return f"visitor-{self.number * 7919 % 100_000:05}"


def born(number: int) -> Person:
    """A user before the first step."""
    person = Person(number, list(PLOTS[number % len(PLOTS)]))
    last_name = None if number % 13 == 0 else PLANTS[number % len(PLANTS)]
    person.top = {
        "email": f"user-{number:04}@example.com",
        "external_id": str(1000 + number),
        "first_name": f"{COLOURS[number % len(COLOURS)]} {number:04}",
        "last_name": TOO_LONG.get(number, last_name),
    }
    if number in NEVER_AN_ID | ID_COMES_LATER:
        del person.top["external_id"]
    if number in NO_EMAIL | EMAIL_COMES_LATER:
        person.top["email"] = None
    if number in NO_EMAIL and number % 2:
        del person.top["email"]
    return person


def account_of(person: Person) -> Json:
    """The company of the user, shared by a few; every fourth user has none."""
    if person.number % 4 == 3:
        return {}
    number = person.number % 40
    return {
        "id": f"a-{number:04}",
        "external_id": str(9000 + number),
        "name": f"{PLANTS[number % len(PLANTS)]} Works {number:02}",
        "domain": f"account-{number:02}.example.com",
        "created_at": iso(FIRST_SECOND + number * 3600),
        "clearbit/employees": 5 * number + 1,
    }


def iso(second: int, text: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return datetime.fromtimestamp(second, UTC).strftime(text)


# --- steps -----------------------------------------------------------------------------------------------------------


class Life:
    """Takes people through their steps and writes down what upstream says about each."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._events = 0

    def message(self, person: Person, step: str, second: int) -> Json:
        """What upstream says when `person` has taken `step`."""
        repeated = [person.last_event] if person.last_event and self._rng.random() < 0.04 else []
        events = [self._event(person, at, *told) for at, told in enumerate(self._take(person, step, second), second)]
        person.last_event = events[-1] if events else person.last_event
        self._come_later(person, step, second)
        return self._told(person, repeated + events, second)

    def _take(self, person: Person, step: str, second: int) -> list[tuple[str, Json]]:
        """Changes the person; the events, as name and properties."""
        person.sessions += 1
        if step.startswith("sign up"):
            person.top["created_at"] = created_at(person, second)
            signed_up = ("Signed up", {"source": self._rng.choice(["advert", "friend", "search"])})
            return [signed_up, *(self._enter_trial(person) if step.endswith("try") else [])]
        steps = {"try": self._enter_trial, "pay": self._pay, "churn": churn, "lapse": lapse}
        steps |= {"subscribe": subscribe, "join the staff": join_the_staff, "visit": self._visit}
        return steps[step](person)

    def _enter_trial(self, person: Person) -> list[tuple[str, Json]]:
        person.segments -= {CHURNED}
        person.segments |= {TRIAL}
        return plan_changed(person, "trial")

    def _pay(self, person: Person) -> list[tuple[str, Json]]:
        person.segments -= {TRIAL, CHURNED}
        person.segments |= {PAYING}
        return plan_changed(person, self._rng.choice(PLANS))

    def _visit(self, person: Person) -> list[tuple[str, Json]]:
        """A visit, in which something may change."""
        chance = self._rng.random()
        if chance < 0.2 and PAYING in person.segments:
            return plan_changed(person, self._rng.choice(PLANS))
        if chance < 0.4:
            self._learn(person)
            return []
        if chance < 0.5:
            person.segments ^= {NEWSLETTER}
            return [("Opened help", {"topic": self._rng.choice(["billing", "import"])})]
        return self._browse()

    def _learn(self, person: Person) -> None:
        """What an enrichment finds out, or takes back."""
        person.traits["clearbit/employees"] = self._rng.choice([12, 48, 250, 1200, None])
        person.traits["clearbit/industry"] = self._rng.choice(["Gardening", "Paints", "Café & Küche"])
        person.traits["crm/score"] = self._rng.randrange(100)

    def _browse(self) -> list[tuple[str, Json]]:
        pages = self._rng.sample(PAGES, self._rng.randrange(1, 4))
        seen: list[tuple[str, Json]] = [("page", {"url": f"https://www.example.com/{page}"}) for page in pages]
        advert: list[tuple[str, Json]] = [("Clicked ad", {"campaign": "autumn"})]
        return seen + (advert if self._rng.random() < 0.3 else [])

    def _come_later(self, person: Person, step: str, second: int) -> None:
        """What upstream learns only after the sign-up, and what moves with each step."""
        if person.number in ID_COMES_LATER and not step.startswith("sign up"):
            person.top["external_id"] = str(1000 + person.number)
        if person.number in EMAIL_COMES_LATER and not step.startswith("sign up"):
            person.top["email"] = f"user-{person.number:04}@example.com"
        second += 9  # upstream needs a moment
        milliseconds = second * 1000 + self._rng.randrange(1000)
        person.top["last_seen_at"] = milliseconds if person.number % 23 == 2 else iso(second)
        person.top["updated_at"] = iso(second)
        person.top["indexed_at"] = iso(second, f"%Y-%m-%dT%H:%M:%S.{milliseconds % 1000:03}Z")

    # --- what is said ---

    def _told(self, person: Person, events: list[Json], second: int) -> Json:
        user = user_of(person)
        before, person.told = person.told, {"user": user, "segments": sorted(person.segments)}
        return {
            "message_id": f"m-{second:x}-{person.number:04}",
            "user": user,
            "segments": [segment(name) for name in sorted(person.segments)],
            "segment_ids": [SEGMENT_IDS[name] for name in sorted(person.segments)],
            "account": account_of(person),
            "account_segments": [],
            "events": events,
            "changes": changes(before, person.told),
        }

    def _event(self, person: Person, second: int, name: str, properties: Json) -> Json:
        self._events += 1
        form = "%Y-%m-%dT%H:%M:%SZ" if self._events % 9 == 0 else "%Y-%m-%d %H:%M:%S UTC"
        return {
            "event_id": f"e-{self._events:06}",
            "event": name,
            "event_type": "page" if name == "page" else "track",
            "event_source": "js",
            "created_at": iso(second, form),
            "properties": properties,
            "context": context(person, properties),
            "user_id": person.key,
            "anonymous_id": person.anonymous_id,
            "session_id": f"{person.key}-{person.sessions}",
        }


def plan_changed(person: Person, plan: str) -> list[tuple[str, Json]]:
    before, person.traits["plan"] = person.traits.get("plan"), plan
    return [("Plan changed", {"from": before, "to": plan})]


def churn(person: Person) -> list[tuple[str, Json]]:
    person.segments -= {TRIAL, PAYING}
    person.segments |= {CHURNED}
    before, person.traits["plan"] = person.traits.get("plan"), None
    return [("Subscription cancelled", {"from": before})]


def lapse(person: Person) -> list[tuple[str, Json]]:
    person.segments -= {TRIAL}
    return []


def subscribe(person: Person) -> list[tuple[str, Json]]:
    person.segments |= {NEWSLETTER}
    return []


def join_the_staff(person: Person) -> list[tuple[str, Json]]:
    person.segments |= {STAFF, NEWSLETTER}
    return []


def created_at(person: Person, second: int) -> str | int:
    """Upstreams write times in several ways."""
    if person.number % 29 == 3:
        return second
    return iso(second, "%Y-%m-%d %H:%M:%S UTC") if person.number % 31 == 4 else iso(second)


def user_of(person: Person) -> Json:
    """The user as Hull shows them: traits without a prefix, with it, or in groups."""
    user = {
        "id": person.key,
        **person.top,
        "anonymous_ids": [person.anonymous_id],
        "domain": "example.com",
        "is_approved": False,
        "has_password": True,
        "sessions_count": person.sessions,
        "last_known_ip": f"192.0.2.{person.number % 256}",
        "first_session_initial_url": "https://www.example.com/pricing?campaign=autumn",
        "address_country": "Nowhere",
    }
    if person.number % 10 == 9:
        return user | grouped(person.traits)
    prefix = "traits_" if person.number % 3 == 1 else ""
    return user | {prefix + name: value for name, value in person.traits.items()}


def grouped(traits: Json) -> Json:
    nested: Json = {"traits": {}}
    for name, value in traits.items():
        group, slash, key = name.partition("/")
        nested.setdefault(group if slash else "traits", {})[key if slash else name] = value
    return nested


def segment(name: str) -> Json:
    created = FIRST_SECOND - 86_400 * int(SEGMENT_IDS[name][-1])
    about = {"created_at": iso(created), "updated_at": iso(created)}
    return {"id": SEGMENT_IDS[name], "name": name, "type": "users_segment", **about}


def changes(before: Json | None, now: Json) -> Json:
    old = before or {"user": {}, "segments": []}
    names = [name for name in {**old["user"], **now["user"]} if old["user"].get(name) != now["user"].get(name)]
    return {
        "is_new": before is None,
        "user": {name: [old["user"].get(name), now["user"].get(name)] for name in names if before},
        "account": {},
        "segments": {
            "entered": [segment(name) for name in now["segments"] if name not in old["segments"]],
            "left": [segment(name) for name in old["segments"] if name not in now["segments"]],
        },
        "account_segments": {"entered": [], "left": []},
    }


def context(person: Person, properties: Json) -> Json:
    url = properties.get("url", "https://www.example.com/")
    return {
        "useragent": BROWSER,
        "ip": f"192.0.2.{person.number % 256}",
        "device": {"name": "Other"},
        "os": {"name": "Linux"},
        "browser": {"name": "Browser", "version": "1.0"},
        "location": {"country": "Nowhere"},
        "referrer": {"url": "https://search.example.org/", "host": "search.example.org", "path": "/"},
        "page": {"url": url, "host": "www.example.com", "path": url.removeprefix("https://www.example.com")},
    }


# --- the road to us --------------------------------------------------------------------------------------------------


def told(rng: Random, count: int) -> list[Json]:
    """`count` messages about everybody, in the order of time."""
    people = [born(number) for number in range(1, USERS + 1)]
    for _ in range(count - sum(len(person.steps) for person in people)):
        steps = rng.choice(people).steps
        steps.insert(rng.randrange(1, len(steps) + 1), "visit")
    life = Life(rng)
    moments = sorted(moment for person in people for moment in moments_of(person, rng))
    return [life.message(people[number - 1], step, second) for second, number, step in moments]


def moments_of(person: Person, rng: Random) -> list[tuple[int, int, str]]:
    """When a person takes each step; minutes apart, so that the events of one stay before the next."""
    minutes = sorted(rng.sample(range((LAST_SECOND - FIRST_SECOND) // 60 - 1), len(person.steps)))
    seconds = [FIRST_SECOND + 60 * minute + rng.randrange(45) for minute in minutes]
    return [(second, person.number, step) for second, step in zip(seconds, person.steps, strict=True)]


def late(messages: list[Json], rng: Random) -> list[Json]:
    """The messages with some moved behind the next one of their user: what a retry upstream does."""
    places = {index: float(index) for index in range(len(messages))}
    for index, following in chosen_late(messages, rng):
        places[index] = following + 0.5
    return [messages[index] for index in sorted(places, key=lambda index: places[index])]


def chosen_late(messages: list[Json], rng: Random) -> list[tuple[int, int]]:
    """One message a user, half of them overtaken by an exit or a re-entry."""
    candidates = list(overtaken(messages))
    rng.shuffle(candidates)
    of_users = list({messages[index]["user"]["id"]: (index, following) for index, following in candidates}.values())
    crossing = [pair for pair in of_users if audience(messages[pair[0]]) != audience(messages[pair[1]])]
    others = [pair for pair in of_users if pair not in crossing]
    return crossing[: LATE // 2] + others[: LATE // 2]


def overtaken(messages: list[Json]) -> Iterator[tuple[int, int]]:
    """Each message that may come late, with the next of its user: the user was in the audience before both."""
    by_user: dict[str, list[int]] = {}
    for index, message in enumerate(messages):
        by_user.setdefault(message["user"]["id"], []).append(index)
    for indexes in by_user.values():
        pairs = list(pairwise(indexes))
        yield from (pair for at, pair in enumerate(pairs) if any(audience(messages[one]) for one in indexes[:at]))


def audience(message: Json) -> bool:
    return any(one["name"] in SHIPPED.segments for one in message["segments"])


def notifications(rng: Random) -> list[Json]:
    """All notifications, in the order in which they come."""
    sizes = [rng.choice([2, 2, 2, 3, 3, 4, 6]) for _ in range(GROUPED)]
    lone = broken_messages(9001)
    singles = NOTIFICATIONS - REPEATED - len(lone) - GROUPED
    messages = late(told(rng, singles + sum(sizes)), rng)
    for message in [message for message in messages if audience(message)][100:400:150]:
        message["events"].append(nameless_event(message))
    sizes += [1] * singles
    rng.shuffle(sizes)
    groups = list(grouped_by(messages, sizes))
    spoil(groups)
    for place, message in enumerate(lone, 1):
        groups.insert(place * len(groups) // (len(lone) + 1), [message])
    return repeated([notification(number, group) for number, group in enumerate(groups, 1)], rng)


def grouped_by(messages: list[Json], sizes: list[int]) -> Iterator[list[Any]]:
    start = 0
    for size in sizes:
        yield list(messages[start : start + size])
        start += size


def repeated(sent: list[Json], rng: Random) -> list[Json]:
    """Some come twice, the second time up to five places later."""
    again = set(rng.sample(range(len(sent)), REPEATED))
    places = [(float(index), one) for index, one in enumerate(sent)]
    places += [(index + rng.randrange(6) + 0.5, sent[index]) for index in sorted(again)]
    return [one for _, one in sorted(places, key=lambda place: place[0])]


def notification(number: int, messages: list[Any]) -> Json:
    return {
        "notification_id": f"n-{number:05}",
        "configuration": {"id": "demo-connector", "organization": "demo.example.com", "secret": "not-a-secret"},
        "connector": {
            "id": "demo-connector",
            "name": "audience-sync",
            "private_settings": {"synchronized_segments": [SEGMENT_IDS[TRIAL], SEGMENT_IDS[PAYING]]},
            "settings": {},
        },
        "channel": "user:update",
        "segments": [{"id": SEGMENT_IDS[name], "name": name} for name in SEGMENT_IDS],
        "accounts_segments": [],
        "messages": messages,
    }


# --- what goes wrong -------------------------------------------------------------------------------------------------


def broken_messages(first: int) -> list[Any]:
    """Messages that say nothing we can act on, about users nobody else speaks of."""
    in_trial = [segment(TRIAL)]
    broken: list[Json] = [
        {"user": stranger(first)},  # in which segments?
        {"segments": in_trial},  # who?
        {"user": f"u-{first + 2}", "segments": in_trial},
        {"user": stranger(first + 3), "segments": None},
    ]
    return [{"message_id": f"m-broken-{number}", **one, "events": []} for number, one in enumerate(broken, first)]


def stranger(number: int) -> Json:
    return {"id": f"u-{number}", "external_id": str(number), "indexed_at": iso(FIRST_SECOND)}


def spoil(groups: list[list[Any]]) -> None:
    """Puts a broken message between the good ones of four notifications."""
    several = [group for group in groups if len(group) > 2]
    for group, message in zip(several[::4], broken_messages(9101), strict=False):
        group.insert(1, message)


def nameless_event(message: Json) -> Json:
    event = {"event": None, "event_type": "track", "created_at": message["user"]["updated_at"], "properties": {}}
    return {"event_id": f"e-nameless-{message['user']['id']}", **event}


# --- what must come of it --------------------------------------------------------------------------------------------


def outcome(sent: list[Json]) -> Json:
    """What Customer.io must hold, as connector.demo.expected reads it."""
    result = expected([message for one in sent for message in one["messages"]], SHIPPED)
    assert all(person.certain and not person.optional for person in result.people.values())
    return {
        "people": {name: described(person) for name, person in sorted(result.people.items())},
        "absent": sorted(result.absent),
        "problems": problems(sent),
    }


def described(person: ExpectedPerson) -> Json:
    events = {"must": listed(person.must), "may": listed(person.may)}
    return {"attributes": dict(sorted(person.attributes.items())), "events": events}


def listed(events: Any) -> list[list[Any]]:
    return sorted([name_of(event), event.timestamp] for event in events)


def name_of(event: ExpectedEvent) -> str:
    return event.name if event.type == "event" else event.type


def problems(sent: list[Json]) -> Json:
    """What must come up as a problem, by kind; a repeated notification counts once."""
    once = {one["notification_id"]: one for one in sent}.values()
    result = expected([message for one in once for message in one["messages"]], SHIPPED)
    too_long = {str(1000 + number) for number in TOO_LONG}
    return {
        "unreadable_messages": result.unreadable,
        "nameless_events": result.nameless_events,
        "oversize_attributes": len(too_long & result.people.keys()),
    }


def write(folder: Path) -> None:
    """Writes both files into `folder`."""
    sent = notifications(Random(SEED))
    lines = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in sent)
    with (
        (folder / "sample.ndjson.gz").open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=file, mtime=0) as packed,
    ):
        packed.write(lines.encode())
    (folder / "expected.json").write_text(one_person_a_line(outcome(sent)), encoding="utf-8")


def one_person_a_line(result: Json) -> str:
    """JSON in which a change of one person is a change of one line."""
    people = ",\n".join(f"{json.dumps(name)}: {compact(person)}" for name, person in result["people"].items())
    rest = f'"absent": {compact(result["absent"])},\n"problems": {compact(result["problems"])}'
    return f'{{\n"people": {{\n{people}\n}},\n{rest}\n}}\n'


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    write(ROOT / "connector" / "demo")
