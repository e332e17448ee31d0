"""What each source system sends, and what must come of it: tables of cases.

tests/integration/test_wire_rows.py plays them, tests/unit/test_features_doc.py holds docs/features.md against them. A
case of a feature of your own goes into the table of its system, and names the row it shows.
"""

from tests.wire import (
    beyond,
    destination,
    hightouch,
    hull,
    lytics,
    manual_segments,
    metarouter,
    objects,
    one_person,
    segment,
    suppression,
)

CASES = [
    *hull.CASES,
    *destination.CASES,
    *segment.CASES,
    *metarouter.CASES,
    *hightouch.CASES,
    *lytics.CASES,
    *one_person.CASES,
    *objects.CASES,
    *manual_segments.CASES,
    *suppression.CASES,
    *beyond.CASES,
]
