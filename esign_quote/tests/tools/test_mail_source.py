"""What is kept of a mail: all that people saw, no secret, no second copy of a file."""

import email
import email.policy
import hashlib
from email.message import EmailMessage

from tools.mail_source import archive_copy

SECRET = "4f2kQ0d9p7Zx1c3v5b7n9mAAAABBBBCCCCDDDDEEEEF"
LINK = f"https://odoo.example.com/esign/t/{SECRET}"
PDF = b"%PDF-1.7 \x00\xff"


def mail(**headers):
    message = EmailMessage()
    values = {"Message-Id": "<1@odoo>", "From": "Émile <emile@seller.example>", "To": "jeanne@customer.example"}
    for name, value in {**values, "Subject": "Devis S00042 à signer", **headers}.items():
        message[name] = value
    message.set_content(f"Bonjour Éléonore, {LINK}")
    message.add_alternative(f'<p>Bonjour Éléonore</p><a href="{LINK}">Lire</a>', subtype="html")
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="Devis é.pdf")
    return message


def read(content):
    return email.message_from_bytes(content, policy=email.policy.default)


def test_people_see_the_same():
    copy = read(archive_copy(mail()))
    assert copy["Subject"] == "Devis S00042 à signer"
    assert copy["Message-Id"] == "<1@odoo>"
    assert "Émile" in copy["From"]
    assert "Bonjour Éléonore" in copy.get_body(("plain",)).get_content()
    assert "<p>Bonjour Éléonore</p>" in copy.get_body(("html",)).get_content()


def test_no_secret_stays():
    content = archive_copy(mail(References=f"<{LINK}>"))
    everything = content.decode() + "".join(
        part.get_payload(decode=True).decode() for part in read(content).walk() if not part.is_multipart()
    )
    assert SECRET not in everything
    assert SECRET[:20] not in everything
    assert "/esign/t/…" in everything


def test_links_cut_by_quoted_printable_are_masked_too():
    message = mail()
    text = "Zeile " * 12 + LINK
    message.get_body(("plain",)).set_content(text, cte="quoted-printable")
    assert SECRET[:20] not in read(archive_copy(message)).get_body(("plain",)).get_content()


def test_a_file_is_named_by_its_hash_and_not_kept():
    content = archive_copy(mail())
    text = read(content).get_body(("plain",)).get_content()
    assert f"[Devis é.pdf: {len(PDF)} bytes, SHA-256 {hashlib.sha256(PDF).hexdigest()}]" in text
    assert not list(read(content).iter_attachments())


def test_the_same_mail_gives_the_same_bytes():
    assert archive_copy(mail()) == archive_copy(mail())


def test_a_mail_of_one_text():
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("only plain")
    assert read(archive_copy(message)).get_content().strip() == "only plain"
