#!/usr/bin/env python3
"""Check a quotation that was signed with esign_quote: nothing to install, no network, no trust in its maker.

    python3 check.py                                    in an unpacked dispute pack
    python3 check.py pack.zip
    python3 check.py signed.pdf proof.pdf [proof.json] [journal.json]
    options: --lang fr|en, --certificate SHA256 (the seal's, when you know it from elsewhere)

Needs Python 3.8 or later and its standard library. Three answers: (1) the file is the sealed one,
(2) the seal is valid and nothing changed after it, (3) the journal is complete. The code of exit is
0 only when the verdict is AUTHENTIC, 1 for any other verdict, 2 when there is nothing to check.

How the one signature is found without a library for PDF
    A viewer finds signatures by following the structure of the file, and the known attacks (incremental
    saving, signature wrapping, universal forgery) lie about that structure. Here it is not followed.
    Each text "/ByteRange [0 a b c]" in the raw bytes is a candidate. It counts as a signature when the
    bytes from a to b are the hexadecimal string of the object it stands in. The seal is good when
      * b + c is the end of the file: every byte but that string is signed, so nothing can have been
        added, moved or replaced, whatever the structure says. The text itself is among those bytes;
      * the string is one CMS object and zeros, the one place that is not signed hides nothing;
      * the CMS verifies, with the certificate whose fingerprint is expected;
      * there is no other candidate. A signature that comes later would end later. One that was there
        before could hide only by an unusual spelling, in bytes that the holder of the seal sealed;
      * the object says DocMDP, P=1 (no change allowed) and the catalogue names it under /Perms. A file
        that the same key signed for another purpose is no sealed quotation.
    What is left inside that string are spellings (upper and lower case), and the time-stamp, which no
    signature covers: whoever wants to can put another authority's there. Answer 1 sees both.
What the answers rest on
    The proof record (proof.json) is no more than a text. It is believed when the proof (proof.pdf) holds
    that very record under a good seal; else it can only make an answer "no".
    The fingerprint of the seal's certificate stands in the proof. Whoever could forge the whole pack could
    put a key of his own there: compare the fingerprint with the one that the company publishes, with the
    one in your mail of that day, or have the time-stamp authority's certificate checked (README).
"""

import base64
import hashlib
import json
import os
import re
import sys
import zipfile
import zlib
from collections import namedtuple

MAX_FILE, MAX_PACK = 150_000_000, 400_000_000  # bytes that are read of one file, of one pack
MAX_SIGNATURES = 16
MAX_DEPTH, MAX_INTEGER = 100, 2**53 - 1  # of JSON: what every program reads alike (RFC 8785)
PDF, ZIP = b"%PDF-", b"PK\3\4"
# What a folder may hold of a pack; other files beside it are let alone.
IN_PACK = re.compile(r"(annexes|previews|tokens|certificates|mails)/[^/]+$|[a-z]+\.(pdf|json|py|html)$|README-..\.txt$|SHA256SUMS$")


class Bad(Exception):
    """Something does not hold; the text is a key of TEXTS."""


# --------------------------------------------------------------------------------------- DER and CMS (X.690, RFC 5652)


def tlv(data, at=0):
    """Return (tag, whole object, content, position behind it) of the DER object at ``at``."""
    tag, first, start = data[at], data[at + 1], at + 2
    length = first
    if first >= 0x80:
        size = first & 0x7F
        if not 1 <= size <= 4:
            raise Bad("der")
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    end = start + length
    if tag & 0x1F == 0x1F or end > len(data):
        raise Bad("der")
    return tag, data[at:end], data[start:end], end


def parts(content):
    """Return the objects in a constructed one as [(tag, whole, content)]."""
    found, at = [], 0
    while at < len(content):
        tag, whole, inner, at = tlv(content, at)
        found.append((tag, whole, inner))
    return found


def oid(text):
    """Return the DER content of an object identifier."""
    numbers = [int(part) for part in text.split(".")]
    out = bytearray([40 * numbers[0] + numbers[1]])
    for number in numbers[2:]:
        digits = [number & 0x7F]
        while number > 0x7F:
            number >>= 7
            digits.append(number & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return bytes(out)


SIGNED_DATA, TST_INFO, PLAIN_DATA = (oid("1.2.840.113549.1." + end) for end in ("7.2", "9.16.1.4", "7.1"))
CONTENT_TYPE, MESSAGE_DIGEST = oid("1.2.840.113549.1.9.3"), oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2, TIME_STAMP = (
    oid("1.2.840.113549.1.9.16.2." + end) for end in ("12", "47", "14")
)
DIGESTS = {oid("2.16.840.1.101.3.4.2.%d" % end): name for end, name in ((1, "sha256"), (2, "sha384"), (3, "sha512"))}
EXTENDED_KEY_USAGE, TIME_STAMPING = oid("2.5.29.37"), oid("1.3.6.1.5.5.7.3.8")
RSA_KEY, EC_KEY = oid("1.2.840.113549.1.1.1"), oid("1.2.840.10045.2.1")
ALGORITHMS = {
    RSA_KEY: None,  # the digest is named beside it
    **{oid("1.2.840.113549.1.1.%d" % end): name for end, name in ((11, "sha256"), (12, "sha384"), (13, "sha512"))},
    **{oid("1.2.840.10045.4.3.%d" % end): name for end, name in ((2, "sha256"), (3, "sha384"), (4, "sha512"))},
}
Curve = namedtuple("Curve", "p b n x y")  # a is -3 (FIPS 186-4 D.1.2)
P256 = Curve(
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
P384 = Curve(
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
    0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
)
CURVES = {oid("1.2.840.10045.3.1.7"): P256, oid("1.3.132.0.34"): P384}


def add_points(one, two, curve):
    """Add two points of a curve; None is the point at infinity."""
    if one is None or two is None:
        return one or two
    (x1, y1), (x2, y2), p = one, two, curve.p
    if x1 == x2:
        if (y1 + y2) % p == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, p) % p
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, p) % p
    x3 = (slope * slope - x1 - x2) % p
    return x3, (slope * (x1 - x3) - y1) % p


