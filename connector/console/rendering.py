"""Makes HTML from the templates, with the filters that write times, counts and masked values."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from pathlib import Path
from threading import Thread
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from connector.admin.status import COUNTED_TO
from connector.console import addresses, charts
from connector.console.command_links import link_of

TEMPLATES = Path(__file__).parent / "templates"
NOTHING = "-"
"""What is shown where there is no value."""
_CODE = Markup("<code>{}</code>")
_PAGE = Markup('the page <a href="{}">{}</a>')
_MASK = "•••"
_TELLING_CHARACTERS = 4
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_SHOWN_CHARACTERS = 100_000


@cache
def environment() -> Environment:
    """Returns the templates' environment: all values are escaped, and a variable that is missing is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., Any]] = {
        "count": count, "utc": utc, "time": time_tag, "seconds": seconds, "masked": masked, "shown": shown,
        "glance": glance, "hidden": hidden,
        "many": many,
        "words": words,
        "person": addresses.person,
    }  # fmt: skip
    made.filters.update(filters)
    made.globals.update(sparkline=charts.sparkline, bars=charts.bars, lines=charts.lines)
    return made


@cache
def compiled_aside() -> Thread:
    """Starts a thread that compiles every template, once in a process, and returns the thread.

    If another version is installed while the process runs, it goes on with its own templates: one that it had not
    compiled yet would else be the other version's.
    """
    thread = Thread(target=_compile_all, name="templates", daemon=True)
    thread.start()
    return thread


def _compile_all() -> None:
    templates = environment()
    for name in templates.list_templates():
        templates.get_template(name)


def count(number: float | None) -> str:
    """Returns a number rounded to an integer, with commas between the thousands; a dash for None."""
    return NOTHING if number is None else f"{number:,.0f}"


def many(number: int, one: str, more: str) -> str:
    """Returns a number with the word for what is counted: `one` for the number 1, else `more`."""
    return f"{count(number)} {one if number == 1 else more}"


def glance(number: int, counted: str = "") -> str:
    """Returns a number of `overview.Glance` in words, such as "about 12,300" or "more than 10,000".

    Args:
        number: The number. A count above `COUNTED_TO` stands for any number above it.
        counted: How the number is known: "about" for an estimate, "at least" for a lower bound; else it is a count.
    """
    if counted == "about":
        return f"about {round(number, 3 - len(str(number))):,}"  # an estimate is shown with three digits
    if counted == "at least":
        return f"at least {number:,}"
    return f"more than {COUNTED_TO:,}" if number > COUNTED_TO else count(number)


def utc(at: float | None) -> str:
    """Returns a time in unix seconds as date and time in UTC; a dash for None and for what is not finite."""
    if at is None or not isfinite(at):
        return NOTHING
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def time_tag(at: float | None) -> Markup:
    """Returns a time in unix seconds as a <time> element with date and time in UTC; a dash where `utc` gives one."""
    if at is None or not isfinite(at):
        return Markup("-")
    machine = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(machine, utc(at), utc(at))


def words(text: str) -> Markup:
    """Returns a sentence as HTML: a command or a setting, which stands between two backticks, becomes code.

    A command becomes a link instead, with the name of the page, where a page of the console offers the same.
    """
    parts = (_code(each) if number % 2 else escape(each) for number, each in enumerate(text.split("`")))
    return Markup("").join(parts)


def _code(text: str) -> Markup:
    offered = link_of(text)
    return _CODE.format(text) if offered is None else _PAGE.format(*offered)


def seconds(duration: float | None) -> str:
    """Returns a duration, given in seconds, as text in seconds, minutes, hours or days; a dash for None."""
    if duration is None or not isfinite(duration):
        return NOTHING
    duration = max(duration, 0.0)  # it is a little below 0 where two clocks differ
    if duration < _MINUTE:
        return f"{duration:.1f} s" if duration < 10 else f"{duration:.0f} s"
    for unit, size in (("min", _MINUTE), ("h", _HOUR)):
        if duration < size * (60 if unit == "min" else 48):
            return f"{duration / size:.0f} {unit}"
    return f"{duration / _DAY:.0f} days"


def masked(value: object, sees: bool) -> str:
    """Returns a personal value as text: as it is for a visitor that sees it, else masked.

    The mask of a text of four characters or more begins with the first of them, which tells people apart. A shorter
    text and any other value are masked whole, since one character may be all there is to know: a "y" for yes, a digit.
    """
    text = shown(value)
    if sees or not text:
        return text
    return f"{text[:1]}{_MASK}" if isinstance(value, str) and len(value) >= _TELLING_CHARACTERS else _MASK


def hidden(value: object, sees: bool) -> str:
    """Returns the value of an attribute as text: as it is for a visitor that sees it, else masked whole.

    An attribute often has few values, so that even a first character would tell which one it is.
    """
    text = shown(value)
    return text if sees or not text else _MASK


def shown(value: object) -> str:
    """Returns any value as text: a text as it is, anything else as JSON, cut after 100,000 characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, indent=2)
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"{text[:_SHOWN_CHARACTERS]} ... ({len(text):,} characters in all)"


def rendered(template: str, **context: Any) -> str:
    """Returns a template, filled with these values, as HTML."""
    return environment().get_template(template).render(**context)
