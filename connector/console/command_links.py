"""Links a command that a sentence names to the page of the console that does the same."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote


class OfferingPage(NamedTuple):
    """A page that offers what a command does. named: whether the page of the command's argument is below its path."""

    path: str
    word: str
    named: bool = False


_PAGES: Mapping[str, OfferingPage] = {
    "approve": OfferingPage("/held", "Held deletions", named=True),
    "resume": OfferingPage("/", "Home"),
    "problems": OfferingPage("/problems", "Problems"),
    "jobs": OfferingPage("/jobs", "Jobs"),
    "jobs pause": OfferingPage("/jobs", "Jobs", named=True),
    "jobs resume": OfferingPage("/jobs", "Jobs", named=True),
    "jobs cancel": OfferingPage("/jobs", "Jobs", named=True),
    "jobs follow|resume|cancel": OfferingPage("/jobs", "Jobs", named=True),
    "sources run": OfferingPage("/jobs", "Jobs"),
    "alerts": OfferingPage("/alerts", "Alerts"),
    "calls": OfferingPage("/calls", "Calls"),
    "show": OfferingPage("/people", "People"),
    "forget": OfferingPage("/people", "People"),
    "suppress": OfferingPage("/people", "People"),
    "unsuppress": OfferingPage("/people", "People"),
    "operator-log": OfferingPage("/operators", "Operators"),
}
"""The pages by command. Of two commands that fit, the longer one counts."""
_COMMAND_ALONE = ("--may-leave",)
"""Options that no page offers: a command with one of them gets no link."""


def link_of(code: str) -> tuple[str, str] | None:
    """Returns the address and the name of the page that offers what a command does; None for anything else."""
    given = code.split()
    if given[:1] != ["connector"] or any(each in _COMMAND_ALONE for each in given):
        return None
    for length in (2, 1):
        found = _PAGES.get(" ".join(given[1 : 1 + length])) if len(given) > length else None
        if found is not None:
            return _address(found, given[1 + length :]), found.word
    return None


def _address(page: OfferingPage, given: list[str]) -> str:
    name = given[0] if given else ""
    plain = page.named and name and not name.startswith("-") and name != name.upper()
    return f"{page.path}/{quote(name, safe='')}" if plain else page.path
