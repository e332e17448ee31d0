"""[console.users], [console.oidc], [console.proxy]: the ways to sign in, and the roles that they give."""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic.json_schema import SkipJsonSchema

from connector.settings import validators
from connector.settings.mistakes import listed, refuse, shown, variable
from connector.settings.validators import Names, Secret, Section, Text

ConsoleRole = Literal["masked_viewer", "viewer", "operator", "approver"]
"""What somebody may do at the page: each may do what those before it may."""
ROLES: tuple[ConsoleRole, ...] = ("masked_viewer", "viewer", "operator", "approver")
EVERYBODY = "*"
"""Stands for a group that everybody is in who signs in."""
GroupRoles = dict[Text, ConsoleRole]

_ARGON2 = re.compile(
    r"\$argon2(?:id|i|d)\$v=\d+\$m=\d{1,9},t=\d{1,4},p=\d{1,4}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}"
)
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def network(text: str) -> IPv4Network | IPv6Network:
    """Returns an address, or a network such as 10.0.0.0/8. Raises ValueError."""
    return ip_network(text)


def role_of(roles: Mapping[str, ConsoleRole], groups: Iterable[str]) -> tuple[str, ConsoleRole] | None:
    """Returns the highest role that groups give, with the group that gives it; None where they give none."""
    found = [(roles[group], group) for group in (EVERYBODY, *groups) if group in roles]
    if not found:
        return None
    role, group = max(found, key=lambda each: ROLES.index(each[0]))
    return group, role


def _networks(given: tuple[str, ...]) -> tuple[str, ...]:
    refuse([line for each in given for line in _network_mistakes(each)])
    return given


def _network_mistakes(text: str) -> list[str]:
    try:
        network(text)
    except ValueError:
        return [f"{shown(text)} is not accepted; give addresses or networks, as 127.0.0.1 and 10.0.0.0/8"]
    return []


def _header(name: str) -> str:
    if name and not _HEADER.fullmatch(name):
        refuse([f"{shown(name)} is not accepted; give the name of a header, as X-Forwarded-User"])
    return name


Networks = Annotated[Names, AfterValidator(_networks)]
HeaderName = Annotated[Text, AfterValidator(_header)]


class ConsoleUser(Section):
    """Somebody who signs in with a password."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    role: ConsoleRole = Field(description="What they may do.")
    password_hash: Secret = Field(
        default=None,
        description="The hash of their password, as `connector console hash` makes it. Not in the file: give "
        "CONNECTOR__CONSOLE__USERS__NAME__PASSWORD_HASH.",
    )


class OidcSettings(Section):
    """Signing in by OpenID Connect: Google, Okta, Entra, Keycloak, ..."""

    issuer: Text = Field(
        default="", description="The provider, as https://accounts.example.com. Left out, nobody signs in by it."
    )
    client_id: Text = Field(default="", description="What the provider calls this console.")
    client_secret: Secret = Field(
        default=None,
        description="What the console shows to the provider; a public client has none. Not in the file: give "
        "CONNECTOR__CONSOLE__OIDC__CLIENT_SECRET.",
    )
    scopes: Names = Field(default=("openid", "profile", "email"), description="What the provider is asked for.")
    name_claim: Text = Field(
        default="email", min_length=1, description="What somebody is called here and in the log of operators."
    )
    groups_claim: Text = Field(default="groups", min_length=1, description="Where the provider lists their groups.")
    roles: GroupRoles = Field(
        default={}, description='Which group may do what, as { admins = "approver", "*" = "viewer" }; * is everybody.'
    )


class ProxySettings(Section):
    """Signing in at a reverse proxy, which says in a header who asks."""

    trusted: Networks = Field(
        default=(),
        description="The addresses or networks of the proxies that say who asks; from others the header is refused.",
    )
    user_header: HeaderName = Field(
        default="", description="The header that says who asks, as X-Forwarded-User. Left out, nobody signs in by it."
    )
    groups_header: HeaderName = Field(
        default="", description="The header that lists their groups, with commas between, as X-Forwarded-Groups."
    )
    roles: GroupRoles = Field(
        default={}, description='Which group may do what, as { admins = "approver", "*" = "viewer" }; * is everybody.'
    )


def user_mistakes(name: str, user: ConsoleUser) -> Iterator[str]:
    """A line for what is wrong with somebody's password. Says nothing of what was given."""
    how = f"give {variable(('console', 'users', name, 'password_hash'))} what `connector console hash` prints"
    if user.password_hash is None:
        yield f"{name}: password_hash is missing; {how}"
    elif not _ARGON2.fullmatch(user.password_hash.get_secret_value()):
        yield f"{name}: password_hash: what was given is no hash of argon2; {how}"


def oidc_mistakes(oidc: OidcSettings) -> Iterator[str]:
    """A line for each thing that a provider cannot do without."""
    given = bool(oidc.client_id or oidc.client_secret or oidc.roles)
    if not oidc.issuer:
        if given:
            yield "issuer is missing; give the provider's address, as https://accounts.example.com"
        return
    yield from (f"issuer: {line}" for line in _issuer(oidc.issuer))
    if not oidc.client_id:
        yield "client_id is missing; give what the provider calls this console"
    if "openid" not in oidc.scopes:
        yield f"scopes: {listed(oidc.scopes) or 'an empty list'} is not accepted; openid must be among them"
    yield from _without_roles(oidc.roles)


def _issuer(url: str) -> list[str]:
    plain = url.startswith("http://") and urlsplit(url).hostname not in _LOOPBACK
    if plain and not validators.address(url):
        return [f"{shown(url)} is not accepted; give https://HOST: who is in between could sign in as anybody"]
    return validators.address(url)


def proxy_mistakes(proxy: ProxySettings) -> Iterator[str]:
    """A line for each thing without which a proxy cannot say who asks."""
    if not (proxy.trusted or proxy.user_header or proxy.groups_header or proxy.roles):
        return
    if not proxy.user_header:
        yield "user_header is missing; give the header that says who asks, as X-Forwarded-User"
    if not proxy.trusted:
        yield "trusted is missing; give the addresses or networks of your proxies, as 127.0.0.1: anybody sends a header"
    if not proxy.groups_header and set(proxy.roles) - {EVERYBODY}:
        yield 'groups_header is missing; give the header that lists their groups, or name only "*" in roles'
    yield from _without_roles(proxy.roles)


def _without_roles(roles: GroupRoles) -> Iterator[str]:
    if not roles:
        yield f'roles is missing; say which group may do what, as {{ "*" = "viewer" }}; known are {listed(ROLES)}'
