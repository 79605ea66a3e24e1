"""What a mail server answers: to be kept word for word, but short and harmless."""

import re
import smtplib
from contextlib import contextmanager
from dataclasses import dataclass, field

from .links import mask_links

MAX_ANSWER = 300  # characters kept of what a stranger's server says
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass
class Answers:
    """What was heard while one message was handed over."""

    data: str = ""  # to the text of the message
    refused: dict = field(default_factory=dict)  # address: answer, of recipients that were refused


@dataclass(frozen=True)
class Failure:
    """Why a message could not be handed over."""

    answer: str  # the server's own words, empty when it said nothing
    text: str  # for people
    permanent: bool  # another try is of no use


def tidy(text):
    """Return what a server said as one line without control characters, cut to a sane length.

    :param str | bytes text: as received
    :rtype: str
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = _UNPRINTABLE.sub(" ", mask_links(str(text or ""))).strip()
    return line if len(line) <= MAX_ANSWER else line[: MAX_ANSWER - 1] + "…"


def answer_text(code, text):
    """Return a reply of SMTP as one line.

    >>> answer_text(250, b"2.0.0 Ok: queued as 4F1")
    '250 2.0.0 Ok: queued as 4F1'
    """
    return tidy(f"{code} {tidy(text)}")


@contextmanager
def recorded(session):
    """Listen to a session with a mail server while a message is handed over.

    The library keeps the reply to the text of a message to itself, and does not raise when only
    some of several recipients are refused.

    :param session: `smtplib.SMTP`, or None when nothing is sent (tests)
    :return: context manager giving the :class:`Answers`
    """
    answers = Answers()
    listeners = {"data": _data_listener, "rcpt": _rcpt_listener}
    hidden = {}
    for name, listener in listeners.items():
        method = getattr(session, name, None)
        if method is not None:
            hidden[name] = session.__dict__.get(name)
            setattr(session, name, listener(method, answers))
    try:
        yield answers
    finally:
        for name, previous in hidden.items():
            if previous is None:
                delattr(session, name)
            else:
                setattr(session, name, previous)


def _data_listener(method, answers):
    def data(*args, **kwargs):
        code, text = reply = method(*args, **kwargs)
        answers.data = answer_text(code, text)
        return reply

    return data


def _rcpt_listener(method, answers):
    def rcpt(recipient, *args, **kwargs):
        code, text = reply = method(recipient, *args, **kwargs)
        if code not in (250, 251):
            answers.refused[recipient.lower()] = answer_text(code, text)
        return reply

    return rcpt


def is_permanent(answer):
    """Tell whether a server's answer says that another try is of no use (5xx)."""
    return answer.startswith("5")


def failure_of(error):
    """Say why handing over failed.

    :param Exception error: as raised by Odoo, which wraps what `smtplib` raised
    :rtype: Failure
    """
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    for item in chain:
        answer = _answer_in(item)
        if answer:
            # A refused login or sender is the company's own trouble: once it is mended, the message can go.
            permanent = is_permanent(answer) and isinstance(item, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)
            return Failure(answer, answer, permanent)
    return Failure("", _words(chain), False)


def _answer_in(error):
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        replies = list(error.recipients.values())
        return answer_text(*replies[0]) if replies else ""
    if isinstance(error, smtplib.SMTPResponseException):
        return answer_text(error.smtp_code, error.smtp_error)
    return ""


def _words(chain):
    """Name the first cause; only texts that cannot hold anything secret."""
    root = chain[-1]
    for item in chain:
        if isinstance(item, OSError) and not isinstance(item, smtplib.SMTPException):
            root = item
    if isinstance(root, OSError | AssertionError | smtplib.SMTPException):
        return tidy(f"{type(root).__name__}: {root}")
    return type(root).__name__
