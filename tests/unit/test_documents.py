"""Links of the documents lead somewhere, and what the code cites is something that a reader has."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT, anchors, documents, links, name, without_blocks

_CITED = re.compile(r"docs/([\w-]+)\.md((?:#[\w-]+)?(?:(?:, | and |, and )#[\w-]+)*)")
_BY_WORDS = re.compile(r"docs/[\w-]+\.md, [A-Z\"]")
_OF_NOBODY = re.compile(
    r"\(reference\b|\breference:|hull-behaviour|customerio-api|celery-lab|peers-features", re.IGNORECASE
)


def sources() -> list[Path]:
    """Every file of ours that may cite a document."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    kinds = {".py", ".toml", ".json", ".yml", ".yaml", ".service", ".md", ".ini"}
    return [ROOT / each for each in listed.stdout.split("\0") if Path(each).suffix in kinds and (ROOT / each).is_file()]


@pytest.mark.parametrize("path", documents(), ids=name)
def test_links_lead_to_a_file_and_a_heading_that_are_there(path: Path) -> None:
    lost = [link for link in links(path) if not link.path.exists()]
    assert lost == []
    pages = [link for link in links(path) if link.anchor and link.path.suffix == ".md"]
    assert [link for link in pages if link.anchor not in anchors(link.path)] == []


def test_a_page_or_section_that_a_file_cites_is_there() -> None:
    lost = [
        f"{name(path)}: docs/{page}.md{'#' + anchor if anchor else ''}"
        for path in sources()
        for page, named in _CITED.findall(path.read_text())
        for anchor in re.findall(r"#([\w-]+)", named) or [""]
        if not _is_there(page, anchor)
    ]
    assert lost == []


def _is_there(page: str, anchor: str) -> bool:
    path = ROOT / "docs" / f"{page}.md"
    return path.exists() and (not anchor or anchor in anchors(path))


def test_nothing_is_cited_that_a_reader_does_not_have() -> None:
    found = [
        f"{name(path)}:{number}"
        for path in sources()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _OF_NOBODY.search(line) and "not found (reference" not in line
    ]
    assert found == []


def test_a_section_is_cited_by_its_anchor() -> None:
    by_words = [name(path) for path in sources() if path != Path(__file__) and _BY_WORDS.search(path.read_text())]
    assert by_words == [], "cite the anchor of the section, so that a test can tell whether it is there"


def test_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rooms = "|".join(path.parent.name for path in (ROOT / "connector").glob("*/__init__.py"))
    named = set(re.findall(rf"`((?:{rooms}|tasks)/[\w/]+)(?:\.py|/)?`", text))
    assert len(named) > 20
    below = [(ROOT if each.startswith("tasks/") else ROOT / "connector") / each for each in named]
    assert [name(path) for path in below if not path.is_dir() and not path.with_suffix(".py").exists()] == []


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("## The Segment spec", "the-segment-spec"),
        ("### Hull's form", "hulls-form"),
        ("# `connector run`, again", "connector-run-again"),
        ("## What [links](x.md) say", "what-links-say"),
    ],
)
def test_how_a_heading_becomes_an_anchor(tmp_path: Path, heading: str, anchor: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(heading + "\n")
    assert anchors(page) == {anchor}


def test_a_heading_in_a_code_block_is_no_anchor(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n```sh\n# Two\n```\n\n# One\n")
    assert anchors(page) == {"one", "one-1"}


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {link.path for link in links(ROOT / "README.md")}
    assert [name(path) for path in documents() if path not in linked and path.name != "README.md"] == []


_LONGEST_LINE = 150
_MOST_LINES = 8
_GENERATED = re.compile(r"<!-- Figures:.*?<!-- End of the figures\. -->", re.DOTALL)
_NO_PROSE = re.compile(r"^\s*(\||<!--|#|!\[|\[\w+\]:)")


def paragraphs(path: Path) -> Iterator[list[str]]:
    """The paragraphs and list items of a page, without tables and blocks of code."""
    found: list[str] = []
    for line in [*_GENERATED.sub("", without_blocks(path.read_text())).splitlines(), ""]:
        if not line.strip() or _NO_PROSE.match(line) or re.match(r"\s*([-*]|\d+\.) ", line):
            if found:
                yield found
            found = [line] if re.match(r"\s*([-*]|\d+\.) ", line) else []
        else:
            found.append(line)


@pytest.mark.parametrize("path", [path for path in documents() if path.name != "CHANGELOG.md"], ids=name)
def test_no_paragraph_is_longer_than_eight_lines_and_no_line_runs_off(path: Path) -> None:
    assert [found[0] for found in paragraphs(path) if len(found) > _MOST_LINES] == []
    assert [line for found in paragraphs(path) for line in found if len(line) > _LONGEST_LINE] == []
