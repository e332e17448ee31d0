"""A private PostgreSQL."""

import os
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from connector.demo.server import Server, lean, not_installed
from connector.errors import ConnectorError

_BINARIES = Path("/usr/lib/postgresql")
_DEBIAN_USER = "postgres"
_OPTIONS = {
    "shared_buffers": "32MB",
    "max_connections": "60",
    "deadlock_timeout": "100ms",
    "autovacuum": "off",
}


class Postgres(Server):
    """A PostgreSQL of its own, with a superuser `postgres` whose password only its URL says."""

    def __init__(
        self, folder: Path | None = None, *, durable: bool = False, options: Mapping[str, str] | None = None
    ) -> None:
        """Raises ConnectorError where PostgreSQL is not installed.

        Args:
            folder: Where it keeps its data, also when it is closed; None is a temporary folder, which is removed.
            durable: Whether a commit waits for the disk, as it must where durability is tested.
            options: Settings of PostgreSQL by name, over the ones used here: {"shared_buffers": "1GB"}.
        """
        self.programs = _programs()
        super().__init__("postgres", folder if folder and _reachable(folder) else None)
        self._owner = _owner(self._folder)
        self._data = self._folder / "data"
        self._password = self._known_password()
        self._durable = durable
        on = "on" if durable else "off"
        disk = {"fsync": on, "synchronous_commit": on, "full_page_writes": on}
        self._options = {**_OPTIONS, **disk, **(options or {})}

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return self.database("postgres")

    def database(self, name: str) -> str:
        """Returns the URL of one of its databases, as SQLAlchemy writes it."""
        return f"postgresql+psycopg://postgres:{self._password}@127.0.0.1:{self.port}/{name}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Runs statements as the superuser, each by itself: what makes and drops databases is in no transaction."""
        with psycopg.connect(self._address(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def start(self) -> None:
        """Starts it, and comes back when it answers. Raises ConnectorError, with the log's end, where it does not."""
        if not self._data.exists():
            self._initialise()
        ours = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": ""}
        options = [part for pair in {**self._options, **ours}.items() for part in ("-c", "=".join(pair))]
        self._launch([str(self.programs / "postgres"), "-D", str(self._data), *options], lean(), **self._owner)
        self._await(self._answers)

    def stop(self, *, immediate: bool = False) -> None:
        """Ends it: open connections are cut; with `immediate` nothing is written first, as in a crash."""
        self._end(signal.SIGQUIT if immediate else signal.SIGINT)

    def kill(self) -> None:
        """Ends it at once: it recovers when it starts again."""
        self.stop(immediate=True)

    def _address(self, database: str = "postgres") -> str:
        place = f"host=127.0.0.1 port={self.port} user=postgres password={self._password}"
        return f"{place} dbname={database} connect_timeout=5"

    def _known_password(self) -> str:
        """Returns the password in its folder, where one made earlier is kept; a new one otherwise."""
        path = self._folder / "password"
        if not path.exists():
            path.touch(0o600)
            path.write_text(secrets.token_hex(16))
            if self._owner:
                shutil.chown(path, _DEBIAN_USER, _DEBIAN_USER)
        return path.read_text()

    def _initialise(self) -> None:
        superuser = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={self._folder / 'password'}")
        form = ("--encoding=UTF8", "--locale=C", *(() if self._durable else ("--no-sync",)))
        command = [str(self.programs / "initdb"), "-D", str(self._data), *superuser, *form]
        done = subprocess.run(command, env=lean(), cwd=self._folder, capture_output=True, check=False, **self._owner)
        if done.returncode:
            raise ConnectorError(f"PostgreSQL's initdb failed: {done.stderr.decode(errors='replace')}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address()).close()
        except psycopg.OperationalError:
            return False
        return True


def _programs() -> Path:
    found = [path.parent for path in _BINARIES.glob("*/bin/postgres") if (path.parent / "initdb").exists()]
    if not found:
        raise not_installed("PostgreSQL")
    return max(found, key=lambda path: int(path.parts[-2]))


def _owner(folder: Path) -> dict[str, Any]:
    """Makes Debian's user own the folder, and returns the options to run as that user: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, _DEBIAN_USER, _DEBIAN_USER)
    return {"user": _DEBIAN_USER, "group": _DEBIAN_USER, "extra_groups": []}


def _reachable(folder: Path) -> bool:
    """Says whether the user that runs it may get there: for root that is another user, who may not be let through."""
    parents = [parent for parent in folder.resolve().parents if parent.exists()]
    return os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in parents)
