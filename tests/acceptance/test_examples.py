"""Every example of the documents does what its page says (tests/examples.py says how they are run)."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from connector.simulator import running
from tests.documents import Block, blocks, documents, name
from tests.examples import NOT_RUN, Fleet, Story
from tests.servers import Postgres, RabbitMQ
from tests.simulated import Simulated

PAGES = [path for path in documents() if any(block.language not in NOT_RUN for block in blocks(path))]


@pytest.fixture(scope="session")
def simulated() -> Iterator[Simulated]:
    with running() as url:
        simulated = Simulated(url)
        yield simulated
        simulated.close()


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    with ExitStack() as servers:
        yield Fleet(lambda: (servers.enter_context(RabbitMQ()), servers.enter_context(Postgres())))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_example_of_the_page_does_what_it_says(
    path: Path, tmp_path: Path, simulated: Simulated, fleet: Fleet
) -> None:
    story = Story(tmp_path, simulated, fleet)
    try:
        for block in blocks(path):
            if block.language not in NOT_RUN:
                _play(story, block)
    finally:
        story.close()


@pytest.mark.parametrize("path", documents(), ids=name)
def test_every_block_says_what_it_is(path: Path) -> None:
    assert [str(block) for block in blocks(path) if not block.language] == []


def _play(story: Story, block: Block) -> None:
    try:
        story.play(block)
    except Exception as error:
        error.add_note(f"{block}\n{block.text}")
        raise
