"""The examples of the documents, run as a reader would: against the simulator, with the shipped settings.toml.

The blocks of a page are one story, in a folder, a store and a Customer.io of their own. The words behind a block's
language say what it is; GitHub does not show them:

    sh                a terminal: bash ends at the first command that fails; `exit=N` is the code that is promised
                      (`sh fleet`: with a private RabbitMQ and PostgreSQL; `sh beside=run`: while `connector run` runs;
                      `sh fleet beside=worker`: while a worker and beat run)
    json native       a message for the door of its form (native, hull, lytics, segment); it is taken in and delivered
    json person       what Customer.io then holds: somebody who has at least this, and of the attributes no others
    json object       the same of an object
    json people       the ids of everybody whom Customer.io holds
    json reply        what the last command printed, or the door answered: at least this
    toml              settings: laid over the shipped ones, or over those before with `also`; the story begins anew
    python            a program, beside a private RabbitMQ
    ANY file=NAME     a file in the folder, for the commands that follow
    text, mermaid     output and pictures: not run
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from connector.runtime import Runtime
from connector.settings.schema import Settings, load
from connector.store import claims
from connector.store.engine import Store
from connector.store.migrate import migrate
from connector.web.app import create_app
from tests.build_settings import API_KEY, SITE_ID, TOKEN
from tests.documents import ROOT, Block
from tests.example_commands import Commands
from tests.processes import bare_environment, check_text
from tests.servers import QUEUES, Postgres, RabbitMQ, free_port
from tests.simulated import Simulated

NOT_RUN = ("text", "mermaid")
DOORS = {"native": "/v1/changes", "hull": "/v1/hull", "lytics": "/v1/lytics", "segment": "/v1/segment"}
FILES = ROOT / "tests" / "example_files"
TOOLS = ROOT / "tests" / "example_tools"
"""Programs that stand for others: README.md there lists them, with the reason."""
APP_API_KEY = "app-api-key"

_SHELL_SECONDS = 120
_LIVE_SECONDS = 20
_MOST_ROUNDS = 50
_OF_BASH = {"OLDPWD", "PWD", "SHLVL", "log", "_", "EXAMPLE_RABBITMQ"}
_STAYS = re.compile(r"^(\S*connector (?:run|web|simulator)\b|celery -A tasks (?:worker|beat)\b)(.*)$", re.MULTILINE)
_FILLED_IN_BY_THE_READER = re.compile(r"\b[A-Z_]+=\.\.\.(?=\s|$)")
_BESIDE = {
    "run": ["connector run"],
    "worker": ["celery -A tasks worker --without-gossip --without-mingle", "celery -A tasks beat"],
}
_PRELUDE = """
set -aeuo pipefail
stays() {
  log="$EXAMPLE_LOGS/$RANDOM$RANDOM.log"
  "$@" >"$log" 2>&1 </dev/null &
  for _ in $(seq 600); do
    grep -qE '^Ready: | ready\\.|beat: Starting' "$log" && return
    kill -0 $! 2>/dev/null || break
    sleep 0.1
  done
  cat "$log" >&2
  return 1
}
"""


class Story:
    """One page's examples, from an empty store and an empty Customer.io on."""

    def __init__(self, folder: Path, simulated: Simulated, fleet: "Fleet") -> None:
        self._folder = folder
        self._simulated = simulated
        self._fleet = fleet
        self._tables: dict[str, Any] = tomllib.loads((ROOT / "settings.toml").read_text())
        self._reply = ""
        self._stores = 0
        self._ports = {"8080": str(free_port()), "8090": str(free_port())}
        self._logs = folder / ".logs"
        self._logs.mkdir()
        shutil.copytree(FILES, folder, dirs_exist_ok=True)
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "activate").touch()
        self._commands = Commands(folder / ".commands")
        for name in ("settings.toml", ".env.example"):
            shutil.copy(ROOT / name, folder)
        self._variables: dict[str, str] = {}
        self._runtime: Runtime | None = None
        self._running: set[str] = set()
        self._begin()

    def play(self, block: Block) -> None:
        """Runs one block, and checks what it promises. Raises AssertionError with the words for a human."""
        file = block.option("file")
        if file is not None:
            (self._folder / file).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / file).write_text(self._replaced(block.text))
        elif block.language == "json":
            self._json(block)
        elif block.language == "toml":
            self._settings(block)
        elif block.language in ("sh", "python"):
            self._run(block)
        else:
            raise AssertionError("nobody knows how to run this: name its language, or mark it as text")

    def close(self) -> None:
        """Ends what was started, by its id."""
        self._end_processes()
        self._commands.close()
        self._close()

    # --- messages ----------------------------------------------------------------------------------------------------

    def _json(self, block: Block) -> None:
        what, value = block.words[0] if block.words else "", json.loads(block.text)
        if what in DOORS:
            self._post(DOORS[what], block.text)
        elif what == "reply":
            self._check_reply(value)
        elif what in ("person", "object", "people"):
            self._deliver()
            getattr(self, f"_check_{what}")(value)
        else:
            raise AssertionError("say what it is: json native, hull, lytics, segment, person, object, people or reply")

    def _post(self, path: str, body: str) -> None:
        answer = asyncio.run(self._posted(path, body))
        assert answer.status_code == 200, answer.text
        self._reply = answer.text
        assert not self._problems("unreadable"), self._problems("unreadable")
        self._deliver()

    async def _posted(self, path: str, body: str) -> httpx.Response:
        transport = httpx.ASGITransport(create_app(self._opened(), lambda _: None))
        async with httpx.AsyncClient(transport=transport, base_url="http://connector.example.com") as client:
            return await client.post(path, content=body, headers={"Authorization": f"Bearer {TOKEN}"})

    def _deliver(self) -> None:
        runtime = self._opened()
        for sync in (name for name, sync in runtime.settings.syncs.items() if sync.deliver):
            for _ in range(_MOST_ROUNDS):
                with runtime.store.reading() as tx:
                    if not claims.due_count(tx, sync):
                        break
                runtime.courier(sync).deliver()
            else:
                raise AssertionError(f"still due: {sync}")

    def _problems(self, kind: str) -> list[str]:
        with self._opened().store.reading() as tx:
            rows = tx.exec_driver_sql("SELECT kind, reason FROM problem")
            return [reason for found, reason in rows if found == kind]

    def _check_person(self, wanted: Mapping[str, Any]) -> None:
        end = time.monotonic() + (_LIVE_SECONDS if self._commands.running() else 0)
        while not any(_has(person, wanted) for person in self._held()):
            assert time.monotonic() < end, f"Customer.io holds {_shown(self._held())}"
            time.sleep(0.1)

    def _held(self) -> list[dict[str, Any]]:
        return [_readable(person) for person in self._simulated.whole_people()]

    def _check_object(self, wanted: Mapping[str, Any]) -> None:
        held = self._simulated.objects()
        assert held.items() >= wanted.items(), f"Customer.io holds {_shown(held)}"

    def _check_people(self, wanted: list[str]) -> None:
        assert sorted(self._simulated.people()) == wanted

    def _check_reply(self, wanted: Any) -> None:
        lines = [line for line in self._reply.splitlines() if line.startswith("{")]
        given = [json.loads(line) for line in lines] if lines else json.loads(self._reply)
        given = given if isinstance(wanted, list) else given[-1]
        assert _has(given, wanted), f"the answer was {_shown(given)}"

    # --- settings ----------------------------------------------------------------------------------------------------

    def _settings(self, block: Block) -> None:
        given = tomllib.loads(block.text)
        if "also" not in block.words:
            self._tables = tomllib.loads((ROOT / "settings.toml").read_text())
        self._tables = _over(self._tables, given)
        (self._folder / "settings.toml").write_text("\n".join(_written(self._tables)) + "\n")
        if "goes-on" not in block.words:
            self._begin()
        load(self._folder / "settings.toml", self._environment())

    def _begin(self) -> None:
        self._end_processes()
        self._close()
        self._simulated.reset()
        self._fleet.reset()
        self._stores += 1

    def _opened(self) -> Runtime:
        if self._runtime is None:
            settings: Settings = load(self._folder / "settings.toml", self._environment())
            self._runtime = Runtime.open(settings)
            migrate(self._runtime.store)
        return self._runtime

    def _close(self) -> None:
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None

    def _environment(self) -> dict[str, str]:
        path = [str(TOOLS), str(self._commands.folder), str(Path(sys.executable).parent), os.environ["PATH"]]
        return {
            **bare_environment(),
            "PATH": os.pathsep.join(path),
            "HOME": str(self._folder),
            "EXAMPLE_LOGS": str(self._logs),
            "EXAMPLE_ROOT": str(ROOT),
            "CONNECTOR__STORE__URL": f"sqlite:///{self._folder / f'connector-{self._stores}.db'}",
            "CONNECTOR__WEB__PORT": self._ports["8080"],
            "CONNECTOR__WEB__TOKEN": TOKEN,
            "CONNECTOR__CONNECTIONS__MAIN__SITE_ID": SITE_ID,
            "CONNECTOR__CONNECTIONS__MAIN__API_KEY": API_KEY,
            "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY": APP_API_KEY,
            "CONNECTOR__CONNECTIONS__MAIN__TRACK_URL": self._simulated.url,
            "CONNECTOR__CONNECTIONS__MAIN__APP_URL": self._simulated.url,
            **self._variables,
        }

    # --- commands ----------------------------------------------------------------------------------------------------

    def _run(self, block: Block) -> None:
        self._close()
        environ = self._environment() | (self._fleet.variables() | self._variables if _needs_fleet(block) else {})
        self._start_beside(block, environ)
        done = self._shell(block, environ) if block.language == "sh" else self._program(block, environ)
        said = f"{done.stdout}{done.stderr}"
        check_text(said)
        assert done.returncode == int(block.option("exit") or 0), f"it ended with {done.returncode}: {said}"
        self._reply = done.stdout

    def _shell(self, block: Block, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        text = _STAYS.sub(r"stays \1\2", self._replaced(_FILLED_IN_BY_THE_READER.sub("", block.text)))
        kept = self._folder / ".variables"
        script = f"{_PRELUDE}{text}\nexport -p >'{kept}'\n"
        done = self._finished(["bash", "-c", script], environ)
        self._keep(kept, environ)
        return done

    def _program(self, block: Block, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        (self._folder / "example.py").write_text(self._replaced(block.text))
        return self._finished([sys.executable, "example.py"], environ)

    def _finished(self, command: list[str], environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self._folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SHELL_SECONDS,
            check=False,
        )

    def _keep(self, kept: Path, environ: Mapping[str, str]) -> None:
        """What a block exports is there for the next ones, as in one terminal."""
        text = kept.read_text() if kept.exists() else ""
        for name, value in re.findall(r'^declare -x (\w+)="(.*)"$', text, re.MULTILINE):
            plain = re.sub(r'\\([\\"$`])', r"\1", value)
            if environ.get(name) != plain and name not in _OF_BASH:
                self._variables[name] = plain

    def _start_beside(self, block: Block, environ: Mapping[str, str]) -> None:
        """What runs beside the blocks, until the story begins anew."""
        beside = block.option("beside")
        if beside is None or beside in self._running:
            return
        for command in _BESIDE[beside]:
            done = self._finished(["bash", "-c", f"{_PRELUDE}stays {command}"], environ)
            assert done.returncode == 0, done.stderr
        self._running.add(beside)

    def _end_processes(self) -> None:
        self._commands.end()
        self._running.clear()

    def _replaced(self, text: str) -> str:
        """What stands in the documents for the reader's own servers is the test's."""
        web = f"http://127.0.0.1:{self._ports['8080']}"
        replaced = {
            "https://connector.example.com": web,
            "http://127.0.0.1:8080": web,
            "127.0.0.1:8090": f"127.0.0.1:{self._ports['8090']}",
            "--port 8090": f"--port {self._ports['8090']}",
        }
        if ".example.com" in text.replace("connector.example.com", ""):
            servers = self._fleet.variables()
            store = servers["CONNECTOR__STORE__URL"].replace("+psycopg", "")
            replaced |= {
                "amqp://broker.example.com": servers["CONNECTOR__BROKER__URL"],
                "@broker.example.com": "@" + servers["CONNECTOR__BROKER__URL"].rpartition("@")[2].rstrip("/"),
                "postgresql://connector:PASSWORD@store.example.com/connector": store,
            }
        for name, own in replaced.items():
            text = text.replace(name, own)
        return text


class Fleet:
    """The private servers of a fleet: started when the first block needs them, empty for each story."""

    def __init__(self, start: Callable[[], tuple[RabbitMQ, Postgres]]) -> None:
        self._start = start
        self._servers: tuple[RabbitMQ, Postgres] | None = None
        self._database = ""
        self._numbers = count(1)

    def reset(self) -> None:
        """Forgets what the story before has left there."""
        self._database = ""

    def variables(self) -> dict[str, str]:
        """Where the broker and a migrated store are."""
        if self._servers is None:
            self._servers = self._start()
        broker, store = self._servers
        if not self._database:
            broker.delete_queues(*QUEUES)
            name = f"examples_{next(self._numbers)}"
            store.run(f"CREATE DATABASE {name}")
            self._database = store.database(name)
            opened = Store(self._database)
            migrate(opened)
            opened.close()
        return {
            "CONNECTOR__BROKER__URL": broker.url,
            "CONNECTOR__STORE__URL": self._database,
            "EXAMPLE_RABBITMQ": json.dumps(broker.environ()),
        }


def _needs_fleet(block: Block) -> bool:
    return "fleet" in block.words or block.language == "python"


def _readable(person: Mapping[str, Any]) -> dict[str, Any]:
    """A person of the simulator as the documents show one: events by name, segments by name, devices by token."""
    known = {kind: value for kind, value in person["identifiers"].items() if value is not None and kind != "cio_id"}
    related = {
        f"{one['identifiers']['object_type_id']}/{one['identifiers']['object_id']}": one["relationship_attributes"]
        for one in person["relationships"]
    }
    return {
        "identifiers": known,
        "attributes": person["attributes"],
        "events": [event["name"] for event in person["events"]],
        "properties": {event["name"]: event["attributes"] for event in person["events"]},
        "devices": [device["token"] for device in person["devices"]],
        "segments": [segment["name"] for segment in person["segments"]],
        "relationships": related,
        "unsubscribed": person["unsubscribed"],
    }


def _has(given: Any, wanted: Any) -> bool:
    """Whether `given` is what is wanted, where of objects more may be given; attributes are all that there are."""
    if isinstance(wanted, dict):
        if not isinstance(given, dict):
            return False
        return all(
            given.get(key) == value if key == "attributes" else key in given and _has(given[key], value)
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(given, list) and len(given) == len(wanted) and all(map(_has, given, wanted))
    return bool(given == wanted)


def _shown(value: Any) -> str:
    return json.dumps(value, indent=1)


def _over(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(weaker)
    for key, value in stronger.items():
        below = values.get(key)
        values[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return values


def _written(table: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[str]:
    """TOML again, with inner tables only where the settings have tables."""
    tables = {name: value for name, value in table.items() if isinstance(value, dict) and len(place) < 2}
    if place:
        yield f"[{'.'.join(place)}]"
    yield from (f"{_key(name)} = {_value(value)}" for name, value in table.items() if name not in tables)
    for name, inner in tables.items():
        yield from _written(inner, (*place, name))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name) else json.dumps(name, ensure_ascii=False)