def multiply(number, point, curve):
    result = None
    while number:
        if number & 1:
            result = add_points(result, point, curve)
        point, number = add_points(point, point, curve), number >> 1
    return result


def verify_ecdsa(curve, public, signature, digest):
    """ECDSA (FIPS 186-4 6.4)."""
    size, n = (curve.p.bit_length() + 7) // 8, curve.n
    x, y = int.from_bytes(public[1 : 1 + size], "big"), int.from_bytes(public[1 + size :], "big")
    on_curve = x < curve.p and y < curve.p and (y * y - x * x * x + 3 * x - curve.b) % curve.p == 0
    numbers = parts(tlv(signature)[2])
    r, s = (int.from_bytes(content, "big") for _tag, _whole, content in numbers)
    if public[0] != 4 or len(public) != 1 + 2 * size or not on_curve or not (0 < r < n and 0 < s < n):
        return False
    e = int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - n.bit_length())
    w = pow(s, -1, n)
    one = multiply(e * w % n, (curve.x, curve.y), curve)
    point = add_points(one, multiply(r * w % n, (x, y), curve), curve)
    return point is not None and point[0] % n == r


def verify_rsa(modulus, exponent, signature, digest, name):
    """RSASSA-PKCS1-v1_5 (RFC 8017 8.2.2): the whole padded block must be the expected one."""
    algorithm = next(key for key, value in DIGESTS.items() if value == name)
    identifier = bytes([0x06, len(algorithm)]) + algorithm + b"\x05\x00"
    info = bytes([0x30, len(identifier)]) + identifier + bytes([0x04, len(digest)]) + digest
    info = bytes([0x30, len(info)]) + info
    size = (modulus.bit_length() + 7) // 8
    block = b"\x00\x01" + b"\xff" * (size - 3 - len(info)) + b"\x00" + info
    number = int.from_bytes(signature, "big")
    if not 2048 <= modulus.bit_length() <= 16384 or len(signature) != size or number >= modulus or exponent >= 1 << 64:
        return False
    return pow(number, exponent, modulus).to_bytes(size, "big") == block


def verify_signature(certificate, algorithm, digest_name, signed, signature):
    """Verify ``signature`` over ``signed`` with the public key of a certificate (DER)."""
    if algorithm not in ALGORITHMS:
        raise Bad("algorithm")
    name = ALGORITHMS[algorithm] or digest_name
    fields = parts(parts(tlv(certificate)[2])[0][2])
    key = parts(fields[6 if fields[0][0] == 0xA0 else 5][2])  # SubjectPublicKeyInfo
    kind = parts(key[0][2])
    bits, digest = key[1][2][1:], hashlib.new(name, signed).digest()
    is_rsa = kind[0][2] == RSA_KEY
    if is_rsa != (algorithm not in list(ALGORITHMS)[4:]):
        raise Bad("algorithm")
    if is_rsa:
        modulus, exponent = (int.from_bytes(content, "big") for _tag, _whole, content in parts(tlv(bits)[2]))
        return verify_rsa(modulus, exponent, signature, digest, name)
    if kind[0][2] != EC_KEY or kind[1][2] not in CURVES:
        raise Bad("algorithm")
    return verify_ecdsa(CURVES[kind[1][2]], bits, signature, digest)


Cms = namedtuple("Cms", "certificate fingerprint content signature unsigned")


def read_cms(der, detached=None, kind=PLAIN_DATA):
    """Verify a CMS SignedData of one signer and return what is in it.

    :param bytes detached: what was signed, when it is not inside
    :param bytes kind: type that the content must have
    """
    outer = parts(tlv(der)[2])
    if outer[0][2] != SIGNED_DATA:
        raise Bad("cms")
    fields = parts(tlv(outer[1][2])[2])
    encapsulated = parts(fields[2][2])
    content = detached if len(encapsulated) == 1 else tlv(encapsulated[1][2])[2]
    if content is None or (detached is not None and len(encapsulated) > 1):
        raise Bad("cms")
    certificates = [whole for tag, _w, inner in fields[3:] if tag == 0xA0 for _t, whole, _i in parts(inner)]
    signers = parts(fields[-1][2])
    if fields[-1][0] != 0x31 or len(signers) != 1:
        raise Bad("cms")
    signer = parts(signers[0][2])
    digest_name = DIGESTS.get(parts(signer[2][2])[0][2])
    if digest_name is None or signer[3][0] != 0xA0:
        raise Bad("algorithm")
    signed = attributes(signer[3][2])
    if signed.get(CONTENT_TYPE) != kind or encapsulated[0][2] != kind:
        raise Bad("cms")
    if signed.get(MESSAGE_DIGEST) != hashlib.new(digest_name, content).digest():
        raise Bad("digest")
    certificate = named_certificate(signed, certificates, signer[1])
    whole = b"\x31" + signer[3][1][1:]  # signed as a SET (RFC 5652 5.4)
    if not verify_signature(certificate, parts(signer[4][2])[0][2], digest_name, whole, signer[5][2]):
        raise Bad("signature")
    unsigned = attributes(signer[6][2], whole=True) if len(signer) > 6 and signer[6][0] == 0xA1 else {}
    return Cms(certificate, hashlib.sha256(certificate).hexdigest(), content, signer[5][2], unsigned)


def attributes(content, whole=False):
    """Return attributes by type: the content of their one value, or the ``whole`` value."""
    found = {}
    for _tag, _whole, inner in parts(content):
        kind, values = parts(inner)[:2]
        values = parts(values[2])
        if len(values) != 1 or kind[2] in found:
            raise Bad("cms")
        found[kind[2]] = values[0][1 if whole else 2]
    return found


