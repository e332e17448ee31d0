"""[out.NAME]: where what Customer.io has reported goes on to."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    Strict,
    WithJsonSchema,
    field_serializer,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from connector import standard_webhooks
from connector.settings.mistakes import refuse
from connector.settings.validators import (
    Count,
    Names,
    Seconds,
    Section,
    Switch,
    Text,
    listed_secrets,
    web_address,
)


def _usable(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for each in secrets:
        try:
            standard_webhooks.key_of(each.get_secret_value())
        except ValueError as error:
            refuse([f"a secret {error}; `whsec_` and 24 to 64 random bytes in base64 is one"])
    return secrets


SigningSecrets = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(listed_secrets),
    AfterValidator(_usable),
    WithJsonSchema({"not": {}}),
]


def _callback(url: str | None) -> str | None:
    if url is not None and (web_address(url) is None or not url.isprintable() or " " in url):
        refuse(["is no address; give http://HOST/PATH or https://HOST/PATH"])
    return url


CallbackUrl = Annotated[
    str | None, AfterValidator(_callback), WithJsonSchema({"type": "string", "pattern": "^https?://"})
]


class OutTarget(Section):
    """A target: an HTTP address, or an exchange of RabbitMQ."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    description: Text = Field(default="", description="What this target is for.")
    url: CallbackUrl = Field(
        default=None,
        repr=False,
        description="The address that is posted to; it is shown nowhere. Best given as CONNECTOR__OUT__NAME__URL.",
    )
    signing_secrets: SigningSecrets = Field(
        default=(),
        max_length=2,
        description="What is signed with, as Standard Webhooks has it: whsec_...; two while one replaces the other. "
        "Not in the file: give CONNECTOR__OUT__NAME__SIGNING_SECRETS.",
    )
    exchange: Text = Field(
        default="", description="In place of url: a topic exchange of [broker] url, which is made if it is not there."
    )
    form: Literal["segment", "hull"] = Field(
        default="segment", description="segment: track and identify calls of the Segment spec. hull: Hull's events."
    )
    events: Switch = Field(default=True, description="Whether what is reported goes on, each thing as an event.")
    profiles: Switch = Field(default=True, description="Whether the profile goes on whenever it has changed.")
    connections: Names = Field(default=(), description="Of which connections; [] is all.")
    at_once: Annotated[int, Strict()] = Field(
        default=100, ge=1, le=1000, description="So many go in one request, or are confirmed together, at the most."
    )
    batch_bytes: Count = Field(default=400_000, description="So many bytes go in one request, unless one is larger.")
    timeout_seconds: Seconds = Field(default=10.0, description="How long one request and its answer may take.")

    @field_serializer("url")
    def _serialized(self, url: str | None) -> str | None:
        """Leaves the secret out where all settings are shown."""
        return None if url is None else "https://***"

    @model_validator(mode="after")
    def _one_place(self) -> "OutTarget":
        if bool(self.url) == bool(self.exchange):
            refuse(["give either url or exchange"])
        if self.exchange and self.signing_secrets:
            refuse(["signing_secrets are for a url: what goes to an exchange is not signed"])
        return self

    def takes(self, connection: str) -> bool:
        """Whether this target receives the reports of the connection's workspace."""
        return not self.connections or connection in self.connections
