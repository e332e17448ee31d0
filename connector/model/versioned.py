"""The latest value of each name: a map in which every entry carries the version that wrote it.

Messages arrive late, twice and out of order. Whatever the order, the entries end as if they had come by version:
an entry changes only by a message at least as new as its own. A whole message (a snapshot) also says what is gone.
Most upstreams send snapshots only; then one version stands for all entries and `versions` stays empty.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class VersionedMap(NamedTuple):
    """Entries by name, the version of the last snapshot, and the versions of the entries written since."""

    values: Mapping[str, Any] = {}
    snapshot: int | None = None
    versions: Mapping[str, int] = {}

    def newest(self) -> int | None:
        """Returns the newest version that wrote anything here, or None where nothing was ever written."""
        if not self.versions:
            return self.snapshot
        updated = max(self.versions.values())
        return updated if self.snapshot is None else max(updated, self.snapshot)

    def replaced(self, values: Mapping[str, Any], version: int) -> "VersionedMap":
        """Returns the register after a snapshot: what it does not name is gone, unless a newer message put it there."""
        if self.snapshot is not None and version < self.snapshot:
            return self
        newer = {name: at for name, at in self.versions.items() if at > version}
        if not newer:
            return VersionedMap(values, version)
        taken = {name: value for name, value in values.items() if name not in newer}
        kept = {name: self.values[name] for name in newer}
        return VersionedMap({**taken, **kept}, version, newer)

    def updated(self, values: Mapping[str, Any], version: int) -> "VersionedMap":
        """Returns the register after a message that names only what changed."""
        taken = {name: value for name, value in values.items() if self._yields(name, version)}
        if not taken:
            return self
        versions = {**self.versions, **dict.fromkeys(taken, version)}
        return VersionedMap({**self.values, **taken}, self.snapshot, versions)

    def joined(self, other: "VersionedMap") -> "VersionedMap":
        """Returns the newest entry for each name of two registers; of two of one version, this register's own."""
        values, versions = dict(self.values), dict(self.versions)
        for name, value in other.values.items():
            said, written = other.versions.get(name, other.snapshot), self.versions.get(name, self.snapshot)
            if said is not None and (written is None or said > written):
                values[name], versions[name] = value, said
        same = values == self.values and versions == self.versions
        return self if same else VersionedMap(values, self.snapshot, versions)

    def _yields(self, name: str, version: int) -> bool:
        written = self.versions.get(name, self.snapshot)
        return written is None or version >= written
