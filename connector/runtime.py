"""What a running program has open: its settings, the store, the syncs' rules, and a courier for each sync."""

from dataclasses import dataclass, field

from connector import garbage
from connector.audience.rules import Rules
from connector.customerio.app_api import AppApi
from connector.customerio.track import Track
from connector.delivery.claim_keeper import ClaimKeeper
from connector.delivery.courier import Courier
from connector.delivery.manual_segments import Mirrors
from connector.delivery.sender import Sender
from connector.errors import SettingsError
from connector.settings.schema import Settings, missing_credentials
from connector.store.engine import Store
from connector.tracing import tracer
from connector.tracing.tracer import Tracer


@dataclass(slots=True)
class Runtime:
    """Opened once per process and handed on; `close` gives everything back."""

    settings: Settings
    store: Store
    syncs: tuple[Rules, ...]
    _tracks: dict[str, Track] = field(default_factory=dict)
    _app_apis: dict[str, AppApi] = field(default_factory=dict)
    _keeper: ClaimKeeper | None = None

    @classmethod
    def open(cls, settings: Settings) -> "Runtime":
        """Opens the store that the settings name; no request is sent, no table touched yet."""
        garbage.look_seldom()
        return cls(settings, Store(settings.store.url, settings.store), Rules.all_of(settings))

    def rules(self, sync: str) -> Rules:
        """Returns the rules of `sync`. Raises SettingsError where the settings name no such sync."""
        rules = next((rules for rules in self.syncs if rules.name == sync), None)
        if rules is None:
            known = ", ".join(rules.name for rules in self.syncs)
            raise SettingsError(f"there is no sync {sync!r}: the settings name {known}")
        return rules

    @property
    def tracer(self) -> Tracer | None:
        """The tracer of this process, None if it tells of no traces. Raises SettingsError without the extra."""
        return tracer.of_process(self.settings.telemetry)

    def courier(self, sync: str) -> Courier:
        """Returns the courier of `sync`. Raises SettingsError where the settings name no such sync."""
        rules = self.rules(sync)
        name = rules.connection
        rate = self.settings.connections[name].requests_per_second
        sender = Sender(name, self.store, self.track(name), self.settings.delivery, rate)
        mirrors = self._mirrors(name) if rules.mirrors else None
        if self._keeper is None:
            self._keeper = ClaimKeeper(self.store)
        others = self.side_by_side(rules)
        bodies = self.settings.retention.call_bodies
        return Courier(self.store, rules, sender, bodies, mirrors, self._keeper, others, self.tracer)

    def side_by_side(self, rules: Rules) -> tuple[Rules, ...]:
        """Returns the other syncs of the workspace of `rules`, whether they deliver or not."""
        return tuple(each for each in self.syncs if each.workspace == rules.workspace and each.name != rules.name)

    def _mirrors(self, connection: str) -> Mirrors:
        settings = self.settings.connections[connection]
        app_api = self.app_api(connection) if settings.app_api_key is not None else None
        rate = settings.app_requests_per_second
        return Mirrors(connection, self.store, app_api, self.settings.delivery.lease_seconds, rate)

    def track(self, connection: str) -> Track:
        """Returns the Track API of a connection."""
        if connection not in self._tracks:
            settings = self.settings
            self._tracks[connection] = Track(settings.connections[connection], settings.delivery.timeout_seconds)
        return self._tracks[connection]

    def app_api(self, connection: str) -> AppApi:
        """Returns the App API of a connection. Raises SettingsError where its key is not set."""
        if connection not in self._app_apis:
            settings = self.settings
            self._app_apis[connection] = AppApi(settings.connections[connection], settings.delivery.timeout_seconds)
        return self._app_apis[connection]

    def require_credentials(self) -> None:
        """Raises SettingsError where a sync that delivers has no credentials, naming the variables to set."""
        missing = missing_credentials(self.settings)
        if missing:
            raise SettingsError("\n".join(f"{name} is not set: Customer.io asks for it" for name in missing))

    def close(self) -> None:
        """Closes what is open."""
        if self._keeper is not None:
            self._keeper.close()
        for track in self._tracks.values():
            track.close()
        for app_api in self._app_apis.values():
            app_api.close()
        tracer.flush()
        self.store.close()
