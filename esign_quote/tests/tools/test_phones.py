import pytest
from tools.exceptions import PhoneRefused
from tools.phones import Mobile, parse_mobile


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("06 12 34 56 78", "FR", Mobile("+33612345678", "FR")),
        ("+33 (0)7 56 78 90 12", None, Mobile("+33756789012", "FR")),
        ("0033612345678", "FR", Mobile("+33612345678", "FR")),
        ("0470 12 34 56", "BE", Mobile("+32470123456", "BE")),
        # In the United States a number does not say whether it is a mobile one.
        ("(212) 736-5000", "US", Mobile("+12127365000", "US")),
        # The number's own country counts, not the contact's.
        ("+44 7400 123456", "FR", Mobile("+447400123456", "GB")),
    ],
)
def test_mobile_numbers(text, country, expected):
    assert parse_mobile(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("", "FR", "missing"),
        ("   ", "FR", "missing"),
        (None, "FR", "missing"),
        ("ask the office", "FR", "invalid"),
        ("06 12 34", "FR", "invalid"),
        ("06 12 34 56 78", None, "invalid"),
        ("01 42 68 53 00", "FR", "not_mobile"),  # fixed line
        ("08 99 70 12 34", "FR", "not_mobile"),  # premium rate
        ("09 72 12 34 56", "FR", "not_mobile"),  # VoIP
        ("08 00 12 34 56", "FR", "not_mobile"),  # free phone
    ],
)
def test_other_numbers_are_refused_with_their_reason(text, country, reason):
    with pytest.raises(PhoneRefused) as caught:
        parse_mobile(text, country)
    assert caught.value.reason == reason


def test_numbers_of_one_range_share_a_prefix():
    prefixes = {parse_mobile(f"+3361234{last:04}", None).prefix for last in (5678, 5679, 9999)}
    assert prefixes == {"+3361234"}
