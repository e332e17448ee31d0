"""Actions: which call of the Segment spec does what, with which values (docs/actions.md).

`settings` say them, `action` applies them, `effects` is the list of what can be done.
"""
