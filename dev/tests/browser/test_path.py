"""The whole path of a quotation, from "Send for signature" to both files in both mailboxes."""

from dataclasses import dataclass

import judges
import pytest
import quotations
from customer import Customer
from playwright.sync_api import expect
from salesperson import Salesperson

COMMENT = "Too late for us – perhaps next year."


@dataclass(frozen=True)
class Case:
    lang: str
    width: int
    business: bool = False
    kind: str = "typed"
    lines: int = 3
    annex: bool = False
    staff: str = ""  # language of the salesperson, if it is another one

    def __str__(self) -> str:
        return f"{self.lang[:2]}-{self.width}"


ACCEPTED = [
    Case("en_US", 390, business=True, kind="drawn"),
    Case("en_US", 1280, lines=45, annex=True),
    Case("fr_FR", 390, lines=45, annex=True),
    Case("fr_FR", 1280, business=True, kind="drawn", staff="en_US"),
]
DECLINED = [
    Case("en_US", 390, staff="fr_FR"),
    Case("en_US", 1280, business=True),
    Case("fr_FR", 390, business=True),
    Case("fr_FR", 1280, lines=45),
]


@pytest.fixture
def walk(server, mails, salesperson, customer_page, sales, photographer):
    """``walk(case, flow)``: send by screen, and follow the link up to the open quotation."""

    def start(case: Case, flow: str) -> tuple[Salesperson, Customer, str]:
        shoot = photographer(f"{case}-{flow}")
        staff = case.staff or case.lang
        quotation = quotations.create_quotation(
            sales(staff), lang=case.lang, business=case.business, lines=case.lines, annex=case.annex
        )
        seller = salesperson(staff)
        seller.shoot = shoot
        seller.send_for_signature(quotation)
        link = quotations.personal_link(mails, quotation.email)
        customer = Customer(customer_page(case.lang, case.width), mails, quotation, shoot)
        customer.open_link(link)
        code = customer.ask_code()
        customer.give_wrong_code(code)
        customer.paste_code(code)
        return seller, customer, link

    return start


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_accept(case, walk, mails, certificate, settle, tmp_path):
    seller, customer, link = walk(case, "accept")
    quotation = customer.quotation
    pages = customer.read_to_end()
    assert (pages > 1) == (case.lines > 30)
    customer.go_on_to_sign()
    customer.fill_in(case.kind)
    customer.sign()
    result = judges.Result.load(customer.download_result(tmp_path))
    judges.assert_good(result, certificate)
    judges.assert_names(result, quotation.signer)
    assert_told(mails, (quotation.email, seller.email), result)
    seller.see_result(quotation, state="signed", order_state="sale")
    customer.come_back(link, settle)
    expect(customer.page.locator(".o_esign_facts")).to_contain_text(result.identifier)
    customer.look("back")


@pytest.mark.parametrize("case", DECLINED, ids=str)
def test_decline(case, walk, mails, settle):
    seller, customer, link = walk(case, "decline")
    quotation = customer.quotation
    customer.read_to_end()
    customer.decline(COMMENT)
    for address in (quotation.email, seller.email):
        mails.wait_for(lambda mail: COMMENT in mail.text and quotation.number in mail.subject, to=address)
    seller.see_result(quotation, state="declined", order_state="cancel")
    customer.come_back(link, settle)
    expect(customer.page.locator("main")).to_contain_text(COMMENT)
    customer.look("back")


def assert_told(mails, addresses: tuple[str, str], result: judges.Result) -> None:
    """Both parties hold the very same two files."""
    files = {path.name: path.read_bytes() for path in (result.signed, result.proof)}
    for address in addresses:
        mail = mails.wait_for(lambda mail: mail.attachments and result.identifier in mail.text, to=address)
        assert {item.name: item.content for item in mail.attachments} == files
