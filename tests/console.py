"""The console over a store of a test, asked by HTTP as a browser does, without one."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import Any

import httpx
from argon2 import PasswordHasher

from connector.console.console import console_at
from connector.runtime import Runtime
from connector.web.app import create_app, served
from connector.web.server import serving

_CSRF = re.compile(r'name="csrf" value="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")
PASSWORD = "correct horse battery staple"


def password_hash(password: str = PASSWORD) -> str:
    """The hash of a password, made in no time."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def signing_in(**roles: str) -> dict[str, Any]:
    """Settings by which these people sign in with `PASSWORD`, each with a role."""
    return {"users": {name: {"role": role, "password_hash": password_hash()} for name, role in roles.items()}}


class Browser:
    """Asks for pages, and posts forms with the token of the page that shows them."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, status: int = 200, **query: Any) -> str:
        """The HTML of a page, which is answered with this status."""
        answer = self.client.get(path, params=query or None)
        assert answer.status_code == status, f"{path}: {answer.status_code}: {text_of(answer.text)[-500:]}"
        return answer.text

    def text(self, path: str, status: int = 200, **query: Any) -> str:
        """What one reads on a page."""
        return text_of(self.get(path, status, **query))

    def sign_in(self, name: str, password: str = PASSWORD, status: int = 200, to: str = "/") -> str:
        """Signs somebody in; what one reads on the page after it."""
        form = {"name": name, "password": password, "to": to}
        return self.post("/sign-in", form, page="/sign-in", status=status)

    def post(self, path: str, form: Mapping[str, Any] | None = None, *, page: str = "/", status: int = 200) -> str:
        """Posts a form of a page; what one reads on the page after it."""
        token = _CSRF.findall(self.get(page))
        sent = {"csrf": unescape(token[0]) if token else "", **(form or {})}
        answer = self.client.post(path, data=sent, follow_redirects=True)
        assert answer.status_code == status, f"{path}: {answer.status_code}: {text_of(answer.text)[-500:]}"
        return text_of(answer.text)


@contextmanager
def console(runtime: Runtime) -> Iterator[Browser]:
    """Serves the doors and the console of a runtime, and gives a browser that looks at it from this machine."""
    app = create_app(runtime, lambda syncs: None)
    with (
        console_at(app, runtime),
        serving(served(app), "127.0.0.1", 0) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield Browser(client)


def text_of(html: str) -> str:
    """What one reads in HTML: no tags, no script, spaces as one."""
    return " ".join(unescape(_TAG.sub(" ", html)).split())
