"""Two people sign one after the other; the second one, on a phone, sees the stamp of the first."""

import re
from dataclasses import replace

import judges
import quotations
from customer import Customer
from playwright.sync_api import expect


def test_two_signers(mails, salesperson, customer_page, sales, photographer, certificate, tmp_path):
    shoot = photographer("turns")
    quotation = quotations.create_quotation(sales())
    other = quotations.create_quotation(sales("fr_FR"), lang="fr_FR")
    seller = salesperson()
    seller.shoot = shoot
    seller.send_for_signature(quotation, then=[other])

    first = Customer(customer_page("en_US", 1280), mails, quotation, shoot)
    first.open_link(quotations.personal_link(mails, quotation.email))
    first.paste_code(first.ask_code())
    first.read_to_end()
    first.go_on_to_sign()
    first.fill_in("typed")
    first.page.locator(".o_esign_sign_form button[type=submit]").click()
    expect(first.page.locator("h1")).to_have_text("Your signature is recorded")
    first.look("first-signed")
    seller.open_quotation(quotation)
    expect(seller.page.locator(".o_esign_progress")).to_contain_text(f"Signed by {quotation.signer}")
    shoot(seller.page, "half-way")

    theirs = replace(quotation, partner_id=other.partner_id, signer=other.signer, email=other.email, lang="fr_FR")
    second = Customer(customer_page("fr_FR", 390), mails, theirs, shoot)
    second.open_link(quotations.personal_link(mails, other.email))
    second.paste_code(second.ask_code())
    expect(second.page.locator(".o_esign_alert_success")).to_contain_text(
        re.compile(rf"Signé par {quotation.signer} le \d")
    )
    second.read_to_end()
    second.go_on_to_sign()
    second.fill_in("drawn")
    second.sign()
    expect(second.page.locator("main")).to_contain_text(re.compile(f"{quotation.signer}.*{other.signer}", re.DOTALL))

    result = judges.Result.load(second.download_result(tmp_path))
    judges.assert_good(result, certificate)
    words = judges.text_of(result.signed)
    assert quotation.signer in words and other.signer in words
    first.page.reload()
    expect(first.page.locator("h1")).to_contain_text("is signed")
    first.look("all-signed")
    for email in (quotation.email, other.email):
        copy = mails.wait_for(lambda mail: len(mail.attachments) == 2, to=email)
        assert quotation.number in copy.subject
    seller.see_result(quotation, state="signed", order_state="sale")
