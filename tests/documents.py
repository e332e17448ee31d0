"""The documents as tests read them: which there are, their headings as anchors, their links."""

import re
import textwrap
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_FENCED = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^(?P<by> *)```(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=by)```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")


class Link(NamedTuple):
    """Where a link in a document points: a file of the repository (None: the document itself) and an anchor in it."""

    path: Path
    anchor: str


def documents() -> list[Path]:
    """README.md and its neighbours, and all pages of docs/."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def name(path: Path) -> str:
    """A file as the repository names it, `docs/messages.md`."""
    return path.relative_to(ROOT).as_posix()


def without_blocks(text: str) -> str:
    """A document without its blocks of code."""
    return _FENCED.sub("", text)


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document, made of its headings as GitHub makes them."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(without_blocks(path.read_text())):
        slug = _slug(heading)
        found[slug] = found.get(slug, 0) + 1
    return frozenset(found) | {f"{slug}-{n}" for slug, times in found.items() for n in range(1, times)}


def links(path: Path) -> list[Link]:
    """The links of a document that stay in the repository."""
    text = _CODE.sub("", without_blocks(path.read_text()))
    inside = [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]
    return [_link(path, target) for target in inside]


def _link(path: Path, target: str) -> Link:
    file, _, anchor = target.partition("#")
    return Link((path.parent / file).resolve() if file else path, anchor)


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


class Block(NamedTuple):
    """A fenced block: where it begins, its language, the words behind the language, what stands in it."""

    path: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{name(self.path)}:{self.line}: {self.language} {' '.join(self.words)}".strip()

    def option(self, key: str) -> str | None:
        """VALUE of a word KEY=VALUE."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{key}=")), None)


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a document, in their order."""
    found = []
    text = path.read_text()
    for fenced in _BLOCK.finditer(text):
        language, *words = fenced["info"].split() or [""]
        line = text.count("\n", 0, fenced.start()) + 1
        found.append(Block(path, line, language, tuple(words), textwrap.dedent(fenced["body"])))
    return found
