"""A bounded walk through the structure of a PDF: its pages, and everything that could act.

Actions are looked for where a viewer finds them (ISO 32000-1 12.6.2: catalogue, pages, annotations,
fields, outlines, names), never by searching bytes: image data contains every short word sooner or later.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .exceptions import PdfRefused, SealError
from .geometry import read_page_box

__all__ = ["Findings", "WalkLimits", "walk_document"]

MAX_DEPTH = 60
MAX_CHAIN = 100
"""Most actions that follow each other by /Next."""

# What a viewer may do without risk: go to a place in this file; by a click only: open a web page.
_SAFE_BY_ITSELF = frozenset(("/GoTo", "/Named", "/Thread"))
_SAFE_ON_CLICK = _SAFE_BY_ITSELF | {"/URI"}
_REFUSED_AS = {
    "/JavaScript": "javascript",
    "/Launch": "launch",
    "/GoToR": "launch",
    "/GoToE": "launch",
}
# Where a click may lead. Without a scheme it is a web address as people type it.
_SAFE_ADDRESS = re.compile(r"(?:https?|mailto|tel|sms):|/(?![/\\])|[^\\/:]+(?:[/?#]|$)|[^\\/:]+:\d", re.IGNORECASE)
# Files inside the file: data, texts, pictures, documents without macros; nothing that starts by a double click.
_INERT_NAME = re.compile(
    r".\.(xml|json|csv|txt|edi|ics|vcf|pdf|png|jpe?g|gif|tiff?|webp|od[tspg]|docx|xlsx|pptx|rtf|md|p7s|tsr)\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_PROGRAM_STARTS = (b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xd0\xcf\x11\xe0", b"PE\0\0")
"""Of Windows, Linux, scripts, macOS, Java; and the old format of Office, which holds macros."""
_ACTIVE_ANNOTATIONS = frozenset(("/Movie", "/Screen", "/Sound", "/3D", "/RichMedia"))
# Flags of annotations (12.5.3).
_HIDDEN, _PRINT, _NO_VIEW, _TOGGLE_NO_VIEW = 1 << 1, 1 << 2, 1 << 5, 1 << 8


@dataclass(frozen=True)
class WalkLimits:
    """Bounds of the walk."""

    max_pages: int = 300
    max_annotations: int = 20_000
    max_nodes: int = 50_000


@dataclass
class Findings:
    """What the walk met."""

    pages: int = 0
    last_page_size: tuple[float, float] = (0.0, 0.0)
    """Displayed width and height in points."""
    has_forms: bool = False
    has_attachments: bool = False
    has_links: bool = False
    has_layers: bool = False
    shifting_layers: bool = False
    """What is shown depends on layers that are off, or that a viewer switches by itself."""
    signatures: int = 0
    signature_fields: int = 0
    """Fields that wait for a signature."""
    certified: bool = False
    needs_appearances: bool = False
    """The form asks every program to draw its fields anew (12.7.2)."""
    has_widgets: bool = False

    @property
    def redrawn_fields(self) -> bool:
        """Each program shows the values of the fields in its own way, whatever was drawn for them."""
        return self.needs_appearances and (self.has_forms or self.has_widgets)


@dataclass
class _Walk:
    limits: WalkLimits
    findings: Findings = field(default_factory=Findings)
    nodes: int = 0
    annotations: int = 0

    def visit(self) -> None:
        self.nodes += 1
        if self.nodes > self.limits.max_nodes:
            raise PdfRefused("too_complex", cause="nodes")


def walk_document(reader, limits: WalkLimits) -> Findings:
    """Walk a document and refuse what is active or malformed.

    :param reader: ``pypdf.PdfReader`` under ``pdf_limits.pypdf_limits()``
    :param WalkLimits limits: bounds
    :raises PdfRefused: ``no_pages``, ``page_tree``, ``too_many_pages``, ``bad_size``, ``too_complex``,
        ``javascript``, ``launch``, ``xfa``, ``active_content``, ``attachment``, ``layers``; and what pypdf raises for a broken file
    """
    walk = _Walk(limits)
    catalogue = reader.trailer["/Root"].get_object()
    _check_open_action(walk, catalogue)
    _check_additional_actions(walk, catalogue)
    _check_names(walk, catalogue)
    _check_form(walk, catalogue)
    _check_outlines(walk, catalogue)
    _check_permissions(walk, catalogue)
    _check_layers(walk, catalogue)
    for page in _pages(walk, catalogue):
        _check_page(walk, page)
    return walk.findings


def _get(dictionary, key: str):
    """Return the dereferenced value of a key, None when absent or null."""
    if not isinstance(dictionary, dict) or key not in dictionary:
        return None
    value = dictionary[key].get_object()
    return None if type(value).__name__ == "NullObject" else value


def _items(value) -> list:
    """Return the dereferenced items of an array; nothing for anything else."""
    return [item.get_object() for item in value] if isinstance(value, list) else []


def _identity(item) -> tuple:
    """Return what makes two references the same object."""
    return (item.idnum, item.generation) if hasattr(item, "idnum") else ("direct", id(item))


# -- actions ----------------------------------------------------------------------------------------


def _check_action(walk: _Walk, action, allowed: frozenset) -> None:
    """Check an action and those that follow it (12.6.2 table 193)."""
    pending, done = [action], 0
    while pending:
        current = pending.pop()
        if not isinstance(current, dict):
            # An array or a name is a destination: a place in this file.
            continue
        walk.visit()
        done += 1
        if done > MAX_CHAIN:
            raise PdfRefused("too_complex", cause="actions")
        kind = _get(current, "/S")
        if "/JS" in current:
            raise PdfRefused("javascript")
        if kind == "/URI":
            _check_address(current)
        if kind is not None and kind not in allowed:
            raise PdfRefused(_REFUSED_AS.get(kind, "active_content"), action=str(kind))
        following = _get(current, "/Next")
        pending.extend(_items(following) if isinstance(following, list) else [following])


def _check_address(action) -> None:
    """Refuse addresses that start a program, read a file or run a script (``file:``, ``javascript:``, shares)."""
    address = _get(action, "/URI")
    text = address.decode("latin-1") if isinstance(address, bytes) else str(address or "#")
    if text.lstrip().lower().startswith(("javascript:", "vbscript:", "data:")):
        raise PdfRefused("javascript", cause="address")
    if not _SAFE_ADDRESS.match(text.strip()):
        raise PdfRefused("launch", cause="address")


def _check_open_action(walk: _Walk, catalogue) -> None:
    _check_action(walk, _get(catalogue, "/OpenAction"), _SAFE_BY_ITSELF)


def _check_additional_actions(walk: _Walk, holder) -> None:
    """Check /AA: actions that events trigger, without a click (12.6.3)."""
    actions = _get(holder, "/AA")
    if isinstance(actions, dict):
        for key in actions:
            _check_action(walk, _get(actions, key), _SAFE_BY_ITSELF)


def _check_names(walk: _Walk, catalogue) -> None:
    names = _get(catalogue, "/Names")
    if _get(names, "/JavaScript") is not None:
        raise PdfRefused("javascript")
    if _get(catalogue, "/Collection") is not None:
        # A portfolio: its pages only say that the documents are the attached files.
        raise PdfRefused("attachment", cause="portfolio")
    # Attached data is inert; Odoo itself attaches the XML of electronic invoices and orders.
    attached = [*_items(_get(catalogue, "/AF")), *_name_values(walk, _get(names, "/EmbeddedFiles"))]
    walk.findings.has_attachments = bool(attached)
    for specification in attached:
        _check_attachment(walk, specification)


def _name_values(walk: _Walk, tree) -> Iterator:
    """Yield the values of a name tree (7.9.6)."""
    pending, seen = [tree], set()
    while pending:
        node = pending.pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        walk.visit()
        yield from _items(_get(node, "/Names"))[1::2]
        pending.extend(_items(_get(node, "/Kids")))


def _check_attachment(walk: _Walk, specification) -> None:
    """Refuse an embedded file that could start something (7.11.3)."""
    walk.visit()
    files = _get(specification, "/EF")
    if not isinstance(files, dict):
        return
    for key in ("/UF", "/F", "/Unix", "/DOS", "/Mac"):
        name = _get(specification, key)
        if name is not None and not _INERT_NAME.search(str(name)):
            raise PdfRefused("attachment", name=str(name)[:100])
    for key in files:
        content = _get(files, key)
        if hasattr(content, "get_data") and content.get_data().startswith(_PROGRAM_STARTS):
            raise PdfRefused("attachment", cause="program")


def _check_layers(walk: _Walk, catalogue) -> None:
    """Look at optional content (8.11.4): is everything shown, always, to everybody?"""
    properties = _get(catalogue, "/OCProperties")
    if not isinstance(properties, dict):
        return
    walk.findings.has_layers = True
    for configuration in (_get(properties, "/D"), *_items(_get(properties, "/Configs"))):
        off, events = _get(configuration, "/OFF"), _get(configuration, "/AS")
        if off or events or _get(configuration, "/BaseState") not in (None, "/ON"):
            walk.findings.shifting_layers = True


def _check_outlines(walk: _Walk, catalogue) -> None:
    """Check bookmarks: a tree of linked lists (12.3.3)."""
    pending, seen = [_get(_get(catalogue, "/Outlines"), "/First")], set()
    while pending:
        item = pending.pop()
        if not isinstance(item, dict) or id(item) in seen:
            continue
        seen.add(id(item))
        walk.visit()
        _check_action(walk, _get(item, "/A"), _SAFE_ON_CLICK)
        pending.extend((_get(item, "/First"), _get(item, "/Next")))


def _check_permissions(walk: _Walk, catalogue) -> None:
    permissions = _get(catalogue, "/Perms")
    walk.findings.certified = _get(permissions, "/DocMDP") is not None
    if _get(permissions, "/UR3") is not None:
        # Usage rights are a signature too; sealing would break it visibly in Acrobat.
        walk.findings.signatures += 1


# -- forms and annotations --------------------------------------------------------------------------


def _check_form(walk: _Walk, catalogue) -> None:
    # pypdf has booleans of its own, which are never "is True".
    if getattr(_get(catalogue, "/NeedsRendering"), "value", False):
        raise PdfRefused("xfa")
    form = _get(catalogue, "/AcroForm")
    if not isinstance(form, dict):
        return
    if _get(form, "/XFA") is not None:
        raise PdfRefused("xfa")
    walk.findings.needs_appearances = bool(getattr(_get(form, "/NeedAppearances"), "value", False))
    pending = [(item, None, 0) for item in _items(_get(form, "/Fields"))]
    while pending:
        item, inherited_type, depth = pending.pop()
        if not isinstance(item, dict):
            continue
        walk.visit()
        if depth > MAX_DEPTH:
            raise PdfRefused("too_complex", cause="field_depth")
        kind = _get(item, "/FT") or inherited_type
        _check_field(walk, item, kind)
        pending.extend((kid, kind, depth + 1) for kid in _items(_get(item, "/Kids")))


def _check_field(walk: _Walk, item, kind) -> None:
    walk.findings.has_forms = True
    if kind == "/Sig" and _get(item, "/V") is not None:
        walk.findings.signatures += 1
    elif kind == "/Sig" and not isinstance(_get(item, "/Kids"), list):
        walk.findings.signature_fields += 1
    _check_action(walk, _get(item, "/A"), _SAFE_ON_CLICK)
    _check_additional_actions(walk, item)


def _check_page(walk: _Walk, page) -> None:
    _check_additional_actions(walk, page)
    try:
        box = read_page_box(page)
    except SealError as error:
        raise PdfRefused("bad_size", page=walk.findings.pages) from error
    walk.findings.last_page_size = tuple(side * box.unit for side in box.displayed_size)
    annotations = _get(page, "/Annots")
    if not isinstance(annotations, list):
        return
    walk.annotations += len(annotations)
    if walk.annotations > walk.limits.max_annotations:
        raise PdfRefused("too_complex", cause="annotations")
    for annotation in _items(annotations):
        _check_annotation(walk, annotation)


def _check_annotation(walk: _Walk, annotation) -> None:
    if not isinstance(annotation, dict):
        return
    subtype = _get(annotation, "/Subtype")
    if subtype in _ACTIVE_ANNOTATIONS:
        raise PdfRefused("active_content", annotation=str(subtype))
    if _is_on_paper_only(annotation, subtype):
        raise PdfRefused("layers", annotation=str(subtype))
    if subtype == "/Widget":
        walk.findings.has_widgets = True
    if subtype == "/Link":
        walk.findings.has_links = True
    if subtype == "/FileAttachment":
        walk.findings.has_attachments = True
        _check_attachment(walk, _get(annotation, "/FS"))
    if _get(annotation, "/FT") == "/Sig" and _get(annotation, "/V") is not None and not walk.findings.signatures:
        # A signature that the form does not list: some viewers show it all the same.
        walk.findings.signatures = 1
    _check_action(walk, _get(annotation, "/A"), _SAFE_ON_CLICK)
    _check_action(walk, _get(annotation, "/PA"), _SAFE_ON_CLICK)
    _check_additional_actions(walk, annotation)


def _is_on_paper_only(annotation, subtype) -> bool:
    """Tell whether it is printed, but not shown (or not always) on the screen where the file is read."""
    # A pop-up is never printed; a link draws nothing but a frame, unless it has an appearance.
    if subtype == "/Popup" or (subtype == "/Link" and _get(annotation, "/AP") is None):
        return False
    flags = _get(annotation, "/F")
    # Some viewers take 36.0 for 36.
    flags = int(flags) if isinstance(flags, int | float) else 0
    return bool(flags & _PRINT and flags & (_NO_VIEW | _TOGGLE_NO_VIEW)) and not flags & _HIDDEN


# -- pages ------------------------------------------------------------------------------------------


def _pages(walk: _Walk, catalogue) -> Iterator:
    """Yield the page dictionaries in order, while checking the tree (7.7.3)."""
    root = _get(catalogue, "/Pages")
    if not isinstance(root, dict):
        raise PdfRefused("page_tree", cause="missing")
    seen: set[tuple] = set()
    # A stack of (node, depth); kids are pushed in reverse to come out in order.
    pending = [(catalogue.raw_get("/Pages"), 0)]
    while pending:
        reference, depth = pending.pop()
        identity = _identity(reference)
        if identity in seen:
            raise PdfRefused("page_tree", cause="repeated")
        seen.add(identity)
        node = reference.get_object()
        if depth > MAX_DEPTH or not isinstance(node, dict):
            raise PdfRefused("page_tree", cause="depth" if depth > MAX_DEPTH else "node")
        if "/Kids" in node:
            # Not "visited": pages have their own limit.
            kids = node["/Kids"].get_object()
            if not isinstance(kids, list) or len(pending) + len(kids) > walk.limits.max_pages + walk.limits.max_nodes:
                raise PdfRefused("page_tree", cause="kids")
            pending.extend((kid, depth + 1) for kid in reversed(kids))
            continue
        walk.findings.pages += 1
        if walk.findings.pages > walk.limits.max_pages:
            raise PdfRefused("too_many_pages", maximum=walk.limits.max_pages)
        yield node
    if not walk.findings.pages:
        raise PdfRefused("no_pages")
    if _get(root, "/Count") != walk.findings.pages:
        raise PdfRefused("page_tree", cause="count")