def named_certificate(signed, certificates, identifier):
    """Return the certificate that the signed attributes name by its hash (RFC 5035)."""
    for kind, default in ((SIGNING_CERTIFICATE_V2, "sha256"), (SIGNING_CERTIFICATE, "sha1")):
        if kind in signed:
            named = parts(parts(parts(signed[kind])[0][2])[0][2])
            has_algorithm = named[0][0] == 0x30
            name = DIGESTS[parts(named[0][2])[0][2]] if has_algorithm else default
            expected = named[1 if has_algorithm else 0][2]
            for certificate in certificates:
                if hashlib.new(name, certificate).digest() == expected:
                    if identifier[0] == 0x30 and identifier[2] != issuer_and_serial(certificate):
                        raise Bad("cms")
                    return certificate
    raise Bad("cms")


def issuer_and_serial(certificate):
    fields = parts(parts(tlv(certificate)[2])[0][2])
    first = 1 if fields[0][0] == 0xA0 else 0
    return fields[first + 2][1] + fields[first][1]


def subject_of(certificate):
    """Return the last common name (or organisation) of a certificate's subject, for people."""
    fields = parts(parts(tlv(certificate)[2])[0][2])
    names = {}
    for _t, _w, group in parts(fields[5 if fields[0][0] == 0xA0 else 4][2]):
        for _t2, _w2, pair in parts(group):
            kind, value = parts(pair)[:2]
            names[kind[2]] = value[2].decode("utf-16-be" if value[0] == 0x1E else "utf-8", "replace")
    return clean(names.get(oid("2.5.4.3")) or names.get(oid("2.5.4.10")) or "?")


def read_token(der, imprint_of):
    """Verify an RFC 3161 token over the bytes ``imprint_of``; return (authority, time as text)."""
    tag, _whole, inner, _end = tlv(der)
    first = parts(inner)
    if tag == 0x30 and first[0][0] == 0x30:  # a whole response: status, token
        der = first[1][1]
    token = read_cms(der, kind=TST_INFO)
    info = parts(tlv(token.content)[2])
    imprint = parts(info[2][2])
    name = DIGESTS.get(parts(imprint[0][2])[0][2])
    if name is None or imprint[1][2] != hashlib.new(name, imprint_of).digest():
        raise Bad("imprint")
    text = info[4][2].decode("ascii")
    check_stamping_certificate(token.certificate, text)
    time = "%s-%s-%s %s:%s:%s UTC" % (text[:4], text[4:6], text[6:8], text[8:10], text[10:12], text[12:14])
    return subject_of(token.certificate), clean(time)


def check_stamping_certificate(certificate, moment):
    """Made for time-stamping and nothing else (RFC 3161 2.3), and valid at that moment."""
    fields = parts(parts(tlv(certificate)[2])[0][2])
    fields = fields[1:] if fields[0][0] == 0xA0 else fields
    since, until = (full_year(tag, text) for tag, _whole, text in parts(fields[3][2]))
    usages = [
        parts(extension)
        for tag, _whole, wrapped in fields[6:]
        if tag == 0xA3
        for _tag, _w, extension in parts(tlv(wrapped)[2])
        if parts(extension)[0][2] == EXTENDED_KEY_USAGE
    ]
    if len(usages) != 1 or [item[2] for item in usages[0][1:-1]] != [b"\xff"]:  # critical
        raise Bad("stamper")
    if [item[2] for item in parts(tlv(usages[0][-1][2])[2])] != [TIME_STAMPING]:
        raise Bad("stamper")
    if not re.fullmatch(r"\d{14}(\.\d+)?Z", moment) or not since <= moment[:14] <= until:
        raise Bad("stamper")


def full_year(tag, text):
    """Return a time of a certificate as YYYYMMDDHHMMSS (RFC 5280 4.1.2.5)."""
    text = text.decode("ascii")
    if tag == 0x17:
        text = ("20" if text < "5" else "19") + text
    if not re.fullmatch(r"\d{14}Z", text):
        raise Bad("stamper")
    return text[:14]


# ------------------------------------------------------------------------------------------------------------ the seal

Signature = namedtuple("Signature", "end problem cms certifies")
Seal = namedtuple("Seal", "status signature count problem")
BYTE_RANGE = re.compile(rb"/ByteRange\s{0,99}\[\s{0,99}" + rb"\s{1,99}".join([rb"(\d{1,10})"] * 4) + rb"\s{0,99}\]")


def find_signatures(data):
    """Return the :class:`Signature` objects of a PDF by the rule in the docstring above, by their end."""
    found = {}
    for match in BYTE_RANGE.finditer(data):
        zero, first, second, length = (int(number) for number in match.groups())
        end = second + length
        if zero or not 0 < first < second < end <= len(data) or (first, second, end) in found:
            continue
        if data[first : first + 1] != b"<" or data[second - 1 : second] != b">":
            continue
        begin = data.rfind(b" obj", 0, first)
        close = data.find(b"endobj", second, end)
        if begin < 0 or close < 0 or not begin < match.start() < close:
            continue
        found[first, second, end] = begin
        if len(found) > MAX_SIGNATURES:
            break
    return [judge_signature(data, *place, begin) for place, begin in sorted(found.items(), key=lambda item: item[0][2])]


def judge_signature(data, first, second, end, begin):
    signed = data[:first] + data[second:end]
    try:
        if not re.fullmatch(rb"(?:[0-9A-Fa-f]{2})+", data[first + 1 : second - 1]):
            raise Bad("hidden")
        contents = bytes.fromhex(data[first + 1 : second - 1].decode("ascii"))
        cms_end = tlv(contents)[3]
        if contents[cms_end:].strip(b"\0"):
            raise Bad("hidden")
        cms = read_cms(contents[:cms_end], detached=signed)
        if TIME_STAMP in cms.unsigned:
            read_token(cms.unsigned[TIME_STAMP], cms.signature)
    except Bad as problem:
        return Signature(end, str(problem), None, False)
    except Exception:
        return Signature(end, "der", None, False)
    return Signature(end, "", cms, certifies(data, begin, first, second, end))


