"""Notifications as different mail servers write them; the Odoo side is in test_delivery.py."""

import email
import email.policy

import pytest
from tools import delivery_report

ID = "<20261123.1@seller.example>"
POSTFIX = f"""\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: bounce@seller.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: 4F1

Final-Recipient: rfc822; Jeanne@customer.example
Original-Recipient: rfc822;jeanne@old.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.customer.example
Diagnostic-Code: smtp; 550 5.1.1 <Jeanne@customer.example>: Recipient address
    rejected: User unknown

--B
Content-Description: Undelivered Message
Content-Type: message/rfc822

Message-ID: {ID}
Subject: Quotation

Text

--B--
"""


def read(text):
    return delivery_report.read(email.message_from_string(text, policy=email.policy.SMTP))


def test_a_postfix_report():
    report = read(POSTFIX)
    assert report.message_ids == (ID,)
    assert set(report.recipients) == {"jeanne@customer.example", "jeanne@old.example"}
    assert report.status == "5.1.1"
    assert report.words == "550 5.1.1 <Jeanne@customer.example>: Recipient address rejected: User unknown"


def test_the_status_is_told_when_the_server_did_not():
    report = read(POSTFIX.replace("550 5.1.1 <Jeanne", "<Jeanne"))
    assert report.words.startswith("5.1.1 <Jeanne")


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_did_not_fail_is_no_failure(action):
    assert read(POSTFIX.replace("Action: failed", f"Action: {action}")) is None


def test_headers_only():
    text = POSTFIX.replace("message/rfc822", "text/rfc822-headers")
    assert read(text).message_ids == (ID,)


def test_the_original_as_text():
    text = POSTFIX.replace("message/rfc822", "text/plain").replace(f"Message-ID: {ID}", f"> Message-Id: {ID}")
    assert read(text).message_ids == (ID,)


def test_references_only():
    text = POSTFIX.replace(f"Message-ID: {ID}\n", "").replace(
        "Auto-Submitted", f"References: <a@b> {ID}\nAuto-Submitted"
    )
    assert read(text).message_ids == ("<a@b>", ID)


def test_a_daemon_without_the_standard():
    plain = f"From: Postmaster <postmaster@mx.example>\nSubject: failure notice\nIn-Reply-To: {ID}\n\nSorry\n"
    report = read(plain)
    assert (report.message_ids, report.recipients, report.words) == ((ID,), (), "failure notice")
    assert read(plain.replace("ostmaster", "erson")) is None


def test_rubbish_is_read_without_harm():
    for cut in range(0, len(POSTFIX), 37):
        report = read(POSTFIX[:cut])
        assert report is None or isinstance(report.message_ids, tuple)
    for old, new in (('; boundary="B"', ""), ("smtp; 550", ";;;"), ("rfc822;", ""), ("utf-8", "x-unknown")):
        read(POSTFIX.replace(old, new))
    many = "".join(f"Message-ID: <{number}@x>\n" for number in range(10_000))
    assert len(read(POSTFIX.replace("I'm sorry", many)).message_ids) <= delivery_report.MAX_IDS
