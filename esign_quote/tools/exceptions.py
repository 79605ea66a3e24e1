"""Errors of the pure layer: a machine word for the reason, no wording for people.

The models translate ``reason`` once into a sentence in the user's language.
"""


class EsignError(Exception):
    """Base of everything that ``tools`` raises on purpose.

    :param str reason: a fixed lower-case word, documented by the raising function
    :param detail: plain values that help to word the message (numbers, names)
    """

    def __init__(self, reason: str, **detail):
        super().__init__(reason)
        self.reason = reason
        self.detail = detail

    def __str__(self):
        extra = ", ".join(f"{key}={value!r}" for key, value in self.detail.items())
        return f"{self.reason} ({extra})" if extra else self.reason


class PdfRefused(EsignError):
    """A PDF that cannot be put under signature; see ``intake.REASONS``."""


class SealError(EsignError):
    """A key, certificate or seal that cannot be used."""


class TimestampError(EsignError):
    """No time-stamp: the authority does not answer, or its answer is not a token to rely on."""


class RevocationError(EsignError):
    """Nothing to rely on about a certificate's revocation; see ``revocation.REASONS``."""


class DownloadError(EsignError):
    """A server on the network that gives no usable answer; see ``download.fetch``."""


class SignatureRefused(EsignError):
    """A drawn or typed signature that is empty, too big or deceptive."""


class InspectionFailed(EsignError):
    """The server could not look at a PDF at all; says nothing about the PDF."""


class PhoneRefused(EsignError):
    """A number that no code may be sent to; see ``phones.parse_mobile``."""


class ChainBroken(EsignError):
    """A journal whose entries do not follow from each other."""


class PathBroken(EsignError):
    """A path of a Merkle tree that leads nowhere."""


class VaultError(EsignError):
    """A secret that cannot be decrypted with this server's configuration."""
