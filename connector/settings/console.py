"""[console]: the operator's page, who may see it, and what they may do there."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic.json_schema import SkipJsonSchema

from connector.settings import validators
from connector.settings.mistakes import refuse
from connector.settings.validators import Count, Seconds, Secret, Section, Switch, TableName

ConsoleRole = Literal["masked_viewer", "viewer", "operator", "approver"]
"""What somebody may do at the page: each may do what those before it may."""
ROLES: tuple[ConsoleRole, ...] = ("masked_viewer", "viewer", "operator", "approver")


class ConsoleUser(Section):
    """Somebody who signs in with a password."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    role: ConsoleRole = Field(default="viewer", description="What they may do.")
    password_hash: Secret = Field(
        default=None,
        description="The hash of their password, as `connector console hash` makes it. Not in the file: give "
        "CONNECTOR__CONSOLE__USERS__NAME__PASSWORD_HASH.",
    )


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
        "CONNECTOR__CONSOLE__READ_URL. Left out, pages read the store.",
    )
    statement_seconds: Seconds = Field(
        default=2.0, description="PostgreSQL: how long one statement of a page may take, so that none slows delivery."
    )
    pages_at_once: Count = Field(
        default=4, le=64, description="How many pages are made at once; the next ones wait for their turn."
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

    users: dict[TableName, ConsoleUser] = Field(
        default={},
        description="Who signs in with a password, each under the name that they sign in with.",
        json_schema_extra={"additionalProperties": False},
    )

    @property
    def signs_in(self) -> bool:
        """Whether a way to sign in is configured. Without one only this machine is let in."""
        return bool(self.users)

    @field_validator("users")
    @classmethod
    def _named(cls, users: dict[str, ConsoleUser]) -> dict[str, ConsoleUser]:
        return {name: each.model_copy(update={"name": name}) for name, each in users.items()}

    @field_validator("read_url")
    @classmethod
    def _of_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            refuse(validators.replica(url.get_secret_value()))
        return url