def certifies(data, begin, first, second, end):
    """Tell whether a signature is a PAdES certification that allows no change, named by the catalogue."""
    number = re.search(rb"(\d+)\s+(\d+)$", data[max(0, begin - 20) : begin])
    words = data[begin:first] + data[second : data.find(b"endobj", second, end)]
    wanted = (
        rb"/SubFilter\s*/ETSI\.CAdES\.detached\b",
        rb"/TransformMethod\s*/DocMDP\b",
        rb"/TransformParams\s*<<[^>]*/P\s+1\b",
    )
    perms = number and rb"/Perms\s*<<[^>]*/DocMDP\s+%s\s+%s\s+R\b" % number.groups()
    return bool(perms) and all(re.search(item, words) for item in wanted) and bool(re.search(perms, data[:end]))


def read_seal(data, known=()):
    """Judge the seal of a PDF: ``valid``, ``changed``, ``altered``, ``unknown``, ``foreign`` or ``none``.

    :param known: fingerprints of the certificates to expect; none means any
    """
    found = find_signatures(data)
    valid = [item for item in found if item.cms]
    ours = [item for item in valid if not known or item.cms.fingerprint in known]
    if not valid:
        status = "altered" if found or b"/ByteRange" in data or b"ETSI.CAdES" in data else "none"
        return Seal(status, None, len(found), found[-1].problem if found else "no_signature")
    chosen = (ours or valid)[-1]
    if chosen.end < len(data) or len(found) > 1:
        return Seal("changed", chosen, len(found), "later")
    if not ours:
        return Seal("unknown", chosen, 1, "other_certificate")
    return Seal("valid" if chosen.certifies else "foreign", chosen, 1, "" if chosen.certifies else "permissions")


# ------------------------------------------------------------------------------------------------------- JSON and chain


def refuse(_value):
    raise Bad("json")


def whole(text):
    number = int(text) if len(text) < 20 else MAX_INTEGER + 1
    return number if abs(number) <= MAX_INTEGER else refuse(text)


def unhex(text):
    """Return the bytes of a text of hexadecimal digits and nothing else."""
    if not re.fullmatch("(?:[0-9a-fA-F]{2})*", text):
        raise Bad("json")
    return bytes.fromhex(text)


def pairs(items):
    found = dict(items)
    if len(found) != len(items):
        raise Bad("json")
    return found


def canonical(value):
    """RFC 8785 for texts, whole numbers, booleans, null, lists and objects."""

    def in_order(item, depth):
        if depth > MAX_DEPTH:
            raise Bad("json")
        if isinstance(item, dict):
            return {key: in_order(item[key], depth + 1) for key in sorted(item, key=lambda key: key.encode("utf-16-be"))}
        return [in_order(one, depth + 1) for one in item] if isinstance(item, list) else item

    return json.dumps(in_order(value, 0), ensure_ascii=False, separators=(",", ":")).encode()


def read_json(data):
    """Read canonical JSON; anything that is not exactly its canonical form is refused."""
    try:
        value = json.loads(data.decode(), parse_int=whole, parse_float=refuse, parse_constant=refuse, object_pairs_hook=pairs)
        if canonical(value) != data:
            raise Bad("json")
    except (ValueError, RecursionError):
        raise Bad("json") from None
    return value


def sha(data):
    return hashlib.sha256(data).hexdigest()


ENTRY = {"seq", "type", "at", "actor", "payload", "payload_sha256", "hash"}


def check_chain(identifier, entries, head):
    """Check a journal: numbers without gap, each payload, each link, the head."""
    last = sha(identifier.encode())
    for position, entry in enumerate(entries, 1):
        if set(entry) != ENTRY or entry["seq"] != position:
            raise Bad("chain_gap")
        if sha(canonical(entry["payload"])) != entry["payload_sha256"]:
            raise Bad("chain_entry")
        body = {name: entry[name] for name in ("seq", "type", "at", "actor", "payload_sha256")}
        last = hashlib.sha256(b"\0" + unhex(last) + canonical(body)).hexdigest()
        if last != entry["hash"]:
            raise Bad("chain_entry")
    if last != head or not entries:
        raise Bad("chain_head")


def merkle_root(leaf, index, count, path):
    """Return the root of a tree of ``count`` leaves by an inclusion path (RFC 9162 2.1.3.2)."""
    node, last = hashlib.sha256(b"\0" + leaf).digest(), count - 1
    if not 0 <= index < count:
        raise Bad("anchor")
    for sibling in (unhex(item) for item in path):
        if last == 0:
            raise Bad("anchor")
        if index & 1 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    if last:
        raise Bad("anchor")
    return node.hex()


# ---------------------------------------------------------------------------------------------------- the three answers


class Report:
    """Three answers (True, False, None: cannot be told), their reasons as (key, values), and the verdict."""

    def __init__(self):
        self.answers = {1: None, 2: None, 3: None}
        self.reasons = {1: [], 2: [], 3: []}
        self.about = None
        self.denied_only = ()  # answers that rest on a record which nobody sealed: they can be no, never yes
        self.word = "not_ours"

    def say(self, number, holds, key, **values):
        """Add a reason; one False makes the answer False."""
        self.reasons[number].append((key, values))
        if holds is False or (holds and self.answers[number] is None and number not in self.denied_only):
            self.answers[number] = holds

    def guard(self, number, key, function, *arguments):
        """Run a part of the check; whatever it meets in a hostile file, the answer is no, never an accident."""
        try:
            return function(*arguments)
        except Bad as problem:
            self.say(number, False, str(problem) if str(problem) in TEXTS else key)
        except Exception:
            self.say(number, False, key)
        return None


