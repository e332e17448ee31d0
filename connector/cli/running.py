"""`connector run`, `connector web` and `connector migrate`: the processes, and the tables they need."""

from uvicorn import Config

from connector import doorbell, embedded
from connector.runtime import AtHand
from connector.cli.options import SETTINGS_TOML, SettingsFile, err, out, settings_of
from connector.web.server import serve
from connector.web.app import create_app


def run(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Run the embedded mode: web doors, worker and sweep in one process, until stopped."""
    loaded = settings_of(settings, serves=True)
    embedded.run(loaded, on_ready=lambda url: err.print(f"Ready: {url} (stop with Ctrl-C)", highlight=False))


def web(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Run the HTTP doors of a fleet, beside workers started with `celery -A tasks worker`."""
    loaded = settings_of(settings, serves=True)
    at_hand = AtHand.open(loaded)
    at_hand.store.check_version()
    doors = create_app(at_hand, doorbell.ring(doorbell.application()))
    config = Config(doors, log_config=None, access_log=False, lifespan="off")
    serve(config, loaded.web.host, loaded.web.port, lambda url: err.print(f"Ready: {url}", highlight=False))
    at_hand.close()


def migrate(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Bring the store's tables to this version."""
    at_hand = AtHand.open(settings_of(settings))
    changed = at_hand.store.migrate()
    out.print(f"{at_hand.store.place}: {'migrated' if changed else 'up to date'}", highlight=False)
    at_hand.close()
