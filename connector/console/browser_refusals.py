"""The pages that a browser is shown where no page answers: for an unknown address, a wrong method, or a failure.

The doors answer programs, and say in JSON why they refuse. Every other address does so too for a client that does not
ask for HTML.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.routing import BaseRoute, Match

from connector.console.answering import Caller, Console, refusal
from connector.console.visitor import Visitor

_Handler = Callable[[Request, Any], Awaitable[Response]]
_SENTENCES = {
    HTTPStatus.NOT_FOUND: "There is no page at this address: go to one of those that are named above, or to Home.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address is no page: a form leads there. Go back to the page with the form.",
}
_FAILED = "The connector failed at this page, and its log says why. Delivery goes on."


def open_at(app: FastAPI, console: Console) -> None:
    """Makes the application show browsers a page of the console where it refuses or fails.

    The routes that it has by now are the doors: they go on answering everybody in JSON.
    """
    doors = tuple(app.routes)
    for kind, sentence in ((AnyHTTPException, _said), (Exception, lambda _: _FAILED)):
        told = app.exception_handlers.get(kind)
        if told is not None:
            app.add_exception_handler(kind, _shown(console, doors, told, sentence))


def _shown(console: Console, doors: tuple[BaseRoute, ...], told: Any, sentence: Callable[[Any], str]) -> _Handler:
    """Returns an exception handler that answers a browser with a page, and everybody else by the handler `told`.

    Args:
        console: The console that the page belongs to.
        doors: The routes that always answer in JSON.
        told: The exception handler that answers in JSON.
        sentence: Gives the sentence that the page says about an error.
    """

    async def handler(request: Request, error: Any) -> Response:
        if not _is_browser(request) or any(each.matches(request.scope)[0] is not Match.NONE for each in doors):
            answer: Response = await told(request, error)
            return answer
        caller = console.caller(request)
        page = refusal(getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR), sentence(error))
        response = console.response(caller, page, _visitor(console, caller))
        response.headers.update(getattr(error, "headers", None) or {})
        return response

    return handler


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _visitor(console: Console, caller: Caller) -> Visitor | None:
    """Returns the visitor, since only a visitor is shown the navigation; None for somebody who may see no page."""
    try:
        return console.visitor(caller)
    except HTTPException:
        return None


def _said(error: AnyHTTPException) -> str:
    status = HTTPStatus(error.status_code)
    return _SENTENCES.get(status, str(error.detail))
