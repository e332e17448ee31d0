"""What `connector check` says of the console: who may sign in, and how."""

from collections.abc import Iterator
from contextlib import closing

from connector.cli.finding import Finding
from connector.console.oidc import Provider
from connector.console.origin import is_loopback
from connector.console.provider_http import ProviderHttp
from connector.errors import ConnectorError
from connector.settings.console import ConsoleSettings
from connector.settings.mistakes import variable
from connector.settings.schema import Settings

_WHAT = "console"


def of_console(settings: Settings) -> Iterator[Finding]:
    """Whether people can open the console, and stay signed in."""
    console = settings.console
    if not console.enabled:
        yield Finding("ok", _WHAT, "switched off")
        return
    if not console.signs_in:
        yield _of_this_machine(settings.web.host)
        return
    yield Finding("ok", _WHAT, f"people sign in {', '.join(_ways(console))}")
    if console.oidc.issuer:
        yield _of_provider(console)
    if console.secret is None and (console.users or console.oidc.issuer):
        several = (
            "several `connector web` do not know one another's" if settings.broker.durable else "a restart ends them"
        )
        text = (
            f"each process signs sessions with a secret of its own, so {several}: set {variable(('console', 'secret'))}"
        )
        yield Finding("warning", _WHAT, text)


def _of_this_machine(host: str) -> Finding:
    if host == "localhost" or is_loopback(host):
        return Finding("ok", _WHAT, "no sign-in is configured, so it answers this machine only")
    return Finding(
        "warning",
        _WHAT,
        f"the doors listen on {host}, but no sign-in is configured, so the console answers this machine only: "
        "docs/console.md says how to configure one",
    )


def _of_provider(console: ConsoleSettings) -> Finding:
    what = f"{_WHAT}.oidc"
    try:
        with closing(Provider(console.oidc, ProviderHttp())) as provider:
            provider.metadata()
    except ConnectorError as error:
        return Finding("failed", what, str(error).removeprefix(f"{what}: "))
    return Finding("ok", what, f"{console.oidc.issuer} answers")


def _ways(console: ConsoleSettings) -> Iterator[str]:
    if console.users:
        yield f"by password ({len(console.users)})"
    if console.oidc.issuer:
        yield f"at {console.oidc.issuer}"
    if console.proxy.user_header:
        yield f"by the header {console.proxy.user_header} of {', '.join(console.proxy.trusted)}"
