"""[console]: the operator's page, who may see it, and what they may do there."""

from pydantic import Field, SecretStr, field_validator

from connector.settings import validators
from connector.settings.console_sign_in import (
    ConsoleUser,
    Networks,
    OidcSettings,
    ProxySettings,
    oidc_mistakes,
    proxy_mistakes,
    user_mistakes,
)
from connector.settings.freshness import SecondsOrNone
from connector.settings.mistakes import refuse
from connector.settings.validators import Count, Seconds, Secret, Section, Switch, TableName


class ConsoleSettings(Section):
    """The operator's page: docs/console.md."""

    enabled: Switch = Field(
        default=True,
        description="Whether the page is served, at / of the HTTP door. Without a sign-in it answers "
        "this machine only.",
    )
    read_url: Secret = Field(
        default=None,
        description="PostgreSQL: a read replica of the store, which pages read from. Not in the file: give "
        "CONNECTOR__CONSOLE__READ_URL. Left out, and while it does not answer, pages read the store.",
    )
    statement_seconds: Seconds = Field(
        default=2.0,
        description="How long one statement of a page may take, so that none slows delivery; with PostgreSQL also how "
        "long a page waits for a connection, and for one that is silent.",
    )
    shared_seconds: SecondsOrNone = Field(
        default=2.0,
        le=60,
        description="For how long what one page has found is shown to others who ask this process for the same, so "
        "that many open pages cost as one; 0 reads anew for each. What somebody changes here shows at once.",
    )
    pages_at_once: Count = Field(
        default=4,
        le=64,
        description="How many pages are made at once, and how many acts are done; the next ones wait for their turn.",
    )
    secret: Secret = Field(
        default=None,
        description="What sessions are signed with. Not in the file: give CONNECTOR__CONSOLE__SECRET. Left out, each "
        "process makes its own when it starts: people sign in anew then, and several processes need the same one.",
    )
    session_seconds: Seconds = Field(default=43_200.0, description="How long a session lasts after signing in.")
    masked: Switch = Field(
        default=False,
        description="Whether what is personal is masked until somebody asks to see it. Each look is in the log of "
        "operators. A masked_viewer never sees it.",
    )
    two_person_approval: Switch = Field(
        default=False,
        description="Whether deletions that the guard holds go only once two people have said so at the page. "
        "`connector approve` and `connector problems replay` then let none go.",
    )
    approval_seconds: Seconds = Field(
        default=86_400.0, description="For how long the request of the first one waits for the second one."
    )
    reveal_seconds: Seconds = Field(
        default=900.0, description="With masked: how long somebody sees what is personal of a page after asking."
    )
    proxies: Networks = Field(
        default=("127.0.0.1", "::1"),
        description="Reverse proxies, as addresses or networks: what they say of where a visitor comes from, and of "
        "https, is believed. It signs nobody in.",
    )
    mcp_writes: Switch = Field(
        default=False,
        description="Whether agents may change something by `connector mcp`: replay, resync, approve.",
    )
    users: dict[TableName, ConsoleUser] = Field(
        default={},
        description="Who signs in with a password, each under the name that they sign in with.",
        json_schema_extra={"additionalProperties": False},
    )
    oidc: OidcSettings = Field(default=OidcSettings(), description="Signing in by OpenID Connect.")
    proxy: ProxySettings = Field(default=ProxySettings(), description="Signing in at a reverse proxy.")

    @property
    def signs_in(self) -> bool:
        """Whether a way to sign in is configured. Without one only this machine is let in."""
        return bool(self.users or self.oidc.issuer or self.proxy.user_header)

    @field_validator("oidc")
    @classmethod
    def _of_a_provider(cls, oidc: OidcSettings) -> OidcSettings:
        refuse(list(oidc_mistakes(oidc)))
        return oidc

    @field_validator("proxy")
    @classmethod
    def _of_proxies(cls, proxy: ProxySettings) -> ProxySettings:
        refuse(list(proxy_mistakes(proxy)))
        return proxy

    @field_validator("users")
    @classmethod
    def _named(cls, users: dict[str, ConsoleUser]) -> dict[str, ConsoleUser]:
        refuse([line for name, each in users.items() for line in user_mistakes(name, each)])
        return {name: each.model_copy(update={"name": name}) for name, each in users.items()}

    @field_validator("read_url")
    @classmethod
    def _of_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            refuse(validators.replica(url.get_secret_value()))
        return url
