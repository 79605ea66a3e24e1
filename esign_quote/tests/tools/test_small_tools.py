import pytest
from tools import links, masking, vault
from tools.exceptions import VaultError
from tools.hashing import canonical_json, sha256_hex


def test_sha256_is_the_standards():
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_canonical_json_is_rfc_8785():
    assert canonical_json({"b": [True, None, "é"], "a": 1}) == '{"a":1,"b":[true,null,"é"]}'.encode()


@pytest.mark.parametrize("value", [1.5, {"a": 0.1}, [{"b": [2.0]}]])
def test_floats_never_get_into_evidence(value):
    with pytest.raises(ValueError, match="floats"):
        canonical_json(value)


def test_the_vault_gives_back_what_it_got():
    blob = vault.encrypt(b"private key", "master", "record 1")
    assert b"private key" not in blob
    assert vault.decrypt(blob, "master", "record 1") == b"private key"
    assert vault.encrypt(b"private key", "master", "record 1") != blob


@pytest.mark.parametrize(("master", "context"), [("other", "record 1"), ("master", "record 2")])
def test_the_vault_opens_only_with_its_secret_and_for_its_record(master, context):
    blob = vault.encrypt(b"private key", "master", "record 1")
    with pytest.raises(VaultError) as caught:
        vault.decrypt(blob, master, context)
    assert caught.value.reason == "wrong_secret"


def test_a_changed_vault_does_not_open():
    blob = bytearray(vault.encrypt(b"private key", "master", "x"))
    blob[-1] ^= 1
    with pytest.raises(VaultError):
        vault.decrypt(bytes(blob), "master", "x")
    with pytest.raises(VaultError) as caught:
        vault.decrypt(b"\x02" + bytes(blob[1:]), "master", "x")
    assert caught.value.reason == "unknown_format"


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("jane@example.com", "j•••@e•••.com"),
        ("j@x.fr", "j•••@x•••.fr"),
        ("a@sub.domain.co.uk", "a•••@s•••.uk"),
        ("nonsense", "•••"),
        ("", "•••"),
        (None, "•••"),
    ],
)
def test_addresses_are_masked(address, masked):
    assert masking.mask_email(address) == masked


def test_phone_numbers_are_masked():
    assert masking.mask_phone("+33 6 12 34 56 42") == "••• 42"
    assert masking.mask_phone("") == "•••"


def test_links_are_masked_and_the_rest_stays():
    secret = "A" * 20 + "-_" + "z" * 21
    text = f"GET /esign/t/{secret}/code HTTP/1.1, see /esign/verify/ES-1 and /my/orders/1"
    assert links.mask_links(text) == "GET /esign/t/…/code HTTP/1.1, see /esign/verify/ES-1 and /my/orders/1"
    assert links.mask_links("nothing here") == "nothing here"
