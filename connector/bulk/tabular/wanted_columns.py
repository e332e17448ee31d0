"""The columns that a table should have, by the settings: a row is the whole user, so what has no column is cleared."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from connector.audience.rules import FieldSource, Rules
from connector.bulk.tabular.column_names import listed
from connector.errors import SettingsError

ACCOUNT = "account."
_NOT_COMPARED = re.compile(r"[\W_]+")


class Header(NamedTuple):
    """The columns of a table.

    own: as the table names them. names: as they are read. known: other names that every table may have. renamed: the
    settings' `columns`.
    """

    own: Sequence[str]
    names: Collection[str]
    known: Sequence[str]
    renamed: Mapping[str, str]


class _WantedField(NamedTuple):
    """A field that a sync reads, and how it is found; `before` stands before its name in a column.

    identifies: whether its value addresses the person.
    """

    source: FieldSource
    before: str = ""
    identifies: bool = False

    @property
    def name(self) -> str:
        """Returns the name of the field's column."""
        return self.before + self.source.flat[0]

    def is_in(self, columns: Collection[str]) -> bool:
        """Says whether the field, or the first part of its path, is one of these columns."""
        begins = (*self.source.flat, *(path[0] for path in self.source.nested))
        return any(self.before + each in columns for each in begins)


@dataclass(frozen=True, slots=True)
class WantedColumns:
    """The fields that the settings send of a user or an object, and whether a table may lack some of them.

    setting: the setting that gives columns other names.
    """

    fields: tuple[_WantedField, ...] = ()
    may_lack: bool = True
    setting: str = "[rows] columns"

    @classmethod
    def of(cls, syncs: Iterable[Rules], *, may_lack: bool, setting: str = "[rows] columns") -> "WantedColumns":
        """Returns the fields that these syncs read of a user."""
        fields = {field.name: field for rules in syncs for field in _read_by(rules)}
        return cls(tuple(fields.values()), may_lack, setting)

    @classmethod
    def of_objects(cls, syncs: Iterable[Rules], type: str, setting: str) -> "WantedColumns":
        """Returns the fields that these syncs read of an object of a type; a table may lack any of them."""
        wanted = [rules.objects[type].attributes for rules in syncs if type in rules.objects]
        plain = [_WantedField(source) for each in wanted for _, source in each.plain]
        stepped = [_WantedField(one.source) for each in wanted for one in each.transformed]
        return cls(tuple({field.name: field for field in (*plain, *stepped)}.values()), True, setting)

    @property
    def identifiers(self) -> frozenset[str]:
        """Returns the names of the fields by which people are identified in Customer.io."""
        return frozenset(name for field in self.fields if field.identifies for name in field.source.flat)

    def check(self, header: Header, name: str) -> None:
        """Raises SettingsError where a table, called `name`, lacks a field that it may not lack and so would clear.

        Raises it too where the name of a column differs from that of a missing field only in case or punctuation.
        """
        self._check_near(header, name)
        if self.may_lack:
            return
        lacking = {field.name for field in self.fields if not field.is_in(header.names)}
        renamed = header.renamed.items()
        lacking |= {own for own, to in renamed if to and own not in header.own and to not in header.names}
        if lacking:
            raise SettingsError(
                f"{name} has no column for {listed(sorted(lacking))}, and would clear that of everybody in it: give "
                f"the columns, name them in {self.setting}, or give --allow-missing"
            )

    def _check_near(self, header: Header, name: str) -> None:
        lacking = [field.name for field in self.fields if not field.is_in(header.names)]
        near = {_compared(each): each for each in (*lacking, *header.known) if each not in header.names}
        for column in header.own:
            wanted = near.get(_compared(column))
            if wanted is not None and column not in header.renamed:
                raise SettingsError(
                    f"{name}: the column {column!r} is nearly {wanted!r}, and is not read as that: say what it is in "
                    f'{self.setting}, as columns = {{ "{column}" = "{wanted}" }}, or "" to leave it out'
                )


def _read_by(rules: Rules) -> Iterable[_WantedField]:
    yield _WantedField(rules.identifier, identifies=True)
    if rules.require_email or rules.addressing.knows_leads:
        yield _WantedField(rules.email)
    yield from (_WantedField(source) for _, source in rules.attributes)
    yield from (_WantedField(source, ACCOUNT) for _, source in rules.account_attributes)
    yield from (_WantedField(each.source, ACCOUNT if each.of_account else "") for each in rules.transformed)
    if rules.suppress_when is not None:
        yield _WantedField(rules.suppress_when.source, ACCOUNT if rules.suppress_when.of_account else "")


def _compared(name: str) -> str:
    return _NOT_COMPARED.sub("", name).casefold()
