"""A certificate authority of the pretend fediverse, made anew at each start."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_IN_ONE = 100
"""Most names in a certificate: it is sent at every handshake."""


def make(
    directory: Path, names: Sequence[str]
) -> tuple[Path, dict[str, ssl.SSLContext], ssl.SSLContext]:
    """Write ``ca.pem`` and key files into ``directory``.

    Returns its path, a server context for each of ``names`` (certificates are shared, but have no
    wildcard: OpenSSL takes none directly below a top-level name), and one that nobody signed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _name("TootTail simulator CA")
    ca = _certificate(ca_name, ca_name, ca_key.public_key(), ca_key, [])
    public = server_key.public_key()
    groups = [names[n : n + _IN_ONE] for n in range(0, len(names), _IN_ONE)]
    good = [_certificate(_name("simulator"), ca_name, public, ca_key, group) for group in groups]
    bad = _certificate(_name("simulator"), _name("nobody"), public, server_key, names)
    ca_file = directory / "ca.pem"
    ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    key = server_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    contexts: dict[str, ssl.SSLContext] = {}
    for number, (group, cert) in enumerate(zip(groups, good, strict=True)):
        chain = cert.public_bytes(serialization.Encoding.PEM) + key
        context = _context(directory / f"server{number}.pem", chain)
        contexts |= dict.fromkeys(group, context)
    unsigned = bad.public_bytes(serialization.Encoding.PEM) + key
    return ca_file, contexts, _context(directory / "unsigned.pem", unsigned)


def _context(path: Path, chain: bytes) -> ssl.SSLContext:
    path.touch(mode=0o600)
    path.write_bytes(chain)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signing_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
) -> x509.Certificate:
    now = datetime.now(UTC)
    authority = not names
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(signing_key, hashes.SHA256())
