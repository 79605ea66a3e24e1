import re
from collections import Counter

import pytest
from tools import codes

PEPPER = b"p" * 32


def digest(code="123456", salt="00" * 16, pepper=PEPPER, binding="ticket/device/sign"):
    return codes.code_digest(code, salt, pepper, binding)


def test_codes_are_six_digits_and_spread():
    made = Counter(codes.new_code() for _ in range(2000))
    assert all(re.fullmatch(r"\d{6}", code) for code in made)
    assert len(made) > 1950
    # A leading zero is as likely as any digit: padding, not a number without its zeros.
    assert any(code.startswith("0") for code in made)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("123-456", "123456"),
        ("123\u00a0456", "123456"),
        ("12345", None),
        ("1234567", None),
        ("12345a", None),
        ("١٢٣٤٥٦", None),
        ("", None),
        (None, None),
    ],
)
def test_typed_codes_are_forgiven_their_blanks(typed, cleaned):
    assert codes.clean_code(typed) == cleaned


@pytest.mark.parametrize(
    "other",
    [
        {"code": "123457"},
        {"salt": "01" * 16},
        {"pepper": b"q" * 32},
        {"binding": "ticket/other/sign"},
    ],
)
def test_a_digest_is_bound_to_everything(other):
    assert not codes.same(digest(), digest(**other))
    assert codes.same(digest(), digest())


def test_nothing_equals_nothing_is_no_match():
    assert not codes.same(None, None)
    assert not codes.same("", "")


def test_secrets_have_256_bits_and_are_stored_as_hash():
    secret = codes.new_secret()
    assert len(secret) == 43
    assert secret not in codes.secret_hash(secret)
    assert codes.new_secret() != secret


def test_references_can_be_read_over_the_phone():
    for _ in range(200):
        assert re.fullmatch(r"ES(-[23456789BCDFGHJKMNPQRSTVWXZ]{4}){3}", codes.new_reference())
