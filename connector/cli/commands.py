"""The commands, each a few lines over what `connector` does."""

from typing import Annotated

from typer import Option, Typer
from uvicorn import Config

from connector import __version__, doorbell, embedded
from connector.at_hand import AtHand
from connector.cli import calls, dead_letters, jobs, problems, sources
from connector.cli.approve import approve
from connector.cli.audit import audit
from connector.cli.backfill import backfill
from connector.cli.check import check
from connector.cli.demo import demo
from connector.cli.forget import forget, suppress, unsuppress
from connector.cli.import_hull import import_hull
from connector.cli.options import SETTINGS_TOML, SettingsFile, err, out, settings_of
from connector.cli.plan import plan
from connector.cli.publish import publish
from connector.cli.resync import resync
from connector.cli.send import send
from connector.cli.simulator import simulator
from connector.cli.status import resume, status
from connector.serving import serve
from connector.web.app import create_app

app = Typer(
    name="connector",
    help="Keeps Customer.io holding exactly the people your segments say it should.\n\n"
    "Exit codes: 0 done, 1 something failed, 2 settings or usage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, Option("--version", help="Show the version and stop.")] = False) -> None:
    """Keeps Customer.io holding exactly the people your segments say it should."""
    if show:
        out.print(f"audience-sync-connector {__version__}", highlight=False)


@app.command()
def run(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Run the embedded mode: web doors, worker and sweep in one process, until stopped."""
    loaded = settings_of(settings, serves=True)
    embedded.run(loaded, on_ready=lambda url: err.print(f"Ready: {url} (stop with Ctrl-C)", highlight=False))


@app.command()
def web(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Run the HTTP doors of a fleet, beside workers started with `celery -A tasks worker`."""
    loaded = settings_of(settings, serves=True)
    at_hand = AtHand.open(loaded)
    at_hand.store.check_version()
    doors = create_app(at_hand, doorbell.ring(doorbell.application()))
    config = Config(doors, log_config=None, access_log=False, lifespan="off")
    serve(config, loaded.web.host, loaded.web.port, lambda url: err.print(f"Ready: {url}", highlight=False))
    at_hand.close()


@app.command()
def migrate(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Bring the store's tables to this version."""
    at_hand = AtHand.open(settings_of(settings))
    changed = at_hand.store.migrate()
    out.print(f"{at_hand.store.place}: {'migrated' if changed else 'up to date'}", highlight=False)
    at_hand.close()


for command in (demo, check, plan, send, publish, status, approve, resume, resync, audit, simulator, import_hull):
    app.command()(command)
app.command()(backfill)
for by_hand in (forget, suppress, unsuppress):
    app.command()(by_hand)
app.add_typer(problems.app, name="problems")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(jobs.app, name="jobs")
app.add_typer(calls.app, name="calls")
app.add_typer(sources.app, name="sources")
