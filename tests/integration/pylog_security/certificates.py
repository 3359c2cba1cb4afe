"""Certificates of a test's own authority, as PEM files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import trustme


class Pems(NamedTuple):
    authority: Path
    server: Path
    client: Path
    """Key and chain of a client whose subject is in `client_subject`."""
    stranger: Path
    """Key and chain of a client of another authority."""


def make_pems(folder: Path) -> Pems:
    """Write them all into a folder."""
    authority, foreign = trustme.CA(), trustme.CA()
    pems = Pems(*(folder / f"{name}.pem" for name in Pems._fields))
    authority.cert_pem.write_to_path(str(pems.authority))
    for path, issuer, names in (
        (pems.server, authority, ("127.0.0.1", "localhost")),
        (pems.client, authority, ("alice",)),
        (pems.stranger, foreign, ("mallory",)),
    ):
        issued = issuer.issue_cert(*names, common_name=names[0])
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    return pems
