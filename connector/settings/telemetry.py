"""[telemetry]: traces by OpenTelemetry, from upstream's message to what Customer.io has confirmed."""

from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, Field, SecretStr, Strict, field_validator

from connector.settings import validators
from connector.settings.mistakes import refuse
from connector.settings.validators import Secret, Section, Switch, Text


def _collector(url: str) -> str:
    refuse(validators.address(url) if url else [])
    return url.rstrip("/")


class TelemetrySettings(Section):
    """Whether traces are exported, and to which collector."""

    enabled: Switch = Field(
        default=False,
        description="Whether traces are told of, with the extra `otel`. What is not given here is as the environment "
        "has it in OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_BSP_..., ...).",
    )
    endpoint: Annotated[Text, AfterValidator(_collector)] = Field(
        default="",
        description="The collector, by OTLP over HTTP: http://HOST:4318, to which /v1/traces is added. Without it, and "
        "without OTEL_EXPORTER_OTLP_ENDPOINT, it is one on this machine.",
    )
    headers: Secret = Field(
        default=None,
        description="Headers for the collector, NAME=VALUE with commas between, values percent-encoded. Not in the "
        "file: give CONNECTOR__TELEMETRY__HEADERS.",
    )
    service_name: Text = Field(
        default="", description='What the collector knows this program as; "" is audience-sync-connector.'
    )
    sample: Annotated[float, Strict(), Field(ge=0, le=1)] = Field(
        default=1.0,
        description="Which share of the messages that bring no trace of their own begins one. About the others their "
        "upstream has decided. OTEL_TRACES_SAMPLER says otherwise.",
    )

    @field_validator("headers")
    @classmethod
    def _readable(cls, headers: SecretStr | None) -> SecretStr | None:
        if headers is not None and not all(_pairs(headers)):
            refuse(["what was given is not accepted; give NAME=VALUE, with commas between"])
        return headers

    @property
    def traces_url(self) -> str | None:
        """Where spans are sent; None: where the environment says."""
        return f"{self.endpoint}/v1/traces" if self.endpoint else None

    @property
    def header_table(self) -> dict[str, str] | None:
        """The headers by name; None: those of the environment."""
        return None if self.headers is None else dict(each for each in _pairs(self.headers) if each)


def _pairs(headers: SecretStr) -> list[tuple[str, str] | None]:
    """Each header's name and value; None for what is no header."""
    found: list[tuple[str, str] | None] = []
    for each in headers.get_secret_value().split(","):
        name, equals, value = (part.strip() for part in each.partition("="))
        whole = equals and name and name.isascii() and name.isprintable() and " " not in name
        found.append((name, unquote(value)) if whole and unquote(value).isprintable() else None)
    return found
