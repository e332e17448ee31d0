"""A certificate of the simulator's own, for clients that speak only https. Made by the program openssl."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from connector.errors import ConnectorError

_SECONDS = 60


class Certificate(NamedTuple):
    """The files of a certificate, which signs itself, and of its key."""

    file: Path
    key: Path


def make(folder: Path, host: str) -> Certificate:
    """Makes one for `host`, localhost and the loopback, good for a year. Raises ConnectorError."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    own = f"IP:{host}" if host.replace(".", "").isdigit() or ":" in host else f"DNS:{host}"
    names = ",".join(dict.fromkeys((own, "DNS:localhost", "IP:127.0.0.1", "IP:::1")))
    command = (
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=simulator",
        "-addext", f"subjectAltName={names}", "-keyout", str(made.key), "-out", str(made.file),
    )  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
    except FileNotFoundError as error:
        raise ConnectorError("--tls needs the program openssl: apt install openssl") from error
    except subprocess.SubprocessError as error:
        raise ConnectorError(f"openssl made no certificate for {host}: {error}") from error
    return made
