"""Answers one request for a page: who asks, whether they may, what the page is, and what the browser is to keep."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, quote

import anyio
import structlog
from fastapi import HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import ClientDisconnect

from connector import __version__
from connector.admin import operator_acts
from connector.console import access, rendering, reveals
from connector.console.navigation import NAVIGATION
from connector.console.origin import RequestOrigin, origin_of
from connector.console.page import Desk, Download, Page, PageAnswer, Redirect, Route, Visit
from connector.console.sessions import NOTE, Session, Sessions, take_away
from connector.console.thread_limit import Turns
from connector.console.visitor import Visitor
from connector.errors import ConnectorError, StoreError

log = structlog.get_logger(__name__)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page: nothing is loaded from elsewhere, and no script or style is inline."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that value browsers would send "Origin: null" with the console's own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FORM_BYTES, _FORM_FIELDS = 1_000_000, 2000
SIGN_IN = "/sign-in"
DOOR = "console"


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, before sign-in is checked: the request, its origin and its session."""

    request: Request
    origin: RequestOrigin
    session: Session


@dataclass(frozen=True, slots=True)
class Console:
    """The console of one process.

    pages: the limit on pages that are made at once. acts: the limit on acts, which is separate, since an act may take
    minutes and must keep nobody from looking at pages meanwhile. writers: the limit on answers that are written as HTML
    at once, after it is known what is on them.
    """

    desk: Desk
    sessions: Sessions
    pages: Turns
    acts: Turns
    writers: anyio.CapacityLimiter

    def endpoint(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        """Returns the function that answers the requests for a route. A page that fails is logged and answered too."""

        async def answered(request: Request) -> Response:
            caller, began = self.caller(request), perf_counter()
            visitor, about = None, ""
            try:
                visitor = self.visitor(caller)
                if visitor is None:
                    return self._to_sign_in(caller)
                visit = await self._visit(caller, route, visitor)
                visitor, about = visit.visitor, visit.about
                turns = self.acts if route.act else self.pages
                answer = await turns.take(partial(self._answer, route, visit))
            except HTTPException as refused:
                answer = refusal(refused.status_code, str(refused.detail))
            except Exception:
                log.exception("a page failed", path=route.path)
                answer = _failure(route)
            # The HTML is written in a thread too: a large page would hold up the doors, which share the event loop.
            shown = partial(self.response, caller, answer, visitor, about)
            try:
                response = await anyio.to_thread.run_sync(shown, limiter=self.writers)
            except Exception:
                log.exception("a page could not be written", path=route.path)
                response = self.response(caller, _failure(route), visitor)
            response.headers["Server-Timing"] = f"page;dur={1000 * (perf_counter() - began):.1f}"
            return response

        return answered

    def _to_sign_in(self, caller: Caller) -> Response:
        """Redirects to the sign-in page, which tells the sender of a form that nothing was done."""
        answer = RedirectResponse(_sign_in_for(caller.request), 303, _HEADERS)
        if caller.request.method != "GET":
            self.sessions.leave_note(answer, "You were not signed in any more, so nothing was done.", caller.origin)
        return answer

    def caller(self, request: Request) -> Caller:
        """Returns the sender of a request, with a new session of nobody where it shows no valid one."""
        origin = origin_of(request, self.desk.settings.console)
        return Caller(request, origin, self.sessions.of(request, origin))

    def visitor(self, caller: Caller) -> Visitor | None:
        """Returns the visitor who sent the request; None for somebody who has not signed in.

        Raises HTTPException 403 where no sign-in is configured and the request may come from another machine, or where
        the header of a proxy is not accepted.
        """
        settings = self.desk.settings.console
        if not settings.signs_in:
            return access.of_this_machine(caller.request)
        by_proxy = access.of_proxy(caller.request, caller.origin, settings.proxy)
        return by_proxy or access.of_session(caller.session, settings)

    async def form(self, caller: Caller) -> dict[str, tuple[str, ...]]:
        """Returns the fields that were posted from one of the console's own pages, each name with all its values.

        Raises HTTPException: 400 for a form that cannot be read, 413 for one that is too large, 403 for one of any
        other page or session.
        """
        form = await _form(caller.request)
        access.check_form(caller.request, own=self.sessions.is_own(caller.session, "".join(form.get("csrf", ()))))
        return form

    def response(self, caller: Caller, answer: PageAnswer, visitor: Visitor | None, about: str = "") -> Response:
        """Returns an answer as an HTTP response, with the cookies that the browser is to keep.

        Args:
            caller: The sender of the request.
            answer: The page, the redirect or the download.
            visitor: Who has signed in; None for nobody.
            about: The subject that the visitor may ask to see unmasked, as `reveals.subject_of` has it; "" for none.
        """
        origin = caller.origin
        match answer:
            case Redirect():
                response: Response = RedirectResponse(answer.to, 303)
                if answer.message:
                    self.sessions.leave_note(response, answer.message, origin)
                if answer.reveals:
                    self.sessions.reveal(response, caller.request, caller.session, origin, answer.reveals)
            case Download():
                named = {"Content-Disposition": f'attachment; filename="{answer.name}"'}
                response = Response(answer.body, media_type=answer.media_type, headers=named)
            case Page():
                note = self.sessions.note(caller.request, origin)
                response = HTMLResponse(self._html(caller, answer, visitor, note, about), answer.status)
                if note:
                    take_away(response, NOTE, origin)
        response.headers.update(_HEADERS)
        self.sessions.keep(response, caller.session, origin)
        return response

    async def _visit(self, caller: Caller, route: Route, visitor: Visitor) -> Visit:
        if not visitor.may(route.role):
            raise HTTPException(403, f"{visitor.name} {visitor.wording}: this needs the role {route.role}.")
        form = await self.form(caller) if route.method == "POST" else {}
        request, token = caller.request, self.sessions.token(caller.session)
        _refuse_nul((*request.path_params.values(), *request.query_params.values(), *chain(*form.values())))
        visit = Visit(visitor, request.path_params, dict(request.query_params), form, token)
        about = reveals.subject_of(route, visit, request.url.path)
        masked = self.desk.settings.console.masked and visitor.may("viewer")
        seen = self.sessions.revealed(request, caller.session, caller.origin) if masked else {}
        return replace(visit, about=about, visitor=replace(visitor, masked=masked and about not in seen))

    def _answer(self, route: Route, visit: Visit) -> PageAnswer:
        try:
            if not route.act:
                return route.handler(self.desk, visit)
            act = operator_acts.act(
                visit.visitor.name, DOOR, route.act, route.subject(visit), of_person=route.of_person
            )
            with operator_acts.noted(self.desk.runtime.store, act) as outcome:
                answer = self._acted(route, visit)
                if isinstance(answer, Redirect) and answer.job:
                    outcome.words = operator_acts.started(answer.job)
                return answer
        except StoreError as error:
            return _store_away(route, error)
        except ConnectorError as error:
            return self._at_fault(route, visit, error)

    def _at_fault(self, route: Route, visit: Visit, error: ConnectorError) -> PageAnswer:
        """Returns the page that says why a request failed; it may read the store, too, which may be away by then."""
        if route.at_fault is None:
            return refusal(404 if route.method == "GET" else 409, str(error))
        try:
            return route.at_fault(self.desk, visit, str(error))
        except StoreError as away:
            return _store_away(route, away)

    def _acted(self, route: Route, visit: Visit) -> PageAnswer:
        """Performs the act, and drops shared reads so that the next page shows its effect."""
        try:
            return route.handler(self.desk, visit)
        finally:
            self.desk.shared.forget()

    def _html(self, caller: Caller, page: Page, visitor: Visitor | None, note: str, about: str) -> str:
        url = caller.request.url
        return rendering.rendered(
            page.template,
            **{
                "visitor": visitor,
                "sees_people": visitor is not None and visitor.sees_people,
                "masked": visitor is not None and visitor.masked and page.about_people,
                "about": about,
                "here": f"{url.path}?{url.query}" if url.query else url.path,
                "csrf": self.sessions.token(caller.session),
                "note": note,
                "navigation": NAVIGATION,
                "path": url.path,
                "version": __version__,
                **page.context,
            },
        )


def refusal(status: int, reason: str) -> Page:
    """Returns the page that says why a request was refused, with an HTTP status."""
    return Page("refused.html", {"reason": reason}, status)


def _store_away(route: Route, error: StoreError) -> Page:
    """Returns the page for a store that does not answer, and logs that."""
    log.warning("a page could not be made", path=route.path, reason=str(error))
    then = "Nothing is lost by that." if route.method == "GET" else "Look whether it was done, and try again."
    return refusal(503, f"The store did not answer in time, or not at all: {error}. {then}")


def _failure(route: Route) -> Page:
    """Returns the page for an unexpected error in the console itself."""
    done = "" if route.method == "GET" else " What was to be done may not have been: look before you try again."
    return refusal(500, f"The connector failed at this page, and its log says why.{done} Delivery goes on.")


def _sign_in_for(request: Request) -> str:
    """Returns the address of the sign-in page, which leads on to the page that was asked for, or to / after a form."""
    url = request.url
    to = "/" if request.method != "GET" else f"{url.path}?{url.query}" if url.query else url.path
    return f"{SIGN_IN}?to={quote(access.own_path(to), safe='/')}"


def _refuse_nul(given: Iterable[str]) -> None:
    """Raises HTTPException 400 where a value contains the character NUL, which PostgreSQL keeps in no text."""
    if any("\x00" in each for each in given):
        raise HTTPException(400, "What was given has the character NUL (0x00) in it, which no text has.")


async def _form(request: Request) -> dict[str, tuple[str, ...]]:
    """Returns the fields of a posted form.

    Raises HTTPException: 413 for more than 1 MB, 400 for a form that cannot be read, breaks off, or has more than 2000
    fields.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _FORM_BYTES:
                raise HTTPException(413, f"This is more than {_FORM_BYTES:,} bytes: use the commands for as much.")
    except ClientDisconnect as error:
        raise HTTPException(400, "This form broke off.") from error
    try:
        fields: dict[str, Any] = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FORM_FIELDS)
    except ValueError as error:
        raise HTTPException(400, f"This form cannot be read: {error}") from error
    return {name: tuple(values) for name, values in fields.items()}
