"""The `[retention]` section: how long things are kept."""

from typing import Annotated, Literal

from pydantic import Field, Strict

from connector.settings.validators import Days, Section


class RetentionSettings(Section):
    """How long rows are kept that delivery no longer needs."""

    events_days: Days = Field(
        default=90.0, description="A sent event's id, by which a repeat is known. A later repeat is sent again."
    )
    calls_days: Days = Field(default=7.0, description="The log of requests to Customer.io.")
    call_bodies: Literal["failed", "all", "none"] = Field(
        default="failed", description="Which requests are logged with their bodies: those that failed, all, or none."
    )
    history_days: Annotated[float, Strict()] = Field(
        default=7.0,
        ge=0,
        allow_inf_nan=False,
        description="What was said of each person, decided, sent and answered, and in which request; 0 keeps none.",
    )
    problems_days: Days = Field(default=90.0, description="A problem that did not come again.")
    webhooks_days: Annotated[float, Strict()] = Field(
        default=30.0,
        ge=8,
        allow_inf_nan=False,
        description="A reporting webhook and its id, by which a repeat is known. Customer.io repeats for seven days.",
    )
    operators_days: Days = Field(default=365.0, description="What was done by hand (`connector operator-log`).")
    minutes_days: Days = Field(default=14.0, description="What was counted by the minute. What it comes to is kept.")
