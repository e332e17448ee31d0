"""How often a process looks for garbage: what it imports lives as long as it does, and no search frees any of that."""

import atexit
import gc

_THRESHOLDS = (50_000, 20, 50)


def look_seldom() -> None:
    """Makes searches for garbage rare in this process, and leaves out the one at its end.

    A search every 700 objects, as Python has it, takes a fifth of the time of `connector status`, and of a batch, which
    makes many objects that die together, hardly any in circles. The one at the end takes a quarter: it frees one by one
    what the system takes back at once. What is to happen at the end is done by those who hold it (`with`, `atexit`),
    never by the collector.
    """
    gc.set_threshold(*_THRESHOLDS)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
