"""May this PDF be put under signature? Checked when it is sent, so that nothing fails when it is signed.

Three readers must agree: cheap tests on the bytes, the structure as pypdf sees it, and a dry run that
stamps every page and seals the file with a throw-away key. What passed can be sealed.
"""

import io
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pypdf
from pyhanko.pdf_utils.reader import PdfFileReader

from .appearance import HEIGHT_PT, WIDTH_PT, StampContent, draw_stamp
from .attached_record import carries_record
from .exceptions import EsignError, PdfRefused
from .geometry import SCALE, Placement
from .hashing import sha256_hex
from .pdf_limits import PYHANKO_LIMITS, pypdf_limits, refused_when_unreadable
from .pdf_walk import Findings, WalkLimits, walk_document
from .placement import find_placements
from .seal import SealKey, generate_certificate, seal_pdf
from .stamping import count_pages
from .verify import verify_strict

__all__ = ["REASONS", "IntakeLimits", "IntakeReport", "inspect_annex", "inspect_pdf", "warm_up"]

REASONS = {
    "too_large": "more bytes than allowed",
    "too_many_pages": "more pages than allowed",
    "not_pdf": "does not begin with %PDF-1.x or %PDF-2.x at byte 0",
    "trailing_data": "does not end with startxref, an offset and %%EOF",
    "hybrid": "hybrid cross-references: a table and a stream, and not every reader looks at both",
    "broken": "cross-references, syntax or objects are damaged, or two readers disagree",
    "encrypted": "encrypted, even if it opens without a password",
    "signed": "carries a digital signature, which sealing would devalue",
    "certified": "certified: its author forbids changes",
    "signature_field": "has an empty field for a digital signature, which sealing would leave empty for ever",
    "redrawn_fields": "/NeedAppearances: fields are drawn anew by each viewer, and as they were stored once sealed",
    "javascript": "contains JavaScript",
    "launch": "starts a program or opens another file",
    "xfa": "contains an XFA form, which most viewers cannot show",
    "active_content": "actions that send data, hide or change what is shown; multimedia; 3D",
    "attachment": "a portfolio, or carries a file that could start a program",
    "proof_record": "a proof record is attached: sealed, the file could pass for a proof",
    "layers": "layers that are off or that a viewer switches by itself, or annotations that show only when printed",
    "no_pages": "has no pages",
    "page_tree": "the page tree loops, miscounts, is too deep or holds a page twice",
    "bad_size": "a page is unusably small or its boxes are wrong, or /Size is absurd",
    "too_complex": "needs too much memory or time to read",
    "cannot_seal": "the dry run could not stamp and seal it",
}
"""Every reason of :class:`PdfRefused`, with a sentence for developers (users get a translated one)."""

DRY_RUN_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_HEADER = re.compile(rb"%PDF-(?:1\.[0-7]|2\.0)[\r\n \t]")
_TAIL = re.compile(rb"startxref[\x00\t\n\x0c\r ]+\d{1,12}[\x00\t\n\x0c\r ]+%%EOF[\x00\t\n\x0c\r ]{0,8}\Z")
_TAIL_BYTES = 1024


@dataclass(frozen=True)
class IntakeLimits:
    """Bounds of what is accepted (figures: measured hostile files)."""

    max_bytes: int = 25 * 1024 * 1024
    max_pages: int = 300
    max_seconds: int = 30
    """Of the processor, for one file; kept by ``sandbox``, which can end what takes longer."""
    max_objects: int = 200_000
    max_size_entry: int = 1_000_000
    """Largest /Size of the trailer; every new object gets a number from there on."""
    max_annotations: int = 20_000
    max_nodes: int = 50_000
    """Nodes visited in name trees, form fields and outlines together."""
    min_page_width_pt: int = 144
    """Narrowest last page: the stamp's code must stay readable (5 cm)."""
    min_page_height_pt: int = 72


@dataclass(frozen=True)
class IntakeReport:
    """What was learnt about an accepted PDF."""

    pages: int
    size: int
    """Bytes."""
    sha256: str
    placements: tuple[Placement, ...]
    """Where stamps of the default size hide nothing, in the order of the signers; none for an annex."""
    has_forms: bool = False
    """Form fields: they are sealed as they look now."""
    has_attachments: bool = False
    """Embedded files, such as the XML of an electronic invoice."""
    has_links: bool = False
    has_layers: bool = False
    """Optional content: a viewer can show or hide parts."""
    has_signatures: bool = False
    """Only possible for an annex."""
    revisions: int = 1
    """Number of cross-reference sections; more than one: the file was updated after it was made."""

    @property
    def placement(self) -> Placement | None:
        """The first signer's."""
        return self.placements[0] if self.placements else None


def inspect_pdf(data: bytes, limits: IntakeLimits | None = None, dry_run: bool = True, stamps: int = 1) -> IntakeReport:
    """Check a PDF that is to be read, stamped and sealed.

    :param bytes data: the file
    :param IntakeLimits limits: bounds
    :param bool dry_run: also stamp every page and seal with a throw-away key
    :param int stamps: how many places are wanted
    :raises PdfRefused: with a key of :data:`REASONS`; never anything else
    """
    limits = limits or IntakeLimits()
    findings, revisions = _inspect(data, limits)
    if findings.certified:
        raise PdfRefused("certified")
    if findings.signatures:
        raise PdfRefused("signed", signatures=findings.signatures)
    if findings.signature_fields:
        raise PdfRefused("signature_field")
    if findings.redrawn_fields:
        # Sealing takes the flag away: another text than the one read could show.
        raise PdfRefused("redrawn_fields")
    if carries_record(data):
        raise PdfRefused("proof_record")
    if findings.shifting_layers:
        raise PdfRefused("layers")
    width, height = findings.last_page_size
    if width < limits.min_page_width_pt or height < limits.min_page_height_pt:
        raise PdfRefused("bad_size", width_pt=round(width), height_pt=round(height))
    placements = tuple(find_placements(data, WIDTH_PT, HEIGHT_PT, stamps))
    if dry_run:
        _dry_run(data, findings.pages, placements)
    return replace(_report(data, findings, revisions), placements=placements)