def check(files, certificate=None):
    """Check a pack or the files of one signature.

    :param dict files: bytes by the names of the dispute pack; ``signed.pdf`` or ``quotation.pdf`` and what else there is
    :param str certificate: SHA-256 of the seal's certificate, known from elsewhere
    :rtype: Report
    """
    report, files = Report(), with_attached_record(files)
    proof = report.guard(1, "proof_broken", read_proof, files) if "proof.json" in files else None
    main = "signed.pdf" if "signed.pdf" in files else "quotation.pdf"
    kind = "quote" if proof and proof.get("kind") in ("refusal", "expiry") else "signed"
    expected = certificate or (proof and proof["seal"]["certificate_sha256"])
    bound = bool(proof) and is_bound(files, expected)
    if bound:
        report.about = report.guard(1, "proof_broken", about, proof)
    elif proof:
        report.denied_only = (1, 3)
        report.say(3, None, "unbound")
    same = report.guard(1, "proof_broken", check_file, report, files, main, kind, proof) if main in files else None
    seal = Seal("none", None, 0, "no_signature")
    if kind == "signed" and main in files:
        seal = report.guard(2, "der", check_seal, report, files[main], expected, "seal") or seal
    if "proof.pdf" in files:
        other = report.guard(2, "der", check_seal, report, files["proof.pdf"], expected, "proof_seal")
        seal = seal if kind == "signed" else other or seal
        report.guard(2, "proof_pdf", check_proof_pdf, report, files, proof)
    if certificate and proof and proof["seal"]["certificate_sha256"] != certificate:
        report.say(2, False, "other_certificate")
    if proof:
        report.guard(3, "journal_broken", check_journal, report, files, proof)
    else:
        report.reasons[3].append(("no_proof", {}))
    report.guard(1, "sums", check_sums, report, files)
    known = bound or (certificate and kind == "signed")
    report.word = verdict(report, seal, same, known, "proof.json" in files and not proof)
    return report


def with_attached_record(files):
    """Take the record out of the proof (PDF) when it was not given by itself."""
    if "proof.json" in files or "proof.pdf" not in files:
        return files
    records = list(dict.fromkeys(attached_records(files["proof.pdf"])))
    return {**files, "proof.json": records[0]} if len(records) == 1 else files


def is_bound(files, expected):
    """Tell whether the seal of the proof (PDF), made with the expected certificate, covers this very record."""
    if "proof.pdf" not in files or files["proof.json"] not in attached_records(files["proof.pdf"]):
        return False
    return read_seal(files["proof.pdf"], (expected,)).status == "valid"


def read_proof(files):
    proof = read_json(files["proof.json"])
    if not str(proof["format"]).startswith("esign_quote/proof/"):
        raise Bad("proof_broken")
    if not (isinstance(proof["documents"], list) and isinstance(proof["journal"]["entries"], list)):
        raise Bad("proof_broken")
    str.encode(proof["signature"]["identifier"]), str.encode(proof["seal"]["certificate_sha256"])
    return proof


def about(proof):
    """Return what the proof says that it is about, as a key and values."""
    signature = proof["signature"]
    values = {name: clean(signature.get(name, "")) for name in ("identifier", "quotation", "at")}
    return "about_" + clean(proof.get("kind", "signature")), values


def check_file(report, files, main, kind, proof):
    """Answer 1: the SHA-256 of the proof, and the quotation as read at the file's beginning."""
    data = files[main]
    if proof is None:
        if "proof.json" not in files:
            report.reasons[1].append(("no_proof", {}))
        return None
    listed = {item["kind"]: item for item in proof["documents"]}
    original = listed["quote"]
    if type(original["bytes"]) is not int or original["bytes"] < 0:
        raise Bad("proof_broken")
    same = kind in listed and listed[kind]["sha256"] == sha(data)
    unsigned = not same and sha(data) == original["sha256"]
    report.say(1, same, "same" if same else "unsigned" if unsigned else "other", sha256=sha(data))
    begins = sha(data[: original["bytes"]]) == original["sha256"]
    report.say(1, begins, "prefix" if begins else "no_prefix", bytes=original["bytes"])
    known = [item["sha256"] for item in proof["documents"] if item["kind"] in ("annex", "terms", "preview")]
    for name in sorted(files):
        if name.startswith(("annexes/", "previews/")):
            held = sha(files[name]) in known
            report.say(1, held, "listed" if held else "not_listed", name=clean(name))
    if same:
        return "same"
    return "unsigned" if unsigned else "altered" if begins else "other"


def check_seal(report, data, expected, key):
    """Answer 2 for one PDF."""
    seal = read_seal(data, (expected,) if expected else ())
    report.say(2, seal.status == "valid", key + ("_ok" if seal.status == "valid" else "_bad"))
    if seal.status != "valid":
        report.say(2, False, seal.problem)
    if seal.signature:
        cms = seal.signature.cms
        report.reasons[2].append(("certificate", {"name": subject_of(cms.certificate), "sha256": cms.fingerprint}))
        if TIME_STAMP in cms.unsigned:
            authority, time = read_token(cms.unsigned[TIME_STAMP], cms.signature)
            report.reasons[2].append(("time_stamp", {"authority": authority, "time": time}))
    return seal


def check_proof_pdf(report, files, proof):
    """The proof to read holds the proof for computers; and the journal names both."""
    try:
        entries = read_json(files.get("journal.json", b""))["entries"]
        issued = [entry["payload"] for entry in entries if entry["type"] == "proof.issued"]
    except Exception:  # answer 3 says so
        issued = []
    if issued:
        held = issued[-1].get("pdf_sha256") == sha(files["proof.pdf"])
        report.say(2, held, "proof_pdf_issued" if held else "proof_pdf")
    if not proof:
        return
    records = attached_records(files["proof.pdf"])
    if records or proof["format"] != "esign_quote/proof/1":
        held = files["proof.json"] in records
        report.say(2, held, "attached" if held else "proof_pdf")
    else:  # the first form was not attached yet
        report.reasons[2].append(("proof_printed", {"sha256": sha(files["proof.json"])}))


def attached_records(data, most=2000):
    """Return the proof records among the attached files of a PDF, whether they are compressed or not."""
    found = []
    for match in list(re.finditer(rb"\bstream\r?\n", data))[:most]:
        if b"/EmbeddedFile" not in data[max(0, match.start() - 400) : match.start()]:
            continue
        raw = data[match.end() : data.find(b"endstream", match.end())]
        candidates = [raw[: len(raw) - len(tail)] for tail in (b"", b"\n", b"\r", b"\r\n") if raw.endswith(tail)]
        for candidate in [*candidates, decompressed(raw)]:
            if candidate.startswith(b"{") and candidate.endswith(b"}") and b'"esign_quote/proof/' in candidate:
                found.append(candidate)
    return found


