import pytest

from connector.console.passwords import LONGEST, SHORTEST, Passwords, hashed
from connector.errors import ConnectorError
from connector.settings.console_sign_in import ConsoleUser
from tests.console import password_hash


def known(name: str, password: str) -> Passwords:
    return Passwords({name: ConsoleUser(name=name, role="viewer", password_hash=password_hash(password))})


def test_a_password_fits_its_own_name_alone() -> None:
    passwords = known("ada", "one of twelve")
    assert passwords.fits("ada", "one of twelve")
    assert not passwords.fits("eve", "one of twelve")
    assert not passwords.fits("ada", "one of twelv")


def test_a_character_written_in_two_ways_is_the_same() -> None:
    assert known("ada", "caf\u00e9 and more").fits("ada", "cafe\u0301 and more")


@pytest.mark.parametrize("password", ["x" * (SHORTEST - 1), "", "x" * (LONGEST + 1)])
def test_a_password_that_is_too_short_or_too_long_is_not_hashed(password: str) -> None:
    with pytest.raises(ConnectorError, match=f"give {SHORTEST} to {LONGEST}"):
        hashed(password)


def test_a_name_that_nobody_has_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = known("ada", "one of twelve")
    looked_at: list[str] = []
    verify = passwords._hasher.verify
    monkeypatch.setattr(
        passwords, "_hasher", type("H", (), {"verify": lambda _, h, p: looked_at.append(h) or verify(h, p)})()
    )
    passwords.fits("ada", "wrong")
    passwords.fits("eve", "wrong")
    assert [each.split("$")[1] for each in looked_at] == ["argon2id", "argon2id"]


def test_without_anybody_no_password_fits() -> None:
    assert not Passwords({}).fits("", "")
