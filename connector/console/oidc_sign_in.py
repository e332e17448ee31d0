"""/sign-in/oidc: sends a visitor to the provider, and signs them in when they are back."""

from hmac import compare_digest

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from connector.console import endpoints
from connector.console.access import own_path
from connector.console.answering import SIGN_IN, Caller, Console
from connector.console.oidc import Provider
from connector.console.origin import subnet
from connector.console.sessions import take_away
from connector.console.sign_in import SignIn
from connector.errors import ConnectorError
from connector.settings.console_sign_in import role_of

_START = f"{SIGN_IN}/oidc"
_BACK = f"{_START}/callback"
_COOKIE, _SECONDS = "connector_errand", 600
_ASKED_AT_ONCE = 4
_CODE_CHARACTERS = 4000


class OidcSignIn:
    """The endpoints that send a visitor to the provider and receive them back."""

    def __init__(self, console: Console, sign_in: SignIn, provider: Provider) -> None:
        self._console = console
        self._sign_in = sign_in
        self._provider = provider
        self._limiter = anyio.CapacityLimiter(_ASKED_AT_ONCE)

    def open(self, app: FastAPI) -> None:
        """Adds both endpoints to the application."""
        for path, endpoint in ((_START, self.started), (_BACK, self.back)):
            endpoints.answer(app, path, "GET", endpoint)

    async def started(self, request: Request) -> Response:
        """Redirects a visitor to the provider; answers 503 with the sign-in page where the provider does not answer."""
        caller = self._console.caller(request)
        to = own_path(request.query_params.get("to", "/"))
        try:
            url, errand = await anyio.to_thread.run_sync(
                self._provider.started, _address_of(caller), limiter=self._limiter
            )
        except ConnectorError as error:
            return self._sign_in.page(caller, 503, to=to, reason=f"Signing in is not possible now: {error}.")
        response = RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        self._console.sessions.send_away(response, _COOKIE, {**errand, "to": to}, _SECONDS, caller.origin)
        return response

    async def back(self, request: Request) -> Response:
        """Signs in a visitor who is back from the provider, or answers with the sign-in page and the reason why not."""
        caller = self._console.caller(request)
        response = await self._let_in(caller)
        take_away(response, _COOKIE, caller.origin)
        return response

    async def _let_in(self, caller: Caller) -> Response:
        given = caller.request.query_params
        errand = self._console.sessions.errand(caller.request, _COOKIE, _SECONDS, caller.origin)
        if not errand.get("state") or not compare_digest(errand["state"].encode(), given.get("state", "").encode()):
            late = "This sign-in was not begun in this browser within the last ten minutes: begin it anew."
            return self._sign_in.page(caller, 400, to="/", reason=late)
        who = f"oidc {subnet(caller.origin.address)}"
        wait = self._sign_in.try_once(caller, who)
        if wait:
            return self._sign_in.too_many(caller, wait, errand["to"])
        try:
            return await self._proved(caller, given.get("code", "")[:_CODE_CHARACTERS], errand, who)
        except ConnectorError as error:
            await self._sign_in.failed(caller, who, "oidc")
            return self._sign_in.page(caller, 403, to=errand["to"], reason=f"Nobody is signed in: {error}.")

    async def _proved(self, caller: Caller, code: str, errand: dict[str, str], attempt: str) -> Response:
        if not code:
            refusal = caller.request.query_params.get("error", "it gave no reason")
            raise ConnectorError(f"the provider has refused ({refusal[:100]})")
        address = _address_of(caller)
        found = await anyio.to_thread.run_sync(self._provider.finished, code, address, errand, limiter=self._limiter)
        given = role_of(self._console.desk.settings.console.oidc.roles, found.groups)
        if given is None:
            raise ConnectorError(f"no group of {found.name} has a role in [console.oidc] roles")
        return await self._sign_in.signed_in(caller, found.name, "oidc", given[0], errand["to"], attempt=attempt)


def _address_of(caller: Caller) -> str:
    """Returns the address that the provider sends a visitor back to, at the host that their browser asks for."""
    scheme = "https" if caller.origin.secure else "http"
    return f"{scheme}://{caller.request.headers.get('host', '')}{_BACK}"
