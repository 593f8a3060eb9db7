"""The outside world of these tests: what a server got, and who vouches for it."""

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"


@dataclass
class Server:
    """`requests` are the raw bytes of each request, `connections` how often somebody connected."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook?key=s3cret"


async def read_request(reader):
    """One whole request; empty when the other side has gone."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = await reader.readline()
        if not line:
            return b""
        head += line
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


class Authority:
    """A certificate authority: `file` is what clients may trust, `server(name)` the TLS side of a server."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lumen test authority")])
        certificate = self._build(self.name, self.key, ca=True).sign(self.key, hashes.SHA256())
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, host, *, days=30, signed=True):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        builder = self._build(name, key, days=days, issuer=self.name if signed else name)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        certificate = builder.sign(self.key if signed else key, hashes.SHA256())
        file = self.folder / f"{host}-{days}-{signed}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _build(self, name, key, *, ca=False, days=30, issuer=None):
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer or name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
        return builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)


def lines(corpus):
    """The cases of a corpus: one on each line."""
    return (Path(__file__).parent / "corpus" / f"{corpus}.txt").read_text().splitlines()