def decompressed(raw):
    try:
        return zlib.decompressobj().decompress(raw, 20_000_000)
    except zlib.error:
        return b""


def check_journal(report, files, proof):
    """Answer 3: the chain in the proof, the whole journal, commitments, anchors and time-stamps."""
    identifier, journal = proof["signature"]["identifier"], proof["journal"]
    check_chain(identifier, journal["entries"], journal["head"])
    report.say(3, True, "chain_proof", count=len(journal["entries"]))
    entries = journal["entries"]
    if "journal.json" in files:
        whole = read_json(files["journal.json"])
        if whole["format"] != "esign_quote/journal/1" or whole["journal"] != identifier:
            raise Bad("journal_other")
        check_chain(identifier, whole["entries"], whole["head"])
        if set(whole) != {"format", "journal", "head", "entries"} or whole["entries"][: len(entries)] != entries:
            raise Bad("journal_other")
        entries = whole["entries"]
        report.say(3, True, "chain_whole", count=len(entries))
        issued = [entry["payload"] for entry in entries if entry["type"] == "proof.issued"]
        held = bool(issued) and issued[-1].get("json_sha256") == sha(files["proof.json"])
        report.say(3, held, "issued" if held else "issued_other")
    by_seq = {entry["seq"]: entry for entry in entries}
    if "private.json" in files:
        check_private(report, read_json(files["private.json"]), by_seq)
    if "anchors.json" in files:
        check_anchors(report, read_json(files["anchors.json"]), identifier, by_seq)
    for name in sorted(files):
        if name.startswith("tokens/") and name.endswith(".tsr"):
            report.guard(3, "token_bad", check_token_of_files, report, files, proof, name)


def check_private(report, private, by_seq):
    for item in private["entries"]:
        committed = by_seq[item["seq"]]["payload"]["private_sha256"]
        if hashlib.sha256(unhex(item["salt"]) + canonical(item["private"])).hexdigest() != committed:
            raise Bad("private_bad")
    if private["entries"]:
        report.say(3, True, "private", count=len(private["entries"]))


def check_anchors(report, anchors, identifier, by_seq):
    for anchor in anchors:
        leaf, manifest = anchor["leaf"], read_json(anchor["manifest"].encode())
        named = [manifest[name] == anchor[name] for name in ("day", "root", "count")]
        named.append(manifest["format"] == "esign_quote/anchor/1")
        ours = leaf["journal"] == identifier and by_seq[leaf["seq"]]["hash"] == leaf["head"]
        if not all(named) or not ours:
            raise Bad("anchor")
        if merkle_root(canonical(leaf), anchor["index"], anchor["count"], anchor["path"]) != anchor["root"]:
            raise Bad("anchor")
        report.say(3, True, "anchor_ok", day=clean(anchor["day"]), root=clean(anchor["root"]))
        if anchor["token"]:
            check_token(report, base64.b64decode(anchor["token"], validate=True), anchor["manifest"].encode())


def check_token_of_files(report, files, proof, name):
    """A time-stamp over the fingerprints of the files of this signature, not of another one."""
    text = files.get(name[:-4] + ".json", b"")
    manifest = read_json(text)
    known = {item["sha256"] for item in proof["documents"]} | {sha(files["proof.json"]), sha(files.get("proof.pdf", b""))}
    if manifest["format"] != "esign_quote/timestamp/1" or manifest["reference"] != proof["signature"]["identifier"]:
        raise Bad("token_other")
    if not manifest["files"] or not all(item["sha256"] in known for item in manifest["files"]):
        raise Bad("token_other")
    check_token(report, files[name], text)


def check_token(report, der, manifest):
    authority, time = read_token(der, manifest)
    report.say(3, True, "token_ok", authority=authority, time=time)


def check_sums(report, files):
    """What the pack lists of itself, for the files that no other check covers."""
    if "SHA256SUMS" not in files:
        return
    lines = files["SHA256SUMS"].decode().split("\n")
    if lines.pop() or not all(re.fullmatch("[0-9a-f]{64}  [^\0-\x1f]+", line) for line in lines):
        raise Bad("sums")
    listed = {line[66:]: line[:64] for line in lines}
    if len(listed) != len(lines):
        raise Bad("sums")
    for name in sorted(listed):
        if name not in files or sha(files[name]) != listed[name]:
            report.say(1, False, "sum_other", name=clean(name))


def verdict(report, seal, same, known, broken):
    """Return the one word: a key of TEXTS; ``known`` is whether it is told here whose certificate to expect."""
    if seal.status in ("changed", "unknown"):
        return seal.status
    if seal.status != "foreign" and (broken or seal.status == "altered" or same == "altered"):
        return "altered"
    if seal.status != "valid" or same in ("other", "unsigned"):
        return "not_ours"
    if False in report.answers.values():
        return "altered"
    return "authentic" if known else "unknown"


# -------------------------------------------------------------------------------------------------------------- people

