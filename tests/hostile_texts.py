"""Texts that somebody may be named by to break a page: markup, templates, directions, and many characters."""

HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eabc\u202c\u2066",
    "&amp;%3Cb%3E+ space/?#=",
    "x" * 120,
)
