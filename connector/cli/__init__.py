"""The command `connector`. Exit codes: 0 done, 1 something failed, 2 settings or usage."""

import sys

from connector import garbage
from connector.cli.commands import app
from connector.errors import ConnectorError, SettingsError
from connector.model.visible import visible_lines

INTERRUPTED = 130


def main() -> None:
    """Runs the command; a mistake of the user's is one line on stderr, never a traceback."""
    garbage.look_seldom()
    try:
        app()
    except ConnectorError as error:
        print(visible_lines(str(error)), file=sys.stderr)
        sys.exit(error.exit_code)
    except UnicodeEncodeError:
        if not any("\ud800" <= each <= "\udfff" for each in "".join(sys.argv)):
            raise
        print("an argument is no text in UTF-8", file=sys.stderr)
        sys.exit(SettingsError.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
