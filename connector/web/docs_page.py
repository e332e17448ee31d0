"""Makes the page at /docs from the OpenAPI document: the doors as plain HTML, which loads and runs nothing."""

import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

Json = dict[str, Any]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of the page."""
_METHODS = ("get", "post")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #f4f4f2; padding: .8rem; overflow-x: auto; }
h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; }
"""


def page(document: Json) -> str:
    """Returns the page for an OpenAPI document, as HTML."""
    info = document["info"]
    doors = "".join(
        _door(method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('summary', ''))}</p>"
        f'<p>The same for programs: <a href="openapi.json">openapi.json</a></p>'
        f"{doors}<h2>Forms</h2>{_forms(document)}</body></html>"
    )


def _door(method: str, path: str, operation: Json) -> str:
    parts = [f"<h2><code>{method.upper()} {escape(path)}</code></h2>", *_paragraphs(operation.get("description", ""))]
    if parameters := operation.get("parameters"):
        parts += ["<h3>Parameters</h3>", _table(map(_parameter, parameters))]
    if content := operation.get("requestBody", {}).get("content"):
        parts += ["<h3>Body</h3>", _table((name, _link(each.get("schema", {}))) for name, each in content.items())]
    return "".join([*parts, "<h3>Answers</h3>", _table(map(_answer, operation["responses"].items()))])


def _paragraphs(text: str) -> Iterator[str]:
    yield from (f"<p>{escape(each)}</p>" for each in text.split("\n\n") if each)


def _parameter(parameter: Json) -> tuple[str, str]:
    allowed = parameter.get("schema", {}).get("enum")
    said = parameter.get("description", "") + (f" One of {', '.join(allowed)}." if allowed else "")
    return f"{parameter['name']} ({parameter['in']})", escape(said.strip())


def _answer(answer: tuple[str, Json]) -> tuple[str, str]:
    status, said = answer
    schemas = [_link(each.get("schema", {})) for each in said.get("content", {}).values()]
    return status, " ".join([escape(said.get("description", "")), *filter(None, schemas)])


def _link(schema: Json) -> str:
    """Returns a link to the form that a schema refers to; "" for a schema that refers to none."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """Returns a table as HTML. The first cell of each row is given as text, the second as HTML."""
    cells = (f"<tr><td><code>{escape(first)}</code></td><td>{second}</td></tr>" for first, second in rows)
    return f"<table>{''.join(cells)}</table>"


def _forms(document: Json) -> str:
    schemas: Json = document.get("components", {}).get("schemas", {})
    return "".join(_form(name, json.dumps(schema, indent=2, ensure_ascii=False)) for name, schema in schemas.items())


def _form(name: str, text: str) -> str:
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><pre>{escape(text)}</pre>'
