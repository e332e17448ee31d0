"""A faithful Customer.io in memory, Track API v1 and v2 and App API on one port: to stage, show and test against.

The rules are those of docs/customerio.md; docs/customerio.md#the-simulator lists them. The state machine knows no HTTP:

    options -> people, objects, segments, anonymous, suppression, activity -> state
    state   -> attributes, merging, relationships, identify, events, lifecycle -> workspace   `now` is an argument
    limits  -> checks                                                       what is refused, per field
    faults, calls -> simulator                                              what a running one holds
    track_*, app_*, read_side -> web, with the gate in front -> server      HTTP
"""

from connector.simulator.base.options import Options
from connector.simulator.server.server import running, serve
from connector.simulator.server.web import create_app

__all__ = ["Options", "create_app", "running", "serve"]
