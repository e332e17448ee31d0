"""Passwords, hashed by argon2. A check takes the same time whether or not the name is known."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from secrets import token_urlsafe
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from connector.errors import ConnectorError
from connector.settings.console_sign_in import ConsoleUser

SHORTEST, LONGEST = 12, 1000
_FINGERPRINT_CHARACTERS = 16


def hashed(password: str) -> str:
    """Returns the hash of a password. Raises ConnectorError for one not of 12 to 1000 characters."""
    size = len(password)
    if not SHORTEST <= size <= LONGEST:
        raise ConnectorError(f"a password of {size} characters is not accepted: give {SHORTEST} to {LONGEST}")
    return PasswordHasher().hash(_same(password))


class Passwords:
    """The password hashes of the users in the settings."""

    def __init__(self, users: Mapping[str, ConsoleUser]) -> None:
        self._hashes = {
            name: each.password_hash.get_secret_value() for name, each in users.items() if each.password_hash
        }
        self._hasher = PasswordHasher()
        self._nobodys = _nobodys() if self._hashes else ""

    def fits(self, name: str, password: str) -> bool:
        """Says whether this is the password of the user with that name; False for a name that is not known."""
        if len(password) > LONGEST or not self._hashes:
            return False
        known = self._hashes.get(name)
        try:
            fits = self._hasher.verify(known or self._nobodys, _same(password))
        except (Argon2Error, InvalidHashError):
            return False
        return fits and known is not None


@cache
def _nobodys() -> str:
    """Returns the hash of a password that nobody has. It is made once in a process, since hashing takes a while."""
    return PasswordHasher().hash(token_urlsafe(16))


def fingerprint(user: ConsoleUser) -> str:
    """Returns a fingerprint of a user's password hash: it changes with the password, and reveals nothing of it."""
    text = user.password_hash.get_secret_value() if user.password_hash else ""
    return sha256(text.encode()).hexdigest()[:_FINGERPRINT_CHARACTERS]


def _same(password: str) -> str:
    """Returns a password in one Unicode form: some keyboards write é as one character, some as two."""
    return normalize("NFKC", password)
