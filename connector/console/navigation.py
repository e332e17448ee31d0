"""The entries of the navigation, which every page shows."""

from typing import NamedTuple


class NavigationEntry(NamedTuple):
    """An entry of the navigation: its word, the path it leads to, and the key that leads there after `g`."""

    word: str
    path: str
    key: str


NAVIGATION = (
    NavigationEntry("Home", "/", "h"),
    NavigationEntry("People", "/people", "p"),
    NavigationEntry("Funnel", "/funnel", "f"),
    NavigationEntry("Calls", "/calls", "c"),
    NavigationEntry("Problems", "/problems", "r"),
    NavigationEntry("Held deletions", "/held", "d"),
    NavigationEntry("Jobs", "/jobs", "j"),
    NavigationEntry("Alerts", "/alerts", "a"),
    NavigationEntry("Try it", "/try", "t"),
    NavigationEntry("Settings", "/settings", "s"),
    NavigationEntry("Operators", "/operators", "o"),
)
