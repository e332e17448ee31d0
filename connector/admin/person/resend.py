"""Has one person delivered whole again, as a resync does with everybody."""

from connector.errors import ConnectorError, SettingsError
from connector.runtime import Runtime
from connector.store import resend


def again(runtime: Runtime, key: str, sync: str) -> bool:
    """Makes a person due to be sent whole, as Customer.io may not hold what it confirmed.

    Args:
        runtime: What this program has open.
        key: Their key.
        sync: The sync, by its name.

    Returns:
        False where they were due to be sent whole already, else True.

    Raises:
        SettingsError: There is no such sync, or it does not deliver.
        ConnectorError: They have no row, wait for an identifier that another user holds, or their deletion is held.
    """
    if not runtime.rules(sync).deliver:
        raise SettingsError(f"syncs.{sync}: deliver = false, so nothing would be sent: set deliver = true first")
    with runtime.store.writing() as tx:
        waits = resend.waits_whole(tx, sync, key)
        made = resend.send_whole(tx, sync, [key], runtime.store.now(tx))
    if not made:
        raise ConnectorError(
            f"{sync}: {key!r} is left alone. Either no row is there, or they wait for an identifier that another user "
            "holds, or their deletion is held back: their page says which."
        )
    return not waits
