"""The dispute pack: one zip with everything that proves a signature, and how to check it without us.

The same content gives the same bytes: fixed order, fixed dates, nothing compressed (the files are
mostly compressed already, and the checkers can read it with the simplest of code).
"""

import io
import re
import unicodedata
import zipfile
from pathlib import Path

from .hashing import sha256_hex

CHECKERS = Path(__file__).parents[1] / "static" / "check"
LANGUAGES = ("en", "fr")
SUMS = "SHA256SUMS"
# Zip knows no earlier moment, and the archive's own dates prove nothing.
MOMENT = (1980, 1, 1, 0, 0, 0)
MAX_NAME = 60
# What each file is, for the list in the README: (pattern of the name, English, French).
MEANINGS = (
    (r"signed\.pdf", "the quotation as signed: as read, with stamp and seal", "le devis signé : tel que lu, avec la signature apposée et le cachet"),
    (r"quotation\.pdf", "the quotation as it was sent", "le devis tel qu'il a été envoyé"),
    (r"annexes/.*", "an annex, as it was sent", "une annexe, telle qu'envoyée"),
    (r"previews/.*", "the quotation with the stamps so far, as a later signer saw it", "le devis avec les signatures déjà apposées, tel que vu par un signataire suivant"),
    (r"proof\.pdf", "the proof file, to read; sealed", "le fichier de preuve, à lire ; scellé"),
    (r"proof\.json", "the proof record, for computers", "le dossier de preuve, pour les ordinateurs"),
    (r"journal\.json", "every step, chained by fingerprints", "chaque étape, enchaînée par empreintes"),
    (r"private\.json", "personal details of the steps that are still kept", "les détails personnels des étapes encore conservés"),
    (r"anchors\.json", "the nightly fingerprints that the journal is part of", "les empreintes nocturnes dont le journal fait partie"),
    (r"tokens/.*\.tsr", "a time-stamp of an independent authority (RFC 3161)", "un horodatage d'une autorité indépendante (RFC 3161)"),
    (r"tokens/.*\.json", "what that authority stamped", "ce que cette autorité a horodaté"),
    (r"certificates/.*", "the certificate of the seal", "le certificat du cachet"),
    (r"mails/.*", "a mail as it was handed to the mail server, without links, codes and attachments", "un courriel tel que remis au serveur de messagerie, sans liens, codes ni pièces jointes"),
    (r"SHA256SUMS", "the fingerprints of all files here (sha256sum -c)", "les empreintes de tous les fichiers (sha256sum -c)"),
    (r"check\.py", "checks all this, on any computer with Python", "vérifie tout cela, sur tout ordinateur doté de Python"),
    (r"check\.html", "checks all this, in a web browser, without network", "vérifie tout cela, dans un navigateur, sans réseau"),
)  # fmt: skip


def build(files: dict[str, bytes]) -> bytes:
    """Return the zip of ``files`` (bytes by name) and the list of their SHA-256.

    :raises ValueError: a name that is not plain ASCII
    """
    sums = "".join(f"{sha256_hex(files[name])}  {name}\n" for name in sorted(files))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted({**files, SUMS: sums.encode("ascii")}.items()):
            item = zipfile.ZipInfo(name, MOMENT)
            item.external_attr = 0o644 << 16
            item.create_system = 3
            archive.writestr(item, content)
    return buffer.getvalue()


def checkers() -> dict[str, bytes]:
    """Return the two stand-alone checkers by name."""
    return {name: (CHECKERS / name).read_bytes() for name in ("check.py", "check.html")}


def readmes(kind: str, names, facts: dict) -> dict[str, bytes]:
    """Return the README in each language, for somebody who has never seen such a pack.

    :param str kind: ``signature``, ``refusal`` or ``expiry``
    :param names: of the files in the pack
    :param dict facts: ``identifier``, ``quotation``, ``company``, ``signed_sha256``, ``original_bytes``,
        ``original_sha256``, ``certificate_sha256`` and ``verify_at`` as text
    """
    return {f"README-{lang}.txt": _readme(lang, kind, names, facts).encode() for lang in LANGUAGES}


def _readme(lang, kind, names, facts):
    template = (CHECKERS / f"README-{lang}.txt").read_text(encoding="utf-8")
    # A paragraph that begins with [word] is for that kind of pack only, or for one with such files.
    wanted = {kind, *(["signed"] if kind == "signature" else ["unsigned"])}
    wanted |= {"tokens"} if any(name.startswith("tokens/") for name in names) else set()
    paragraphs = []
    for paragraph in template.split("\n\n"):
        mark = re.match(r"\[(\w+)\]\s*", paragraph)
        if not mark or mark[1] in wanted:
            paragraphs.append(paragraph[mark.end() if mark else 0 :])
    listed = "\n".join(f"  {name:<24} {_meaning(name, lang)}" for name in sorted(names))
    return "\n\n".join(paragraphs).format(files=listed, **facts)


def _meaning(name, lang):
    found = next(((en, fr) for pattern, en, fr in MEANINGS if re.fullmatch(pattern, name)), ("", ""))
    return found[LANGUAGES.index(lang)]


def safe_name(name: str) -> str:
    """Return a file name in plain ASCII that no system stumbles over.

    >>> safe_name("Plan d'étage (été)/1.pdf")
    'Plan-d-etage-ete-1.pdf'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, suffix = plain.rpartition(".")
    stem, suffix = (stem, suffix) if dot and re.fullmatch(r"\w{1,5}", suffix) else (plain, "bin")
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", stem).strip("-")[:MAX_NAME] or "file"
    return f"{stem}.{suffix}"
