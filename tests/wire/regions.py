"""Customer.io's two regions, each a simulator with credentials of its own, under the addresses the product calls.

A test cannot reach Customer.io. So where the product's HTTP client would open a connection, its requests are noted as
they are on the wire, and answered by the simulator of the region whose host they name. There are no other hosts.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from connector.simulator.base.options import Options
from connector.simulator.server.web import create_app
from tests.simulated import Simulated
from tests.wire.case import Json, member

TRACK = {"us": "track.customer.io", "eu": "track-eu.customer.io"}
APP = {"us": "api.customer.io", "eu": "api-eu.customer.io"}
REGIONS = tuple(TRACK)
_PRIVATE = "/_simulator/"
_MEMBERS = re.compile(r"/api/v1/segments/(\d+)/(add_customers|remove_customers)")


def credentials(region: str) -> dict[str, str]:
    """What the workspace of a region asks for; the other region's does not take it."""
    return {name: f"{name}-{region}" for name in ("site_id", "api_key", "app_api_key")}


@dataclass(frozen=True)
class Asked:
    """One request as it went on the wire: where to, what it said, and the status of the answer."""

    url: httpx.URL
    body: Any
    status: int

    @property
    def items(self) -> list[Json]:
        """The operations of a batch, the people of a request about a manual segment; another request is one itself."""
        if "ids" in self.body:
            return self._members
        batch: list[Json] = self.body.get("batch", [self.body])
        return batch

    @property
    def _members(self) -> list[Json]:
        path = _MEMBERS.fullmatch(self.url.path)
        assert path is not None, self.url
        assert self.body.keys() == {"ids"}
        kind = self.url.params["id_type"]
        return [member({kind: id}, path[2], int(path[1])) for id in self.body["ids"]]


class Regions(httpx.BaseTransport):
    """Both regions, in this process; `asked` is what they were asked since it was last emptied."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._loop = asyncio.Runner()
        self._ends: dict[str, httpx.ASGITransport] = {}
        for region in REGIONS:
            app = create_app(Options(region=region, **credentials(region)))
            self._ends |= dict.fromkeys((TRACK[region], APP[region]), httpx.ASGITransport(app))
        self.simulated = {region: Simulated(f"https://{TRACK[region]}", self) for region in REGIONS}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request by the simulator of the region that its address names, and notes both."""
        assert request.url.scheme == "https"
        body = request.read()
        response = self._loop.run(_answered(self._ends[request.url.host], request))
        if not request.url.path.startswith(_PRIVATE):
            self.asked.append(Asked(request.url, json.loads(body) if body else {}, response.status_code))
        return response

    def close(self) -> None:
        """Stays open: each client of a test closes the transport it was given, and the next one uses it again."""

    def end(self) -> None:
        """Gives everything back."""
        for each in self.simulated.values():
            each.close()
        self._loop.close()


async def _answered(end: httpx.ASGITransport, request: httpx.Request) -> httpx.Response:
    response = await end.handle_async_request(request)
    stream = httpx.ByteStream(await response.aread())
    return httpx.Response(response.status_code, headers=response.headers, stream=stream)


@contextmanager
def both_regions() -> Iterator[Regions]:
    """Both regions until the block ends."""
    regions = Regions()
    yield regions
    regions.end()
