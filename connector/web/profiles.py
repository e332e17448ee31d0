"""The door GET /v1/profiles/{user}: what Customer.io's webhooks have told about a person."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from connector.activity import fields, profiles
from connector.errors import StoreError
from connector.runtime import Runtime
from connector.web import answers, openapi
from connector.web.auth import Keyring
from connector.web.doors import BEARER

AskedFor = Annotated[str, Path(description="An id or an e-mail address in Customer.io, or cio_id:ID.")]
InConnection = Annotated[str, Query(description="Only in this connection; left out, in all of them.")]


class FoundProfile(BaseModel):
    """A person of one workspace."""

    connection: str
    identifiers: dict[str, list[str]] = Field(description="id, email and cio_id, each with all values that are theirs.")
    fields: dict[str, Any] = Field(description="The fields of [profiles] that have a value; dates are unix seconds.")
    updated_at: float = Field(description="Unix seconds of the last change.")


class Found(BaseModel):
    """A person, in each workspace that has reported something of them."""

    user: str
    profiles: list[FoundProfile]


@dataclass(frozen=True, slots=True)
class ProfileDoor:
    """The door by which programs ask for a person's profiles. The tokens of the doors for messages open it."""

    runtime: Runtime
    keys: Keyring

    def router(self) -> APIRouter:
        """Returns a router with the route of the door."""
        router = APIRouter(dependencies=[Depends(BEARER)])
        refusals: dict[int | str, dict[str, Any]] = {status: openapi.REFUSALS[status] for status in (401, 404, 503)}
        router.get("/v1/profiles/{user:path}", response_model=Found, responses=refusals)(self.profile)
        return router

    async def profile(self, request: Request, user: AskedFor, connection: InConnection = "") -> JSONResponse:
        """Shows what Customer.io's reporting webhooks have come to for a person."""
        self.keys.authorize(request)
        known = self.runtime.settings.connections
        if connection and connection not in known:
            raise HTTPException(404, f"the settings name no such connection; known are {', '.join(known)}")
        try:
            found = await run_in_threadpool(self._find, user, [connection] if connection else list(known))
        except StoreError as error:
            raise answers.refusal(error) from error
        if not found:
            raise HTTPException(404, "nothing was reported of anybody by this name: give an id or an e-mail address")
        return JSONResponse({"user": user, "profiles": [each.as_json() for each in found]})

    def _find(self, user: str, connections: list[str]) -> list[profiles.ActivityProfile]:
        shown = fields.of(self.runtime.settings.profiles)
        return profiles.find(self.runtime.store, user, connections, shown)
