"""The whole path of a quotation, from "Send for signature" to both files in both mailboxes."""

from dataclasses import dataclass

import judges
import pytest
import quotations
from customer import Customer, saved
from conftest import SALESPEOPLE
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

    def __str__(self) -> str:
        return f"{self.lang[:2]}-{self.width}"


ACCEPTED = [
    Case("en_US", 390, business=True, kind="drawn"),
    Case("en_US", 1280, lines=45, annex=True),
    Case("fr_FR", 390, lines=45, annex=True),
    Case("fr_FR", 1280, business=True, kind="drawn"),
]
DECLINED = [
    Case("en_US", 390),
    Case("en_US", 1280, business=True),
    Case("fr_FR", 390, business=True),
    Case("fr_FR", 1280, lines=45),
]


@pytest.fixture
def walk(server, mails, new_page, customer_page, sales, photographer):
    """``walk(case, flow)``: send by screen, and follow the link up to the open quotation."""

    def start(case: Case, flow: str) -> tuple[Salesperson, Customer, str]:
        shoot = photographer(f"{case}-{flow}")
        quotation = quotations.create_quotation(
            sales(case.lang), lang=case.lang, business=case.business, lines=case.lines, annex=case.annex
        )
        salesperson = Salesperson(new_page(locale="en-GB"), server.url, shoot)
        salesperson.log_in(SALESPEOPLE[case.lang])
        salesperson.send_for_signature(quotation)
        link = quotations.personal_link(mails, quotation.email)
        customer = Customer(customer_page(case.lang, case.width), mails, quotation, shoot)
        customer.open_link(link)
        code = customer.ask_code()
        customer.give_wrong_code(code)
        customer.paste_code(code)
        return salesperson, customer, link

    return start


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_accept(case, walk, mails, certificate, settle, tmp_path):
    salesperson, customer, link = walk(case, "accept")
    quotation = customer.quotation
    pages = customer.read_to_end()
    assert (pages > 1) == (case.lines > 30)
    customer.go_on_to_sign()
    customer.fill_in(case.kind)
    customer.sign()
    result = judges.Result.load(customer.download_result(tmp_path))
    judges.assert_good(result, certificate)
    assert_stamped(result, quotation)
    assert_told(mails, quotation.email, f"{SALESPEOPLE[case.lang]}@company.example", result)
    salesperson.see_result(quotation, state="signed", order_state="sale")
    customer.come_back(link, settle)
    expect(customer.page.locator(".o_esign_facts")).to_contain_text(result.record["signature"]["identifier"])
    customer.look("back")


@pytest.mark.parametrize("case", DECLINED, ids=str)
def test_decline(case, walk, mails, settle):
    salesperson, customer, link = walk(case, "decline")
    quotation = customer.quotation
    customer.read_to_end()
    customer.decline(COMMENT)
    for address in (quotation.email, f"{SALESPEOPLE[case.lang]}@company.example"):
        assert COMMENT in mails.wait_for(lambda mail: COMMENT in mail.text, to=address).text
    salesperson.see_result(quotation, state="declined", order_state="cancel")
    customer.come_back(link, settle)
    expect(customer.page.locator("main")).to_contain_text(COMMENT)


def assert_stamped(result: judges.Result, quotation: quotations.Quotation) -> None:
    identifier = result.record["signature"]["identifier"]
    for path in (result.signed, result.proof):
        words = judges.text_of(path)
        assert quotation.signer in words
        assert identifier in words


def assert_told(mails, customer: str, company: str, result: judges.Result) -> None:
    """Both parties hold the very same two files."""
    files = sorted([result.signed.read_bytes(), result.proof.read_bytes()])
    for address in (customer, company):
        mail = mails.wait_for(lambda mail: mail.attachments and result.record["signature"]["identifier"] in mail.text, to=address)
        assert sorted(item.content for item in mail.attachments) == files
        assert {item.name for item in mail.attachments} == {result.signed.name, result.proof.name}


def test_download_counts_as_reading(server, mails, customer_page, sales, photographer, tmp_path):
    """Where the browser cannot show the file, it can be had."""
    quotation = quotations.create_quotation(sales(), lines=45, annex=True)
    quotations.send_for_signature(sales(), quotation)
    customer = Customer(customer_page(), mails, quotation, photographer("en-1280-download"))
    customer.open_link(quotations.personal_link(mails, quotation.email))
    customer.paste_code(customer.ask_code())
    page = customer.page
    expect(page.locator(".o_esign_sheet").first).to_have_attribute("data-drawn", "1")
    annex = page.locator(".o_esign_files button")
    expect(annex).to_contain_text("Care instructions")
    assert b"larch" in saved(customer._download(annex), tmp_path).read_bytes()
    customer.assert_not_yet()
    assert saved(customer._download(page.locator(".o_esign_download button")), tmp_path).read_bytes().startswith(b"%PDF")
    customer.go_on_to_sign()


def test_staff_are_sent_away(server, mails, new_page, sales, photographer):
    """Law 3: with a log-in of the company nobody gets further than an explanation."""
    shoot = photographer("en-1280-staff")
    quotation = quotations.create_quotation(sales())
    quotations.send_for_signature(sales(), quotation)
    link = quotations.personal_link(mails, quotation.email)
    page = new_page()
    Salesperson(page, server.url, shoot).log_in("sally")
    assert page.goto(link).status == 403
    expect(page.locator("main")).to_contain_text("Sally")
    assert page.locator("form[action$='/code']").count() == 0
    shoot(page, "explained")
    page.locator("form[action$='/logout'] button").click()
    expect(page.locator("form[action$='/code'] button")).to_be_visible()
    shoot(page, "logged-out")
    page.goto(f"{server.url}/odoo")
    expect(page.locator("#login")).to_be_visible()
