"""Takes in the bodies of all doors: reads a body, unpacks it, commits its messages, and rings for delivery."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from connector import formats
from connector.broker.doorbell import Ring
from connector.formats.content_encoding import unpack
from connector.intake.accept import TakenIn, accept
from connector.intake.traced import SILENT, Telling
from connector.model.change import Message
from connector.runtime import Runtime
from connector.tracing import traceparent
from connector.tracing.tracer import Tracer
from connector.web.auth import Keyring
from connector.web.bodies import BodyReader

BodyFormat = Callable[[bytes], list[Message]]
Check = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Intake:
    """The intake that the doors share.

    ring: called with the syncs that may have something due. keys: the tokens of the doors, which are masked in
    problems. tracer: exports the traces of messages; None if there are none.
    """

    runtime: Runtime
    ring: Ring
    bodies: BodyReader
    keys: Keyring
    tracer: Tracer | None = None

    async def take(self, request: Request, sender: str, format: str) -> TakenIn:
        """Takes in a body of one format from a sender that the headers showed. Raises what `take_as` raises."""
        return await self.take_as(request, sender, lambda body: formats.read(format, body))

    async def take_as(
        self, request: Request, sender: str, reading: BodyFormat, check: Check | None = None, most: int | None = None
    ) -> TakenIn:
        """Takes in a body, and returns what became of it once that is committed.

        Args:
            request: a request of which only the headers have been read.
            sender: the sender, as the headers showed; "" if only the body shows it.
            reading: reads the messages of the unpacked body.
            check: raises HTTPException if the body, as it came, is not its sender's.
            most: the most bytes of the body, as it came and unpacked, if that is less than for other bodies.

        Raises:
            HTTPException: whatever `BodyReader.read` and `check` raise.
            UnreadableError: the body as a whole cannot be unpacked or read.
            StoreError: the store cannot keep it now.
        """
        encoding = request.headers.get("content-encoding", "")
        telling = self._telling(request)
        async with self.bodies.read(request, sender, most) as body:
            if check is not None:
                await run_in_threadpool(check, body)
            accepted = await run_in_threadpool(self._take, body, encoding, reading, most, telling)
        self.ring(accepted.due)
        return accepted

    def _telling(self, request: Request) -> Telling:
        """Returns the tracing of a request's messages, in the trace that its one `traceparent` header names, if any."""
        if self.tracer is None:
            return SILENT
        given = request.headers.getlist(traceparent.NAME)
        brought = traceparent.accepted(given[0]) if len(given) == 1 else traceparent.NONE
        return Telling(self.tracer, request.scope["route"].path, [brought])

    def _take(self, body: bytes, encoding: str, reading: BodyFormat, most: int | None, telling: Telling) -> TakenIn:
        unpacked = unpack(body, encoding, most or self.runtime.settings.web.max_body_bytes)
        (messages,) = telling.marked([reading(unpacked)])
        with telling.taking_in() as traced:
            return accept(self.runtime.store, self.runtime.syncs, messages, mask=self.keys.masked, traced=traced)
