"""`connector mcp`: a door for agents, over standard input and output, as an agent's host starts it.

It needs no port and no token, and nobody else reaches it: whoever can start it may run every other command too.
"""

from contextlib import closing
from functools import wraps
from importlib import import_module
from typing import Annotated, Any

from typer import Option

from connector import __version__
from connector.cli.agent_tools import AgentTools
from connector.cli.opening import opened
from connector.cli.operator_acts import operator
from connector.cli.options import SETTINGS_TOML, SettingsFile
from connector.errors import ConnectorError, SettingsError
from connector.runtime import Runtime

_NOT_INSTALLED = "the extra mcp is not installed: pip install 'audience-sync-connector[mcp]'"
People = Annotated[bool, Option("--people", help="Show what is personal too; each look is in the log of operators.")]


def mcp(settings: SettingsFile = SETTINGS_TOML, people: People = False) -> None:
    """Serve agents over standard input and output (Model Context Protocol), until they end.

    Tools that change something are there with [console] mcp_writes = true alone. Each act is in the log of operators.
    """
    with closing(opened(settings)) as runtime:
        server_of(runtime, people=people).run("stdio")


def server_of(runtime: Runtime, *, people: bool) -> Any:
    """Returns the server with the tools that the settings allow. Raises SettingsError without the extra."""
    try:
        library = import_module("mcp.server")
        refusal = import_module("mcp.server.mcpserver.exceptions").ToolError
    except ImportError as error:
        raise SettingsError(_NOT_INSTALLED) from error
    server = library.MCPServer("audience-sync-connector", version=__version__, log_level="WARNING")
    tools = AgentTools(runtime, operator(), people=people)
    for tool in (*tools.reading(), *(tools.writing() if runtime.settings.console.mcp_writes else ())):
        server.add_tool(_refusing(tool, refusal))
    return server


def _refusing(tool: Any, refusal: Any) -> Any:
    """Returns a tool whose refusals are told to the agent as such."""

    @wraps(tool)
    def called(*args: Any, **given: Any) -> Any:
        try:
            return tool(*args, **given)
        except ConnectorError as error:
            raise refusal(str(error)) from error

    return called
