"""Certificates for tests: an authority, and what it has signed for localhost, made by openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest


def make(folder: Path) -> Path:
    """Makes ca.pem, and server.pem and client.pem with their keys, in the folder; gives it back."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt install openssl")

    def openssl(*arguments: str) -> None:
        subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True, timeout=60)

    new = ("-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl("req", "-x509", *new, "-subj", "/CN=Authority", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name in ("server", "client"):
        openssl("req", *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "names", "-out", f"{name}.pem",
        )  # fmt: skip
    return folder
