"""One module per operation of Customer.io's Track API v2: its fields, its wire form (docs/customerio.md#operations).

An operation is the plain JSON object that goes on the wire, as one item of a batch.
"""

from typing import Any

Item = dict[str, Any]
