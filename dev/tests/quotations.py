"""What the tests from outside need of a salesperson: contacts, quotations, sending, and mails read."""

import base64
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from devtools.mailcatcher import MailCatcher, Message
from devtools.rpc import RpcClient

SALESPERSON = "sally"
COMPOSER_FIELDS = (
    *("template_id", "partner_ids", "attachment_ids", "subject", "body", "esign_send", "esign_fingerprint"),
    *("model", "res_ids", "composition_mode", "email_layout_xmlid"),
)
CODE = re.compile(r"\b\d{6}\b")
WORKS = (
    "Site survey and measurements",
    "Dismantling of the old terrace, removal of the rubble included",
    "Levelling of the ground",
    "Larch boards 27 × 145 mm, planed, untreated",
    "Substructure of aluminium",
    "Hidden fastenings of stainless steel",
)
GROUPS = [("base", "group_user"), ("base", "group_partner_manager"), ("sales_team", "group_sale_salesman_all_leads")]
PLAIN, DOCUMENTED = "ESIGN-PLAIN", "ESIGN-DOCUMENTED"  # codes of products
_numbers = itertools.count(1000)  # addresses of one length


@dataclass(frozen=True)
class Quotation:
    """A quotation and whom it is for."""

    id: int
    number: str
    partner_id: int
    signer: str
    email: str
    phone: str
    lang: str
    business: bool
    annex: bool


def create_salesperson(admin: RpcClient, login: str = SALESPERSON, *, lang: str = "en_US") -> str:
    """A user who may keep contacts and sell, nothing else; the password is the login.

    :return: the user's e-mail address
    """
    groups = [
        admin.search_read("ir.model.data", [("module", "=", module), ("name", "=", name)], ["res_id"])[0]["res_id"]
        for module, name in GROUPS
    ]
    email = f"{login}@company.example"
    admin.create(
        "res.users",
        {
            "name": login.capitalize(),
            "login": login,
            "password": login,
            "email": email,
            "lang": lang,
            "tz": "Europe/Paris",
            "group_ids": [(6, 0, groups)],
        },
    )
    return email


def create_quotation(
    rpc: RpcClient, *, lang: str = "en_US", business: bool = False, lines: int = 3, annex: bool = False
) -> Quotation:
    """A quotation for a new customer with an address of its own."""
    number = next(_numbers)
    signer = "Éléonore Lefèvre" if lang == "fr_FR" else "Jane O'Neill"
    email = f"customer{number}@client.example"
    phone = f"+33 6 12 34 {number // 100:02} {number % 100:02}"  # a range for films is no valid number to phonenumbers
    contact = {"name": signer, "email": email, "phone": phone, "lang": lang, "tz": "Europe/Paris"}
    if business:
        values = {"name": f"Client {number} Ltd", "is_company": True, "company_registry": "852 379 845", "lang": lang}
        contact |= {"parent_id": rpc.create("res.partner", values), "function": "Managing director"}
    partner_id = rpc.create("res.partner", contact)
    order_id = rpc.create(
        "sale.order",
        {
            "partner_id": partner_id,
            "require_payment": False,
            "order_line": [
                (0, 0, _line(rpc, index, DOCUMENTED if annex and not index else PLAIN)) for index in range(lines)
            ],
        },
    )
    name = rpc.read("sale.order", order_id, ["name"])["name"]
    return Quotation(order_id, name, partner_id, signer, email, phone, lang, business, annex)


def open_composer(rpc: RpcClient, quotation: Quotation, **changes) -> tuple[int, dict]:
    """As the button "Send for signature" does it; ``changes`` are what is changed in the window.

    :return: the composer's id, and the context for sending it
    """
    context = rpc.call("sale.order", "action_esign_send", [quotation.id])["context"]
    fields = {name: {} for name in COMPOSER_FIELDS}
    shown = rpc.call("mail.compose.message", "onchange", [], {}, [], fields, context=context)["value"]
    attachments = [command[1] for command in shown["attachment_ids"]]
    written = {
        "partner_ids": [(6, 0, [quotation.partner_id])],
        "subject": shown["subject"],
        "body": shown["body"],
        "attachment_ids": [(6, 0, attachments)],
        **changes,
    }
    return rpc.call("mail.compose.message", "create", [written], context=context)[0], context


