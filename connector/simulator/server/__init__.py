"""The simulator as a server: its application, its faults on the wire."""
