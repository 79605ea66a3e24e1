import pytest
from certificates import NOW, Issued, company_chain
from cryptography.hazmat.primitives.serialization import Encoding
from tools.certificate_chain import read_certificates, sealing_chain
from tools.exceptions import SealError


def refusal(*arguments):
    with pytest.raises(SealError) as caught:
        sealing_chain(*arguments)
    return caught.value.reason


def test_the_chain_is_put_in_order_and_what_does_not_belong_is_left_out():
    leaf, intermediate, root = company_chain()
    stranger = Issued("Stranger", authority=True)
    for others in ([root, stranger, intermediate], [intermediate, leaf, root, root]):
        assert sealing_chain(leaf.der, [item.der for item in others], NOW) == [intermediate.der, root.der]


def test_a_certificate_alone_is_accepted():
    leaf, _intermediate, _root = company_chain()
    assert sealing_chain(leaf.der, [], NOW) == []
    assert sealing_chain(Issued("Self-signed").der, [leaf.der], NOW) == []


def test_a_chain_of_somebody_else_is_refused():
    leaf, _intermediate, root = company_chain()
    # The same name, another key: only the signature tells.
    namesake = Issued("Intermediate", root, authority=True)
    assert refusal(leaf.der, [namesake.der, root.der], NOW) == "chain_foreign"


def test_an_issuer_must_be_an_authority():
    root = Issued("Root", authority=True)
    customer = Issued("Customer", root)
    leaf = Issued("Seal", customer)
    assert refusal(leaf.der, [customer.der, root.der], NOW) == "chain_foreign"


@pytest.mark.parametrize("usage", [("digital_signature",), ("content_commitment",), None])
def test_usages_that_may_sign(usage):
    leaf, intermediate, _root = company_chain(usage=usage)
    assert sealing_chain(leaf.der, [intermediate.der], NOW) == [intermediate.der]


@pytest.mark.parametrize("usage", [("key_encipherment",), ("key_agreement", "data_encipherment")])
def test_usages_that_may_not_sign(usage):
    leaf, intermediate, _root = company_chain(usage=usage)
    assert refusal(leaf.der, [intermediate.der], NOW) == "key_usage"


def test_an_authority_does_not_seal():
    assert refusal(Issued("Root", authority=True, usage=("digital_signature",)).der, [], NOW) == "is_authority"


@pytest.mark.parametrize(
    ("days", "reason"), [((-20, -10), "certificate_expired"), ((5, 10), "certificate_not_yet_valid")]
)
def test_out_of_date(days, reason):
    leaf, intermediate, _root = company_chain(days=days)
    assert refusal(leaf.der, [intermediate.der], NOW) == reason


@pytest.mark.parametrize("days", [(-20, -10), (5, 10)])
def test_an_issuer_out_of_date(days):
    root = Issued("Root", authority=True)
    intermediate = Issued("Old one", root, authority=True, days=days)
    leaf = Issued("Seal", intermediate)
    with pytest.raises(SealError) as caught:
        sealing_chain(leaf.der, [root.der, intermediate.der], NOW)
    assert (caught.value.reason, caught.value.detail) == ("chain_expired", {"subject": "CN=Old one"})


def test_certificate_files():
    leaf, intermediate, _root = company_chain()
    pem = b"".join(item.certificate.public_bytes(Encoding.PEM) for item in (leaf, intermediate))
    assert read_certificates(pem) == [leaf.der, intermediate.der]
    assert read_certificates(leaf.der) == [leaf.der]
    for garbage in (b"", b"x", b"-----BEGIN CERTIFICATE-----\nx"):
        with pytest.raises(SealError) as caught:
            read_certificates(garbage)
        assert caught.value.reason == "certificate_unreadable"
