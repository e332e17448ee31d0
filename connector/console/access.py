"""Decides who may enter: by session, by a proxy's header, or as this machine where no sign-in is configured."""

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from connector.console.origin import RequestOrigin, is_loopback, is_within, peer_of
from connector.console.passwords import fingerprint
from connector.console.sessions import Session
from connector.console.visitor import LOOPBACK, Visitor
from connector.settings.console import ConsoleSettings
from connector.settings.console_sign_in import ProxySettings, role_of

_FORWARDED = ("forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "via")
_FORWARDED_START = "x-forwarded-"
_ONLY_HERE = (
    "The console answers this machine only, since no sign-in is configured. Open it there, or configure one of "
    "[console.users], [console.oidc] and [console.proxy]: docs/console.md says how."
)
_NAME_CHARACTERS, _MOST_GROUPS, _ADDRESS_CHARACTERS = 200, 1000, 2000


def of_this_machine(request: Request) -> Visitor:
    """Returns the visitor where no sign-in is configured. Raises HTTPException 403 unless this machine itself asks.

    The Host header has to name this machine as well: a web site elsewhere whose DNS name leads here would be asked for
    by its own name. And no proxy may have handed the request on, since that may come from anywhere. A proxy is known by
    the headers that it adds, or by HTTP/1.0, which nginx speaks unless told otherwise, and no browser does.
    """
    name = _host_name(request)
    handed_on = request.scope.get("http_version") == "1.0" or any(map(_is_of_a_proxy, request.headers))
    if handed_on or not is_loopback(peer_of(request)) or not (name == "localhost" or is_loopback(name)):
        raise HTTPException(403, _ONLY_HERE)
    return LOOPBACK


def of_proxy(request: Request, origin: RequestOrigin, proxy: ProxySettings) -> Visitor | None:
    """Returns the visitor that a trusted proxy names in its header; None where the request has no such header.

    Raises HTTPException 403 where the header comes from elsewhere, comes twice, is no printable name of 1 to 200
    characters, or names somebody whose groups have no role.
    """
    if not proxy.user_header or proxy.user_header not in request.headers:
        return None
    if not is_within(origin.peer, proxy.trusted):
        raise HTTPException(
            403,
            f"The header {proxy.user_header} says who asks, but it came from {origin.peer or 'an unknown address'}, "
            "which is none of [console.proxy] trusted.",
        )
    named = request.headers.getlist(proxy.user_header)
    name = named[0].strip()
    if len(named) > 1 or not name or len(name) > _NAME_CHARACTERS or not name.isprintable():
        raise HTTPException(403, f"The header {proxy.user_header} does not say in one line who asks.")
    found = role_of(proxy.roles, _groups(request, proxy))
    if found is None:
        raise HTTPException(403, f"{name} has signed in, but no group of theirs has a role in [console.proxy] roles.")
    return Visitor(name, found[1], "proxy")


def of_session(session: Session, settings: ConsoleSettings) -> Visitor | None:
    """Returns the visitor who has signed in in this session, with the role that the settings give them now.

    Returns None for nobody, and where the settings do not let them in any more: their name is gone, their password is
    another one, or the group that gave their role gives none.
    """
    if session.door == "password":
        user = settings.users.get(session.name)
        if user is None or fingerprint(user) != session.grant:
            return None
        return Visitor(user.name, user.role, session.door)
    if session.door == "oidc" and settings.oidc.issuer and session.grant in settings.oidc.roles:
        return Visitor(session.name, settings.oidc.roles[session.grant], session.door)
    return None


def check_form(request: Request, *, own: bool) -> None:
    """Raises HTTPException 403 unless a form was posted from one of the console's own pages.

    Args:
        request: The request that posts the form.
        own: Whether the form carries the token of this session.
    """
    origin = request.headers.get("origin", "")
    elsewhere = bool(origin) and origin.partition("://")[2] != request.headers.get("host", "")
    if not own or elsewhere or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "This form is too old, or not of this page: load the page anew and try again.")


def own_path(to: str) -> str:
    """Returns the given address if it is a path of this host, of 2000 characters at most; else "/"."""
    plain = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() and "\\" not in to
    return to if plain and len(to) <= _ADDRESS_CHARACTERS else "/"


def _groups(request: Request, proxy: ProxySettings) -> list[str]:
    if not proxy.groups_header:
        return []
    said = ",".join(request.headers.getlist(proxy.groups_header)).split(",", _MOST_GROUPS)[:_MOST_GROUPS]
    return [each.strip() for each in said]


def _host_name(request: Request) -> str:
    """Returns the host name in the Host header, without a port; "" where there is not exactly one such header."""
    given = request.headers.getlist("host")
    try:
        return (urlsplit(f"//{given[0]}").hostname or "") if len(given) == 1 else ""
    except ValueError:
        return ""


def _is_of_a_proxy(header: str) -> bool:
    return header in _FORWARDED or header.startswith(_FORWARDED_START)
