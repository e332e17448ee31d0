"""Every example in docs/messages.md does what the page says."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from connector import formats
from connector.model.change import Change, ObjectChange, Unreadable

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "messages.md").read_text()
VALIDATOR = Draft202012Validator(json.loads((DOCS / "native.schema.json").read_text()))
_NATIVE, _OTHERS = PAGE.split("\n## Hull's form\n")
_HULL, _LATER = _OTHERS.split("\n## Lytics' form\n")
_LYTICS, _SEGMENT = _LATER.split("\n## The Segment spec\n")
_REFUSED = re.compile(r"^\| `(\{.*\})` \| (.*) \|$", re.MULTILINE)


def examples(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(examples("json", _NATIVE)) >= 9
    assert len(examples("json", _HULL)) == 1
    assert len(examples("json", _LYTICS)) == 2
    assert len(examples("json", _SEGMENT)) == 3


@pytest.mark.parametrize("example", examples("json", _NATIVE))
def test_native_examples_are_read_and_valid(example: str) -> None:
    VALIDATOR.validate(json.loads(example))
    change, *others = formats.read("native", example.encode())
    said = json.loads(example)
    assert len(others) == len(said.get("merges", []) or said.get("object", {}).get("relationships", []))
    assert isinstance(change, Change | ObjectChange)


@pytest.mark.parametrize("example", examples("json", _HULL))
def test_the_hull_example_is_read(example: str) -> None:
    (change,) = formats.read("hull", example.encode())
    assert isinstance(change, Change)
    assert change.events[0].properties == {"referrer": "https://search.example.com/"}


@pytest.mark.parametrize("example", examples("json", _LYTICS))
def test_lytics_examples_are_read(example: str) -> None:
    (change,) = formats.read("lytics", example.encode())
    assert isinstance(change, Change)
    assert change.version is not None
    assert change.entered or change.segments is not None


@pytest.mark.parametrize("example", examples("json", _SEGMENT))
def test_segment_spec_examples_are_read(example: str) -> None:
    changes = formats.read("segment", example.encode())
    assert all(isinstance(each, Change) and each.key == "user-1" and each.version for each in changes)


def test_both_ways_to_enter_an_audience_name_the_same() -> None:
    changes = formats.read("segment", examples("json", _SEGMENT)[2].encode())
    assert [isinstance(each, Change) and each.entered for each in changes] == [(("active_trial", "active_trial"),)] * 2


@pytest.mark.parametrize("example", examples("ndjson", PAGE))
def test_ndjson_examples_are_read_and_valid(example: str) -> None:
    for line in example.splitlines():
        VALIDATOR.validate(json.loads(line))
    assert all(isinstance(each, Change) for each in formats.read("native", example.encode()))


@pytest.mark.parametrize("body", re.findall(r"-d '(.*)'$", PAGE, re.MULTILINE))
def test_the_curl_example_is_valid(body: str) -> None:
    VALIDATOR.validate(json.loads(body))


@pytest.mark.parametrize("example", examples("python", PAGE))
def test_python_examples_compile_and_send_a_valid_message(example: str) -> None:
    compile(example, "messages.md", "exec")
    literal = re.search(r"^messages? = \[?(\{.*\})\]?$", example, re.MULTILINE)
    assert literal is not None
    VALIDATOR.validate(json.loads(literal[1]))


@pytest.mark.parametrize(("message", "reason"), _REFUSED.findall(PAGE))
def test_refused_messages_are_refused_for_the_reason_given(message: str, reason: str) -> None:
    (answer,) = formats.read("native", message.encode())
    assert isinstance(answer, Unreadable)
    assert answer.reason == reason
