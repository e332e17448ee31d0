"""What each source system sends and what must come of it, as tables of cases; tests/integration/test_wire_rows plays."""

from tests.wire import hightouch, hull, lytics, metarouter, segment

CASES = [*hull.CASES, *segment.CASES, *metarouter.CASES, *hightouch.CASES, *lytics.CASES]
