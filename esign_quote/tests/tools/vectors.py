"""What the checkers must say about files: one set for check.py (here), check.html (browser) and the server.

``vectors(...)`` gives :class:`Vector` objects: the files of a pack, the verdict, and the three answers.
"""

import base64
import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime

import pdf_factory as make
from pyhanko.pdf_utils.generic import TextStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko_signer import sign_otherwise, sign_without_perms
from tools import chain, seal, timestamp
from tools.hashing import canonical_json, sha256_hex

NOW = datetime(2026, 3, 12, 14, 5, 9, tzinfo=UTC)
REFERENCE = "ES-B7KD-93QX-T2MC"
YES, NO, UNTOLD = True, False, None
CONTENTS = re.compile(rb"/Contents\s*<([0-9a-fA-F]{1000,})>")


@dataclass(frozen=True)
class Vector:
    """Files as they come to a checker, and what it must say."""

    name: str
    files: dict
    word: str
    answers: tuple = ()
    """Of the three questions; empty: whatever, the word counts."""


# === A SIGNATURE AND ALL THAT BELONGS TO IT === #


def new_key(kind="ec"):
    """Return a seal key: ``ec`` as the addon generates it, ``rsa`` or ``p384`` as one may be uploaded."""
    key_der, certificate = seal.generate_certificate("Example seal", "Example Company", "FR", NOW)
    return seal.SealKey.load(key_der, certificate) if kind == "ec" else _uploaded_key(kind)


def _uploaded_key(kind):
    from datetime import timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import NameOID

    private = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Société Été")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=3650))
        .sign(private, hashes.SHA256())
    )
    encoding = serialization.Encoding.DER
    der = private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return seal.SealKey.load(der, certificate.public_bytes(encoding))


def seal_file(data, key, **options):
    values = {"signing_time": NOW, "signer_name": "Example Company", "reason": "Quotation signed", **options}
    return seal.seal_pdf(data, [], key, **values)


def journal(*steps, private=None):
    """Return entries with hashes for (type, payload) pairs."""
    entries, head = [], chain.start(REFERENCE)
    for seq, (kind, payload) in enumerate(steps, 1):
        entry = {"seq": seq, "type": kind, "at": f"2026-03-12T14:05:{seq:02}.000Z", "actor": "system"}
        entry["payload_sha256"] = chain.payload_hash(payload)
        head = chain.link(head, entry)
        entries.append({**entry, "payload": payload, "hash": head})
    return entries


SALT = bytes(range(32))
AGENT = {"user_agent": "Navigateur d'essai – été 🙂"}


def steps():
    commitment = hashlib.sha256(SALT + canonical_json(AGENT)).hexdigest()
    return [
        ("request.created", {"order": "S00042", "pages": 2}),
        ("link.opened", {"private_sha256": commitment}),
        ("sign.confirmed", {"ip": "192.0.2.7", "name": "Éléonore \U0001f58a\ufb33"}),
        ("request.signed", {"reference": REFERENCE}),
    ]


