"""What a backfill reads, and how far it has come in it: both as JSON that the store keeps."""

from dataclasses import asdict, dataclass

from pydantic_core import from_json, to_json


@dataclass(frozen=True, slots=True)
class BackfillInput:
    """Files and URLs, or the name of a source; and how files are read, as `connector send` has it.

    format: "" where it was not said: then [intake] has it.
    """

    files: tuple[str, ...] = ()
    source: str = ""
    format: str = ""
    key: str | None = None
    segments: tuple[str, ...] = ()
    allow_missing: bool = False

    def text(self) -> str:
        """Returns the input as JSON."""
        return to_json(asdict(self)).decode()

    @classmethod
    def of(cls, text: str) -> "BackfillInput":
        """Returns the input whose `text()` this is."""
        given = from_json(text)
        return cls(**{**given, "files": tuple(given["files"]), "segments": tuple(given["segments"])})


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a backfill in its input.

    file: how many files are done. row: how many rows of the next one are. after: the place of the last row of a source.
    read: whether any row so far could be read.
    """

    file: int = 0
    row: int = 0
    after: str | None = None
    read: bool = False

    def text(self) -> str:
        """Returns the position as JSON."""
        return to_json(asdict(self)).decode()

    @classmethod
    def of(cls, text: str) -> "Position":
        """Returns the position whose `text()` this is; the beginning for an empty text."""
        return cls(**from_json(text)) if text else cls()
