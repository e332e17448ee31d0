"""Builds the doors' answers: what became of a body, or why it was not taken in."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as AnyHTTPException

from connector.errors import StoreError, UnreadableError
from connector.formats.content_encoding import TooLargeError, UnknownEncodingError
from connector.intake.accept import TakenIn
from connector.web.refusals import Refusals

RETRY_SECONDS = "5"
_SAID_PROBLEMS = 100


class Unread(BaseModel):
    """A message that could not be read: its place in the body, the reason, and the problem that keeps it."""

    index: int | None = Field(description="Its place in the list, the batch or the lines, from 0; null for the whole.")
    reason: str
    problem: str = Field(description="An id for `connector problems show`.")


class Taken(BaseModel):
    """What became of a body, once that is committed."""

    changes: int = Field(description="Messages that were taken in.")
    unreadable: int = Field(description="Messages, or parts of them, that are kept as problems.")
    skipped: int = Field(default=0, description="Of the messages taken in, those that no sync acts upon.")
    problems: list[Unread] = Field(default=[], description="The first hundred that could not be read.")


class Success(BaseModel):
    """The answer that libraries and webhooks expect once a body is taken in, even if a message became a problem."""

    success: bool = True
    unreadable: int = Field(default=0, description="Messages, or parts of them, that are kept as problems.")
    problems: list[Unread] = Field(default=[], description="The first hundred of them.")


class Refused(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="What is wrong, and what to do next.")
    code: str = Field(description="The status in a word.")
    message: str = Field(description="The same as `detail`, where analytics libraries look for it.")


def taken(accepted: TakenIn) -> dict[str, Any]:
    """Returns the answer of the doors for messages, as JSON. It names the first 100 problems, if there are any."""
    answer = Taken(
        changes=accepted.changes,
        unreadable=accepted.unreadable,
        skipped=accepted.skipped,
        problems=_unread(accepted),
    )
    return answer.model_dump(exclude_defaults=not accepted.unreadable) | {"skipped": accepted.skipped}


def success(accepted: TakenIn) -> dict[str, Any]:
    """Returns the answer of the doors for libraries and webhooks, as JSON: only success if all could be read."""
    if not accepted.unreadable:
        return {"success": True}
    return Success(unreadable=accepted.unreadable, problems=_unread(accepted)).model_dump()


def _unread(accepted: TakenIn) -> list[Unread]:
    return [Unread(index=index, reason=reason, problem=id) for index, reason, id in accepted.unread[:_SAID_PROBLEMS]]


def refusal(error: UnreadableError | StoreError) -> HTTPException:
    """Returns the answer to a sender whose body was not taken in.

    A body that cannot be read gets 400, 413 or 415 with what is wrong with it; a store that fails gives 503.
    """
    match error:
        case TooLargeError():
            return HTTPException(413, str(error))
        case UnknownEncodingError():
            return HTTPException(415, str(error))
        case UnreadableError():
            return HTTPException(400, str(error))
    reason = "the store cannot take it now: send it again"
    return HTTPException(503, reason, {"Retry-After": RETRY_SECONDS})


def say_refusals(app: FastAPI, refusals: Refusals) -> None:
    """Makes the application answer every refusal and failure with a `Refused` as JSON, and counts those with 401."""

    @app.exception_handler(AnyHTTPException)
    async def refused(_: Request, error: AnyHTTPException) -> JSONResponse:
        if error.status_code == HTTPStatus.UNAUTHORIZED:
            refusals.add("unauthorized")
        return _refused(error.status_code, error.detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return _refused(422, "; ".join(str(each["msg"]) for each in error.errors()))

    @app.exception_handler(Exception)
    async def failed(_: Request, _error: Exception) -> JSONResponse:
        reason = "the connector failed, and its log says why: send it again"
        return _refused(500, reason, {"Retry-After": RETRY_SECONDS})


def _refused(status: int, reason: str, headers: Any = None) -> JSONResponse:
    body = Refused(detail=reason, code=HTTPStatus(status).name.lower(), message=reason)
    return JSONResponse(body.model_dump(), status, headers)
