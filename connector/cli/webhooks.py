"""`connector webhooks`: does Customer.io report to us what the profiles and the syncs want?"""

from contextlib import closing
from typing import Annotated

import typer
from typer import Argument, Option, Typer

from connector.activity import fields
from connector.activity.webhook import METRICS
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, SettingsFile, out
from connector.customerio import reporting_webhooks
from connector.customerio.reporting_webhooks import WebhookRemedy
from connector.errors import SettingsError
from connector.model.reported import reported_by
from connector.runtime import Runtime
from connector.settings.connection import check_connection
from connector.settings.mistakes import variable

app = Typer(help="Look at Customer.io's reporting webhooks, and set them up.", no_args_is_help=True)
_NOT_TO_BE_ASKED_FOR = {"email_subscribed"}
"""Is reported, and is in no list of what a webhook may report."""
ReachedAt = Annotated[str, Option(help="Where Customer.io reaches the doors, as https://connector.example.com.")]


@app.callback()
def _group() -> None:
    """Look at Customer.io's reporting webhooks, and set them up."""


@app.command()
def check(
    connection: Annotated[str, Argument(help="The connection, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
    url: ReachedAt = "",
    apply: Annotated[bool, Option("--apply", help="Make the webhook, or mend it.")] = False,
) -> None:
    """Ask Customer.io what it reports to us, and say what is missing. Exit code 1 where something is, and stays."""
    with closing(Runtime.open(settings_of(settings))) as runtime:
        mended = _checked(runtime, connection, url, apply=apply)
    if not mended:
        raise typer.Exit(1)


def _checked(runtime: Runtime, connection: str, url: str, *, apply: bool) -> bool:
    """Says what is missing, and mends it if that is wanted; whether nothing is missing then."""
    check_connection(connection, runtime.settings.connections)
    api, path = runtime.app_api(connection), f"/webhooks/customerio/{connection}"
    rows = reporting_webhooks.listed(api.reporting_webhooks(), connection)
    wanted = _wanted(runtime, connection)
    found = reporting_webhooks.remedy(rows, path, f"{url.rstrip('/')}{path}" if url else "", wanted)
    _say(found, connection, runtime)
    if found.lacks and apply:
        if found.id is None and not url:
            raise SettingsError("a new webhook needs an address: give --url https://YOUR.HOST")
        reporting_webhooks.confirmed(api.set_reporting_webhook(found.id, found.body), connection)
        out.print(f"{connection}: the webhook is {'made' if found.id is None else 'mended'}", highlight=False)
    return apply or not found.lacks


def _wanted(runtime: Runtime, connection: str) -> set[str]:
    """What Customer.io must report for the fields that are configured, and for the feedback of the syncs."""
    chosen = fields.of(runtime.settings.profiles)
    kinds = {(kind, metric) for kind, metrics in METRICS.items() for metric in metrics}
    wanted = {each for each in kinds if any(field.looks_at(*each) for field in chosen)}
    for rules in runtime.syncs:
        if rules.connection == connection:
            wanted |= reported_by(rules.feedback.marks)
    return {f"{kind}_{metric}" for kind, metric in wanted} - _NOT_TO_BE_ASKED_FOR


def _say(found: WebhookRemedy, connection: str, runtime: Runtime) -> None:
    for each in found.lacks or ("all is reported that the profiles and the syncs want",):
        out.print(f"{connection}: {each}", highlight=False, soft_wrap=True)
    if not runtime.settings.connections[connection].webhook_keys:
        name = variable(("connections", connection, "webhook_keys"))
        out.print(f"{connection}: {name} is not set: the door is closed", highlight=False, soft_wrap=True)
