"""Shows what pasted messages would send by the present settings, without storing or sending anything."""

from connector import formats
from connector.admin.preview import sample_message
from connector.admin.preview.preview import Preview, Previewer
from connector.errors import ConnectorError
from connector.runtime import Runtime

FORMATS = formats.NAMES
MOST_MESSAGES = 50


def sample(runtime: Runtime, format: str, sync: str = "") -> str:
    """Returns a message to try out first, about an invented person; "" where the settings name no sync.

    Args:
        runtime: What this program has open.
        format: Its form; the intake's where there is none of this name.
        sync: The sync that would take it; the first one where there is none of this name.
    """
    syncs = runtime.settings.syncs
    if not syncs:
        return ""
    form = format if format in FORMATS else runtime.settings.intake.format
    return sample_message.text(form, syncs.get(sync) or next(iter(syncs.values())))


def messages(runtime: Runtime, format: str, text: str) -> list[Preview]:
    """Returns what each message would lead to in each sync, explained; nothing is stored or sent.

    Args:
        runtime: What this program has open.
        format: The form of the messages.
        text: One JSON value, or one a line.

    Raises:
        ConnectorError: The text is empty, or has more than 50 messages.
    """
    if not text.strip():
        raise ConnectorError("Nothing was pasted: paste a message as upstream sends it.")
    found = formats.read(format, text.encode())
    if len(found) > MOST_MESSAGES:
        much = f"These are {len(found):,} messages, and {MOST_MESSAGES} at the most are tried here"
        raise ConnectorError(f"{much}: use `connector plan` for more.")
    return list(Previewer(runtime.syncs, explained=True).preview(found))