def signature_pack(key, original, kind="signature", proof_key=None, change=None, write=canonical_json, **options):
    """Return the files of a dispute pack, as the addon makes it.

    :param change: what else is done to the facts before they are sealed
    :param write: how the record is written, as bytes
    """
    entries = journal(*steps())
    signed = seal_file(original, key, **options)
    annex, preview = make.quote(1, lines=2), original + b"% with the stamps of earlier signers\n"
    documents = [("quote", "S00042.pdf", original), ("preview", "2.pdf", preview), ("annex", "plan.pdf", annex)]
    if kind == "signature":
        documents.append(("signed", "S00042 - signed.pdf", signed))
    proof = {
        "format": "esign_quote/proof/2",
        "kind": kind,
        "signature": {"identifier": REFERENCE, "quotation": "S00042", "at": "2026-03-12T14:05:03.000Z"},
        "documents": [
            {"kind": kind, "name": name, "bytes": len(data), "sha256": sha256_hex(data), "pages": 2}
            for kind, name, data in documents
        ],
        "seal": {"certificate_sha256": key.fingerprint},
        "journal": {"head": entries[-1]["hash"], "entries": entries},
    }
    if change:
        change(proof)
    text = write(proof)
    readable = make.changed(make.quote(1, lines=4), lambda writer: writer.add_attachment("proof.json", text))
    proof_pdf = seal_file(readable, proof_key or key)
    issued = {"json_sha256": sha256_hex(text), "pdf_sha256": sha256_hex(proof_pdf)}
    whole = journal(*steps(), ("proof.issued", issued), ("mail.sent", {"to": "jane@example.com"}))
    return {
        ("signed.pdf" if kind == "signature" else "quotation.pdf"): signed if kind == "signature" else original,
        "annexes/01-plan.pdf": annex,
        "previews/2.pdf": preview,
        "proof.pdf": proof_pdf,
        "proof.json": text,
        "journal.json": journal_file(whole),
        "private.json": canonical_json(
            {"format": "esign_quote/private/1", "entries": [{"seq": 2, "salt": SALT.hex(), "private": AGENT}]}
        ),
        "anchors.json": canonical_json([anchor(whole, 3)]),
        "certificates/seal-1.der": key.certificate,
        "mails/1.eml": b"Subject: Your quotation\n\nOpen /esign/t/\n",
    }


def journal_file(entries):
    return canonical_json(
        {
            "format": "esign_quote/journal/1",
            "journal": REFERENCE,
            "head": entries[-1]["hash"],
            "entries": entries,
        }
    )


def anchor(entries, seq, others=4):
    """Return the facts of an anchor over some heads, ours among them (RFC 6962 2.1)."""
    leaves = [{"day": "2026-03-12", "previous": ""}]
    leaves += [{"journal": f"ES-{number}", "seq": 1, "head": sha256_hex(b"%d" % number)} for number in range(others)]
    leaf = {"journal": REFERENCE, "seq": seq, "head": entries[seq - 1]["hash"]}
    leaves.append(leaf)
    hashes = [hashlib.sha256(b"\0" + canonical_json(item)).digest() for item in leaves]
    index = len(leaves) - 1
    root, path = _root(hashes).hex(), [item.hex() for item in _path(index, hashes)]
    stamped = {"format": "esign_quote/anchor/1", "day": "2026-03-12", "root": root, "count": len(leaves)}
    manifest = canonical_json(stamped).decode()
    facts = {key: stamped[key] for key in ("day", "root", "count")}
    return {**facts, "leaf": leaf, "index": index, "path": path, "manifest": manifest, "token": ""}


def _split(count):
    return 1 << (count - 1).bit_length() - 1


def _root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    at = _split(len(hashes))
    return hashlib.sha256(b"\1" + _root(hashes[:at]) + _root(hashes[at:])).digest()


def _path(index, hashes):
    if len(hashes) == 1:
        return []
    at = _split(len(hashes))
    if index < at:
        return [*_path(index, hashes[:at]), _root(hashes[at:])]
    return [*_path(index - at, hashes[at:]), _root(hashes[:at])]


# === ATTACKS ON A SEALED FILE (PDF.md 3) === #


def hole(sealed):
    """Return where the hexadecimal digits of the signature stand."""
    return CONTENTS.search(sealed).span(1)


def ranges(sealed):
    return [int(number) for number in re.search(rb"/ByteRange\s*\[([^\]]*)\]", sealed)[1].split()]


def replace_range(sealed, numbers):
    """Write another /ByteRange in the room of the old one."""
    match = re.search(rb"/ByteRange\s*\[[^\]]*\]\s*", sealed)
    new = b"/ByteRange [" + b" ".join(b"%d" % number for number in numbers) + b"]\n"
    assert len(new) <= len(match.group())
    return sealed[: match.start()] + new.ljust(len(match.group())) + sealed[match.end() :]


def flip(data, position, bit=0):
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


