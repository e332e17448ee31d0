"""The command `connector`. Exit codes: 0 done, 1 something failed, 2 settings or usage."""

import sys

from connector.cli.commands import app
from connector.errors import ConnectorError

INTERRUPTED = 130


def main() -> None:
    """Runs the command; a mistake of the user's is one line on stderr, never a traceback."""
    try:
        app()
    except ConnectorError as error:
        print(str(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
