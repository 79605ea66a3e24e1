"""PDF/A-3b (ISO 19005-3) out of what reportlab draws: metadata, colour space, attached file.

reportlab embeds its fonts and draws without transparency; what is missing is added to its document before it
is written, and two faults of its own are mended. No second program has to read and write the file.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFBase85Encode,
    PDFDictionary,
    PDFDocument,
    PDFInfo,
    PDFName,
    PDFStream,
    PDFString,
)
from reportlab.pdfbase.ttfonts import TTFontFace

from .icc import srgb_profile

__all__ = ["Attachment", "Description", "make_archival"]

_PRODUCER = "esign_quote"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<pdfaid:part>{part}</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
{texts}<xmp:CreatorTool>{tool}</xmp:CreatorTool>
<xmp:CreateDate>{date}</xmp:CreateDate>
<xmp:ModifyDate>{date}</xmp:ModifyDate>
<xmp:MetadataDate>{date}</xmp:MetadataDate>
<pdf:Producer>{tool}</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_LANGUAGES = '<dc:{0}><rdf:Alt><rdf:li xml:lang="x-default">{1}</rdf:li></rdf:Alt></dc:{0}>\n'
_SEQUENCE = "<dc:creator><rdf:Seq><rdf:li>{0}</rdf:li></rdf:Seq></dc:creator>\n"


@dataclass(frozen=True)
class Description:
    """What a file says of itself, in /Info and in XMP alike."""

    title: str
    author: str
    subject: str
    created: datetime
    """Aware; seconds count."""


@dataclass(frozen=True)
class Attachment:
    """A file inside the file."""

    name: str
    content: bytes = field(repr=False)
    mimetype: str = "application/json"
    description: str = ""


def make_archival(
    document: PDFDocument, description: Description, attachment: Attachment | None = None, part: int = 3
) -> None:
    """Turn a document that is drawn, but not written yet, into PDF/A, conformance level B.

    :param PDFDocument document: of a reportlab canvas, all of whose fonts are embedded
    :param Description description: replaces what the canvas was told
    :param Attachment attachment: a file to embed, data that the document was made from; not for part 1
    :param int part: 3, or 1 for a twin that more validators know
    """
    description = _cleaned(description)
    _mend_streams(document)
    for font in document.delayedFonts:
        _mend_widths(font.face)
    document.info = _Info(description)
    catalog = document.Catalog
    # What reportlab's catalog writes of its attributes; a list of the instance hides the one of the class.
    catalog.__NoDefault__ = [*catalog.__NoDefault__, "AF", "OutputIntents"]
    catalog.Metadata = _stream(_metadata(description, part), compressed=False, Type="/Metadata", Subtype="/XML")
    catalog.OutputIntents = PDFArray([document.Reference(_output_intent(document))])
    if attachment:
        filespec = document.Reference(_filespec(document, attachment, description.created))
        catalog.AF = PDFArray([filespec])
        names = PDFDictionary({"Names": PDFArray([PDFString(attachment.name), filespec])})
        catalog.Names = PDFDictionary({"EmbeddedFiles": names})


class _Stream(PDFStream):
    """A stream whose data end before the line of ``endstream`` (ISO 19005-3 6.1.7.1); reportlab sets no line end.

    And without reportlab's encoding of compressed data as text, which costs time and a quarter of the size.
    """

    def format(self, document):
        if self.filters:
            self.filters = [item for item in self.filters if item is not PDFBase85Encode]
        return super().format(document).removesuffix(b"endstream\n") + b"\nendstream\n"


def _mend_streams(document: PDFDocument) -> None:
    """Have every stream that comes into the document, also those that reportlab makes itself, be one of ours."""
    add = document.Reference

    def add_mended(item, *names):
        if type(item) is PDFStream:
            item.__class__ = _Stream
        return add(item, *names)

    document.Reference = add_mended


def _mend_widths(face: TTFontFace) -> None:
    """Give the glyphs of a fixed-width face their width in the font's own units.

    Such a font lists the common width once; reportlab repeats it scaled, so that font and document disagree.
    """
    (listed,) = struct.unpack(">H", face.get_table("hhea")[34:36])
    width = face.hmetrics[listed - 1][0]
    if listed < len(face.hmetrics) and face.hmetrics[listed][0] != width:
        face.hmetrics[listed:] = [(width, bearing) for _width, bearing in face.hmetrics[listed:]]


class _Info(PDFInfo):
    """/Info with what XMP says too, and nothing else: both have to agree."""

    def __init__(self, description: Description):
        super().__init__()
        self.description = description
        self.title, self.author, self.subject = description.title, description.author, description.subject

    def format(self, document):
        date = self.description.created.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
        texts = {"Title": self.title, "Author": self.author, "Subject": self.subject}
        texts |= {"Creator": _PRODUCER, "Producer": _PRODUCER}
        entries = {name: PDFString(text) for name, text in texts.items() if text}
        entries |= {name: PDFString(date) for name in ("CreationDate", "ModDate")}
        return PDFDictionary(entries).format(document)


def _cleaned(description: Description) -> Description:
    """Leave out what XML cannot hold: XMP and /Info have to say the same."""

    def clean(text):
        return "".join(character if character.isprintable() else " " for character in text)

    texts = map(clean, (description.title, description.author, description.subject))
    return Description(*texts, description.created)


def _metadata(description: Description, part: int) -> bytes:
    title, author, subject = map(escape, (description.title, description.author, description.subject))
    texts = _LANGUAGES.format("title", title)
    texts += _SEQUENCE.format(author) if author else ""
    texts += _LANGUAGES.format("description", subject) if subject else ""
    date = description.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _XMP.format(part=part, texts=texts, tool=_PRODUCER, date=date).encode()


def _output_intent(document: PDFDocument) -> PDFDictionary:
    profile = _stream(srgb_profile())
    profile.dictionary["N"] = 3
    return PDFDictionary(
        {
            "Type": PDFName("OutputIntent"),
            "S": PDFName("GTS_PDFA1"),
            "OutputConditionIdentifier": PDFString("sRGB IEC61966-2.1"),
            "Info": PDFString("sRGB IEC61966-2.1"),
            "DestOutputProfile": document.Reference(profile),
        }
    )


def _filespec(document: PDFDocument, attachment: Attachment, moment: datetime) -> PDFDictionary:
    kind = attachment.mimetype.replace("/", "#2F")
    embedded = _stream(attachment.content, Type="/EmbeddedFile", Subtype=f"/{kind}")
    digest = hashlib.md5(attachment.content, usedforsecurity=False).digest()
    embedded.dictionary["Params"] = PDFDictionary(
        {
            "Size": len(attachment.content),
            "ModDate": PDFString(moment.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")),
            "CheckSum": f"<{digest.hex()}>",
        }
    )
    file = document.Reference(embedded)
    entries = {
        "Type": PDFName("Filespec"),
        "F": PDFString(attachment.name),
        "UF": PDFString(attachment.name),
        "EF": PDFDictionary({"F": file, "UF": file}),
        "AFRelationship": PDFName("Data"),
    }
    if attachment.description:
        entries["Desc"] = PDFString(attachment.description)
    return PDFDictionary(entries)


def _stream(content: bytes, compressed: bool = True, **names: str) -> PDFStream:
    # Compressed here: reportlab's own filter adds a text encoding on top.
    entries = dict(names)
    if compressed:
        content = zlib.compress(content)
        entries["Filter"] = "/FlateDecode"
    return _Stream(PDFDictionary(entries), content)
