"""A table whose columns nearly fit, or that lacks some, is refused before it clears anything."""

from typing import Any

import pytest

from connector.bulk.tabular import user_from_row
from connector.bulk.tabular.user_from_row import UserShape
from connector.bulk.tabular.wanted_columns import WantedColumns
from connector.errors import SettingsError
from tests.build_settings import rules

SYNC = {"attributes": ["first_name", "plan", {"from": "clearbit/employees"}, {"from": "account.tier"}]}
COLUMNS = ("external_id", "first_name", "plan", "clearbit/employees", "account.tier")


def check(*columns: str, may_lack: bool = False, sync: dict[str, Any] = SYNC, **shape: Any) -> None:
    wanted = WantedColumns.of([rules(**sync)], may_lack=may_lack)
    user_from_row.check(UserShape(entered=("Paying",), wanted=wanted, **shape), columns, "users.csv")


@pytest.mark.parametrize("may_lack", [True, False])
@pytest.mark.parametrize(
    ("near", "meant"),
    [
        ("Plan", "plan"),
        ("first name", "first_name"),
        ("First-Name", "first_name"),
        ("External ID", "external_id"),
        ("Clearbit Employees", "clearbit/employees"),
        ("Account.Tier", "account.tier"),
        ("E-Mail", "email"),
        ("Segments", "segments"),
    ],
)
def test_a_column_that_nearly_fits_is_named(near: str, meant: str, may_lack: bool) -> None:
    columns = [each for each in (*COLUMNS, "id") if each != meant]
    says = f"users.csv: the column '{near}' is nearly '{meant}', and is not read as that"
    with pytest.raises(SettingsError, match=says):
        check(near, *columns, may_lack=may_lack)
    check(near, *columns, may_lack=True, columns={near: ""})
    check(near, *columns, columns={near: meant})


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_column_that_the_settings_name_and_the_table_lacks_is_an_error_unless_allowed(missing: str) -> None:
    columns = ["id", *(each for each in COLUMNS if each != missing)]
    with pytest.raises(SettingsError, match=f"users.csv has no column for {missing}, and would clear that"):
        check(*columns)
    check(*columns, may_lack=True)


def test_a_new_name_for_a_column_that_is_not_there_is_one_too() -> None:
    with pytest.raises(SettingsError, match="has no column for Groups, and would"):
        check(*COLUMNS, columns={"Groups": "segments", "Notes": ""})


@pytest.mark.parametrize(
    "columns",
    [
        COLUMNS,
        ("external_id", "traits_first_name", "traits", "traits_clearbit/employees", "account.tier"),
        ("external_id", "first_name", "plan", "clearbit", "account.tier"),
        (*COLUMNS, "Plan", "EMAIL 2", "notes"),
    ],
)
def test_whatever_form_an_attribute_has_its_column_is_found(columns: tuple[str, ...]) -> None:
    check(*columns)


def test_the_key_is_the_id_and_means_what_it_says() -> None:
    sync = {"identifier": "id", "attributes": ["plan"]}
    check("E-Mail", "plan", key="E-Mail", sync=sync)
    with pytest.raises(SettingsError, match="has no column for external_id"):
        check("ID", "plan", key="ID", sync={"attributes": ["plan"]})


def test_what_decides_about_a_person_must_be_there_too() -> None:
    sync = {"attributes": [], "suppress_when": {"attribute": "banned"}, "require_email": True}
    with pytest.raises(SettingsError, match="has no column for banned, email, external_id"):
        check("id", sync=sync)
