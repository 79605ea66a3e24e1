"""The seal: all stamps and one PAdES certification signature in a single incremental update.

Nothing may follow a certification that allows no change (DocMDP P=1, ISO 32000-1 12.8.2.2), so
everything is inside this one update and the original stays a prefix of the result, byte for byte.
"""

import asyncio
import io
from collections.abc import Sequence
from datetime import datetime

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, SigDSSPlacementPreference
from pyhanko_certvalidator.registry import SimpleCertificateStore

from .exceptions import SealError
from .geometry import Placement
from .pdf_limits import PYHANKO_LIMITS
from .seal_key import SealKey, generate_certificate, read_pkcs12
from .stamping import draw_form, import_stamp

__all__ = ["SealKey", "generate_certificate", "read_pkcs12", "seal_pdf"]

FIELD_NAME = "EsignSeal"
BYTES_RESERVED = 16_384
"""Room for a signature without chain, in hexadecimal digits: spares building it twice to measure it."""
BYTES_RESERVED_LONG_TERM = 32_768


class _Signer(signers.Signer):
    """pyHanko's signer with a key that is parsed once; its own parses and checks it at every use."""

    def __init__(self, key: SealKey):
        registry = SimpleCertificateStore()
        registry.register_multiple(asn1_x509.Certificate.load(der) for der in key.chain)
        super().__init__(signing_cert=asn1_x509.Certificate.load(key.certificate), cert_registry=registry)
        self._seal_key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run=False) -> bytes:
        if dry_run:
            return bytes(self._seal_key.signature_size)
        if digest_algorithm != "sha256":
            raise SealError("signing_failed", cause="digest")
        return self._seal_key.sign(data)


class _Writer(IncrementalPdfFileWriter):
    """An incremental update dated by its caller."""

    def __init__(self, stream, moment: datetime):
        super().__init__(stream, strict=True, decode_limits=PYHANKO_LIMITS)
        self._moment = moment

    def _update_meta(self):
        super()._update_meta()
        info = self._info.get_object() if self._info is not None else None
        if info is not None and "/ModDate" in info:
            info[pdf_name("/ModDate")] = generic.pdf_date(self._moment)


def seal_pdf(
    original: bytes,
    stamps: Sequence[tuple[Placement, bytes]],
    key: SealKey,
    *,
    signing_time: datetime,
    signer_name: str,
    reason: str,
    location: str | None = None,
    contact: str | None = None,
    timestamper=None,
    validation_context=None,
) -> bytes:
    """Stamp and seal a PDF: PAdES baseline B-B (ETSI EN 319 142-1), certification with P=1.

    :param bytes original: what was read and agreed to; the result begins with these bytes
    :param stamps: (where, one-page PDF) in drawing order; may be empty
    :param SealKey key: whose seal
    :param datetime signing_time: aware; goes into /M and the modification date
    :param str signer_name: /Name of the signature dictionary
    :param str reason: /Reason
    :param str location: /Location
    :param str contact: /ContactInfo
    :param timestamper: ``pyhanko.sign.timestamps.TimeStamper``; makes it B-T
    :param validation_context: ``pyhanko_certvalidator.ValidationContext`` holding revocation data; it goes
        into the same update, which makes it B-LT
    :return: the sealed PDF
    :raises SealError: ``bad_time``, ``certificate_expired``, ``certificate_not_yet_valid``,
        ``placement_invalid``, ``stamp_invalid``, ``page_geometry``, ``content_broken``, ``timestamp_failed``,
        ``signing_failed`` (``detail['cause']`` names the exception)
    """
    if signing_time.tzinfo is None:
        raise SealError("bad_time")
    key.check_valid_at(signing_time)
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD_NAME,
        md_algorithm="sha256",
        name=signer_name,
        reason=reason,
        location=location,
        contact_info=contact,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        subfilter=fields.SigSeedSubFilter.PADES,
        embed_validation_info=validation_context is not None,
        validation_context=validation_context,
        # Revocation data behind the signature would be a change: it goes into the same update.
        dss_settings=DSSContentSettings(include_vri=False, placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE),
    )
    try:
        writer = _Writer(io.BytesIO(original), signing_time)
        _draw_all(writer, stamps)
        pdf_signer = signers.PdfSigner(metadata, _Signer(key), timestamper=timestamper)
        reserved = _bytes_reserved(key, timestamper is not None or validation_context is not None)
        sealed = asyncio.run(_sign(pdf_signer, writer, signing_time, reserved))
    except SealError:
        raise
    except Exception as error:
        # pyHanko lets KeyError, TypeError, RecursionError and others out of broken files.
        word = "timestamp_failed" if isinstance(error, OSError) and timestamper else "signing_failed"
        raise SealError(word, cause=type(error).__name__) from error
    if not sealed.startswith(original):
        raise SealError("signing_failed", cause="prefix")
    return sealed


def _bytes_reserved(key: SealKey, long_term: bool) -> int:
    # Two hexadecimal digits a byte, so the sum stays even as /Contents needs.
    room = BYTES_RESERVED_LONG_TERM if long_term else BYTES_RESERVED
    return room + 2 * sum(len(der) for der in (key.certificate, *key.chain))


def _draw_all(writer: IncrementalPdfFileWriter, stamps: Sequence[tuple[Placement, bytes]]) -> None:
    forms = {}
    for placement, stamp_pdf in stamps:
        if stamp_pdf not in forms:
            forms[stamp_pdf] = import_stamp(writer, stamp_pdf)
        draw_form(writer, placement, forms[stamp_pdf])


async def _sign(pdf_signer: signers.PdfSigner, writer, moment: datetime, reserved: int) -> bytes:
    """Sign in pyHanko's own stages: its shortcut offers no place for the clock."""
    session = pdf_signer.init_signing_session(writer)
    session.system_time = moment
    validation_info = await session.perform_presign_validation(writer)
    prepared = session.prepare_tbs_document(validation_info, bytes_reserved=reserved)
    digest, output = prepared.digest_tbs_document()
    await prepared.perform_signature(digest.document_digest, PdfCMSSignedAttributes(signing_time=moment))
    return output.getvalue()
