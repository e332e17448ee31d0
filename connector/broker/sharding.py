"""Chooses the shard of a queue for a message: all messages about a user go to the same one and so keep their order.

The shard is the CRC-32 of the user's key (of an object's type and id), as UTF-8, modulo the number of shards. A
publisher that does not compute it may let RabbitMQ choose, by a consistent-hash exchange (docs/queue.md).
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

from pydantic_core import to_json

from connector import formats
from connector.errors import UnreadableError
from connector.model.change import Unreadable


def shard_of(key: str, shards: int) -> int:
    """Returns the shard of the user or object with this key."""
    return crc32(key.encode()) % shards


def split(format: str, body: bytes, shards: int) -> Iterator[tuple[int, bytes]]:
    """Splits a body by shards: as it is if all of it belongs on one shard, else a list for each.

    A message that cannot be read goes to the first shard.

    Args:
        format: The form of the body.
        body: One JSON value, or NDJSON.
        shards: How many there are.
    """
    parts: dict[int, list[object]] = {}
    try:
        for document in _documents(body):
            parts.setdefault(_of(format, document, shards), []).append(document)
    except UnreadableError:
        parts = {}
    if len(parts) < 2:
        yield next(iter(parts), 0), body
        return
    for shard, documents in parts.items():
        yield shard, to_json(documents)


def _documents(body: bytes) -> Sequence[object]:
    found = list(formats.documents(body))
    return found[0] if len(found) == 1 and isinstance(found[0], list) else found


def _of(format: str, document: object, shards: int) -> int:
    if isinstance(document, Unreadable):
        raise UnreadableError(document.reason)
    readable = (each for each in formats.parse(format, document) if not isinstance(each, Unreadable))
    message = next(readable, None)
    return 0 if message is None else shard_of(message.key, shards)
