"""Names of attributes: the attribute that a setting names, and its name in Customer.io.

`x`, `traits_x` and `traits.x` are one attribute; `account.x` is one of the user's account. In Customer.io the names are
those Hull's connector wrote, so that campaigns built on it go on working: `group/key` becomes `group-key`,
`account.key` becomes `account_key`, and the attribute `id` becomes `hull_id` (docs/moving-from-hull.md#the-settings).
Where messages are of another form than Hull's, `id` stays `id`: the settings as a whole know it.
"""

ACCOUNT = "account"
EVERYTHING = "*"
"""Every field of the user."""
UNSUBSCRIBED = "unsubscribed"
PREFERENCES = "cio_subscription_preferences"
TOPIC = f"{PREFERENCES}.topics."


def bare(source: str) -> str:
    """Returns the attribute's own name, without one leading `traits_` or `traits.`, by which upstreams mark it."""
    if source.startswith(("traits_", "traits.")) and len(source) > len("traits_"):
        return source[len("traits_") :]
    return source


def of_account(source: str) -> str | None:
    """Returns the name within the account that `account.NAME` names; None where `source` is the user's attribute."""
    prefix, dot, name = source.partition(".")
    return bare(name) if prefix == ACCOUNT and dot and name else None


def target(source: str) -> str:
    """Returns the name under which Customer.io gets the attribute where the settings give no `to`."""
    of_the_account = of_account(source)
    if of_the_account is not None:
        return account_target(of_the_account)
    name = bare(source)
    return "hull_id" if name == "id" else name.replace("/", "-")


def account_target(name: str) -> str:
    """Returns the name under which Customer.io gets the account's attribute `name`."""
    return f"{ACCOUNT}_{name}".replace("/", "-")


def is_preference(target: str) -> bool:
    """Says whether an attribute of this name is the person's own choice: to be mailed, or about what."""
    return target in (UNSUBSCRIBED, PREFERENCES) or target.startswith(TOPIC)
