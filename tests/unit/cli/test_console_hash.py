from argon2 import PasswordHasher
from typer.testing import CliRunner

from connector.cli import commands


def test_a_password_on_standard_input_becomes_its_hash() -> None:
    done = CliRunner().invoke(commands.app, ["console", "hash"], input="correct horse battery staple\n")
    assert done.exit_code == 0
    assert PasswordHasher().verify(done.stdout.strip(), "correct horse battery staple")


def test_a_short_password_is_refused_and_not_shown() -> None:
    done = CliRunner().invoke(commands.app, ["console", "hash"], input="hunter2\n")
    assert "give 12 to 1000" in str(done.exception)
    assert "hunter2" not in f"{done.output}{done.exception}"