def send_for_signature(
    rpc: RpcClient, quotation: Quotation, channel: str = "mail", then: Sequence[Quotation] = ()
) -> None:
    """``then``: whose customers sign afterwards, one after the other."""
    others = [(0, 0, {"partner_id": other.partner_id, "sequence": turn}) for turn, other in enumerate(then)]
    # Former versions know one signer only.
    further = {"esign_next_ids": others} if others else {}
    composer, context = open_composer(rpc, quotation, esign_channel=channel, **further)
    rpc.call("mail.compose.message", "action_send_mail", [composer], context=context)


def personal_link(mails: MailCatcher, email: str) -> str:
    """Wait for the invitation, and read the link out of it."""
    invitation = mails.wait_for(lambda mail: "/esign/t/" in mail.html, to=email)
    links = {link for link in invitation.links if "/esign/t/" in link}
    assert len(links) == 1, f"one personal link, not {links}"
    return links.pop()


def latest_code(mails: MailCatcher, email: str, count: int = 1) -> str:
    """Wait until ``count`` codes have come, and read the newest."""

    def is_code(mail: Message) -> bool:
        return is_code_mail(mail) and len(code_mails(mails, email)) >= count

    return CODE.search(mails.wait_for(is_code, to=email).text)[0]


def code_mails(mails: MailCatcher, email: str) -> list[Message]:
    return [mail for mail in mails.messages if email in mail.envelope_to and is_code_mail(mail)]


def is_code_mail(mail: Message) -> bool:
    with_link = "/esign/t/" in mail.html or "/esign/unlock/" in mail.html
    # A customer's reason for declining may hold any number.
    declined = mail.subject.startswith("Declined")
    return not mail.attachments and not with_link and not declined and bool(CODE.search(mail.text))


def unlock_link(mails: MailCatcher, email: str) -> str:
    """Wait for the notice of a lock, and read the way out of it."""
    notice = mails.wait_for(lambda mail: "/esign/unlock/" in mail.html, to=email)
    return next(link for link in notice.links if "/esign/unlock/" in link)


def sms_address(quotation: Quotation) -> str:
    """Where the double of the SMS service files the texts to the customer."""
    return f"{quotation.phone.replace(' ', '')}@sms"


def another_code(code: str, number: int = 1) -> str:
    """A code of 6 digits that is not this one; another one for each number."""
    return f"{(int(code) + number) % 1_000_000:06}"


def create_products(admin: RpcClient) -> None:
    """What is sold; whoever buys the second one gets a document along with the quotation."""
    plain, documented = (
        admin.create("product.product", {"name": name, "default_code": code, "type": "service"})
        for name, code in (("Terrace works", PLAIN), ("Wood care", DOCUMENTED))
    )
    admin.write("product.product", [plain, documented], {"taxes_id": [(5,)], "list_price": 100})
    admin.create(
        "product.document",
        {
            "name": "Care instructions.txt",
            "mimetype": "text/plain",
            "datas": base64.b64encode(b"Care instructions for larch: oil it once a year.\n").decode(),
            "res_model": "product.product",
            "res_id": documented,
            "attached_on_sale": "quotation",
        },
    )


def _line(rpc: RpcClient, index: int, code: str) -> dict:
    product = rpc.search_read("product.product", [("default_code", "=", code)], ["id"], limit=1)[0]["id"]
    return {
        "product_id": product,
        "name": f"{index + 1}. {WORKS[index % len(WORKS)]}",
        "product_uom_qty": 1 + index % 4,
        "price_unit": 100 + 37 * index,
    }
