"""Suppressed identifiers: calls that name one are accepted and ignored (docs/customerio.md#delete-and-suppress)."""

from collections.abc import Iterable

IdentifierPair = tuple[str, str]


class Suppressed:
    """The identifiers that are blocked. Those blocked together are freed together."""

    def __init__(self) -> None:
        self._groups: dict[IdentifierPair, frozenset[IdentifierPair]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def block(self, names: Iterable[IdentifierPair]) -> None:
        """Blocks one person's identifiers, beside those that were blocked with one of them before."""
        now = {_folded(name) for name in names}
        group = frozenset(now.union(*(self._groups.get(name, ()) for name in now)))
        for name in group:
            self._groups[name] = group

    def free(self, name: IdentifierPair) -> None:
        """Frees the identifier and those that were blocked with it."""
        for member in self._groups.get(_folded(name), ()):
            self._groups.pop(member, None)

    def blocks(self, names: Iterable[IdentifierPair]) -> bool:
        """Says whether one of the identifiers is blocked."""
        return bool(self._groups) and any(_folded(name) in self._groups for name in names)


def _folded(name: IdentifierPair) -> IdentifierPair:
    kind, value = name
    return (kind, value.lower()) if kind == "email" else name
