"""Finds where a request comes from: the connected peer, and the visitor as a trusted reverse proxy reports them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from fastapi import Request

from connector.settings.console import ConsoleSettings
from connector.settings.console_sign_in import network
from connector.web.protocol import PEER

_MOST_HOPS = 20
_SUBNET_BITS = 64


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The origin of a request.

    peer: the address that is connected. address: the visitor's address, which a trusted proxy may report. secure:
    whether the visitor's browser speaks https, which a trusted proxy may report too.
    """

    peer: str
    address: str
    secure: bool


def origin_of(request: Request, settings: ConsoleSettings) -> RequestOrigin:
    """Returns the origin of a request. Forwarded headers count only if a proxy of the settings is connected."""
    peer = peer_of(request)
    believed = (*settings.proxies, *settings.proxy.trusted)
    secure = request.url.scheme == "https"
    if not is_within(peer, believed):
        return RequestOrigin(peer, peer, secure)
    # The last one is what the proxy has added, be it to the sender's own line or as a line of its own.
    said = ",".join(request.headers.getlist("x-forwarded-proto")).rpartition(",")[2].strip().lower()
    return RequestOrigin(peer, _visitor_address(request, peer, believed), said == "https" if said else secure)


def peer_of(request: Request) -> str:
    """Returns the address that is connected, whatever headers say; "" where it is not known."""
    found = request.scope.get(PEER)
    return str(found) if found is not None else (request.client.host if request.client else "")


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Says whether an address is in one of these networks, each of which may be a single address."""
    found = _parsed(address)
    return found is not None and any(found in each for each in _networks(tuple(networks)))


def is_loopback(address: str) -> bool:
    """Says whether a text is a loopback address of this machine."""
    found = _parsed(address)
    return found is not None and found.is_loopback


def subnet(address: str) -> str:
    """Returns what attempts from one place are counted by: an IPv4 address, or the /64 network of an IPv6 address.

    A provider gives each customer such a network. A text that is no address is cut to its first 100 characters.
    """
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), _SUBNET_BITS), strict=False))
    return str(found) if found else address[:100]


def _visitor_address(request: Request, peer: str, believed: tuple[str, ...]) -> str:
    """Returns the last address in X-Forwarded-For that is not itself a believed proxy's.

    At most 20 entries are read, from the end. An entry that is no address ends the search: then the address behind it
    counts, or the peer's.
    """
    said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    address = peer
    for each in said[: -_MOST_HOPS - 1 : -1]:
        if _parsed(each) is None:
            return address
        address = each.strip()
        if not is_within(address, believed):
            return address
    return address


@cache
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(network(each) for each in texts)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Returns a text as an address, None if it is none; an IPv4-mapped IPv6 address becomes the IPv4 address."""
    try:
        found = ip_address(address.strip())
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