# The same table, word for word, is in check.html; a test compares them.
# BEGIN TEXTS
TEXTS = {
    "authentic": ["AUTHENTIC", "AUTHENTIQUE"],
    "altered": ["ALTERED: this is not what was sealed and recorded", "MODIFIÉ : ce n'est pas ce qui a été scellé et consigné"],
    "changed": ["CHANGED AFTER SIGNING: the seal is good for an earlier state, something was added behind it", "MODIFIÉ APRÈS SIGNATURE : le cachet vaut pour un état antérieur, quelque chose a été ajouté ensuite"],
    "unknown": ["VALID BUT ISSUER UNKNOWN: sealed and unchanged, but nothing here says whose seal it is", "VALIDE MAIS ÉMETTEUR INCONNU : scellé et inchangé, mais rien ici ne dit de qui est ce cachet"],
    "not_ours": ["NOT OURS: this is not the sealed file of such a signature", "PAS UN DE NOS FICHIERS : ce n'est pas le fichier scellé d'une telle signature"],
    "question1": ["The file is the sealed one", "Le fichier est celui qui a été scellé"],
    "question2": ["The seal is valid and nothing changed after it", "Le cachet est valide et rien n'a changé depuis"],
    "question3": ["The journal is complete", "Le journal est complet"],
    "yes": ["YES", "OUI"],
    "no": ["NO", "NON"],
    "untold": ["CANNOT BE TOLD", "IMPOSSIBLE À DIRE"],
    "line": ["{head}: {tail}", "{head} : {tail}"],
    "verdict": ["Verdict", "Résultat"],
    "no_proof": ["the proof record (proof.json) was not given", "le dossier de preuve (proof.json) n'a pas été fourni"],
    "unbound": ["nothing here shows that the company made this proof record: give the proof (PDF) that holds it too", "rien ici ne montre que l'entreprise a établi ce dossier de preuve : joignez aussi la preuve (PDF) qui le contient"],
    "proof_broken": ["the proof record cannot be read, or is not one", "le dossier de preuve est illisible, ou n'en est pas un"],
    "json": ["a record is not in its canonical form: it was changed", "un enregistrement n'est pas sous sa forme canonique : il a été modifié"],
    "about_signature": ["Signature {identifier} of quotation {quotation}, accepted at {at}", "Signature {identifier} du devis {quotation}, accepté le {at}"],
    "about_refusal": ["Refusal {identifier} of quotation {quotation}, declined at {at}: no contract was concluded", "Refus {identifier} du devis {quotation}, refusé le {at} : aucun contrat n'a été conclu"],
    "about_expiry": ["Expiry {identifier} of quotation {quotation}, lapsed at {at}: no contract was concluded", "Expiration {identifier} du devis {quotation}, caduc le {at} : aucun contrat n'a été conclu"],
    "unsigned": ["it is the quotation as it was read, without stamp and seal", "c'est le devis tel qu'il a été lu, sans signature ni cachet"],
    "same": ["its SHA-256 is the one in the proof: {sha256}", "son SHA-256 est celui de la preuve : {sha256}"],
    "other": ["its SHA-256 is not the one in the proof: {sha256}", "son SHA-256 n'est pas celui de la preuve : {sha256}"],
    "prefix": ["its first {bytes} bytes are the quotation as it was read, by its SHA-256", "ses {bytes} premiers octets sont le devis tel qu'il a été lu, d'après son SHA-256"],
    "no_prefix": ["its first {bytes} bytes are not the quotation that was read", "ses {bytes} premiers octets ne sont pas le devis qui a été lu"],
    "listed": ["{name} is listed in the proof", "{name} est cité dans la preuve"],
    "not_listed": ["{name} is not listed in the proof", "{name} n'est pas cité dans la preuve"],
    "sum_other": ["{name} is not as listed in SHA256SUMS", "{name} n'est pas conforme à SHA256SUMS"],
    "sums": ["SHA256SUMS cannot be read", "SHA256SUMS est illisible"],
    "seal_ok": ["one signature, over the whole file, that allows no change", "une seule signature, sur tout le fichier, qui n'autorise aucun changement"],
    "seal_bad": ["the seal of the signed file does not hold:", "le cachet du fichier signé ne tient pas :"],
    "proof_seal_ok": ["the seal of the proof (PDF) is valid too", "le cachet de la preuve (PDF) est valide aussi"],
    "proof_seal_bad": ["the seal of the proof (PDF) does not hold:", "le cachet de la preuve (PDF) ne tient pas :"],
    "certificate": ["sealed by “{name}”, certificate {sha256}: compare it with the fingerprint that the company publishes", "scellé par « {name} », certificat {sha256} : comparez-le avec l'empreinte publiée par l'entreprise"],
    "time_stamp": ["time-stamped by “{authority}” at {time}; nothing here checks the authority itself", "horodaté par « {authority} » le {time} ; rien ici ne contrôle l'autorité elle-même"],
    "no_signature": ["there is no signature in the file", "le fichier ne porte aucune signature"],
    "der": ["the signature cannot be read", "la signature est illisible"],
    "cms": ["the signature is not of the kind that our seals are", "la signature n'est pas du genre de nos cachets"],
    "algorithm": ["the signature uses an algorithm that our seals do not use", "la signature emploie un algorithme que nos cachets n'emploient pas"],
    "digest": ["a byte was changed after sealing", "un octet a été changé après le scellement"],
    "signature": ["the signature value was not made with the key of its certificate", "la valeur de signature n'a pas été faite avec la clé de son certificat"],
    "hidden": ["the signature's place holds something else", "la place de la signature contient autre chose"],
    "imprint": ["a time-stamp is of something else", "un horodatage porte sur autre chose"],
    "later": ["something was added behind the sealed bytes, or there is more than one signature", "quelque chose a été ajouté derrière les octets scellés, ou il y a plus d'une signature"],
    "other_certificate": ["the certificate is not the one expected", "le certificat n'est pas celui qui est attendu"],
    "permissions": ["it is no certification that forbids every change", "ce n'est pas une certification qui interdit tout changement"],
    "proof_pdf": ["the proof (PDF) and the proof record do not belong together", "la preuve (PDF) et le dossier de preuve ne vont pas ensemble"],
    "proof_pdf_issued": ["the proof (PDF) is the one that the journal names", "la preuve (PDF) est celle que nomme le journal"],
    "attached": ["the proof (PDF) holds the same proof record, under its seal", "la preuve (PDF) contient le même dossier de preuve, sous son cachet"],
    "proof_printed": ["the proof (PDF) must print this SHA-256 of the proof record: {sha256}", "la preuve (PDF) doit porter ce SHA-256 du dossier de preuve : {sha256}"],
    "journal_broken": ["the journal cannot be read", "le journal est illisible"],
    "journal_other": ["the journal is not the one of this proof", "le journal n'est pas celui de cette preuve"],
    "chain_proof": ["the {count} entries in the proof follow from each other, none is missing", "les {count} entrées de la preuve s'enchaînent, aucune ne manque"],
    "chain_whole": ["the whole journal, {count} entries, continues them", "le journal entier, {count} entrées, les prolonge"],
    "chain_gap": ["an entry of the journal is missing or of another form", "une entrée du journal manque ou a une autre forme"],
    "chain_entry": ["an entry of the journal was changed", "une entrée du journal a été modifiée"],
    "chain_head": ["the journal does not end as recorded", "le journal ne se termine pas comme consigné"],
    "issued": ["the journal names this proof record by its SHA-256", "le journal nomme ce dossier de preuve par son SHA-256"],
    "issued_other": ["the journal names another proof record", "le journal nomme un autre dossier de preuve"],
    "private": ["personal details kept apart: {count}, each belongs to its entry", "détails personnels conservés à part : {count}, chacun correspond à son entrée"],
    "private_bad": ["a personal detail does not belong to its entry", "un détail personnel ne correspond pas à son entrée"],
    "anchor": ["an anchor of the journal does not hold", "un ancrage du journal ne tient pas"],
    "anchor_ok": ["anchored on {day} under the root {root}, which was mailed to the company", "ancré le {day} sous la racine {root}, envoyée par courriel à l'entreprise"],
    "token_ok": ["time-stamped by “{authority}” at {time}; `openssl ts -verify` checks the authority itself", "horodaté par « {authority} » le {time} ; `openssl ts -verify` contrôle l'autorité elle-même"],
    "token_other": ["a time-stamp is of another signature, or of files that are not of this one", "un horodatage porte sur une autre signature, ou sur des fichiers qui n'en font pas partie"],
    "stamper": ["a time-stamp was made with a certificate that is not for time-stamps, or not at that time", "un horodatage a été fait avec un certificat qui n'est pas destiné à l'horodatage, ou pas à cette date"],
    "token_bad": ["a time-stamp does not hold", "un horodatage ne tient pas"],
    "nothing": ["There is nothing to check here. See `python3 check.py --help`.", "Il n'y a rien à vérifier ici. Voir `python3 check.py --help`."],
    "unreadable": ["cannot be read: {name}", "illisible : {name}"],
}
# END TEXTS