def update(sealed):
    """Add something as any editor would: an incremental update behind the seal."""
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    writer.root["/Lang"] = TextStringObject("fr")
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def wrap(sealed):
    """Signature wrapping: the second signed part is moved, other content stands where it was."""
    _zero, first, second, length = ranges(sealed)
    evil = b">\n>>\nendobj\n99 0 obj\n<< /Total (9 999 999) /Contents "
    moved = second + len(evil) + 400
    dictionary = b"<< /Type /Sig /ByteRange [0 %d %d %d] /Contents <%s" % (
        first,
        moved,
        length,
        sealed[first + 1 : first + 101],
    )
    filling = (evil + dictionary).ljust(len(evil) + 399) + b">"
    return sealed[:second] + filling + sealed[second:]


def file_attacks(sealed, original, key, other_key, other_sealed):
    """Yield (name, file, word) for a file whose proof and certificate are at hand."""
    start, end = hole(sealed)
    zero, first, second, length = ranges(sealed)
    contents = bytearray.fromhex(sealed[start:end].decode())
    yield "untouched", sealed, "authentic"
    yield "one byte of the page", flip(sealed, 300), "altered"
    yield "one byte of the update", flip(sealed, len(original) + 40), "altered"
    yield "one byte of the last line", flip(sealed, len(sealed) - 3), "altered"
    for name, extra in (
        ("newline", b"\n"),
        ("nul", b"\0"),
        ("end mark", b"%%EOF\n"),
        ("empty update", b"startxref\n0\n%%EOF\n"),
        ("4 KB of comment", b"% " + b"x" * 4096),
        ("object without table", b"1 0 obj\n<<>>\nendobj\n"),
        ("a whole new PDF", original),
    ):
        yield f"appended: {name}", sealed + extra, "changed"
    yield "incremental update", update(sealed), "changed"
    yield "approval signature of a stranger behind it", _behind(sealed, other_key), "changed"
    yield "approval signature of our key behind it", _behind(sealed, key), "changed"
    yield "seal stripped", original, "not_ours"
    yield "cut off", sealed[:-100], "altered"
    yield "junk before it", b"\n" + sealed, "altered"
    yield "no PDF", b"<html></html>", "not_ours"
    yield "empty", b"", "not_ours"
    yield "byte range absent", sealed.replace(b"/ByteRange", b"/ByteRangX"), "altered"
    yield "byte range null", re.sub(rb"/ByteRange\s*\[[^\]]*\]", b"/ByteRange null", sealed), "altered"
    yield "contents absent", sealed.replace(b"/Contents <", b"/Contentz <"), "altered"
    yield "contents emptied", sealed[:start] + b"0" * (end - start) + sealed[end:], "altered"
    for numbers in (
        (0, 0, 0, 0),
        (0, first, second, length - 1),
        (0, first - 10, second, length),
        (0, first, second - 2, length + 2),
        (1, first - 1, second, length),
        (0, first, second),
        (0, len(sealed), 0, 0),
    ):
        yield f"byte range {numbers}", replace_range(sealed, numbers), "altered"
    yield "wrapped (moved second part)", wrap(sealed), "altered"
    # Where a shorter signature left room: at least one byte, zero until now.
    yield "byte hidden behind the signature", sealed[: end - 2] + b"41" + sealed[end:], "altered"
    yield (
        "signature of another file",
        sealed[:start] + other_sealed[slice(*hole(other_sealed))] + sealed[end:],
        "altered",
    )
    yield "another case of a digit", _other_case(sealed), "altered"
    length_of_cms = 4 + int.from_bytes(contents[2:4], "big")
    contents[length_of_cms - 3] ^= 1
    yield "signature value changed", sealed[:start] + contents.hex().upper().encode() + sealed[end:], "altered"
    yield "another key of the same name", seal_file(original, other_key), "unknown"
    yield "another file of ours", other_sealed, "not_ours"
    yield (
        "our key, changes allowed",
        sign_otherwise(original, key, docmdp_permissions=fields.MDPPerm.FILL_FORMS),
        "not_ours",
    )
    yield "our key, no certification", sign_otherwise(original, key, certify=False), "not_ours"
    legacy = fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    yield "our key, older kind of signature", sign_otherwise(original, key, subfilter=legacy), "not_ours"
    yield "our key, catalogue names nothing", sign_without_perms(original, key), "not_ours"
    first_one = sign_otherwise(original, key, docmdp_permissions=fields.MDPPerm.FILL_FORMS)
    second_one = sign_otherwise(first_one, key, field_name="Second", certify=False)
    yield "two signatures", second_one, "changed"


