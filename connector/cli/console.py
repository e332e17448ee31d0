"""`connector console`: what the page in the browser needs of a terminal."""

import getpass
import sys

import typer

from connector.cli.options import err, out
from connector.console import passwords
from connector.errors import ConnectorError, SettingsError

app = typer.Typer(help="Make what the console needs: the hash of a password.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make what the console needs: the hash of a password."""


@app.command("hash")
def hash_password() -> None:
    """Ask for a password twice, without showing it, and print its hash; or read it from standard input."""
    try:
        found = passwords.hashed(_typed() if sys.stdin.isatty() else _read())
    except ConnectorError as error:
        raise SettingsError(str(error)) from None
    out.out(found, highlight=False)
    err.print(
        "Give it as CONNECTOR__CONSOLE__USERS__NAME__PASSWORD_HASH; in a shell, in single quotes.", soft_wrap=True
    )


def _typed() -> str:
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise ConnectorError("the two were not the same: try again")
    return first


def _read() -> str:
    """Returns the first line of standard input, without its end."""
    try:
        return sys.stdin.readline(passwords.LONGEST + 2).rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConnectorError("standard input is not UTF-8 text") from None
