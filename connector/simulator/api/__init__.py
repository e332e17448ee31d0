"""The simulator's HTTP endpoints: Track v1, Track v2, App API."""
