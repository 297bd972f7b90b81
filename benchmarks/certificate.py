"""A certificate for loopback, and the authority that all programs are told to trust."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Where they are, PEM."""

    authority: Path
    server: Path
    """Key and chain in one file."""


def make_certificate(directory: Path) -> Certificate:
    """Make a key (ECDSA P-256, as the CDNs use) and a certificate for 127.0.0.1 in *directory*."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    made = Certificate(authority=directory / "authority.pem", server=directory / "server.pem")
    authority.cert_pem.write_to_path(made.authority)
    authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).private_key_and_cert_chain_pem.write_to_path(
        made.server
    )
    return made