def inspect_annex(data: bytes, limits: IntakeLimits | None = None) -> IntakeReport:
    """Check a PDF that is only shown and kept: readable by everybody and inert. Signatures are welcome.

    So are hybrid cross-references, which Microsoft Word writes, when both parts agree: nothing is added to it.

    :param bytes data: the file
    :param IntakeLimits limits: bounds
    :raises PdfRefused: with a key of :data:`REASONS`; never anything else
    """
    findings, revisions = _inspect(data, limits or IntakeLimits(), hybrids=True)
    return _report(data, findings, revisions)


def warm_up() -> None:
    """Load and make what every inspection needs, before limits are set."""
    _dry_run_tools()


def _report(data: bytes, findings: Findings, revisions: int) -> IntakeReport:
    return IntakeReport(
        pages=findings.pages,
        size=len(data),
        sha256=sha256_hex(data),
        placements=(),
        has_forms=findings.has_forms,
        has_attachments=findings.has_attachments,
        has_links=findings.has_links,
        has_layers=findings.has_layers,
        has_signatures=bool(findings.signatures),
        revisions=revisions,
    )


def _inspect(data: bytes, limits: IntakeLimits, hybrids: bool = False) -> tuple[Findings, int]:
    _check_bytes(data, limits)
    findings = _check_structure(data, limits)
    return findings, _check_strictly(data, findings.pages, hybrids)


def _check_bytes(data: bytes, limits: IntakeLimits) -> None:
    """Tests that need no parser, cheapest first."""
    if len(data) > limits.max_bytes:
        raise PdfRefused("too_large", size=len(data), maximum=limits.max_bytes)
    if not _HEADER.match(data):
        raise PdfRefused("not_pdf")
    if not _TAIL.search(data, max(0, len(data) - _TAIL_BYTES)):
        raise PdfRefused("trailing_data")
    if data.count(b" obj") > limits.max_objects:
        raise PdfRefused("too_complex", cause="objects")


def _check_structure(data: bytes, limits: IntakeLimits) -> Findings:
    walk_limits = WalkLimits(limits.max_pages, limits.max_annotations, limits.max_nodes)
    with refused_when_unreadable(), pypdf_limits():
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted or "/Encrypt" in reader.trailer:
            raise PdfRefused("encrypted")
        size = reader.trailer.get("/Size")
        if not isinstance(size, int) or not 1 <= size <= limits.max_size_entry:
            raise PdfRefused("bad_size", size=size)
        return walk_document(reader, walk_limits)


def _check_strictly(data: bytes, pages: int, hybrids: bool) -> int:
    """Read with pyHanko, which repairs nothing; returns the number of revisions."""
    with refused_when_unreadable():
        reader = PdfFileReader(io.BytesIO(data), strict=True, decode_limits=PYHANKO_LIMITS)
        if reader.encrypted:
            raise PdfRefused("encrypted")
        if reader.xrefs.hybrid_xrefs_present and not (hybrids and _only_adds(reader.xrefs)):
            raise PdfRefused("hybrid")
        if count_pages(reader) != pages:
            raise PdfRefused("page_tree", cause="count")
        # Reading the last page walks the tree the way sealing will.
        reader.find_page_for_modification(pages - 1)
        return reader.total_revisions


def _only_adds(references) -> bool:
    """Tell whether the streams of hybrid cross-references contradict no table (7.5.8.4).

    They may add what the tables hold to be free or do not know, as Word's do: readers then see the same
    objects, or none. Anything else could show one file here and another one there.
    """
    seen: dict[int, object] = {}
    for revision in range(references.total_revisions):
        section = references.get_xref_data(revision)
        seen |= _places(section)
        if section.hybrid is None:
            continue
        hidden = section.hybrid.xref_data
        if any(seen.get(number) not in (None, place) for number, place in _places(hidden).items()):
            return False
    return True


def _places(section) -> dict[int, object]:
    """Return where a section says that each object is; None for free ones."""
    return {**dict.fromkeys(section.freed), **section.standard_xrefs, **section.xrefs_in_objstm}


@cache
def _dry_run_tools() -> tuple[SealKey, bytes]:
    """Make the throw-away key and a stamp, once per process."""
    start = DRY_RUN_MOMENT - timedelta(days=1)
    key = SealKey.load(*generate_certificate("Dry run", "", "", start))
    content = StampContent("Dry run", "Dry run", ("-",), "https://example.com/esign/verify/DRYRUN", "Dry run")
    return key, draw_stamp(content)


def _dry_run(data: bytes, pages: int, placements: tuple[Placement, ...]) -> None:
    key, stamp = _dry_run_tools()
    everywhere = [Placement(page, 0, 0, SCALE // 2, SCALE // 10) for page in range(pages)]
    stamps = [(place, stamp) for place in (*everywhere, *placements)]
    try:
        sealed = seal_pdf(data, stamps, key, signing_time=DRY_RUN_MOMENT, signer_name="Dry run", reason="Dry run")
        verdict = verify_strict(sealed, key.certificate, sha256_hex(data), len(data))
    except EsignError as error:
        inner = error.detail.get("cause")
        word = "too_complex" if inner == "PdfDecodeLimitError" else "cannot_seal"
        raise PdfRefused(word, cause=error.reason, inner=inner) from error
    if not verdict.ok:
        raise PdfRefused("cannot_seal", cause=verdict.reason)
