"""Attacks on a sealed file. Each must be seen, whatever a general validator says about it."""

import hashlib
import io
import random
import re
from dataclasses import replace

import pdf_factory as make
import pytest
import vectors
from asn1crypto import x509 as asn1_x509
from odd_certificates import padded, tlv, with_written_default
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko_signer import sign_otherwise, sign_without_perms
from tools.der import exact
from tools.verify import REASONS, WORDS, judge, signature_der, verify_strict


def check(data, key, original=None):
    verdict = verify_strict(
        data,
        key.certificate,
        hashlib.sha256(original).hexdigest() if original else None,
        len(original) if original else None,
    )
    assert verdict.reason in REASONS
    assert verdict.ok == (verdict.reason == "ok")
    return verdict.reason


def test_untouched(sealed, original, key, now):
    assert check(sealed, key, original) == "ok"
    verdict = verify_strict(sealed, key.certificate)
    assert (verdict.signing_time, verdict.signer_name, verdict.timestamped) == (now, "Example Company", False)


def test_every_flipped_bit_is_seen(sealed, original, key):
    source = random.Random(3)
    start, end = re.search(rb"/Contents <([0-9a-fA-F]{1000,})>", sealed).span(1)
    everywhere = [source.randrange(len(sealed)) for _ in range(60)]
    inside = [source.randrange(start, start + 900) for _ in range(15)]
    padding = [end - 1, end - 2, end - 1001, source.randrange(end - 4000, end)]
    borders = [0, start - 1, start, end, len(original), len(original) - 1, len(sealed) - 1]
    for position in (*everywhere, *inside, *padding, *borders):
        tampered = bytearray(sealed)
        tampered[position] ^= 1 << source.randrange(8)
        reason = check(bytes(tampered), key, original)
        # Upper and lower case hexadecimal digits are the same bytes: no change of meaning.
        same_digit = start <= position < end and chr(tampered[position]).lower() == chr(sealed[position]).lower()
        assert same_digit or reason != "ok", position


@pytest.mark.parametrize(
    "extra",
    [b"\n", b" ", b"\0", b"%", b"%%EOF\n", b"startxref\n0\n%%EOF\n", b"% " + b"x" * 5000, b"1 0 obj\n<<>>\nendobj\n"],
)
def test_anything_appended_is_refused(extra, sealed, key):
    assert check(sealed + extra, key) in ("coverage", "unreadable")


def test_truncated(sealed, key):
    for cut in (1, 2, 7, 100, 5000):
        assert check(sealed[:-cut], key) != "ok"


def test_original_without_seal(original, key):
    assert check(original, key) == "signature_count"


@pytest.mark.parametrize("data", [b"", b"x", b"%PDF-1.7\n", make.quote()[:-30], b"<html></html>"])
def test_garbage(data, key):
    assert check(data, key) == "unreadable"


def test_update_after_the_seal(sealed, key):
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    writer.root["/Lang"] = make_text("fr")
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    assert check(output.getvalue(), key) == "coverage"


def make_text(value):
    from pyhanko.pdf_utils.generic import TextStringObject

    return TextStringObject(value)


def test_other_certificate_of_the_same_name(sealed, other_key):
    assert check(sealed, other_key) == "other_certificate"


def test_other_document_with_our_seal(sealed, key):
    assert check(sealed, key, make.quote(3)) == "original_mismatch"
    assert check(sealed, key, sealed) == "original_mismatch"


def test_hash_and_size_belong_together(sealed, key):
    with pytest.raises(ValueError, match="belong together"):
        verify_strict(sealed, key.certificate, "00")


def test_our_key_used_otherwise(original, key):
    assert check(sign_otherwise(original, key), key) == "ok"
    assert check(sign_otherwise(original, key, docmdp_permissions=fields.MDPPerm.FILL_FORMS), key) == "permissions"
    assert check(sign_otherwise(original, key, certify=False), key) == "permissions"
    legacy = sign_otherwise(original, key, subfilter=fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED)
    assert check(legacy, key) == "subfilter"


def test_a_second_signature(original, key):
    first = sign_otherwise(original, key, docmdp_permissions=fields.MDPPerm.FILL_FORMS)
    assert check(sign_otherwise(first, key, field_name="Second", certify=False), key) == "signature_count"


