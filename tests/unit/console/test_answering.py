"""How a page is answered for where its request, or the page that says why it failed, comes to harm itself."""

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from fastapi import HTTPException, Request

from connector.console import answering
from connector.console.answering import Console
from connector.console.page import Desk, Page, PageAnswer, Route, Visit
from connector.console.visitor import LOOPBACK
from connector.errors import ConnectorError, StoreError

NOTHING: Any = None


def fails(_desk: Desk, _visit: Visit, _reason: str = "") -> PageAnswer:
    raise StoreError("PostgreSQL has said nothing for 5 s")


def refuses(_desk: Desk, _visit: Visit) -> PageAnswer:
    raise ConnectorError("it is not held any more")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_store_that_fails_while_the_page_of_a_refusal_is_made_is_told_as_such(method: Any) -> None:
    console = Console(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)
    answer = console._answer(Route("/x", refuses, method=method, at_fault=fails), Visit(LOOPBACK))
    assert isinstance(answer, Page)
    assert (answer.status, "has said nothing" in answer.context["reason"]) == (503, True)


def test_a_form_that_breaks_off_is_refused_like_one_that_cannot_be_read() -> None:
    parts = iter([{"type": "http.request", "body": b"a=1", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Mapping[str, Any]:
        return next(parts)

    with pytest.raises(HTTPException, match="broke off"):
        anyio.run(answering._form, Request({"type": "http", "method": "POST", "headers": []}, receive))
