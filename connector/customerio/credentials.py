"""Tells whether a connection's credentials have changed, without telling the credentials."""

from hashlib import sha256

from connector.settings.connection import Connection


def fingerprint(connection: Connection) -> str:
    """Returns twelve characters that change with the connection's name, site id or API key."""
    site_id = connection.site_id.get_secret_value() if connection.site_id else ""
    api_key = connection.api_key.get_secret_value() if connection.api_key else ""
    return sha256(f"{connection.name}\0{site_id}\0{api_key}".encode()).hexdigest()[:12]