def _behind(sealed, key):
    """Sign once more, though the seal forbids it."""
    return sign_otherwise(sealed, key, field_name="Another", certify=False)


def _other_case(sealed):
    start, end = hole(sealed)
    at = next(i for i in range(start, end) if chr(sealed[i]).isalpha())
    return flip(sealed, at, 5)


# === ATTACKS ON THE REST OF A PACK === #


def vectors(key, other_key, original=None):
    """Yield everything that both checkers are asked."""
    original = original or make.quote(2)
    good = signature_pack(key, original)
    other_sealed = seal_file(make.quote(2, lines=3), key)
    for name, data, word in file_attacks(good["signed.pdf"], original, key, other_key, other_sealed):
        answers = (YES, YES, YES) if word == "authentic" else ()
        yield Vector(name, {**good, "signed.pdf": data}, word, answers)
    yield from _pack_attacks(good, key, other_key, original)
    for kind in ("refusal", "expiry"):
        yield Vector(kind, signature_pack(key, original, kind), "authentic", (YES, YES, YES))
    yield Vector("a signed file alone", {"signed.pdf": good["signed.pdf"]}, "unknown", (UNTOLD, YES, UNTOLD))
    pair = {name: good[name] for name in ("signed.pdf", "proof.json")}
    yield Vector("file and proof record", pair, "unknown", (UNTOLD, YES, UNTOLD))
    pair = {name: good[name] for name in ("signed.pdf", "proof.pdf")}
    yield Vector("file and proof (PDF)", pair, "authentic", (YES, YES, YES))
    yield from _forgeries(good, key)
    yield from _odd_records(good, key, original)
    refusal = signature_pack(key, original, "refusal")
    yield Vector(
        "refusal of another quotation", {**refusal, "quotation.pdf": make.quote(3)}, "not_ours", (NO, YES, YES)
    )
    for kind in ("rsa", "p384"):
        other = new_key(kind)
        yield Vector(f"sealed with {kind}", signature_pack(other, original), "authentic", (YES, YES, YES))
        changed = {**signature_pack(other, original)}
        start, end = hole(changed["signed.pdf"])
        yield Vector(f"{kind}, byte changed", {**changed, "signed.pdf": flip(changed["signed.pdf"], 300)}, "altered")
        # The signature value ends the CMS; the file alone, so that the seal must tell.
        last = start + 8 + 2 * int(changed["signed.pdf"][start + 4 : start + 8], 16) - 5
        yield Vector(f"{kind}, value changed, file alone", {"signed.pdf": flip(changed["signed.pdf"], last)}, "altered")


