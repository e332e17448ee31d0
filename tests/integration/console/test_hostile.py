"""Texts that others choose, through every page: they are text there, and no markup, script, style or address."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from tests import hostile_pages
from tests.console import Browser
from tests.hostile_pages import HARM, WORKED_OUT
from tests.world import World

# Neither store makes HTML of anything.
pytestmark = pytest.mark.in_turn
OURS = ("/static/console.js",)


class Markup(HTMLParser):
    """Collects what of a page could do harm."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.harm: list[str] = []
        self._of = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._of = tag
        given = {name: value or "" for name, value in attrs}
        self.harm += [f"{tag} {name}" for name in given if name.startswith("on") or name in ("style", "srcdoc")]
        leads = [given[each] for each in ("href", "src", "action", "formaction") if each in given]
        self.harm += [each for each in leads if not each.startswith(("/", "#", "?", "data:image/")) or each[:2] == "//"]
        if tag in ("script", "img", "iframe", "object", "embed", "base") and not given.get("src", "").startswith(OURS):
            self.harm.append(f"{tag} {given}")

    def handle_data(self, data: str) -> None:
        if self._of in ("script", "style") and data.strip():
            self.harm.append(f"{self._of}: {data[:100]}")

    def handle_endtag(self, tag: str) -> None:
        self._of = ""


def test_no_text_of_others_is_markup_on_any_page(
    make_world: Callable[..., World], open_console: Callable[..., Browser]
) -> None:
    world = make_world(**hostile_pages.settings())
    hostile_pages.fill(world)
    browser = open_console(world)
    shown = 0
    for address in hostile_pages.addresses(world):
        answer = browser.client.get(address, follow_redirects=True)
        assert answer.status_code in (200, 400, 404), (address, answer.status_code)
        assert Markup(answer.text).harm == [], address
        assert WORKED_OUT not in answer.text, address
        assert "\0" not in answer.text
        shown += HARM in answer.text
    assert shown > 30, "the texts stand on the pages"


def test_the_look_at_markup_sees_what_does_harm() -> None:
    for html in (
        "<script>x</script>", "<img src=x>", "<p onclick=x>", "<a href='javascript:x'>", "<a href='//elsewhere'>",
        "<form action='https://elsewhere'>", "<p style='x'>",
    ):  # fmt: skip
        assert Markup(html).harm, html
