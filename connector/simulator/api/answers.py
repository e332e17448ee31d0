"""The answers of the Track API: an empty object, or what is wrong in one of its envelopes."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response

from connector.errors import UnreadableError
from connector.simulator.base.limits import Wrong

JSON = "application/json; charset=utf-8"

# As recorded from the real server; it sends no rate-limit and no request-id headers (docs/customerio.md#answers).
_HEADERS = {
    "content-type": JSON,
    "cache-control": "no-cache, no-store, must-revalidate, max-age=0",
    "access-control-allow-origin": "*",
}


def json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a JSON answer, closed by a newline as the real server closes its own."""
    return Response(to_json(body) + b"\n", status, {**_HEADERS, **(headers or {})})


def accepted() -> Response:
    """Returns 200 and an empty object: accepted for processing, which is not the same as done."""
    return Response(b"{}\n", 200, _HEADERS)


def unauthorized() -> Response:
    """Returns 401 as Track v1 writes it; v2's is not documented and assumed the same."""
    return single("Unauthorized request", 401)


def single(message: str, status: int = 400) -> Response:
    """Returns the envelope for one error: `meta.error`."""
    return json({"meta": {"error": message}}, status)


def several(wrong: Iterable[Wrong], status: int = 400) -> Response:
    """Returns the envelope for any number of errors: `meta.errors`."""
    return json({"meta": {"errors": [_sentence(one) for one in wrong]}}, status)


def fields(wrong: Iterable[Wrong], status: int = 400) -> Response:
    """Returns Track v2's envelope: `errors`, each with reason, field and message."""
    return json({"errors": [one._asdict() for one in wrong]}, status)


def per_item(wrong: Iterable[tuple[int, Wrong]]) -> Response:
    """Returns 207: the items that were refused by index; one may be there several times."""
    return json({"errors": [{"batch_index": index, **one._asdict()} for index, one in wrong]}, 207)


async def read(request: Request) -> Any:
    """Returns the JSON of the body; UnreadableError says where it is none."""
    body = await request.body()
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise UnreadableError(f"body is not JSON: {error}") from error


async def json_object(request: Request) -> dict[str, Any]:
    """Returns the JSON object of the body; UnreadableError where it is none."""
    body = await read(request)
    if not isinstance(body, dict):
        raise UnreadableError("body must be an object")
    return body


def _sentence(wrong: Wrong) -> str:
    return f"{wrong.field.removeprefix('attributes.')} {wrong.message}".strip()
