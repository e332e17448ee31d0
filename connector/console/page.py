"""What a page is: the route that leads to it, the visit that asks for it, and what answers."""

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
    """What pages are made from.

    runtime: what the process has open, for what a visitor does. reads: the same over the store that pages read from,
    with the bounds of pages; nothing may be written by it. depths: what the broker says of its queues. shared: what
    pages have found a moment ago, whoever asks.
    """

    runtime: Runtime
    reads: Runtime
    depths: RecentDepths = field(default_factory=RecentDepths)
    shared: SharedReads = field(default_factory=lambda: SharedReads(0))

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.runtime.settings


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page, by somebody who may see it.

    path: the variable parts of the address; query: what stands behind the ? (the last of each name); form: what was
    posted. csrf: the token that every form of the page has to carry. about: what the visitor may ask to see of it
    where it is masked (`reveals.subject_of`).
    """

    visitor: Visitor
    path: Query = field(default_factory=dict)
    query: Query = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    csrf: str = ""
    about: str = ""

    def given(self, name: str) -> str:
        """Returns what a form or the address gives under a name, trimmed; "" for nothing."""
        values = self.form.get(name)
        return (values[-1] if values else self.query.get(name, "")).strip()

    def all_given(self, name: str) -> tuple[str, ...]:
        """Returns all that a form gives under a name."""
        return self.form.get(name, ())


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be shown: a template of connector/console/templates, and what it is filled with.

    about_people: whether it shows people, so that no browser keeps it.
    """

    template: str
    context: Mapping[str, Any]
    status: int = 200
    about_people: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """An act is done: the next page says so at its top.

    to: the path of that page; reveals: of what the visitor sees what is personal from now on, "" for nothing. job: the
    id of the job that was started and goes on without the visitor, "" for none.
    """

    to: str
    message: str
    reveals: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be kept: its name, its media type, and what is in it."""

    name: str
    media_type: str
    body: str


PageAnswer = Page | Redirect | Download
PageHandler = Callable[[Desk, Visit], PageAnswer]
FaultPage = Callable[[Desk, Visit, str], Page]
ActSubject = Callable[[Visit], str]


def nothing(_: Visit) -> str:
    """Returns the subject of an act that has none."""
    return ""


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the console.

    path: as Starlette writes it, with {name} for a variable part. handler: makes the answer; it may raise
    ConnectorError, whose text is shown. role: who may ask. act: what the log of operators calls it, "" for what
    changes nothing: every POST has one. subject: what was acted upon; of_person: that is a person, so only a digest is
    noted. of_page: whether this is a part of the page whose path is one part shorter: what is shown there, is here.
    at_fault: makes the page that shows the text of a ConnectorError beside what was asked; left out, a page of
    its own shows it.
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