def clean(text):
    """Make a text of a stranger fit for a terminal and a line."""
    return "".join(char if char.isprintable() else "?" for char in str(text))[:200]


def say(key, lang, **values):
    return TEXTS[key][lang == "fr"].format(**values)


def render(report, lang):
    """Return the report for people."""
    lines = [say(report.about[0], lang, **report.about[1]), ""] if report.about and report.about[0] in TEXTS else []
    for number in (1, 2, 3):
        answer = {True: "yes", False: "no", None: "untold"}[report.answers[number]]
        line = say("line", lang, head=say("question%d" % number, lang), tail=say(answer, lang))
        lines.append("%d. %s" % (number, line))
        lines += ["   - " + say(key, lang, **values) for key, values in report.reasons[number]]
    return "\n".join([*lines, "", say("line", lang, head=say("verdict", lang), tail=say(report.word, lang))])


def load(paths):
    """Return bytes by name of the pack, from a folder, a zip or single files."""
    files = {}
    for path in paths:
        if os.path.isdir(path):
            files.update(load_folder(path))
        else:
            with open(path, "rb") as stream:
                data = stream.read(MAX_FILE)
            if is_pack(data):
                files.update(load_zip(path))
            else:
                files[role(path, data, files)] = data
    return files


def is_pack(data):
    """Tell a zip from a PDF: what is both could show one thing to a reader and another one here."""
    if data.startswith(ZIP) and PDF in data[:1024]:
        raise zipfile.BadZipFile
    return data.startswith(ZIP)


def load_folder(path):
    files = {}
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        for name in names:
            full = os.path.join(folder, name)
            short = os.path.relpath(full, path).replace(os.sep, "/")
            if IN_PACK.match(short):
                with open(full, "rb") as stream:
                    files[short] = stream.read(MAX_FILE)
    return files


def load_zip(path):
    files, size = {}, 0
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            with archive.open(item) as stream:
                data = stream.read(MAX_FILE)
            size += len(data)
            if size > MAX_PACK or item.filename in files:
                raise zipfile.BadZipFile
            if not item.is_dir():
                files[item.filename] = data
    return files


def role(path, data, files):
    """Return the name in the pack of a file that was given alone."""
    if b'"esign_quote/journal/' in data[:200] or b'"format":"esign_quote/journal/' in data[-200:]:
        return "journal.json"
    if b'"esign_quote/proof/' in data and not data.startswith(b"%PDF"):
        return "proof.json"
    if PDF not in data[:1024] and path.lower().endswith(".json"):
        return "journal.json" if b'"journal":"' in data else "proof.json"
    if "proof.pdf" not in files and attached_records(data):
        return "proof.pdf"
    return "proof.pdf" if "signed.pdf" in files else "signed.pdf"


def main(arguments):
    lang = "fr" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).lower().startswith("fr") else "en"
    certificate, paths, arguments = None, [], list(arguments)
    while arguments:
        argument = arguments.pop(0)
        if argument in ("-h", "--help"):
            print(__doc__)
            return 2
        if argument == "--lang" and arguments:
            lang = arguments.pop(0)
        elif argument == "--certificate" and arguments:
            certificate = re.sub("[^0-9a-f]", "", arguments.pop(0).lower())
        else:
            paths.append(argument)
    try:
        files = load(paths or ["."])
    except Exception as error:
        print(say("unreadable", lang, name=clean(error)))
        return 2
    if not {"signed.pdf", "quotation.pdf"} & set(files):
        print(say("nothing", lang))
        return 2
    report = check(files, certificate)
    print(render(report, lang))
    return 0 if report.word == "authentic" else 1


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.exit(main(sys.argv[1:]))
