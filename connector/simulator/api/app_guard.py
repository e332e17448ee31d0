"""What the App API's calls have in common: key, rate, pages, errors (docs/customerio.md#app-api)."""

from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import UnreadableError
from connector.simulator.api import answers
from connector.simulator.api.auth import is_bearer
from connector.simulator.state.people import SimulatedPerson
from connector.simulator.state.simulator import Simulator
from connector.simulator.state.state import SimulatedState

_Endpoint = Callable[[Request], Awaitable[Response]]


class MissingError(Exception):
    """A call names something that is not there; it is answered 404."""


def guarded(route: Route, simulator: Simulator, rate: str = "", per_second: int | None = None) -> Route:
    """Returns the route behind the bearer key and a rate limit, with its errors in the App API's envelope.

    Args:
        route: The route as it answers by itself.
        simulator: Whose key, options and clock count.
        rate: A name for the calls that are counted together.
        per_second: How many of them are allowed in a second; None for the general rate of the options.
    """
    endpoint: _Endpoint = route.endpoint

    async def answer(request: Request) -> Response:
        if not is_bearer(request, simulator):
            return errors("unauthorized", 401)
        limit = simulator.options.app_rate_limit if per_second is None else per_second
        if limit and not _admit(simulator, rate, limit):
            return errors(f"rate limited to {limit} requests per 1s", 429, {"retry-after": "1"})
        try:
            return await endpoint(request)
        except MissingError:
            return errors(f"not found (reference {simulator.calls.total:026d})", 404)
        except UnreadableError as error:
            return errors(str(error), 400)

    return Route(route.path, answer, methods=sorted(route.methods or ()))


def errors(detail: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Returns the App API's envelope: `errors`, each with a detail and the status as text."""
    return answers.json({"errors": [{"detail": detail, "status": str(status)}]}, status, headers)


def visible(simulator: Simulator) -> SimulatedState:
    """Returns what reads see by now: they trail writes by as much as the options say."""
    return simulator.workspace.visible(simulator.clock())


def named_person(request: Request, simulator: Simulator) -> SimulatedPerson:
    """Returns the person whom the path and `id_type` name; MissingError where there is none, or none is visible yet."""
    kind = request.query_params.get("id_type", "id")
    value = unquote(request.path_params["customer_id"])
    person = visible(simulator).people.find(kind, value) if kind in simulator.options.kinds else None
    if person is None:
        raise MissingError
    return person


def page_of(request: Request, default: int, most: int) -> tuple[str, int]:
    """Returns the `start` and `limit` of a call."""
    limit = request.query_params.get("limit", "")
    if limit and not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= most):
        raise UnreadableError(f"limit must be from 1 to {most}")
    return request.query_params.get("start", ""), int(limit or default)


def _admit(simulator: Simulator, rate: str, limit: int) -> bool:
    now, recent = simulator.clock(), simulator.app_calls[rate]
    recent[:] = [at for at in recent if at > now - 1]
    if len(recent) >= limit:
        return False
    recent.append(now)
    return True
