"""What `connector check` tries of the services around: the store, the broker, the doors' tokens, the clocks."""

from collections.abc import Iterator
from time import time

from connector.broker import connecting
from connector.broker.examine import examine
from connector.cli.finding import Finding
from connector.customerio.responses import Reply
from connector.errors import StoreError
from connector.runtime import Runtime
from connector.settings.mistakes import variable
from connector.settings.schema import Settings
from connector.store import permissions

_APART_SECONDS = 5.0
"""Clocks that differ by less are as good as the same."""


def of_store(runtime: Runtime) -> Finding:
    """Whether the store is there, has tables of this version, and lets this program write."""
    store, place = runtime.store, runtime.store.place
    try:
        version = store.version()
        if version is None:
            return _empty(runtime)
        if not store.is_migrated():
            return _older(runtime, version)
        permissions.try_writing(store)
    except StoreError as error:
        return Finding("failed", "store", str(error))
    return Finding("ok", "store", f"{place}: tables of version {version}, written to and taken back")


def _empty(runtime: Runtime) -> Finding:
    place = runtime.store.place
    if runtime.settings.broker.durable:
        return Finding("warning", "store", f"{place}: empty, run `connector migrate`")
    return Finding("ok", "store", f"{place}: empty, `connector run` makes the tables")


def _older(runtime: Runtime, version: str) -> Finding:
    place = f"{runtime.store.place}: tables of version {version}"
    if runtime.settings.broker.durable:
        return Finding("warning", "store", f"{place}, run `connector migrate`")
    return Finding("ok", "store", f"{place}, `connector run` brings them to this one")


def of_broker(settings: Settings) -> Iterator[Finding]:
    """Whether RabbitMQ is there, has the queues as they must be, and lets this user do what it must."""
    broker = settings.broker
    if not broker.durable:
        yield Finding("ok", "broker", f"{broker.url}: everything runs in one process")
        return
    for each in examine(broker, settings.intake):
        fine = f"{connecting.place(broker)}: {each.what}"
        if each.wrong:
            yield Finding("failed", "broker", each.wrong)
        elif each.otherwise:
            yield Finding("warning", "broker", each.otherwise)
        else:
            yield Finding("ok", "broker", fine)


def of_doors(settings: Settings) -> Iterator[Finding]:
    """Whether anybody can send to the web doors."""
    web = settings.web
    count = len(web.tokens) + (web.token is not None)
    if not count:
        wanted = f"set {variable(('web', 'token'))}, or leave the doors closed and use files or the queue"
        yield Finding("warning", "web", f"no token is set, so the web doors take nothing: {wanted}")
        return
    where = f"{web.host} port {web.port}"
    yield Finding("ok", "web", f"{count} token(s) open the doors, which listen on {where}")


def of_store_clock(runtime: Runtime) -> Iterator[Finding]:
    """Whether the store's clock, by which times of upstream are judged, goes as this machine's."""
    if runtime.store.on_sqlite:
        return
    try:
        if runtime.store.version() is None:
            return
        with runtime.store.reading() as tx:
            yield _clock("store", runtime.store.now(tx))
    except StoreError:
        return  # that it cannot be used has a line of its own


def of_workspace_clock(what: str, reply: Reply) -> Iterator[Finding]:
    """Whether Customer.io's clock goes as this machine's, as far as its answer says what it shows."""
    if reply.date is not None:
        yield _clock(what, reply.date)


def _clock(what: str, there: float) -> Finding:
    seconds = there - time()
    if abs(seconds) <= _APART_SECONDS:
        return Finding("ok", what, "its clock and this machine's agree")
    order = "ahead of" if seconds > 0 else "behind"
    text = f"its clock is {abs(seconds):,.0f} s {order} this machine's: set the wrong one by NTP"
    return Finding("warning", what, text)
