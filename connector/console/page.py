"""The types of a page: the route that leads to it, the visit that asks for it, and the answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from connector.admin.recent_depths import RecentDepths
from connector.console.shared_reads import SharedReads
from connector.console.visitor import Visitor
from connector.runtime import Runtime
from connector.settings.console_sign_in import ConsoleRole
from connector.settings.schema import Settings

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that pages are made from.

    runtime: what the process has open, by which visitors act. reads: a runtime over the store that pages read from,
    with the time bounds of pages; nothing may be written by it. depths: the last answer of the broker about its queues.
    shared: what pages have read a moment ago, for whoever asks for the same.
    """

    runtime: Runtime
    reads: Runtime
    depths: RecentDepths = field(default_factory=RecentDepths)
    shared: SharedReads = field(default_factory=lambda: SharedReads(0))

    @property
    def settings(self) -> Settings:
        """Returns the settings of the process."""
        return self.runtime.settings


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page, by somebody who may see it.

    path: the variable parts of the address. query: the parameters of the address, the last of each name. form: the
    fields that were posted, each with all its values. csrf: the token that every form of the page has to carry. about:
    the subject that the visitor may ask to see unmasked (`reveals.subject_of`).
    """

    visitor: Visitor
    path: Query = field(default_factory=dict)
    query: Query = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    csrf: str = ""
    about: str = ""

    def given(self, name: str) -> str:
        """Returns the last value that the form gives under a name, else the address's, trimmed; "" for none."""
        values = self.form.get(name)
        return (values[-1] if values else self.query.get(name, "")).strip()

    def all_given(self, name: str) -> tuple[str, ...]:
        """Returns all values that the form gives under a name, not trimmed."""
        return self.form.get(name, ())


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be shown: a template of connector/console/templates, and what it is filled with.

    status: the HTTP status. about_people: whether it may show personal values; then a visitor who sees them masked is
    offered to see them.
    """

    template: str
    context: Mapping[str, Any]
    status: int = 200
    about_people: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """The answer to an act that is done: a redirect to a page that shows a message at its top.

    to: the address of that page. message: what it shows, "" for nothing. reveals: the subject that the visitor sees
    unmasked from now on, "" for none. job: the id of the job that the act has started, "" for none.
    """

    to: str
    message: str
    reveals: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the browser is to save: its name, its media type, and its content."""

    name: str
    media_type: str
    body: str


PageAnswer = Page | Redirect | Download
PageHandler = Callable[[Desk, Visit], PageAnswer]
FaultPage = Callable[[Desk, Visit, str], Page]
ActSubject = Callable[[Visit], str]


def nothing(_: Visit) -> str:
    """Returns "", the subject of an act that has none."""
    return ""


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the console.

    path: as Starlette writes it, with {name} for a variable part. handler: makes the answer; it may raise
    ConnectorError, whose text is shown. role: the lowest role that may ask. act: the name of the act in the log of
    operators, "" for a request that is not noted there. subject: gives what was acted upon, for the log. of_person:
    whether that is a person, so that only a digest is noted. of_page: whether this belongs to the page whose path is
    one part shorter, so that it is unmasked where that page is. at_fault: makes the page that shows the text of a
    ConnectorError beside what was asked for; None for a page with the text alone.
    """

    path: str
    handler: PageHandler
    role: ConsoleRole = "masked_viewer"
    method: Literal["GET", "POST"] = "GET"
    act: str = ""
    subject: ActSubject = nothing
    of_person: bool = False
    of_page: bool = False
    at_fault: FaultPage | None = None
