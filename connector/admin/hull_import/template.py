"""The file that `connector import-hull` makes: each key with what it was in Hull, and what is different here."""

import json
from collections.abc import Collection, Iterable
from string import Template
from typing import NamedTuple

from connector.settings.mistakes import shown

SEGMENT_ATTRIBUTE = "hull_segments"

_TEMPLATE = Template("""\
# Made by `connector import-hull` from the settings of Hull's Customer.io connector. Beside each key stands what it was
# in Hull, and what is different here. docs/moving-from-hull.md says how to change over; the settings.toml of the
# repository is the manual of all keys.

[syncs.main]
${label}connection = "main"

# Hull: synchronized_segments${is_synchronized_segments}, the whitelist by id. Names work here as well as ids.
# Different: bulk loads keep to it too; in Hull, with deletion off, they created everybody.
segments = ${segments}

# Hull: enable_user_deletion${is_enable_user_deletion}. On is "delete" here, off is "keep".
# Different: deleted is whoever was delivered, never an empty or a newer identifier; a failed deletion is tried again;
# and too many deletions at once wait for `connector approve`.
on_exit = ${on_exit}

# Hull: user_id_mapping${is_user_id_mapping}, the attribute whose value is Customer.io's id.
# Different: an empty value addresses nobody here, and two users with the same value are told as a problem.
identifier = ${identifier}
identify_by = "id"

# Hull: no setting. There a changed identifier left a second person behind; here Customer.io merges the two.
on_identifier_change = "merge"

# Hull: no setting, people without an e-mail address were left out, as here.
# Different: null, "" and blanks count as none too; Hull sent them, and so emptied the address.
require_email = true

# Hull: synchronized_attributes${is_synchronized_attributes}, and always email and created_at. In Customer.io they keep
# their names.
# Different: what is no longer listed, or no longer upstream, is cleared; one value that is too large costs only itself;
# a missing created_at is not "now".
attributes = ${attributes}

# Hull: no setting, always sent under this name. Its help page writes hull_segment: look which one your workspace has.
# Different: lower case, each name once, sorted; more than 1000 bytes of names no longer stop the person.
segment_attribute = ${segment_attribute}

# Hull: no setting. There a value whose name ended in _at or _date became digits as text, and seconds were read as
# milliseconds.
# Different: numbers, recognised by value: ISO dates under any name, milliseconds under such names.
convert_dates = true

# Hull: events_filter${is_events_filter}, the events by name, "page" for page views.
# Different: an event keeps its own time and an id, so that a repeat counts once; one that failed is sent again;
# "screen" stands for all screen views.
events = ${events}

# Hull: anonymous_events${is_anonymous_events}. Nothing there ever looked at it.
# Different: here, true sends the events of people who cannot be identified yet.
anonymous_events = ${anonymous_events}

[connections.main]
# Hull: site_id${is_site_id}, api_key${is_api_key}. They do not go into this file: give them in the environment as
#     CONNECTOR__CONNECTIONS__MAIN__SITE_ID
#     CONNECTOR__CONNECTIONS__MAIN__API_KEY
# Hull: no setting, always the United States.
region = "us"

[intake]
# Hull: no setting. Its notifications are taken as they are.
format = "hull"
""")
_WITH_STATE = (
    "synchronized_segments",
    "enable_user_deletion",
    "user_id_mapping",
    "synchronized_attributes",
    "events_filter",
    "anonymous_events",
    "site_id",
    "api_key",
)


class TemplateRow(NamedTuple):
    """An entry of a list, and the comment beside it."""

    text: str
    comment: str | None = None


def filled(
    *,
    label: str,
    segments: Iterable[TemplateRow],
    deletes: bool,
    events: Iterable[TemplateRow],
    anonymous_events: bool,
    identifier: str,
    attributes: Iterable[TemplateRow],
    set_there: Collection[str],
) -> str:
    """Returns the text of the settings file.

    Args:
        label: What Hull called the connector; "" for nothing.
        segments: The segments of the sync, with a comment each.
        deletes: Whether who leaves the audience is deleted.
        events: The events that are sent, with a comment each.
        anonymous_events: Whether events of visitors without a user are sent.
        identifier: The field that `id` comes from.
        attributes: The attributes that are sent, with a comment each.
        set_there: The names of the settings that Hull had; all others had their defaults.
    """
    states = {f"is_{name}": "" if name in set_there else " (not set)" for name in _WITH_STATE}
    return _TEMPLATE.substitute(
        states,
        label=f"label = {_quoted(label)}\n" if label else "",
        segments=_list(segments),
        on_exit=_quoted("delete" if deletes else "keep"),
        identifier=_quoted(identifier),
        attributes=_list(attributes),
        segment_attribute=_quoted(SEGMENT_ATTRIBUTE),
        events=_list(events),
        anonymous_events="true" if anonymous_events else "false",
    )


def _list(rows: Iterable[TemplateRow]) -> str:
    lines = [f"  {_quoted(row.text)},{_comment(row)}\n" for row in rows]
    return f"[\n{''.join(lines)}]" if lines else "[]"


def _comment(row: TemplateRow) -> str:
    """Returns the comment beside an entry: `shown` escapes control characters, which TOML does not allow in one."""
    return "" if row.comment is None else f"  # {shown(row.comment)[1:-1]}"


def _quoted(text: str) -> str:
    """Returns a text as a TOML string: JSON's form of it, with the character DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
