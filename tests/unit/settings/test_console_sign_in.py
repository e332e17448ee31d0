"""Mistakes in the ways to sign in: each names where, which key, what was given, what is accepted."""

from pathlib import Path

import pytest

from connector.errors import SettingsError
from connector.settings.console_sign_in import role_of
from connector.settings.schema import load
from tests.console import password_hash

SETTINGS = '[connections.main]\n[syncs.main]\nconnection = "main"\nsegments = ["*"]\n'
HASH = "CONNECTOR__CONSOLE__USERS__ADA__PASSWORD_HASH"
ADA = '[console.users.ada]\nrole = "viewer"\n'


def mistakes(folder: Path, text: str, **environ: str) -> str:
    path = folder / "settings.toml"
    path.write_text(SETTINGS + text)
    with pytest.raises(SettingsError) as raised:
        load(path, environ)
    return str(raised.value)


def test_whose_password_is_not_given_is_named(tmp_path: Path) -> None:
    assert f"console.users: ada: password_hash is missing; give {HASH}" in mistakes(tmp_path, ADA)


@pytest.mark.parametrize("given", ["a password", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=65536,t=3,p=4$abc"])
def test_what_is_no_hash_is_refused_and_not_shown(tmp_path: Path, given: str) -> None:
    told = mistakes(tmp_path, ADA, **{HASH: given})
    assert "ada: password_hash: what was given is no hash of argon2" in told
    assert "connector console hash" in told
    assert given not in told


def test_a_hash_does_not_belong_in_the_file(tmp_path: Path) -> None:
    given = password_hash()
    told = mistakes(tmp_path, f"{ADA}password_hash = '{given}'\n")
    assert f"a secret does not belong in this file; give it as {HASH}" in told
    assert given not in told


def test_whom_only_a_variable_names_is_nobody(tmp_path: Path) -> None:
    told = mistakes(tmp_path, "", **{HASH: password_hash()})
    assert "console.users.ada.role: is missing" in told


OIDC, PROXY, ALL = "[console.oidc]\n", "[console.proxy]\n", 'roles = { "*" = "viewer" }\n'
CLIENT = f'{OIDC}issuer = "https://a.example"\nclient_id = "c"\n'
TRUSTED, HEADER = 'trusted = ["127.0.0.1"]\n', 'user_header = "X-User"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[console.users.ada]\nrole = "admin"\n', "console.users.ada.role: 'admin' is not accepted; give one of"),
        (f'{OIDC}client_id = "c"\n', "console.oidc: issuer is missing"),
        (f'{OIDC}issuer = "https://a.example"\n{ALL}', "console.oidc: client_id is missing"),
        (CLIENT, "console.oidc: roles is missing"),
        (f'{OIDC}issuer = "http://a.example"\n{ALL}', "issuer: 'http://a.example' is not accepted; give https://HOST"),
        (f'{OIDC}issuer = "a.example"\n{ALL}', "issuer: 'a.example' is not accepted"),
        (f'{OIDC}roles = {{ "*" = "boss" }}\n', "'boss' is not accepted; give one of masked_viewer"),
        (f'{CLIENT}scopes = ["email"]\n{ALL}', "openid must be among them"),
        (f"{PROXY}{HEADER}{ALL}", "console.proxy: trusted is missing"),
        (f"{PROXY}{TRUSTED}{ALL}", "console.proxy: user_header is missing"),
        (f'{PROXY}trusted = ["nowhere"]\n', "'nowhere' is not accepted; give addresses or networks"),
        (f'{PROXY}{TRUSTED}user_header = "X User"\n', "'X User' is not accepted; give the name of a header"),
        (f'{PROXY}{TRUSTED}{HEADER}roles = {{ "ops" = "viewer" }}\n', "groups_header is missing"),
        ('[console]\nproxies = ["10.0.0.1/8"]\n', "'10.0.0.1/8' is not accepted"),
    ],
)
def test_a_wrong_way_to_sign_in_is_told_with_what_is_accepted(tmp_path: Path, text: str, told: str) -> None:
    assert told in mistakes(tmp_path, text)


def test_the_highest_role_of_somebodys_groups_counts() -> None:
    roles = {"ops": "operator", "leads": "approver", "*": "viewer"}
    assert role_of(roles, ["ops", "leads"]) == ("leads", "approver")
    assert role_of(roles, []) == ("*", "viewer")
    assert role_of({"ops": "operator"}, ["staff"]) is None
