"""Takes the screenshots of the console that stand in the documents: `make screenshots`.

It runs the demo, has the deletion guard hold some deletions, and looks at the pages with Debian's Chromium: as wide as
a desk and as a phone, light and dark.
"""

import gzip
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import httpx
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from connector.demo.cast import Cast
from connector.demo.stage import environment, start_simulator

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}
LEAVING = 60
_SECONDS = 90.0


def main() -> None:
    """Takes them all."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is not installed: apt install chromium")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, demo(Path(folder)) as (url, person):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, path in pages(person).items():
            take(browser, url, name, path)
        browser.close()


def pages(person: str) -> dict[str, str]:
    """The pages that are shown, by the name of their image."""
    find = f"/people?q={quote(person, safe='')}"
    return {"home": "/", "person": find, "funnel": "/funnel", "calls": "/calls", "held": "/held/main"}


def take(browser: Browser, url: str, name: str, path: str) -> None:
    """Takes one page at each width, light and dark."""
    for width, (across, down) in WIDTHS.items():
        for scheme in ("light", "dark"):
            size = {"width": across, "height": down}
            context = browser.new_context(base_url=url, viewport=size, color_scheme=scheme)
            page = context.new_page()
            page.goto(path)
            page.screenshot(path=IMAGES / f"{name}-{width}-{scheme}.png")
            context.close()


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, str]]:
    """The demo's programs after its sample, with deletions held; the address, and the key of somebody who is there."""
    with Cast(folder) as cast:
        simulator = start_simulator(cast, os.environ).url()
        ours = environment(ROOT / "settings.toml", simulator, f"sqlite:///{folder / 'connector.db'}", "memory://")
        with Cast(folder) as first:
            url = first.connector("connector", "run", environ={**os.environ, **ours}).url()
            sample = gzip.decompress((ROOT / "connector/demo/sample.ndjson.gz").read_bytes()).splitlines()
            send(url, ours, "hull", sample)
            upstream = upstream_ids(sample)
            people = [upstream[each] for each in settled(simulator) if each in upstream]
        guarded = {**ours, "CONNECTOR__SYNCS__MAIN__DELETION_GUARD__SHARE": "0.05"}
        url = cast.connector("guarded", "run", environ={**os.environ, **guarded}).url()
        leave(url, ours, people[:LEAVING])
        yield url, people[-1]


def send(url: str, ours: Mapping[str, str], form: str, bodies: list[bytes]) -> None:
    """Sends bodies to the connector."""
    with httpx.Client(headers={"Authorization": f"Bearer {ours['CONNECTOR__WEB__TOKEN']}"}, timeout=60) as client:
        for body in bodies:
            client.post(f"{url}/v1/{form}", content=body).raise_for_status()


def settled(simulator: str) -> list[str]:
    """The ids of whom Customer.io holds, once they are no longer changing."""
    before: list[str] = []
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        time.sleep(3)
        lines = httpx.get(f"{simulator}/_simulator/people").text.splitlines()
        if lines and lines == before:
            return [str(json.loads(line)["identifiers"]["id"]) for line in lines]
        before = lines
    sys.exit("the demo has not settled")


def upstream_ids(sample: list[bytes]) -> dict[str, str]:
    """The upstream's id of each user, by the one that Customer.io knows them by."""
    found = {}
    for line in sample:
        with suppress(ValueError, TypeError, KeyError):
            users = [each["user"] for each in json.loads(line)["messages"]]
            found.update({str(each["external_id"]): str(each["id"]) for each in users})
    return found


def leave(url: str, ours: Mapping[str, str], people: list[str]) -> None:
    """Has people leave every segment, more than the deletion guard lets pass at once."""
    said = [{"user": {"id": each}, "segments": []} for each in people]
    body = httpx.Request("POST", url, json=said).content
    send(url, ours, "changes", [body])
    time.sleep(5)


if __name__ == "__main__":
    main()
