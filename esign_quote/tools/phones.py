"""Numbers that a code may be sent to: E.164 (ITU-T), mobile only, no premium or VoIP ranges."""

from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from .exceptions import PhoneRefused

# In some countries (USA, Canada) fixed and mobile numbers look the same.
MOBILE_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
PREFIX_DIGITS = 4


@dataclass(frozen=True)
class Mobile:
    """A mobile number: ``e164`` such as ``+33612345678``, ``country`` as ISO 3166-1 alpha-2."""

    e164: str
    country: str

    @property
    def prefix(self) -> str:
        """The range that a fraudster would pump: all but the last four digits."""
        return self.e164[:-PREFIX_DIGITS]


def parse_mobile(text: str, country: str | None) -> Mobile:
    """Read a number as people write it.

    :param str text: as on the contact, national or international
    :param country: ISO code of the country that a national number belongs to, or None
    :raise PhoneRefused: ``missing``, ``invalid`` or ``not_mobile``
    """
    if not (text or "").strip():
        raise PhoneRefused("missing")
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise PhoneRefused("invalid", number=text) from error
    if not phonenumbers.is_valid_number(number):
        raise PhoneRefused("invalid", number=text)
    if phonenumbers.number_type(number) not in MOBILE_TYPES:
        raise PhoneRefused("not_mobile", number=text)
    region = phonenumbers.region_code_for_number(number) or ""
    return Mobile(phonenumbers.format_number(number, PhoneNumberFormat.E164), region)