def replace_range(sealed, numbers):
    """Write another /ByteRange in the room of the old one."""
    match = re.search(rb"/ByteRange \[[^\]]*\]", sealed)
    new = b"/ByteRange [" + b" ".join(b"%d" % number for number in numbers) + b"]"
    assert len(new) <= len(match.group())
    return sealed.replace(match.group(), new.ljust(len(match.group())), 1)


def test_byte_ranges_that_lie(sealed, key):
    match = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)", sealed)
    _zero, first, second, length = (int(number) for number in match.groups())
    for numbers in (
        (0, 0, 0, 0),
        (0, first, second, length - 1),
        (0, first, second - 2, length + 2),
        (0, first - 10, second, length),
        (1, first - 1, second, length),
        (0, first, second),
        (0, len(sealed), 0, 0),
    ):
        assert check(replace_range(sealed, numbers), key) in ("coverage", "digest_mismatch"), numbers


def test_signature_emptied(sealed, key):
    start, end = re.search(rb"/Contents <([0-9a-fA-F]{1000,})>", sealed).span(1)
    assert check(sealed[:start] + b"0" * (end - start) + sealed[end:], key) != "ok"


def test_bytes_hidden_behind_the_signature(sealed, key):
    """The zeros after the signature are not signed; nothing but zeros may stand there."""
    end = re.search(rb"/Contents <([0-9a-fA-F]{1000,})>", sealed).end(1)
    assert check(sealed[: end - 40] + b"41" * 20 + sealed[end:], key) == "coverage"


def test_signature_of_another_file(sealed, original, key, sealing):
    """A valid signature value, moved to another document."""
    other = sealing(make.quote(2, lines=3))
    start, end = re.search(rb"/Contents <([0-9a-fA-F]{1000,})>", sealed).span(1)
    other_start, other_end = re.search(rb"/Contents <([0-9a-fA-F]{1000,})>", other).span(1)
    assert end - start == other_end - other_start
    forged = sealed[:start] + other[other_start:other_end] + sealed[end:]
    assert check(forged, key) == "digest_mismatch"


@pytest.mark.parametrize(
    "content", [b"", b"0", b"\x31\x00", b"\x30\x80\x00\x00", b"\x30\x85\0\0\0\0\0", b"\x30\x05\x00"]
)
def test_der_that_is_none(content):
    with pytest.raises(ValueError):
        signature_der(content)


def test_der_is_cut_at_its_end():
    assert signature_der(b"\x30\x01\x05\0\0\0") == b"\x30\x01\x05"
    assert signature_der(b"\x30\x82\x01\x00" + b"a" * 256 + b"\0\0") == b"\x30\x82\x01\x00" + b"a" * 256


def test_signature_value_changed(sealed, key):
    """The digest still matches, the signature over it does not."""
    start, end = re.search(rb"/Contents <([0-9a-fA-F]{1000,})>", sealed).span(1)
    content = bytearray.fromhex(sealed[start:end].decode())
    # The signature value stands at the very end of a CMS without unsigned attributes.
    content[len(signature_der(bytes(content))) - 3] ^= 1
    assert check(sealed[:start] + content.hex().encode() + sealed[end:], key) == "signature_invalid"


def test_no_bit_of_the_signature_itself_is_free(sealed, key):
    """Of a valid signature 174 bits of 934 bytes passed before: versions, list of digests, signer's identifier."""
    start, end = vectors.hole(sealed)
    content = bytes.fromhex(sealed[start:end].decode())
    unsigned = [*range(20, 42), *range(len(signature_der(content)) - 425, len(signature_der(content)) - 300)]
    for position in unsigned:
        tampered = vectors.flip(content, position, position % 8).hex().upper().encode()
        assert check(sealed[:start] + tampered + sealed[end:], key) != "ok", position


def test_gap_that_is_not_the_signature(sealed, key):
    """The byte range leaves out another hexadecimal string than the one that is read as signature."""
    identifier = re.search(rb"<[0-9a-f]{32}>", sealed)
    first, second = identifier.span()
    assert check(replace_range(sealed, (0, first, second, len(sealed) - second)), key) == "coverage"


def test_certification_that_the_catalogue_does_not_name(original, key):
    """A DocMDP transform alone binds no viewer: /Perms must point at the signature (ISO 32000-1 12.8.4)."""
    assert check(sign_without_perms(original, key), key) == "permissions"


# === ANY FILE THAT ANYBODY BRINGS === #

# The seal alone cannot say so; the page says it by the file's hash.
BY_THE_SEAL_ALONE = {"another case of a digit": "authentic", "another file of ours": "authentic"}