def stamped_vectors(authority, key, original):
    """Yield packs with time-stamps: in the seal, beside the journal, over an anchor.

    :param authority: a started `timestamp_authority.TimestampAuthority`
    """
    service = timestamp.Service((timestamp.Authority(authority.url),))

    def stamp(data):
        return service.stamp(data).der

    good = signature_pack(key, original, timestamp=stamp)
    manifest = timestamp_manifest(good)
    (fact,) = json.loads(good["anchors.json"])
    token = base64.b64encode(stamp(fact["manifest"].encode())).decode()
    good |= {"tokens/1.tsr": stamp(manifest), "tokens/1.json": manifest}
    good["anchors.json"] = canonical_json([{**fact, "token": token}])
    yield Vector("time-stamped", good, "authentic", (YES, YES, YES))
    other = {**good, "tokens/1.json": manifest.replace(b"ES-B", b"ES-C")}
    yield Vector("token of something else", other, "altered", (YES, YES, NO))
    moved = canonical_json([{**fact, "token": base64.b64encode(stamp(b"x")).decode()}])
    yield Vector("anchor with a token of something else", {**good, "anchors.json": moved}, "altered", (YES, YES, NO))
    der = good["tokens/1.tsr"]
    places = {"imprint": der.index(hashlib.sha256(manifest).digest()), "signature": len(der) - 20}
    for name, position in places.items():
        broken = flip(der, position)
        yield Vector(f"token with a changed {name}", {**good, "tokens/1.tsr": broken}, "altered", (YES, YES, NO))
    start, end = hole(good["signed.pdf"])
    length = 8 + 2 * int(good["signed.pdf"][start + 4 : start + 8], 16)
    seal_token = flip(good["signed.pdf"], start + length - 11)  # the signature of the token ends the CMS
    yield Vector("seal with a changed token", {**good, "signed.pdf": seal_token}, "altered", (NO, NO, YES))
    for name, other in {
        "another signature": timestamp_manifest(good, reference="ES-SOMEBODY-ELSE"),
        "other files": timestamp_manifest(good, files=[{"kind": "signed", "sha256": sha256_hex(b"x")}]),
        "no files": timestamp_manifest(good, files=[]),
        "another form": timestamp_manifest(good, format="esign_quote/anchor/1"),
        "nothing": b"",
    }.items():
        other_token = {**good, "tokens/1.tsr": stamp(other), "tokens/1.json": other}
        yield Vector(f"token of {name}", other_token, "altered", (YES, YES, NO))
    alone = {name: data for name, data in good.items() if name != "tokens/1.json"}
    yield Vector("token without what it stamps", alone, "altered", (YES, YES, NO))
    for fault in ("expired", "usage", "usage_not_critical", "usage_not_only"):
        query = timestamp._request(hashlib.sha256(manifest).digest(), 1 << 60, None)
        token = timestamp._token_of(authority.answer(query, fault))
        yield Vector(f"token by a certificate: {fault}", {**good, "tokens/1.tsr": token}, "altered", (YES, YES, NO))


def timestamp_manifest(good, **values):
    """Return what the addon has stamped of a pack."""
    listed = [{"kind": kind, "sha256": sha256_hex(good[f"{kind}.pdf"])} for kind in ("signed", "proof")]
    listed.append({"kind": "proof_json", "sha256": sha256_hex(good["proof.json"])})
    facts = {"format": "esign_quote/timestamp/1", "reference": REFERENCE, "files": listed, "previous": []}
    return canonical_json({**facts, **values})


def _forgeries(good, key):
    """Yield packs by somebody who has one sealed file of the company, and no key."""
    sealed = good["signed.pdf"]
    for form, word, seal_holds in ((2, "altered", NO), (1, "unknown", YES)):
        facts = json.loads(good["proof.json"]) | {"format": f"esign_quote/proof/{form}"}
        facts["signature"]["quotation"] = "S00099"
        record = canonical_json(facts)
        issued = {"json_sha256": sha256_hex(record), "pdf_sha256": sha256_hex(sealed)}
        files = {"proof.json": record, "journal.json": journal_file(journal(*steps(), ("proof.issued", issued)))}
        answers = (UNTOLD, seal_holds, UNTOLD)
        yield Vector(f"forged record, form {form}", {**files, "signed.pdf": sealed, "proof.pdf": sealed}, word, answers)
        alone = {**files, "signed.pdf": sealed}
        yield Vector(f"forged record alone, form {form}", alone, "unknown", (UNTOLD, YES, UNTOLD))
        other = make.quote(1, lines=7)
        facts["kind"] = "refusal"
        facts["documents"] = [{"kind": "quote", "name": "x", "bytes": len(other), "sha256": sha256_hex(other)}]
        record = canonical_json(facts)
        issued["json_sha256"] = sha256_hex(record)
        files = {"proof.json": record, "journal.json": journal_file(journal(*steps(), ("proof.issued", issued)))}
        files |= {"quotation.pdf": other, "proof.pdf": sealed}
        yield Vector(f"forged refusal, form {form}", files, word, answers)


