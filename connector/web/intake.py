"""Does for all doors what follows once a request may come in: reads its body, unpacks it, takes it in, rings."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from connector import formats
from connector.broker.doorbell import Ring
from connector.formats.content_encoding import unpack
from connector.intake.accept import TakenIn, accept
from connector.model.change import Message
from connector.runtime import Runtime
from connector.web.auth import Keyring
from connector.web.bodies import BodyReader

BodyFormat = Callable[[bytes], list[Message]]
Check = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes bodies in. `ring` gets the syncs that may have something due; `keys` are the tokens of the doors."""

    runtime: Runtime
    ring: Ring
    bodies: BodyReader
    keys: Keyring

    async def take(self, request: Request, sender: str, format: str) -> TakenIn:
        """Takes in a body of one format by a sender that the headers showed. Raises what `take_as` raises."""
        return await self.take_as(request, sender, lambda body: formats.read(format, body))

    async def take_as(
        self, request: Request, sender: str, reading: BodyFormat, check: Check | None = None, most: int | None = None
    ) -> TakenIn:
        """Takes in a body, and returns once it is committed.

        Args:
            request: a request of which only the headers have been read.
            sender: the sender, as the headers showed; "" if only the body shows it.
            reading: reads the messages of the unpacked body.
            check: raises HTTPException if the body, as it came, is not its sender's.
            most: the most bytes of the body, as it came and unpacked, if that is less than for other bodies.

        Raises:
            HTTPException: whatever `BodyReader.read` and `check` raise.
            UnreadableError: nothing of the body can be read.
            StoreError: the store cannot keep it now.
        """
        encoding = request.headers.get("content-encoding", "")
        async with self.bodies.read(request, sender, most) as body:
            if check is not None:
                await run_in_threadpool(check, body)
            accepted = await run_in_threadpool(self._take, body, encoding, reading, most)
        self.ring(accepted.due)
        return accepted

    def _take(self, body: bytes, encoding: str, reading: BodyFormat, most: int | None) -> TakenIn:
        unpacked = unpack(body, encoding, most or self.runtime.settings.web.max_body_bytes)
        return accept(self.runtime.store, self.runtime.syncs, reading(unpacked), mask=self.keys.masked)
