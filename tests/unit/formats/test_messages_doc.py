"""docs/messages.md against the JSON Schema and the parser; tests/acceptance/test_examples.py runs its examples."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from connector import formats
from connector.model.change import Change, ObjectChange, Unreadable
from tests.documents import ROOT, blocks, documents

DOCS = ROOT / "docs"
PAGE = DOCS / "messages.md"
VALIDATOR = Draft202012Validator(json.loads((DOCS / "native.schema.json").read_text()))
_REFUSED = re.compile(r"^\| `(\{.*\})` \| (.*) \|$", re.MULTILINE)


def native_messages(path: Path) -> Iterator[str]:
    """The messages in native form that a page shows, one by one."""
    for block in blocks(path):
        if block.language == "json" and "native" in block.words:
            read = json.loads(block.text)
            yield from map(json.dumps, read if isinstance(read, list) else [read])
        elif block.language == "ndjson" and "hull" not in block.words:
            yield from block.text.splitlines()


NATIVE = [message for path in documents() for message in native_messages(path)]


def test_the_pages_have_examples() -> None:
    assert len(NATIVE) > 15


@pytest.mark.parametrize("example", NATIVE)
def test_native_examples_are_valid_and_read(example: str) -> None:
    assert VALIDATOR.is_valid(json.loads(example))
    change, *others = formats.read("native", example.encode())
    said = json.loads(example)
    assert len(others) == len(said.get("merges", []) or said.get("object", {}).get("relationships", []))
    assert isinstance(change, Change | ObjectChange)


@pytest.mark.parametrize(("message", "reason"), _REFUSED.findall(PAGE.read_text()))
def test_refused_messages_are_refused_for_the_reason_given(message: str, reason: str) -> None:
    (answer,) = formats.read("native", message.encode())
    assert isinstance(answer, Unreadable)
    assert answer.reason == reason
