"""The console over the test's own store, with a simulated Customer.io beside it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.console import Browser, console
from tests.world import World

OpenConsole = Callable[..., Browser]


@pytest.fixture
def open_console(make_world: Callable[..., World]) -> Iterator[OpenConsole]:
    """Opens the console of a world, which is made with these settings unless one is given."""
    with ExitStack() as stack:

        def opened(world: World | None = None, **settings: Any) -> Browser:
            runtime = (world or make_world(**settings)).runtime
            return stack.enter_context(console(runtime))

        yield opened
