"""PostgreSQL over TLS: with `sslmode=verify-full` its certificate must be signed by who is trusted, for this host."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from connector.demo.postgres import _owner
from connector.errors import StoreError
from connector.store.engine import Store
from connector.store.migrate import migrate
from tests import certificates
from tests.servers import Postgres

Url = Callable[..., str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a certificate for localhost that it has signed; a stranger's authority beside it."""
    folder = certificates.make(tmp_path_factory.mktemp("tls"))
    (folder / "stranger").mkdir()
    certificates.make(folder / "stranger")
    return folder


@pytest.fixture(scope="module")
def secured(files: Path) -> Iterator[Postgres]:
    """A PostgreSQL that has a certificate."""
    server = Postgres()
    for name in ("server.pem", "server.key"):
        shutil.copy(files / name, server._folder)
        (server._folder / name).chmod(0o600)
        if _owner(server._folder):
            shutil.chown(server._folder / name, "postgres", "postgres")
    server._options |= {
        "ssl": "on",
        "ssl_cert_file": str(server._folder / "server.pem"),
        "ssl_key_file": str(server._folder / "server.key"),
    }
    with server:
        yield server


@pytest.fixture
def url(secured: Postgres, files: Path) -> Url:
    """The URL by which the server's certificate is to be checked."""

    def url_(host: str = "localhost", ca: str = "ca.pem") -> str:
        query = {"sslmode": "verify-full", "sslrootcert": str(files / ca)}
        return make_url(secured.url).set(host=host, query=query).render_as_string(hide_password=False)

    return url_


def test_the_store_is_reached_over_tls(url: Url, open_store: Callable[[str], Store]) -> None:
    store = open_store(url())
    migrate(store)
    store.check_version()
    with store.reading() as tx:
        assert tx.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar() is True


@pytest.mark.parametrize(
    ("host", "ca", "words"),
    [
        ("127.0.0.1", "ca.pem", "does not match host name"),
        ("localhost", "stranger/ca.pem", "certificate verify failed"),
    ],
)
def test_a_certificate_for_another_host_or_by_a_stranger_is_refused_in_a_line(
    url: Url, open_store: Callable[[str], Store], host: str, ca: str, words: str
) -> None:
    store = open_store(url(host, ca))
    with pytest.raises(StoreError, match=words) as raised:
        store.check_version()
    assert "\n" not in str(raised.value)
    assert (store.url.password or "?") not in str(raised.value)
