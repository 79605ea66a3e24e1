"""The DER that we write ourselves, read back by asn1crypto and compared with what pyHanko would write."""

import asyncio
from hashlib import sha256

import pytest
from asn1crypto import cms
from certificates import Issued, company_chain
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko_signer import PyhankoSigner
from tools.cms import TOKEN_ROOM, signed_data, signed_data_size
from tools.seal import SealKey

DIGEST = sha256(b"a document").digest()
KEYS = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.fixture(scope="module", params=KEYS)
def chained_key(request):
    leaf, intermediate, root = company_chain(key=KEYS[request.param]())
    return SealKey.load(leaf.key_der, leaf.der, (intermediate.der, root.der))


def test_it_says_what_pyhanko_says(chained_key):
    ours = cms.ContentInfo.load(signed_data(chained_key, DIGEST), strict=True)["content"]
    signer = PyhankoSigner(chained_key)
    theirs = asyncio.run(
        signer.async_sign(DIGEST, "sha256", use_pades=True, signed_attr_settings=PdfCMSSignedAttributes())
    )["content"]

    def told(content):
        (info,) = content["signer_infos"]
        attributes = {item["type"].native: item["values"].native for item in info["signed_attrs"]}
        attributes.pop("cms_algorithm_protection", None)
        for item in attributes["signing_certificate_v2"][0]["certs"]:
            item["hash_algorithm"] = item["hash_algorithm"]["algorithm"]
        return {
            "version": content["version"].native,
            "content": content["encap_content_info"].native,
            "certificates": sorted(item.chosen.dump() for item in content["certificates"]),
            "digests": [item["algorithm"].native for item in content["digest_algorithms"]],
            "sid": info["sid"].native,
            "attributes": attributes,
            "algorithm": info["signature_algorithm"].native,
            "info_version": info["version"].native,
        }

    assert told(ours) == told(theirs)


def test_it_is_der(chained_key):
    data = signed_data(chained_key, DIGEST)
    assert cms.ContentInfo.load(data, strict=True).dump(force=True) == data
    (info,) = cms.ContentInfo.load(data)["content"]["signer_infos"]
    attributes = [item.dump() for item in info["signed_attrs"]]
    assert attributes == sorted(attributes)


def test_the_room_is_always_enough_and_never_lavish(chained_key):
    for with_token in (False, True):
        room = signed_data_size(chained_key, with_token)
        token = (lambda _signature: bytes(TOKEN_ROOM)) if with_token else None
        lengths = [len(signed_data(chained_key, DIGEST, token)) for _ in range(30)]
        assert room - 24 <= min(lengths) <= max(lengths) <= room


@pytest.mark.parametrize("length", [1, 60, 64])
def test_lengths_of_every_form(length):
    """One to three octets of length: long names and many certificates move every limit."""
    for extra in range(0, 300, 37):
        issued = Issued("n" * length)
        chain = tuple(Issued(f"{number}" * 9).der for number in range(extra // 100))
        key = SealKey.load(issued.key_der, issued.der, chain)
        token = bytes(extra * 300)
        data = signed_data(key, DIGEST, lambda _signature, token=token: token or b"\x05\x00")
        assert cms.ContentInfo.load(data, strict=True)["content"]["signer_infos"][0]["signature"].native
