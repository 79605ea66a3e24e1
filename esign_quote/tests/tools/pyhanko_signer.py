"""pyHanko's own signing with one of our keys: files that ``seal_pdf`` would not make, for the tests."""

from asn1crypto import x509
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore


class PyhankoSigner(signers.Signer):
    """:param SealKey key: signs with SHA-256"""

    def __init__(self, key):
        registry = SimpleCertificateStore()
        registry.register_multiple(x509.Certificate.load(der) for der in key.chain)
        super().__init__(signing_cert=x509.Certificate.load(key.certificate), cert_registry=registry)
        self._seal_key = key

    async def async_sign_raw(self, data, digest_algorithm, dry_run=False):
        assert digest_algorithm == "sha256"
        return bytes(self._seal_key.signature_size) if dry_run else self._seal_key.sign(data)
