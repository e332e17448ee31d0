"""Customer.io's two regions, each a simulator with credentials of its own, under the addresses the product calls.

A test cannot reach Customer.io. So where the product's HTTP client would open a connection, its requests are noted as
they are on the wire, and led to the simulator of the region whose host they name. Any other host ends the test.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from connector.simulator import running
from connector.simulator.options import Options
from tests.simulated import Simulated

HOSTS = {
    "us": ("track.customer.io", "api.customer.io"),
    "eu": ("track-eu.customer.io", "api-eu.customer.io"),
}
REGIONS = tuple(HOSTS)


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
    def items(self) -> list[dict[str, Any]]:
        """The operations of a batch; a request that is no batch is one itself."""
        batch: list[dict[str, Any]] = self.body["batch"] if "batch" in self.body else [self.body]
        return batch


class Regions(httpx.BaseTransport):
    """The way to both regions; `asked` is what went along it since it was last emptied."""

    def __init__(self, simulated: dict[str, Simulated]) -> None:
        self.simulated = simulated
        self.asked: list[Asked] = []
        self._way = httpx.HTTPTransport(verify=False)
        self._ends = {host: httpx.URL(one.url) for region, one in simulated.items() for host in HOSTS[region]}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Leads a request to the simulator of the region that its address names, and notes both."""
        assert request.url.scheme == "https"
        body = request.read()
        end = self._ends[request.url.host]
        url = request.url.copy_with(scheme=end.scheme, host=end.host, port=end.port)
        response = self._way.handle_request(httpx.Request(request.method, url, headers=request.headers, content=body))
        self.asked.append(Asked(request.url, json.loads(body) if body else {}, response.status_code))
        return response

    def close(self) -> None:
        """Stays open: each client of a test closes the transport it was given, and the next one uses it again."""

    def end(self) -> None:
        """Closes the connections to the simulators."""
        self._way.close()


@contextmanager
def both_regions() -> Iterator[Regions]:
    """Runs the simulators of both regions until the block ends."""
    with ExitStack() as stack:
        simulated = {}
        for region in REGIONS:
            url = stack.enter_context(running(Options(region=region, **credentials(region))))
            simulated[region] = Simulated(url)
            stack.callback(simulated[region].close)
        regions = Regions(simulated)
        stack.callback(regions.end)
        yield regions
