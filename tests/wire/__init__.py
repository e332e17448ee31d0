"""What each source system sends and what must come of it, as tables of cases; tests/integration/test_wire_rows plays."""

from tests.wire import metarouter, segment

CASES = [*segment.CASES, *metarouter.CASES]
