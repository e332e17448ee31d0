"""[connections.NAME]: one Customer.io workspace."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict
from pydantic.json_schema import SkipJsonSchema

from connector.errors import SettingsError
from connector.settings.validators import Secret, Secrets, Section, Switch, Text, UrlSetting


class Connection(Section):
    """One Customer.io workspace."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    description: Text = Field(default="", description="What this workspace is for.")
    region: Literal["us", "eu"] = Field(default="us", description="Where Customer.io keeps the account.")
    requests_per_second: Annotated[float, Strict()] = Field(
        default=100.0,
        ge=1,
        le=1000,
        allow_inf_nan=False,
        description="How fast to call, all workers together. Customer.io asks for at most 1000.",
    )
    app_requests_per_second: Annotated[float, Strict()] = Field(
        default=10.0,
        ge=0.1,
        le=10,
        allow_inf_nan=False,
        description="How fast to call the App API, which audits read from. Customer.io allows 10.",
    )
    watch_failures: Switch = Field(
        default=True,
        description="With app_api_key: whether to ask once a minute what Customer.io answered with 200 and dropped "
        "later, and to make it a problem of the person.",
    )
    email_identifies: Switch = Field(
        default=True,
        description="Whether e-mail addresses are identifiers in this workspace, so that no two people have one. "
        "false: an address is an attribute like others, and many may have it.",
    )
    track_url: UrlSetting = Field(
        default=None, description="Another address for the Track API: a proxy or the simulator. Left out, the region's."
    )
    app_url: UrlSetting = Field(
        default=None, description="Another address for the App API: a proxy or the simulator. Left out, the region's."
    )
    site_id: Secret = Field(
        default=None,
        description="The Track API's site id. Not in the file: give CONNECTOR__CONNECTIONS__NAME__SITE_ID.",
    )
    api_key: Secret = Field(
        default=None, description="The Track API's key. Not in the file: give CONNECTOR__CONNECTIONS__NAME__API_KEY."
    )
    app_api_key: Secret = Field(
        default=None, description="The App API's key. Not in the file: give CONNECTOR__CONNECTIONS__NAME__APP_API_KEY."
    )
    webhook_keys: Secrets = Field(
        default=(),
        max_length=2,
        description="What Customer.io signs reporting webhooks with: one key, or two while one replaces the other. Not "
        "in the file: give CONNECTOR__CONNECTIONS__NAME__WEBHOOK_KEYS, two of them with a comma between.",
    )

    @property
    def track_base(self) -> str:
        """The Track API's address, without a slash at its end."""
        return self.track_url or f"https://track{self._suffix}.customer.io"

    @property
    def app_base(self) -> str:
        """The App API's address, without a slash at its end."""
        return self.app_url or f"https://api{self._suffix}.customer.io"

    @property
    def _suffix(self) -> str:
        return "-eu" if self.region == "eu" else ""


def workspaces(connections: Mapping[str, Connection]) -> dict[str, str]:
    """For each connection the first that leads to the same workspace: by address and site id, where that is known."""
    first: dict[tuple[str, str], str] = {}
    return {name: first.setdefault(_leads_to(name, each), name) for name, each in connections.items()}


def _leads_to(name: str, connection: Connection) -> tuple[str, str]:
    site = connection.site_id
    return ("", name) if site is None else (connection.track_base, site.get_secret_value())


def check_connection(name: str, known: Collection[str]) -> None:
    """Raises SettingsError if the settings, which have those that are `known`, name no such connection."""
    if name not in known:
        raise SettingsError(f"there is no connection {name!r}: the settings name {', '.join(known)}")