def test_every_attack_gets_its_word(original, key, other_key):
    sealed, other = vectors.seal_file(original, key), vectors.seal_file(make.quote(2, lines=3), key)
    seen = set()
    for name, data, word in vectors.file_attacks(sealed, original, key, other_key, other):
        judgement = judge(data, {key.fingerprint})
        assert judgement.word == BY_THE_SEAL_ALONE.get(name, word), (name, judgement)
        seen.add(judgement.word)
    assert seen == set(WORDS)


def test_what_is_told_of_a_file_of_ours(sealed, key, now):
    judgement = judge(sealed, {key.fingerprint, "0" * 64})
    assert (judgement.word, judgement.fingerprint, judgement.signing_time) == ("authentic", key.fingerprint, now)
    assert "Example seal" in judgement.subject and not judgement.timestamped


@pytest.mark.parametrize("kind", ["rsa", "p384"])
def test_uploaded_keys(kind, original):
    key = vectors.new_key(kind)
    sealed = vectors.seal_file(original, key)
    assert judge(sealed, {key.fingerprint}).word == "authentic"
    assert judge(sealed, set()).word == "unknown"
    assert judge(vectors.flip(sealed, 300), {key.fingerprint}).word == "altered"


def test_thousands_of_ranges_that_lie_take_no_time(sealed, key):
    lies = b"".join(b"/ByteRange [0 %d %d 10]\n" % (n, n + 10) for n in range(1, 20_000))
    assert judge(sealed + lies, {key.fingerprint}).word == "changed"
    assert judge(b"%PDF-1.7\n/ByteRange" + b" " * 1_000_000 + lies, set()).word == "altered"


def name(tag, value, attribute="0603550403"):
    return tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex(attribute), tlv(tag, value))))


ODD_NAMES = {
    "invalid UTF-8": (name(0x0C, b"\xff\xfe\xfd"), "?"),
    "odd BMPString": (name(0x1E, b"\0a\0"), "?"),
    "odd UniversalString": (name(0x1C, b"\xff\xff\xff\xff"), "?"),
    "sequence for a text": (name(0x30, b""), "?"),
    "number for a text": (name(0x02, b"\5"), "?"),
    "invalid country": (name(0x13, b"\xff", "0603550406"), "Country: ÿ"),
    "unknown attribute": (name(0x0C, b"x", "06032a0304"), "1.2.3.4: x"),
    "no attributes": (tlv(0x30), ""),
    "empty set": (tlv(0x30, tlv(0x31)), ""),
    "attribute without value": (tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403")))), "?"),
    "string for the whole name": (tlv(0x04, b"ab"), "?"),
}


@pytest.mark.parametrize("length", [0x180, 0x17F])
@pytest.mark.parametrize(("subject", "shown"), ODD_NAMES.values(), ids=ODD_NAMES)
def test_a_self_made_certificate_with_an_odd_name_is_judged(subject, shown, length, key, original):
    fields_of = asn1_x509.Certificate.load(key.certificate)["tbs_certificate"]
    parts = [subject if part == "subject" else fields_of[part].dump() for part in fields_of]
    # Its length decides whether asn1crypto writes the certificate anew: see tools/der.py.
    odd = replace(key, certificate=padded(tlv(0x30, *parts), length))
    data = vectors.seal_file(original, odd)
    judgement = judge(data, {key.fingerprint})
    assert (judgement.word, judgement.subject) == ("unknown", shown)
    assert judge(data + b"\n", {key.fingerprint}).word == "changed"


@pytest.mark.parametrize("length", [0x280, 0x27F])
def test_a_seal_whose_certificate_writes_a_default_out(length, key, original):
    odd = replace(key, certificate=with_written_default(key.certificate, length))
    data = vectors.seal_file(original, odd)
    assert check(data, odd, original) == "ok"
    fingerprint = hashlib.sha256(odd.certificate).hexdigest()
    judgement = judge(data, {fingerprint})
    assert (judgement.word, judgement.fingerprint) == ("authentic", fingerprint)


def test_asn1crypto_still_writes_it_anew(key):
    """Or `tools/der.py` is needed no more."""
    der = with_written_default(key.certificate, 0x280)
    parsed = asn1_x509.Certificate.load(der)
    assert parsed.dump() != der
    assert exact(asn1_x509.Certificate.load(der)).dump() == der
