"""Names of hosts are looked up within a bound, for each kind of connection."""

import socket
import threading
from collections.abc import Iterator
from time import monotonic

import psycopg
import pytest
from amqp import Connection
from kombu import Connection as KombuConnection

from connector import resolver
from connector.broker import connecting
from connector.errors import StoreError
from connector.settings.sections import StoreSettings
from connector.store import postgres
from connector.store.engine import Store

LONG_ENOUGH = 20.0
"""Seconds after which a test takes a wait to have no bound; all bounds here are less than a tenth of it."""
SILENT = "no name server has said in time where nowhere.example.com is"


@pytest.fixture
def silent_name_servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ended = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        ended.wait(LONG_ENOUGH)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    began = monotonic()
    yield
    assert monotonic() - began < LONG_ENOUGH
    ended.set()


def answering(monkeypatch: pytest.MonkeyPatch, **hosts: list[str]) -> None:
    def look_up(host: str, port: int, **_: object) -> list[object]:
        if host not in hosts:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in hosts[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_an_address_is_itself() -> None:
    assert resolver.addresses("127.0.0.1", 80, 5.0) == ["127.0.0.1"]
    assert resolver.addresses("::1", 80, 5.0) == ["::1"]


def test_no_name_of_a_host_is_an_error_like_any_other() -> None:
    with pytest.raises(OSError, match="is no name of a host"):
        resolver.addresses("a..example.com", 80, 5.0)


@pytest.mark.usefixtures("silent_name_servers")
def test_silent_name_servers_hold_up_no_connection_to_rabbitmq() -> None:
    url = "amqp://guest:guest@nowhere.example.com//"
    with pytest.raises(TimeoutError, match=SILENT):
        Connection(**{**connecting.parameters(url), "connect_timeout": 0.1}).connect()
    with pytest.raises(TimeoutError, match=SILENT):  # as Celery connects
        KombuConnection(url, connect_timeout=0.1)._connection_factory()


@pytest.mark.usefixtures("silent_name_servers")
def test_silent_name_servers_hold_up_no_connection_to_postgresql() -> None:
    store = Store("postgresql+psycopg://nowhere.example.com/connector", StoreSettings(connect_seconds=0.1))
    with pytest.raises(StoreError, match=SILENT), store.reading():
        raise AssertionError("there is nobody")


def test_each_address_of_each_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, one=["10.0.0.1", "10.0.0.2"], two=["10.0.0.3"])
    found = postgres.addressed({"host": "one,two,gone", "port": "5432,6432,7432"}, 1.0)
    assert found == {"host": "one,one,two", "hostaddr": "10.0.0.1,10.0.0.2,10.0.0.3", "port": "5432,5432,6432"}
    assert postgres.addressed({"host": "two"}, 1.0) == {"host": "two", "hostaddr": "10.0.0.3", "port": "5432"}


@pytest.mark.parametrize("given", [{}, {"host": "/run/postgresql"}, {"host": "one", "hostaddr": "10.0.0.1"}])
def test_what_needs_no_look_up_stays_as_it_is(given: dict[str, str]) -> None:
    assert postgres.addressed(given, 1.0) == {}


def test_a_host_that_nobody_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)
    with pytest.raises(psycopg.OperationalError, match=r"gone: .*Name or service not known"):
        postgres.addressed({"host": "gone"}, 1.0)
