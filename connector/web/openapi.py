"""Describes in OpenAPI what the code of the doors does not say: the forms of bodies, and every status."""

import json
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from connector.web.answers import Refused

JsonObject = dict[str, Any]
_SCHEMAS = ("native", "hull", "lytics", "segment")
_IN_A_BODY = {"Hull": ("notification",), "Segment": ("batch",)}
_BODIES = ("Native", "Hull", "Lytics", "Segment")
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}


def _refusal(description: str, **more: Any) -> JsonObject:
    # The schema is named here: from the model FastAPI would build it for each route and status anew, which takes most
    # of the time to open the doors.
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}}
    return {"description": description, "content": content, **more}


REFUSALS: dict[int | str, JsonObject] = {
    400: _refusal("The body cannot be read at all: it is not what the door takes. Nothing of it is taken in."),
    401: _refusal("No token is shown, or another one; of the webhook: the signature is not the body's."),
    404: _refusal("There is no such door."),
    408: _refusal("The body came too slowly. Send it again."),
    413: _refusal("The body is larger than [web] max_body_bytes, as it came or unpacked. Send it in parts."),
    415: _refusal("The body's Content-Encoding is none of gzip, deflate, br and zstd."),
    500: _refusal("The connector failed: its log says why. Nothing was taken in.", headers=_RETRY),
    503: _refusal(
        "Nothing was taken in: the store cannot, too many send at once, or the door is closed.", headers=_RETRY
    ),
}
"""The answers that any door may give, by status, beside 200."""

_FLOW = {
    "type": "object",
    "required": ["flow_control"],
    "properties": {
        "flow_control": {
            "type": "object",
            "properties": {
                "type": {"enum": ["next", "retry"]},
                "size": {"type": "integer", "description": "Messages in the next notification."},
                "in": {"type": "integer", "description": "Milliseconds until then."},
                "in_time": {"type": "integer", "description": "Milliseconds for all of them."},
            },
        },
        "error": {"type": "string", "description": "What is wrong with the notification."},
    },
}


def _hulls(description: str) -> JsonObject:
    return {"description": description, "content": {"application/json": {"schema": _FLOW}}}


HULL_ANSWERS: dict[int | str, JsonObject] = {
    200: _hulls("Taken in."),
    400: _hulls("The notification cannot be read."),
    503: _hulls("The store cannot take it now."),
}
"""The answers of the door for Hull's platform that differ from other doors', by status."""


def accepting(body: str, *more_types: str) -> JsonObject:
    """Returns the description of an operation that takes a body, maybe compressed.

    `body` is the name of its form in `components`. It comes as JSON, or by one of `more_types`.
    """
    schema = {"$ref": f"#/components/schemas/{body}"}
    content = {name: {"schema": schema} for name in ("application/json", *more_types)}
    header = {"name": "Content-Encoding", "in": "header", "required": False}
    encoding = {**header, "schema": {"enum": ["gzip", "deflate", "br", "zstd", "identity"]}}
    return {"requestBody": {"required": True, "content": content}, "parameters": [encoding]}


def signed(operation: JsonObject) -> JsonObject:
    """Returns the description of an operation with the header X-Signature added, which signs the body."""
    signature = {"name": "X-Signature", "in": "header", "required": True, "schema": {"type": "string"}}
    described = {**signature, "description": "HMAC-SHA1 of the body as it is sent, in hex, with [web] segment_secret."}
    return {**operation, "parameters": [*operation["parameters"], described]}


def reported() -> JsonObject:
    """Returns the description of the operation that takes in a signed reporting webhook of Customer.io."""
    described = accepting("ReportingWebhook")
    headers = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
        for name, text in (
            ("X-CIO-Timestamp", "Unix seconds, as text."),
            ("X-CIO-Signature", "HMAC-SHA256 of `v0:`, the time stamp, `:` and the body as it is sent, in hex."),
        )
    ]
    return {**described, "parameters": [*described["parameters"], *headers]}


_REPORTED = {
    "type": "object",
    "required": ["event_id", "object_type", "metric", "timestamp", "data"],
    "properties": {
        "event_id": {"type": "string", "description": "By it a repeat is known."},
        "object_type": {"type": "string", "description": "customer, email, push, sms, whatsapp, in_app, ..."},
        "metric": {"type": "string", "description": "sent, delivered, opened, clicked, unsubscribed, ..."},
        "timestamp": {"type": "integer", "description": "Unix seconds."},
        "data": {"type": "object", "description": "Who it is about, and what Customer.io says of it."},
    },
}


def describe(app: FastAPI) -> None:
    """Makes /openapi.json contain the forms of bodies. The document is built once, when it is first asked for."""

    def made() -> JsonObject:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(components())
            _drop_validation(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = made  # type: ignore[method-assign]


def _drop_validation(document: JsonObject) -> None:
    """Removes the status 422, FastAPI's answer to invalid bodies, from a document: FastAPI reads no body here."""
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def components() -> JsonObject:
    """Returns the JSON schemas of messages, bodies and refusals, by their names in OpenAPI."""
    found: JsonObject = {}
    for name in _SCHEMAS:
        whole = json.loads(files("connector.web").joinpath(f"schemas/{name}.json").read_text("utf-8"))
        title = name.capitalize()
        parts = whole.pop("$defs", {})
        whole.pop("$schema", None)
        found[f"{title}Message"] = _moved(whole, title)
        found |= {f"{title}.{part}": _moved(schema, title) for part, schema in parts.items()}
    found |= {"ReportingWebhook": _REPORTED, "Refused": Refused.model_json_schema()}
    return found | {f"{title}Body": _body(title) for title in _BODIES}


def _body(title: str) -> JsonObject:
    """Returns the schema of a body of a format: one message or envelope, or a list of them."""
    names = [f"{title}Message", *(f"{title}.{part}" for part in _IN_A_BODY.get(title, ()))]
    one = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}


def _moved(schema: Any, title: str) -> Any:
    """Returns a schema whose references point to where its parts stand in the OpenAPI document."""
    if isinstance(schema, list):
        return [_moved(each, title) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {name: _moved(each, title) for name, each in schema.items()}
    if isinstance(pointer := moved.get("$ref"), str):
        part = pointer.removeprefix("#")
        inner = part.removeprefix("/$defs/")
        moved["$ref"] = f"#/components/schemas/{title}{f'.{inner}' if inner != part else f'Message{part}'}"
    return moved
