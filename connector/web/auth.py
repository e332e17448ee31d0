"""Finds the sender of a request by its token: in the headers, before the body is read, or else in the body."""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import HTTPException, Request
from pydantic import SecretStr
from pydantic_core import from_json

from connector.model import bounds
from connector.model.problem import Problem
from connector.settings.sections import WebSettings

WRITE_KEY = "writeKey"
_WRITE_KEY_HEADER = "x-write-key"
_MASK = "***"
_HOW = "send the header 'Authorization: Bearer TOKEN'"
_HOW_OF_LIBRARIES = "give the token as write key: the user name, with no password, or as a bearer token"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The tokens that open the doors, by the names that the settings give them."""

    tokens: Mapping[str, str]

    @classmethod
    def of(cls, web: WebSettings) -> "Keyring":
        """Returns the tokens of the settings that are not empty: `token`, and each of `tokens` as `tokens.NAME`."""
        given: Mapping[str, SecretStr | None] = {
            "token": web.token,
            **{f"tokens.{k}": v for k, v in web.tokens.items()},
        }
        return cls({name: text for name, secret in given.items() if secret and (text := secret.get_secret_value())})

    def authorize(self, request: Request) -> str:
        """Returns the sender of the request: the name of the token that its headers show.

        A token is shown as a bearer token, as the user name of HTTP Basic, or in the header X-Write-Key. Raises
        HTTPException: 401 if no header shows a valid token, 503 if the settings have no token.
        """
        return self._known(_shown(request), request)

    def authorize_library(self, request: Request) -> str | None:
        """Returns the sender of a library's request, as `authorize` does, and raises what that raises.

        Returns None if the request has no header for a token: then the body may show one.
        """
        self._open()
        if not request.headers.get("authorization") and _WRITE_KEY_HEADER not in request.headers:
            return None
        return self._known(_shown(request), request, _HOW_OF_LIBRARIES)

    def authorize_body(self, request: Request, body: object) -> str:
        """Returns the sender of a decoded body, by the `writeKey` in it or in the first element of a list.

        Raises HTTPException: 401 if there is no valid one, 503 if the settings have no token.
        """
        first = body[0] if isinstance(body, list) and body else body
        given = first.get(WRITE_KEY) if isinstance(first, dict) else None
        return self._known(given if isinstance(given, str) else "", request, _HOW_OF_LIBRARIES)

    def masked(self, problem: Problem) -> Problem:
        """Returns the problem without any token in the message that is kept with it."""
        if problem.payload is None:
            return problem
        text = bounds.readable(problem.payload)
        found = [token for each in self.tokens.values() if (token := bounds.readable(each)[1:-1]) in text]
        if not found:
            return problem
        for token in found:
            text = text.replace(token, _MASK)
        return replace(problem, payload=from_json(text))

    def _open(self) -> None:
        if not self.tokens:
            raise HTTPException(503, "this door is closed: no token is set (CONNECTOR__WEB__TOKEN)")

    def _known(self, given: str, request: Request, how: str = _HOW) -> str:
        """Returns the name of the token. All tokens are compared, so that the time tells nothing about them.

        Raises HTTPException: 401 if it is none of them, 503 if the settings have no token.
        """
        self._open()
        found = [name for name, token in self.tokens.items() if hmac.compare_digest(given.encode(), token.encode())]
        if found:
            return found[0]
        basic = how == _HOW_OF_LIBRARIES and authorization(request)[0] == "basic"
        raise HTTPException(401, how, {"WWW-Authenticate": "Basic" if basic else "Bearer"})


def authorization(request: Request) -> tuple[str, str]:
    """Returns the scheme of the Authorization header, in lower case, and the credentials; "" twice for no header."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower(), given.strip()


def _shown(request: Request) -> str:
    """Returns the token that the headers show, "" for none."""
    match authorization(request):
        case "bearer", given:
            return given
        case "basic", given:
            return _user_of(given)
        case _:
            return request.headers.get(_WRITE_KEY_HEADER, "").strip()


def _user_of(given: str) -> str:
    """Returns the user name in credentials of HTTP Basic; "" if there is a password, or they cannot be read."""
    try:
        user, colon, password = b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return user if colon and not password else ""
