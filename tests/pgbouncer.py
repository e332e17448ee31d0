"""A pgbouncer of a test's own, in transaction mode: each transaction may go to another session of PostgreSQL."""

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from connector.demo.postgres import _owner
from connector.demo.server import Server, lean

_PROGRAM = "/usr/sbin/pgbouncer"
_SESSIONS = 2


class PgBouncer(Server):
    """Before one PostgreSQL, whose URL it is given; skips the test where the program is not installed."""

    def __init__(self, url: str) -> None:
        """`url`: a database's, as SQLAlchemy writes it."""
        if not Path(_PROGRAM).exists():
            pytest.skip("pgbouncer is not installed: apt install pgbouncer")
        super().__init__("pgbouncer", None)
        self._to = urlsplit(url)
        self._owner = _owner(self._folder)
        self.url = f"postgresql+psycopg://postgres:any@127.0.0.1:{self.port}{self._to.path}"

    def start(self) -> None:
        """Starts it, and comes back when it answers."""
        config = self._folder / "pgbouncer.ini"
        to = f"host=127.0.0.1 port={self._to.port} user=postgres password={self._to.password}"
        config.write_text(f"""
[databases]
* = {to}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {_SESSIONS}
max_client_conn = 200
""")
        if self._owner:
            shutil.chown(config, "postgres", "postgres")
        self._launch([_PROGRAM, str(config)], lean(), **self._owner)
        self._await(self._answers)

    def plain(self) -> Any:
        """A connection as any other program makes one."""
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True, prepare_threshold=None)

    def _answers(self) -> bool:
        try:
            self.plain().close()
        except psycopg.OperationalError:
            return False
        return True