def _odd_records(good, key, original):
    """Yield what two programs could read in two ways; the record is sealed as it stands."""

    def marked(text):
        return lambda proof: canonical_json({**proof, "zz": "MARK"}).replace(b'"MARK"', text)

    def negative(proof):
        proof["documents"][0]["bytes"] = len(original) - len(good["signed.pdf"])

    for name, text, word in (
        ("half of a character", rb'"\ud800"', "altered"),
        ("half of a character in a key", rb'{"\udc00":1}', "altered"),
        ("a number beyond 2^53", b"9007199254740993", "altered"),
        ("a number of 5000 digits", b"9" * 5000, "altered"),
        ("the largest number", b"9007199254740991", "authentic"),
        ("nested 1200 times", b"[" * 1200 + b"]" * 1200, "altered"),
        ("nested 60 times", b"[" * 60 + b"]" * 60, "authentic"),
    ):
        yield Vector(f"record: {name}", signature_pack(key, original, write=marked(text)), word)
    yield Vector("record: negative length", signature_pack(key, original, change=negative), "altered")
    blanks = good["private.json"].replace(SALT.hex().encode(), SALT.hex(" ").encode())
    yield Vector("private: blanks in a salt", {**good, "private.json": blanks}, "altered", (YES, YES, NO))
    sums = "".join(f"{sha256_hex(data)}  {name}\n" for name, data in good.items()).encode()
    for name, text in (
        ("ends of lines of Windows", sums.replace(b"\n", b"\r\n")),
        ("a name twice", b"0" * 64 + b"  signed.pdf\n" + sums),
        ("marks of binary files", sums.replace(b"  ", b" *")),
        ("a blank line", sums + b"\n"),
        ("no last end of line", sums[:-1]),
        ("a tab in a name", sums + b"0" * 64 + b"  a\tb\n"),
    ):
        yield Vector(f"sums: {name}", {**good, "SHA256SUMS": text}, "altered", (NO, YES, YES))


def _edit(files, name, change):
    value = json.loads(files[name])
    change(value)
    return {**files, name: canonical_json(value)}


