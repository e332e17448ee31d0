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
        """The origin as JSON."""
        return to_json(asdict(self)).decode()

    @classmethod
    def of(cls, text: str) -> "BackfillInput":
        """The origin that `text` made this of."""
        given = from_json(text)
        return cls(**{**given, "files": tuple(given["files"]), "segments": tuple(given["segments"])})


@dataclass(frozen=True, slots=True)
class Position:
    """How far a backfill is: so many files, so many rows of the next one; of a source, the place of its last row.

    read: whether any row so far could be read.
    """

    file: int = 0
    row: int = 0
    after: str | None = None
    read: bool = False

    def text(self) -> str:
        """The position as JSON."""
        return to_json(asdict(self)).decode()

    @classmethod
    def of(cls, text: str) -> "Position":
        """The position that `text` made this of; the beginning where there is none yet."""
        return cls(**from_json(text)) if text else cls()
