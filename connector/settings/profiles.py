"""[profiles]: what becomes of the webhooks of a person."""

from typing import Literal

from pydantic import Field, field_validator

from connector.settings import validators
from connector.settings.mistakes import refuse
from connector.settings.validators import AttributeField, Names, Section, Switch, Text

Aggregate = Literal["latest", "earliest", "max", "set", "count", "count_by_key"]
ReadAs = Literal["", "hashed_url", "hour_of_day"]


class ProfileFieldSettings(Section):
    """A field of a profile: which webhooks count, what is read of each, and what all of them come to."""

    source: AttributeField = Field(
        validation_alias="from",
        description="What is read: timestamp, event (email_opened), object_type, metric, customer_id, email, or a "
        "field of the webhook's data, as campaign_id, subject, href, content.title.",
    )
    target: Text = Field(validation_alias="to", min_length=1, description="The field's name in the profile.")
    object_types: Names = Field(default=(), description="Of which types: email, push, sms, ...; [] is all.")
    metrics: Names = Field(default=(), description="Of which metrics: opened, clicked, ...; [] is all.")
    aggregate: Aggregate = Field(
        default="latest",
        description="What many webhooks come to: the latest or earliest value, the largest number, the set of values, "
        "how many webhooks, or how many of each value.",
    )
    read_as: ReadAs = Field(
        default="",
        description="hashed_url: a digest of a URL's host and path. hour_of_day: the hour of a time, 0 to 23, in UTC.",
    )


class ProfilesSettings(Section):
    """What Customer.io's webhooks become: the fields of a person's profile."""

    default_fields: Switch = Field(default=True, description="Whether the usual fields are kept: docs/webhooks.md.")
    leave_out_machines: Switch = Field(
        default=False,
        description="Whether opens and clicks by machines are left out: machine, proxied or prefetched.",
    )
    fields: tuple[ProfileFieldSettings, ...] = Field(
        default=(), description="More fields. One with the name of a usual field takes its place."
    )

    @field_validator("fields")
    @classmethod
    def _each_once(cls, fields: tuple[ProfileFieldSettings, ...]) -> tuple[ProfileFieldSettings, ...]:
        refuse(validators.names([each.target for each in fields]))
        return fields
