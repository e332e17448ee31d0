"""[syncs.NAME.freshness]: how soon a sync promises to have changes in Customer.io."""

from typing import Annotated

from pydantic import Field, Strict

from connector.settings.validators import Seconds, Section, Text

SecondsOrNone = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
"""Seconds, where 0 is for never."""


class Freshness(Section):
    """The promise of a sync: within how many seconds a change reaches Customer.io."""

    within_seconds: SecondsOrNone = Field(
        default=0.0, description="Everybody's change, bulk loads aside, is in Customer.io within this time. 0: none."
    )
    segments: dict[Text, Seconds] = Field(
        default={}, description="The same for who entered or left a segment, by its name or id."
    )
