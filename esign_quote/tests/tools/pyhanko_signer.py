"""pyHanko's own signing with one of our keys: files that ``seal_pdf`` would not make, for the tests."""

import asyncio
import io

from asn1crypto import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko_certvalidator.registry import SimpleCertificateStore

AS_OURS = {
    "field_name": "Seal",
    "md_algorithm": "sha256",
    "certify": True,
    "docmdp_permissions": fields.MDPPerm.NO_CHANGES,
    "subfilter": fields.SigSeedSubFilter.PADES,
}


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


class _BlindSigner(signers.PdfSigner):
    """Signs whatever an earlier certification forbids."""

    def _enforce_certification_constraints(self, _reader):
        pass


def sign_otherwise(data, key, **options):
    """Sign as pyHanko does, also what may not be signed any more; ``options`` are those of its metadata.

    :param bytes data: a PDF, signed or not
    :param SealKey key: the signer's
    :rtype: bytes
    """
    signer = _BlindSigner(signers.PdfSignatureMetadata(**AS_OURS | options), PyhankoSigner(key))
    return signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data), strict=False)).getvalue()


def sign_without_perms(data, key):
    """Certify, but leave the certification out of the catalogue: the transform alone binds no viewer.

    :param bytes data: a PDF
    :param SealKey key: the signer's
    :rtype: bytes
    """
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    signer = signers.PdfSigner(signers.PdfSignatureMetadata(**AS_OURS), PyhankoSigner(key))
    prepared = signer.init_signing_session(writer).prepare_tbs_document(None, bytes_reserved=16_384)
    del writer.root["/Perms"]
    digest, output = prepared.digest_tbs_document()
    asyncio.run(prepared.perform_signature(digest.document_digest, PdfCMSSignedAttributes()))
    return output.getvalue()
