"""The limits of Customer.io, each once, in bytes of UTF-8 unless it says otherwise (docs/customerio.md#sizes).

"Documented" is the vendor's own specification of the API. Where that leaves a unit or a count open, the smaller reading
is kept to. The simulator has limits of its own, on purpose: it stands for Customer.io, and must not learn from us.
"""

IDENTIFIER_BYTES = 150
"""An id, an e-mail address, a cio_id. Documented for the id of a person."""
OBJECT_ID_BYTES = 150
"""An object's id. Documented."""
NAME_BYTES = 150
"""An attribute's name, of people, objects and relationships. Documented."""
VALUE_BYTES = 1000
"""An attribute's value. Documented; that objects and lists are measured as JSON is how Hull's connector took it."""
ATTRIBUTES = 300
"""Attributes of a person, and of one identify. Documented."""
ATTRIBUTES_AN_ITEM = ATTRIBUTES - 1
"""Attributes that we send in one operation: `_update` may be one more. Whether it counts is not documented."""
EVENT_NAME_BYTES = 100
"""An event's name. Documented; an error message speaks of 500 characters, which is more."""
EVENT_BYTES = 100_000
"""The body of an event of Track v1. Documented for its data."""
ITEM_BYTES = 32_000
"""An item of a v2 batch. Documented as 32 kB, without saying which: this is the smaller one."""
ITEM_ATTRIBUTE_BYTES = 30_000
"""The bytes that the attributes of an item may take, so that identifiers and the rest fit beside them."""
BATCH_BYTES = 500_000
"""The body of a v2 batch. Documented as 500 kB, and RudderStack's destination takes the same for it."""
PEOPLE_A_SEGMENT_CALL = 1000
"""Identifiers in one add_customers or remove_customers. Documented."""
PEOPLE_A_READ = 100
"""Identifiers in one question after attributes at the App API. Documented."""
