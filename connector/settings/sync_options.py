"""What a sync chooses, in sections of its own: attributes, events, objects, when deletions wait, whom to suppress."""

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, Strict, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from connector.model import attribute_names
from connector.model.reported import ReportedMark
from connector.settings import attribute_transforms, validators
from connector.settings.attribute_transforms import PropertyTransforms, TransformSetting
from connector.settings.mistakes import refuse, shown
from connector.settings.validators import AttributeField, Names, ObjectTypeId, Seconds, Section, Sources, Switch, Text


class Attribute(Section):
    """One attribute to send: where upstream has it, and its name in Customer.io."""

    source: AttributeField = Field(
        validation_alias="from",
        description="The upstream field: first_name, clearbit/employees, account.name. * stands for every field.",
    )
    target: str = Field(
        default_factory=lambda given: attribute_names.target(given["source"]),
        validation_alias="to",
        validate_default=True,
        description="Its name in Customer.io. Left out, group/key becomes group-key, account.key account_key, and "
        "Hull's id hull_id.",
    )
    transform: tuple[TransformSetting, ...] = Field(
        default=(),
        description="What is made of the value before it is sent, step by step: lower, upper, trim, number, boolean, "
        "date, text, join, { join = TEXT }, { default = VALUE }.",
    )
    left_out: Names = Field(
        default=(), validation_alias="except", description='The fields that are not sent. Only with from = "*".'
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if not isinstance(given, str | dict | Attribute):
            refuse([f"{shown(given)} is not accepted; give text in quotes or a table {{ from = ..., to = ... }}"])
        return {"from": given} if isinstance(given, str) else given

    @field_validator("target")
    @classmethod
    def _storable(cls, target: str, info: ValidationInfo) -> str:
        refuse(validators.target(target) or validators.many_at_once(info.data.get("source", ""), target))
        return target

    @field_validator("transform")
    @classmethod
    def _one_by_one(cls, steps: tuple[TransformSetting, ...], info: ValidationInfo) -> tuple[TransformSetting, ...]:
        refuse(attribute_transforms.of_many_at_once(info.data.get("source", ""), steps))
        return steps

    @field_validator("left_out")
    @classmethod
    def _of_every_field(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        refuse(validators.left_out(info.data.get("source", ""), names))
        return names

    @property
    def is_own_id(self) -> bool:
        """Whether this is upstream's own id, for which the settings give no other name."""
        return attribute_names.bare(self.source) == "id" and "target" not in self.model_fields_set

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Text, or a table."""
        return _text_or_table(handler.resolve_ref_schema(handler(core)))


class SentEvent(Section):
    """One event to send, and what is made of its properties."""

    name: str = Field(description='Its name; page, screen: all of their kind; "*": all events.')
    transform: PropertyTransforms = Field(
        default={},
        description="What is made of properties before they are sent, as of attributes: { PROPERTY = [STEP, ...] }.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if not isinstance(given, str | dict | SentEvent):
            refuse(
                [f"{shown(given)} is not accepted; give text in quotes or a table {{ name = ..., transform = ... }}"]
            )
        return {"name": given} if isinstance(given, str) else given

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Text, or a table."""
        return _text_or_table(handler.resolve_ref_schema(handler(core)))


def _text_or_table(table: JsonSchemaValue) -> JsonSchemaValue:
    return {"description": table.pop("description"), "anyOf": [{"type": "string", "minLength": 1}, table]}


class ObjectType(Section):
    """Objects of one type (companies, courses, ...): where from, which attributes, what becomes of those that leave."""

    type: ObjectTypeId = Field(description="Customer.io's object_type_id of these objects.")
    sources: Sources = Field(
        default=("object", "group"),
        validation_alias="from",
        description="What speaks of such objects: object (messages about objects, and relationships of users), "
        "group (calls of the Segment spec), account (the account of each user).",
    )
    identifier: AttributeField = Field(
        default="id", description='The field of an account whose value is the object\'s id. Only with from "account".'
    )
    attributes: tuple[Attribute, ...] = Field(
        default=(),
        description="The attributes of an object to send, and no others. One taken off the list is cleared.",
    )
    relationship_attributes: tuple[Attribute, ...] = Field(
        default=(),
        description="The attributes of a relationship to send, and no others. Of an account they are the user's own.",
    )
    on_exit: Literal["keep", "delete"] = Field(
        default="keep",
        description="What becomes of objects that leave: keep stops updating them, delete deletes them.",
    )

    @field_validator("attributes", "relationship_attributes")
    @classmethod
    def _apart(cls, attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
        refuse(validators.one_by_one([each.source for each in attributes]))
        refuse(validators.attributes([(each.source, each.target) for each in attributes], None, None))
        return attributes


class DeletionGuard(Section):
    """When deletions are held until a human approves them."""

    share: Annotated[float, Strict()] = Field(
        default=0.1, gt=0, le=1, allow_inf_nan=False, description="The share of the people held that may be deleted."
    )
    at_least: Annotated[int, Strict()] = Field(
        default=50, ge=0, description="So many may be deleted, however small the audience is."
    )
    window_seconds: Seconds = Field(default=3600.0, description="Within which time.")


class Feedback(Section):
    """What is kept from people of whom Customer.io has reported something (docs/webhooks.md#feedback-into-the-sync)."""

    no_events_for: tuple[ReportedMark, ...] = Field(
        default=(),
        description="Who is sent no events: unsubscribed, suppressed, bounced, spammed; until they resubscribe.",
    )
    not_recreated: tuple[ReportedMark, ...] = Field(
        default=(),
        description="Of whom nothing is sent at all, so that nobody is there again whom Customer.io has deleted or "
        "suppressed; until they resubscribe. Removals still go.",
    )

    @property
    def any(self) -> bool:
        """Whether anything is kept from anybody."""
        return bool(self.marks)

    @property
    def marks(self) -> frozenset[str]:
        """The marks for which something is kept from people."""
        return frozenset((*self.no_events_for, *self.not_recreated))


class Suppression(Section):
    """Which people to suppress: they are deleted in Customer.io and blocked there."""

    attribute: Text = Field(default="", description='The upstream field to look at. "" suppresses nobody by a rule.')
    equals: Switch | Annotated[int, Strict()] | Annotated[str, Strict()] = Field(
        default=True, description="The value that suppresses; the case of text is the same."
    )

    @field_validator("attribute")
    @classmethod
    def _one_field(cls, attribute: str) -> str:
        refuse(validators.suppressing(attribute))
        return attribute
