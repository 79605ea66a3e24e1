import smtplib

import pytest
from tools import smtp_answers


class Session:
    """As far as `smtplib` goes when it hands over a message."""

    def __init__(self, *refused, answer=(250, b"2.0.0 Ok: queued as 4F1")):
        self.refused = refused
        self.answer = answer

    def rcpt(self, address, _options=()):
        return (550, b"5.1.1 unknown") if address in self.refused else (250, b"Ok")

    def data(self, _text):
        return self.answer

    def send(self, *recipients):
        for address in recipients:
            self.rcpt(address)
        return self.data(b"text")


def wrapped(error):
    """Return an exception as Odoo raises it: with the cause as its context."""
    outer = RuntimeError("Mail Delivery Failed")
    outer.__context__ = error
    return outer


def test_what_the_server_says_is_heard_and_still_given_back():
    session = Session("b@x.example")
    with smtp_answers.recorded(session) as answers:
        assert session.send("a@x.example", "B@x.example", "b@x.example") == (250, b"2.0.0 Ok: queued as 4F1")
    assert answers.data == "250 2.0.0 Ok: queued as 4F1"
    assert answers.refused == {"b@x.example": "550 5.1.1 unknown"}


def test_afterwards_nobody_listens():
    session = Session()
    with pytest.raises(ZeroDivisionError), smtp_answers.recorded(session) as answers:
        raise ZeroDivisionError
    session.send("a@x.example")
    assert not answers.data
    assert set(vars(session)) == {"refused", "answer"}


def test_one_may_listen_to_a_listened_session():
    session = Session()
    with smtp_answers.recorded(session) as outer:
        with smtp_answers.recorded(session) as inner:
            session.send("a@x.example")
        session.answer = (250, b"second")
        session.send("a@x.example")
    assert (inner.data, outer.data) == ("250 2.0.0 Ok: queued as 4F1", "250 second")


def test_no_session_no_answers():
    with smtp_answers.recorded(None) as answers:
        pass
    assert not answers.data


@pytest.mark.parametrize(
    ("error", "answer", "permanent"),
    [
        (smtplib.SMTPRecipientsRefused({"a@x.example": (550, b"5.1.1 unknown")}), "550 5.1.1 unknown", True),
        (smtplib.SMTPRecipientsRefused({"a@x.example": (450, b"4.2.1 later")}), "450 4.2.1 later", False),
        (smtplib.SMTPDataError(554, b"5.7.1 spam"), "554 5.7.1 spam", True),
        (smtplib.SMTPDataError(451, b"later"), "451 later", False),
        # The company's own server is set up wrong: the address is not to blame.
        (smtplib.SMTPSenderRefused(550, b"not you", "me@x.example"), "550 not you", False),
        (smtplib.SMTPAuthenticationError(535, b"5.7.8 bad login"), "535 5.7.8 bad login", False),
    ],
)
def test_failures_with_an_answer(error, answer, permanent):
    for item in (error, wrapped(error)):
        failure = smtp_answers.failure_of(item)
        assert (failure.answer, failure.text, failure.permanent) == (answer, answer, permanent)


def test_failures_without_an_answer():
    failure = smtp_answers.failure_of(wrapped(ConnectionRefusedError(111, "Connection refused")))
    assert (failure.answer, failure.permanent) == ("", False)
    assert "Connection refused" in failure.text
    assert "closed" in smtp_answers.failure_of(smtplib.SMTPServerDisconnected("closed")).text


def test_other_failures_are_only_named():
    assert smtp_answers.failure_of(ValueError("a secret")).text == "ValueError"


def test_words_of_strangers_are_cut_and_cleaned():
    text = smtp_answers.tidy(b"5.1.1 \x1b[2J\r\n no\x00 such\xe2\x80\xaeuser \xff" + b"x" * 1000)
    assert text.startswith("5.1.1 [2J no such user")
    assert len(text) == smtp_answers.MAX_ANSWER
    assert "\n" not in text
    assert "4f2kQ0d9" not in smtp_answers.tidy("no /esign/t/4f2kQ0d9p7Zx1c3v5b7n9m here")
