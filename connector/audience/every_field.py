"""The attribute "*": every trait of a user, but for what says who they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.model import attribute_names, origin
from connector.model.attribute_names import EVERYTHING
from connector.settings.schema import Sync
from connector.settings.validators import RESERVED

_NO_TRAITS = frozenset(
    {"id", "external_id", "cio_id", "anonymous_id", "anonymous_ids", "userId", "indexed_at"}
    | {"segments", "segment_ids", "_segments", "account", "traits", *RESERVED}
)
"""Fields that say who somebody is, or what else is known of them: no trait, unless the settings name it."""


@dataclass(frozen=True, slots=True)
class EveryField:
    """Every trait of the user is sent, but these: by their names in Customer.io."""

    left_out: frozenset[str]
    prefixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, sync: Sync) -> "EveryField | None":
        """Returns what the settings leave out of "*"; None where it is not among the attributes."""
        given = next((each for each in sync.attributes if each.source == EVERYTHING), None)
        if given is None:
            return None
        named = (each.source for each in sync.attributes if each is not given)
        fields = {*_NO_TRAITS, *given.left_out, sync.identifier, *named} - {"email"}
        kept = {"email"} & set(given.left_out)
        return cls(frozenset(map(attribute_names.target, fields | kept)))

    def sends(self, target: str) -> bool:
        """Says whether the attribute of this name is one of them."""
        return target not in self.left_out and not target.startswith(self.prefixes)

    def of_user(self, user: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yields a user's traits, by their names in Customer.io. Of one in two forms the first is what `find` finds."""
        nested = user.get("traits")
        fields = sorted(user.items(), key=lambda field: field[0].startswith(("traits_", "traits.")))
        for name, value in (*fields, *(nested.items() if isinstance(nested, dict) else ())):
            target = attribute_names.target(name)
            if self.sends(target):
                yield target, value


def without_echoes(sent: EveryField | None) -> EveryField | None:
    """Leaves out the fields of profiles that go on to upstream: they must not come back to Customer.io."""
    return sent and replace(sent, prefixes=origin.TRAITS)