def _pack_attacks(good, key, other_key, original):
    def entry(number, **values):
        return lambda value: (value["entries"] if "entries" in value else value["journal"]["entries"])[number].update(
            values
        )

    def case(name, files, answers=(YES, YES, NO), word="altered"):
        return Vector(name, files, word, answers)

    yield case("journal: actor changed", _edit(good, "journal.json", entry(1, actor="user:evil")))
    yield case("journal: time changed", _edit(good, "journal.json", entry(5, at="2020-01-01T00:00:00.000Z")))
    yield case("journal: payload changed", _edit(good, "journal.json", entry(2, payload={"ip": "203.0.113.9"})))
    yield case("journal: payload behind the proof changed", _edit(good, "journal.json", entry(5, payload={"to": "x"})))
    yield case("journal: last entry dropped", _edit(good, "journal.json", lambda value: value["entries"].pop()))
    yield case("journal: middle entry dropped", _edit(good, "journal.json", lambda value: value["entries"].pop(2)))
    yield case("journal: reordered", _edit(good, "journal.json", lambda value: value["entries"].reverse()))
    yield case("journal: field added", _edit(good, "journal.json", entry(0, note="x")))
    yield case(
        "journal: of another request", _edit(good, "journal.json", lambda value: value.update(journal="ES-OTHER"))
    )
    yield case("journal: blank added", {**good, "journal.json": good["journal.json"] + b" "})
    yield case("journal: key twice", {**good, "journal.json": good["journal.json"].replace(b"{", b'{"head":"",', 1)})
    yield case("journal: not JSON", {**good, "journal.json": b"\xff{"})
    yield case("journal: nested for ever", {**good, "journal.json": b"[" * 100_000})
    rewritten = journal(("request.created", {}), ("proof.issued", {}))
    yield case("journal: rewritten", {**good, "journal.json": journal_file(rewritten)}, (YES, NO, NO))
    unissued = journal(*steps())
    yield case("journal: proof not named", {**good, "journal.json": journal_file(unissued)})
    proof = lambda change: _edit(good, "proof.json", change)  # noqa: E731
    unsealed = (UNTOLD, NO, NO)
    yield case("proof: signer changed", proof(lambda value: value["signature"].update(quotation="S00043")), unsealed)
    yield case("proof: entry changed", proof(entry(0, actor="x")), unsealed)
    yield case("proof: head changed", proof(lambda value: value["journal"].update(head="0" * 64)), unsealed)
    yield case("proof: no journal", proof(lambda value: value.pop("journal")), ())
    yield case("proof: other format", proof(lambda value: value.update(format="x")), ())
    yield case("proof: not JSON", {**good, "proof.json": b"{"}, ())
    yield case("proof: of another type", {**good, "proof.json": b"[]"}, ())
    yield case("proof: bytes as text", proof(lambda value: value["documents"][0].update(bytes="12")), ())
    yield case(
        "proof: a fraction", {**good, "proof.json": good["proof.json"].replace(b'"pages":2', b'"pages":2.5')}, ()
    )
    yield case(
        "private: detail changed",
        _edit(good, "private.json", lambda value: value["entries"][0].update(private={"x": 1})),
    )
    yield case(
        "private: of another entry", _edit(good, "private.json", lambda value: value["entries"][0].update(seq=3))
    )
    yield case("anchor: other root", _edit(good, "anchors.json", lambda value: value[0].update(root="0" * 64)))
    yield case("anchor: path cut", _edit(good, "anchors.json", lambda value: value[0]["path"].pop()))
    yield case("anchor: other index", _edit(good, "anchors.json", lambda value: value[0].update(index=1)))
    yield case("anchor: other entry", _edit(good, "anchors.json", lambda value: value[0]["leaf"].update(seq=2)))
    yield case("anchor: token that is none", _edit(good, "anchors.json", lambda value: value[0].update(token="AAAA")))
    yield case("token that is none", {**good, "tokens/1.tsr": b"x", "tokens/1.json": b"{}"})
    unbound = (UNTOLD, NO, UNTOLD)
    yield case("proof PDF: byte changed", {**good, "proof.pdf": flip(good["proof.pdf"], 300)}, unbound)
    yield case("proof PDF: appended", {**good, "proof.pdf": good["proof.pdf"] + b"\n"}, unbound)
    yield case("proof PDF: another of ours", {**good, "proof.pdf": seal_file(make.quote(1), key)}, unbound)
    alone = {name: good[name] for name in ("signed.pdf", "proof.pdf", "proof.json")}
    yield Vector("proof PDF: holds the record, no journal", alone, "authentic", (YES, YES, YES))
    other = _edit(alone, "proof.json", lambda value: value["signature"].update(quotation="S00043"))
    yield case("proof PDF: holds another record", other, unbound)
    foreign = signature_pack(key, original, proof_key=other_key)
    yield case("proof PDF: another key's seal", foreign, unbound)
    yield case("annex changed", {**good, "annexes/01-plan.pdf": make.quote(1)}, (NO, YES, YES))
    yield case("preview changed", {**good, "previews/2.pdf": make.quote(1)}, (NO, YES, YES))
    sums = "".join(f"{sha256_hex(data)}  {name}\n" for name, data in good.items()).encode()
    listed = {**good, "SHA256SUMS": sums}
    yield Vector("with its list of sums", listed, "authentic", (YES, YES, YES))
    yield case("mail changed", {**listed, "mails/1.eml": b"x"}, (NO, YES, YES))
    yield case("mail missing", {name: data for name, data in listed.items() if name != "mails/1.eml"}, (NO, YES, YES))
    yield case("sums that are none", {**good, "SHA256SUMS": b"\xff"}, (NO, YES, YES))


def zipped(files):
    """Return the zip of a vector's files as they are, without a list of sums of its own; compressed, as some tools do."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
