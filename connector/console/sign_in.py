"""/sign-in and /sign-out: by password, or by way of a provider. Attempts are limited, and noted for operators."""

from dataclasses import replace
from time import time
from typing import Any

import anyio
import structlog
from fastapi import FastAPI, HTTPException, Request, Response

from connector.admin import operator_acts
from connector.console import access, endpoints
from connector.console.answering import DOOR, SIGN_IN, Caller, Console, refusal
from connector.console.attempts import Attempts
from connector.console.origin import subnet
from connector.console.page import Page, Redirect
from connector.console.passwords import Passwords, fingerprint
from connector.errors import StoreError

log = structlog.get_logger(__name__)
_NAME_CHARACTERS = 200
_HASHED_AT_ONCE = 2
"""So many passwords are hashed at once: each takes 64 MB of memory and some milliseconds of a core."""
_NOTED_AT_ONCE = 4
"""So many attempts are noted at once, in threads of their own, so that no door waits when the store is silent."""
_NOTED_AN_HOUR = 1000
"""So many failed attempts an hour are noted in the store; further ones stand only in the log of the process."""


class SignIn:
    """The endpoints by which somebody signs in and out, and what every way to sign in shares."""

    def __init__(self, console: Console, provider: str = "") -> None:
        """Counts no attempt yet. `provider` is the host name of the configured provider, "" where there is none."""
        self._console = console
        self._settings = console.desk.settings.console
        self._passwords = Passwords(self._settings.users)
        self._attempts = Attempts()
        self._limiter = anyio.CapacityLimiter(_HASHED_AT_ONCE)
        self._notes = anyio.CapacityLimiter(_NOTED_AT_ONCE)
        self._provider = provider
        self._noted, self._noted_since = 0, 0.0

    def open(self, app: FastAPI) -> None:
        """Adds /sign-in and /sign-out to the application."""
        for path, method, endpoint in (
            (SIGN_IN, "GET", self.shown),
            (SIGN_IN, "POST", self.posted),
            ("/sign-out", "POST", self.signed_out),
        ):
            endpoints.answer(app, path, method, endpoint)

    async def shown(self, request: Request) -> Response:
        """Shows the ways to sign in; redirects a visitor who has signed in already to where they wanted to go."""
        caller = self._console.caller(request)
        to = access.own_path(request.query_params.get("to", "/"))
        try:
            known = self._console.visitor(caller)
        except HTTPException as refused:
            return self._console.response(caller, refusal(refused.status_code, str(refused.detail)), None)
        if known is not None:
            return self._console.response(caller, Redirect(to, ""), None)
        return self.page(caller, to=to)

    async def posted(self, request: Request) -> Response:
        """Signs somebody in by name and password; answers 401 if they do not fit, 429 if too many attempts failed."""
        caller = self._console.caller(request)
        try:
            form = await self._console.form(caller)
        except HTTPException as refused:
            return self._console.response(caller, refusal(refused.status_code, str(refused.detail)), None)
        given = {name: values[-1] for name, values in form.items()}
        name = given.get("name", "").strip().lower()[:_NAME_CHARACTERS]
        to = access.own_path(given.get("to", "/"))
        wait = self.try_once(caller, name)
        if wait:
            return self.too_many(caller, wait, to, name)
        password = given.get("password", "")
        if await anyio.to_thread.run_sync(self._passwords.fits, name, password, limiter=self._limiter):
            grant = fingerprint(self._settings.users[name])
            return await self.signed_in(caller, name, "password", grant, to, attempt=name)
        await self.failed(caller, name, "password")
        return self.page(caller, 401, to=to, name=name, reason="There is nobody of this name with this password.")

    async def signed_out(self, request: Request) -> Response:
        """Ends the session, so that copies of its cookie are refused too, and redirects to the sign-in page."""
        caller = self._console.caller(request)
        try:
            await self._console.form(caller)
            visitor = self._console.visitor(caller)
        except HTTPException as refused:
            return self._console.response(caller, refusal(refused.status_code, str(refused.detail)), None)
        self._console.sessions.end(caller.session)
        if visitor is not None and visitor.signs_out:
            await self._note(visitor.name, "sign-out", visitor.door, operator_acts.DONE)
        fresh = replace(caller, session=self._console.sessions.begun("", "", ""))
        return self._console.response(fresh, Redirect(SIGN_IN, "You have signed out."), None)

    async def signed_in(self, caller: Caller, name: str, door: str, grant: str, to: str, *, attempt: str) -> Response:
        """Begins a session and redirects; answers 503, and begins none, if the store cannot note the sign-in.

        Args:
            caller: The sender of the request.
            name: The name of who has signed in.
            door: The way by which they did: password or oidc.
            grant: What their role comes from, as `access.of_session` looks it up.
            to: The path that they are redirected to.
            attempt: The name that the attempt was counted under, by `try_once`.
        """
        if not await self._note(name, "sign-in", door, operator_acts.DONE):
            sorry = "The store does not answer, and nobody is let in who is not noted. Try again in a moment."
            return self._console.response(caller, refusal(503, sorry), None)
        self._attempts.succeeded(attempt, subnet(caller.origin.address))
        self._console.sessions.end(caller.session)
        begun = replace(caller, session=self._console.sessions.begun(name, door, grant))
        return self._console.response(begun, Redirect(to, ""), None)

    def try_once(self, caller: Caller, name: str) -> int:
        """Returns how many seconds must pass before an attempt; counts the attempt and returns 0 if it may be made."""
        address, now = subnet(caller.origin.address), time()
        wait = self._attempts.wait(name, address, now)
        if not wait:
            self._attempts.begin(name, address, now)
        return wait

    async def failed(self, caller: Caller, name: str, door: str) -> None:
        """Logs an attempt that failed, and notes the first 1000 of an hour in the store.

        A name that the settings do not have is noted as a digest, since people type their password into that field.
        """
        who = name if name in self._settings.users else operator_acts.digest(name)
        log.warning("somebody could not sign in", name=who, address=caller.origin.address, door=door)
        now = time()
        if now - self._noted_since > 3600:
            self._noted, self._noted_since = 0, now
        self._noted += 1
        if self._noted <= _NOTED_AN_HOUR:
            await self._note(who, "sign-in", f"{door} from {caller.origin.address}", operator_acts.FAILED)

    def too_many(self, caller: Caller, wait: int, to: str, name: str = "") -> Response:
        """Returns the sign-in page with status 429, which says how long to wait.

        Args:
            caller: The sender of the request.
            wait: How long to wait, in seconds.
            to: The path that they are redirected to once they have signed in.
            name: The name that they gave; "" for none.
        """
        reason = f"Too many attempts have failed. Try again in {wait} seconds."
        response = self.page(caller, 429, to=to, name=name, reason=reason)
        response.headers["Retry-After"] = str(wait)
        return response

    def page(self, caller: Caller, status: int = 200, **context: Any) -> Response:
        """Returns the page with the ways to sign in that are configured, filled with `context` as well."""
        ways = {
            "by_password": bool(self._settings.users),
            "provider": self._provider,
            "by_proxy": bool(self._settings.proxy.user_header),
        }
        return self._console.response(
            caller, Page("sign_in.html", {"name": "", "reason": "", **ways, **context}, status), None
        )

    async def _note(self, name: str, act: str, how: str, outcome: str) -> bool:
        what = operator_acts.act(name, DOOR, act, how, of_person=False)
        try:
            store = self._console.desk.runtime.store
            await anyio.to_thread.run_sync(operator_acts.seen, store, what, outcome, limiter=self._notes)
        except StoreError as error:
            log.warning("what somebody did could not be noted", act=act, reason=str(error))
            return False
        return True
