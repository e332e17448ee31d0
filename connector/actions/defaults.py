"""What becomes of calls where a sync says nothing else: those of Customer.io's own destination.

docs/actions.md#what-calls-do-by-default lists them.

They make of every call exactly what `segment_calls` reads, which is the quicker way to the same: a test compares them.
"""

from collections.abc import Mapping

from connector.actions.action import Action
from connector.actions.effects import EFFECTS
from connector.actions.template import TemplateObject, TemplateSource, source
from connector.actions.when import When
from connector.formats.segment.audiences import ENTERED, EXITED

_DEVICE_THERE = ("Application Installed", "Application Opened", "Device Created or Updated")
_DEVICE_GONE = ("Application Uninstalled", "Device Deleted")
_USER_DELETED = "User Deleted"
_AUDIENCE: dict[str, TemplateSource | TemplateObject] = {
    "segment": source(["properties.audience_key", "properties.audience_name"])
}


def _default(do: str, type: str, *events: str, template: Mapping[str, TemplateSource | TemplateObject] = {}) -> Action:
    return Action(f"the default for {do}", When(frozenset({type}), frozenset(events)), EFFECTS[do], template)


DEFAULTS = (
    _default("identify", "identify"),
    _default("audience_traits", "identify"),
    _default("track", "track"),
    _default("page", "page"),
    _default("screen", "screen"),
    _default("account", "group"),
    _default("add_device", "track", *_DEVICE_THERE),
    _default("delete_device", "track", *_DEVICE_GONE),
    _default("enter_segment", "track", ENTERED, template=_AUDIENCE),
    _default("leave_segment", "track", EXITED, template=_AUDIENCE),
    _default("delete_person", "delete"),
    _default("delete_person", "track", _USER_DELETED),
    _default("suppress", "track", "User Suppressed"),
    _default("unsuppress", "track", "User Unsuppressed"),
)
