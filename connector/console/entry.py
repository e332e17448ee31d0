"""Who is let in: by their session, or as somebody of this machine where no sign-in is configured."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from connector.console.sessions import Session
from connector.console.visitor import LOOPBACK, Visitor

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_ONLY_HERE = (
    "The console answers this machine only, since no sign-in is configured. Open it there, or configure one of "
    "[console.users], [console.oidc] and [console.proxy]: docs/console.md says how."
)


def of_this_machine(request: Request) -> Visitor:
    """Returns the visitor where no sign-in is configured. Raises HTTPException 403 unless this machine itself asks.

    The name it asks by is looked at too: a page of elsewhere whose name leads here would ask by its own. So is whether
    a proxy handed the request on, which may come from anywhere.
    """
    client = request.client.host if request.client else ""
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    forwarded = any(header in request.headers for header in _FORWARDED)
    if forwarded or not _is_loopback(client) or not (name == "localhost" or _is_loopback(name)):
        raise HTTPException(403, _ONLY_HERE)
    return LOOPBACK


def check_form(request: Request, *, own: bool) -> None:
    """Raises HTTPException 403 unless a form was posted from one of our own pages.

    Args:
        request: The request that posts the form.
        own: Whether the form carries the token of this session.
    """
    origin = request.headers.get("origin", "")
    elsewhere = bool(origin) and urlsplit(origin).netloc != request.headers.get("host", "")
    if not own or elsewhere or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "This form is too old, or not of this page: load the page anew and try again.")


def visitor_of(session: Session) -> Visitor | None:
    """Returns who has signed in in this session, None for nobody."""
    return Visitor(session.name, session.role, session.door) if session.name and session.role else None  # type: ignore[arg-type]  # Sessions.of has looked at the role


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
