"""A body of bytes becomes JSON values; a bad line of NDJSON harms only itself."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.errors import UnreadableError
from connector.model import bounds
from connector.model.change import Change, Unreadable

LINE = '{"user": {"id": "user-%d"}}'


def documents(body: bytes) -> list[object]:
    return list(formats.documents(body))


class TestDecode:
    @pytest.mark.parametrize("body", [b'{"a": [1, null]}', '{"a": [1, null]}'])
    def test_bytes_and_text(self, body: bytes | str) -> None:
        assert formats.decode(body) == {"a": [1, None]}

    @pytest.mark.parametrize("body", [b"", b"{", b"nan", b'{"a": \xff}', b"[" * 500, b"[" * 50_000])
    def test_what_is_not_json_raises(self, body: bytes | str) -> None:
        with pytest.raises(UnreadableError, match=r"the body is (not JSON|nested)"):
            formats.decode(body)

    @pytest.mark.parametrize("rest", [b'"' + b'\\"' * 200_000, b'"' * 200_000 + b"\\", b'"' + b"\\" * 200_001])
    def test_a_deep_body_whose_text_has_no_end_is_refused_in_no_time(self, rest: bytes) -> None:
        began = time.monotonic()
        with pytest.raises(UnreadableError, match="the body is not JSON"):
            formats.decode(b"[" * 5000 + rest)
        assert time.monotonic() - began < 30  # it was minutes, and nobody else was answered meanwhile

    @pytest.mark.parametrize(
        ("value", "why"),
        [
            (b"NaN", bounds.NOT_FINITE),
            (b"-Infinity", bounds.NOT_FINITE),
            (b"1e999", bounds.NOT_FINITE),
            (b'"\\ud800"', bounds.HALF),
            (b'"a\\udc00b"', bounds.HALF),
            (b'"\xff"', bounds.HALF),
            (b'"\\u0000"', bounds.NUL),
            (b"18446744073709551616", bounds.LONG),
            (b"9" * 5000, bounds.TOO_LONG),
            (b"[" * 5000 + b"]" * 5000, bounds.DEEP),
            (b'{"a":' * 198 + b"1" + b"}" * 198, bounds.DEEP),
            (b'[{"a": [{"b": NaN}]}]', bounds.NOT_FINITE),
            (b'{"a": 1, "a": 2}', bounds.TWICE),
        ],
    )
    def test_what_nothing_can_take_costs_its_own_field_alone(self, value: bytes, why: str) -> None:
        found = formats.decode(b'[{"bad": ' + value + b', "good": 1}, {"good": [2]}]')
        assert isinstance(found, list)
        assert (found[0].pop("good"), found[1]) == (1, {"good": [2]})
        assert bounds.fault(found[0]["bad"]) == why

    def test_a_name_given_twice_is_neither_value(self) -> None:
        found = formats.decode(b'{"a": 1, "b": {"c": 1, "c": 1}, "a": 2}')
        assert isinstance(found, dict)
        assert bounds.fitting(found) == ({}, {"a": bounds.TWICE, "b": bounds.TWICE})

    def test_text_that_was_decoded_with_half_a_character(self) -> None:
        assert bounds.fault(formats.decode('"\ud800"')) == bounds.HALF

    def test_the_position_is_told(self) -> None:
        with pytest.raises(UnreadableError, match="line 2 column 3"):
            formats.decode(b'{"a": 1,\n  b}')

    @given(st.binary())
    def test_any_bytes_are_read_or_refused(self, body: bytes) -> None:
        try:
            formats.decode(body)
            documents(body)
        except UnreadableError:
            pass


class TestDocuments:
    @pytest.mark.parametrize("body", [b'{"a":1}', b' \n{\n"a":\n1}\n', b'\xef\xbb\xbf{"a":1}'])
    def test_one_object(self, body: bytes) -> None:
        assert documents(body) == [{"a": 1}]

    def test_a_list_is_one_document(self) -> None:
        assert documents(b'[{"a":1},\n{"b":2}]') == [[{"a": 1}, {"b": 2}]]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \n"])
    def test_one_value_a_line(self, end: str) -> None:
        assert documents(f'{{"a":1}}{end}[2]{end}{{"c":3}}{end}'.encode()) == [{"a": 1}, [2], {"c": 3}]

    @given(st.lists(st.dictionaries(st.text(), st.text() | st.integers(-(2**60), 2**60) | st.none()), min_size=1))
    def test_ndjson_round_trip(self, values: list[dict[str, object]]) -> None:
        body = "\n".join(json.dumps(each, ensure_ascii=False) for each in values)
        try:
            encoded = body.encode()
        except UnicodeEncodeError:
            return
        assert documents(encoded) == values

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_a_bad_line_harms_only_itself(self, place: int) -> None:
        lines = [b'{"a":1}', b'{"b":2}']
        lines.insert(place, b'{"c":' + b"\xff" * 20_000)
        found = documents(b"\n".join(lines))
        bad = found.pop(place)
        assert found == [{"a": 1}, {"b": 2}]
        assert isinstance(bad, Unreadable)
        assert bad.reason.startswith(f"line {place + 1} is not JSON: ")
        assert len(bad.message) == 10_000

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b" \n ",
            b"hello\nworld",
            b'{\n  "a": 1,\n  "b": {}\n  "c": 2\n}',
            b'[\n{"a": 1},\n{"b": 2}\n',
            b'[{"a": 1},\n{"b": 2}',
        ],
    )
    def test_broken_json_is_not_ndjson(self, body: bytes) -> None:
        with pytest.raises(UnreadableError):
            documents(body)


class TestRead:
    def test_lines_and_their_neighbours(self) -> None:
        body = "\n".join([LINE % 1, "{", "[5, " + LINE % 2 + "]", LINE % 3]).encode()
        answers = formats.read("native", body)
        assert [each.key for each in answers if isinstance(each, Change)] == ["user-1", "user-2", "user-3"]
        assert [each.message for each in answers if isinstance(each, Unreadable)] == ["{", 5]

    def test_a_line_that_is_no_envelope_harms_only_itself(self) -> None:
        good = '{"user": {"id": "user-1"}, "segments": []}'
        change, bad = formats.read("hull", f'{good}\n{{"channel": "ship:update"}}'.encode())
        assert isinstance(change, Change)
        assert bad == Unreadable('the channel "ship:update" is not user:update', {"channel": "ship:update"})

    def test_a_body_that_is_no_envelope_raises(self) -> None:
        with pytest.raises(UnreadableError):
            formats.read("native", b"5")
