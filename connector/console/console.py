"""Serves the console beside the doors: lets visitors in, checks forms, makes pages in threads of their own."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, quote

import anyio
import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from connector import __version__
from connector.admin import operator_acts
from connector.console import entry, rendering
from connector.console.navigation import NAVIGATION
from connector.console.page import Desk, Download, Page, PageAnswer, Redirect, Route, Visit
from connector.console.pages import routes
from connector.console.reading import reading_runtime
from connector.console.sessions import Session, Sessions, take_note_away
from connector.console.visitor import Visitor
from connector.errors import ConnectorError, StoreError
from connector.runtime import Runtime

log = structlog.get_logger(__name__)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of every page: nothing from elsewhere, and no script or style inside of a page."""
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all browsers post forms from the origin "null"
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATIC = Path(__file__).parent / "static"
_FORM_BYTES, _FORM_FIELDS = 1_000_000, 2000
_SIGN_IN = "/sign-in"
DOOR = "console"


@dataclass(frozen=True, slots=True)
class Console:
    """The console of one process."""

    desk: Desk
    sessions: Sessions
    limiter: anyio.CapacityLimiter

    def endpoint(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        """Returns what FastAPI calls for a route."""

        async def answered(request: Request) -> Response:
            session, began = self.sessions.of(request), perf_counter()
            try:
                visitor = self._visitor(request, session)
                if visitor is None:
                    return RedirectResponse(f"{_SIGN_IN}?to={quote(request.url.path)}", 303)
                visit = await self._visit(request, route, session, visitor)
                answer = await anyio.to_thread.run_sync(self._answer, route, visit, limiter=self.limiter)
            except HTTPException as refused:
                answer = _refusal(refused.status_code, str(refused.detail))
                visitor = None
            response = self._response(request, session, answer, visitor)
            response.headers["Server-Timing"] = f"page;dur={1000 * (perf_counter() - began):.1f}"
            return response

        return answered

    def _visitor(self, request: Request, session: Session) -> Visitor | None:
        if not self.desk.settings.console.signs_in:
            return entry.of_this_machine(request)
        return entry.visitor_of(session)

    async def _visit(self, request: Request, route: Route, session: Session, visitor: Visitor) -> Visit:
        if not visitor.may(route.role):
            raise HTTPException(403, f"{visitor.name} {visitor.wording}: this needs the role {route.role}.")
        form = await _form(request) if route.method == "POST" else {}
        if route.method == "POST":
            entry.check_form(request, own=self.sessions.is_own(session, "".join(form.get("csrf", ()))))
        query = dict(request.query_params)
        return Visit(visitor, request.path_params, query, form, self.sessions.token(session))

    def _answer(self, route: Route, visit: Visit) -> PageAnswer:
        try:
            if not route.act:
                return route.handler(self.desk, visit)
            act = operator_acts.act(
                visit.visitor.name, DOOR, route.act, route.subject(visit), of_person=route.of_person
            )
            with operator_acts.noted(self.desk.runtime.store, act):
                return route.handler(self.desk, visit)
        except StoreError as error:
            log.warning("a page could not be made", path=route.path, reason=str(error))
            return _refusal(503, f"The store did not answer in time, or not at all: {error}. Nothing is lost by that.")
        except ConnectorError as error:
            return _refusal(404 if route.method == "GET" else 409, str(error))

    def _response(self, request: Request, session: Session, answer: PageAnswer, visitor: Visitor | None) -> Response:
        secure = request.url.scheme == "https"
        match answer:
            case Redirect():
                response: Response = RedirectResponse(answer.to, 303)
                self.sessions.leave_note(response, answer.message, secure=secure)
            case Download():
                named = {"Content-Disposition": f'attachment; filename="{answer.name}"'}
                response = Response(answer.body, media_type=answer.media_type, headers=named)
            case Page():
                note = self.sessions.note(request)
                response = HTMLResponse(self._html(request, session, answer, visitor, note), answer.status)
                if note:
                    take_note_away(response)
        response.headers.update(_HEADERS)
        self.sessions.keep(response, session, secure=secure)
        return response

    def _html(self, request: Request, session: Session, page: Page, visitor: Visitor | None, note: str) -> str:
        return rendering.rendered(
            page.template,
            **{
                "visitor": visitor,
                "sees_people": visitor is not None and visitor.sees_people,
                "csrf": self.sessions.token(session),
                "note": note,
                "navigation": NAVIGATION,
                "path": request.url.path,
                "version": __version__,
                **page.context,
            },
        )


@contextmanager
def console_at(app: FastAPI, runtime: Runtime) -> Iterator[None]:
    """Has the application of the doors serve the console too, unless it is switched off, until the block ends."""
    settings = runtime.settings.console
    if not settings.enabled:
        yield
        return
    with reading_runtime(runtime) as reads:
        console = Console(Desk(runtime, reads), Sessions(settings), anyio.CapacityLimiter(settings.pages_at_once))
        app.mount("/static", StaticFiles(directory=_STATIC), name="static")
        for each in routes():
            app.add_api_route(
                each.path, console.endpoint(each), methods=[each.method], include_in_schema=False, response_model=None
            )
        yield


def _refusal(status: int, reason: str) -> Page:
    return Page("refused.html", {"reason": reason}, status)


async def _form(request: Request) -> dict[str, tuple[str, ...]]:
    """Reads what was posted, within a bound."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES:
            raise HTTPException(413, f"This is more than {_FORM_BYTES:,} bytes: use the commands for as much.")
    try:
        fields: dict[str, Any] = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FORM_FIELDS)
    except ValueError as error:
        raise HTTPException(400, f"This form cannot be read: {error}") from error
    return {name: tuple(values) for name, values in fields.items()}
