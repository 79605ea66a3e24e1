"""Mails as they are kept: no secret, no attachment, still a mail."""

import email
import email.policy
from email.message import EmailMessage

from tools.hashing import sha256_hex
from tools.mail_source import masked_source

SECRET = "4f2kQ0d9p7Zx1c3v5b7n9mA4f2kQ0d9p7Zx1c3v5b7n"
TOKEN = "0b7e9c1d-1111-4222-8333-444455556666"


def message(cte="base64"):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "office@seller.example", "jane@example.com", "Your quotation – été"
    mail["Message-ID"] = "<1@seller.example>"
    mail["Bcc"] = "hidden@seller.example"
    mail["List-Unsubscribe"] = f"<https://x.example/mail/unfollow?res_id=1&token={TOKEN}>"
    link = f"https://x.example/esign/t/{SECRET}"
    mail.set_content(f"Open {link}\nété {'x' * 80}", cte=cte)
    portal = f"https://x.example/my/orders/3?access_token={TOKEN}&amp;x=1"
    mail.add_alternative(f'<p>Été <a href="{link}">open</a> <a href="{portal}">see</a></p>', subtype="html", cte=cte)
    mail.add_attachment(b"%PDF-1.7 secret content", maintype="application", subtype="pdf", filename="Devis été.pdf")
    mail.add_attachment(f"see {link}", filename="note.txt")
    return mail


def read(source):
    parsed = email.message_from_bytes(source, policy=email.policy.default)
    return parsed, "\n".join(part.get_content() for part in parsed.walk() if not part.is_multipart())


def test_nothing_that_opens_anything_is_left():
    for cte in ("base64", "quoted-printable"):
        source = masked_source(message(cte))
        parsed, words = read(source)
        text = words + str(parsed) + source.decode("ascii").replace("=\n", "").replace("=\r\n", "")
        assert SECRET not in text and TOKEN not in text and "hidden@" not in text
        assert "/esign/t/…" in words and "access_token=…&amp;x=1" in words


def test_attachments_are_named_by_their_fingerprint():
    _parsed, words = read(masked_source(message()))
    content = b"%PDF-1.7 secret content"
    assert f"[Devis été.pdf: {len(content)} bytes, SHA-256 {sha256_hex(content)}]" in words
    assert "secret content" not in words and "[note.txt: " in words


def test_what_was_said_is_kept_in_its_order():
    parsed, words = read(masked_source(message()))
    assert (parsed["Subject"], parsed["To"], parsed["Message-ID"]) == (
        "Your quotation – été",
        "jane@example.com",
        "<1@seller.example>",
    )
    assert [part.get_content_type() for part in parsed.walk()][:4] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert "été" in words and "<p>Été" in words


def test_the_mail_itself_is_not_changed():
    mail = message()
    before = mail.as_bytes()
    masked_source(mail)
    assert mail.as_bytes() == before


def test_one_part_only():
    mail = EmailMessage()
    mail["To"] = "jane@example.com"
    mail.set_content(f"/esign/unlock/{SECRET}")
    assert SECRET.encode() not in masked_source(mail)
