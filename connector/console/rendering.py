"""Makes HTML of the templates, with the words for times, counts and what is masked."""

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
    """Returns the templates' environment: everything that comes in is escaped, and what is missing is an error."""
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
    """Compiles every template in a thread, once, and returns it.

    A process that has not shown a page yet would else show that of another version, once it is installed in its place.
    """
    thread = Thread(target=_compile_all, name="templates", daemon=True)
    thread.start()
    return thread


def _compile_all() -> None:
    templates = environment()
    for name in templates.list_templates():
        templates.get_template(name)


def count(number: float | None) -> str:
    """Returns a number as people read it; a dash where there is none."""
    return NOTHING if number is None else f"{number:,.0f}"


def many(number: int, one: str, more: str) -> str:
    """Returns a number with the word for what is counted: for one, and for more."""
    return f"{count(number)} {one if number == 1 else more}"


def glance(number: int, counted: str = "") -> str:
    """Returns a number of `overview.Glance`.

    Args:
        number: The number.
        counted: How it is known, where the number does not say so itself by being more than what is counted.
    """
    if counted == "about":
        return f"about {round(number, 3 - len(str(number))):,}"  # an estimate has no more digits
    if counted == "at least":
        return f"at least {number:,}"
    return f"more than {COUNTED_TO:,}" if number > COUNTED_TO else count(number)


def utc(at: float | None) -> str:
    """Returns a time in unix seconds as date and time in UTC; a dash for None."""
    if at is None or not isfinite(at):
        return NOTHING
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def time_tag(at: float | None) -> Markup:
    """Returns a moment (unix seconds) as HTML that says the whole date and time of UTC."""
    if at is None or not isfinite(at):
        return Markup("-")
    machine = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(machine, utc(at), utc(at))


def words(text: str) -> Markup:
    """Returns a sentence as HTML: what stands between two backticks is a command or a setting.

    A command whose act a page offers leads to that page, which it is called by.
    """
    parts = (_code(each) if number % 2 else escape(each) for number, each in enumerate(text.split("`")))
    return Markup("").join(parts)


def _code(text: str) -> Markup:
    offered = link_of(text)
    return _CODE.format(text) if offered is None else _PAGE.format(*offered)


def seconds(duration: float | None) -> str:
    """Returns a duration in seconds in the unit that people would say it in; a dash for none."""
    if duration is None or not isfinite(duration):
        return NOTHING
    duration = max(duration, 0.0)  # two clocks may differ a little
    if duration < _MINUTE:
        return f"{duration:.1f} s" if duration < 10 else f"{duration:.0f} s"
    for unit, size in (("min", _MINUTE), ("h", _HOUR)):
        if duration < size * (60 if unit == "min" else 48):
            return f"{duration / size:.0f} {unit}"
    return f"{duration / _DAY:.0f} days"


def masked(value: object, sees: bool) -> str:
    """Returns a value that is personal: itself for who may see it, else a mask.

    It keeps the first character of a longer text, by which one tells people apart. Of anything else, and of a short
    text, one character may be all that there is to know: the answer yes, a digit.
    """
    text = shown(value)
    if sees or not text:
        return text
    return f"{text[:1]}{_MASK}" if isinstance(value, str) and len(value) >= _TELLING_CHARACTERS else _MASK


def hidden(value: object, sees: bool) -> str:
    """Returns the value of an attribute: itself for who may see it, else a mask, since few values begin alike."""
    text = shown(value)
    return text if sees or not text else _MASK


def shown(value: object) -> str:
    """Returns any value as text: a text as it is, anything else as JSON, whose integers keep all their digits."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, indent=2)
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"{text[:_SHOWN_CHARACTERS]} ... ({len(text):,} characters in all)"


def rendered(template: str, **context: Any) -> str:
    """Returns a page as HTML."""
    return environment().get_template(template).render(**context)
