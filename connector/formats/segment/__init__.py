"""The Segment spec: calls of analytics libraries and audience messages of sources."""
