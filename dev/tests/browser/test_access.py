"""Getting in when it is not as usual: text messages, sessions that end, locks, lost links."""

import re

import pytest
import quotations
from playwright.sync_api import expect

MINUTE = 60_000  # milliseconds
LANGUAGES = pytest.mark.parametrize("lang", ["en_US", "fr_FR"])
# Longer French words on the phone; the whole product of both is run by test_path.py.
DEVICES = pytest.mark.parametrize(("lang", "width"), [("fr_FR", 390), ("en_US", 1280)])


@DEVICES
def test_two_codes_in_turn(invited, texts, lang, width):
    customer, link = invited("two-codes", width, "both", lang=lang)
    customer.open_link(link)
    customer.paste_code(customer.ask_code(), more=True)
    customer.look("second-code")
    number = customer.quotation.phone.replace(" ", "")
    text = texts.wait_for(number).text.strip()
    assert customer.quotation.number in text
    assert re.fullmatch(r"@127\.0\.0\.1 #\d{6}", text.splitlines()[-1])
    expect(customer.page.locator("#code")).to_have_attribute("autocomplete", "one-time-code")
    customer.paste_code(text[:6])
    customer.read_to_end()


@LANGUAGES
def test_no_credit_is_said_in_plain_words(invited, texts, lang):
    customer, link = invited("no-credit", 390, "sms", lang=lang)
    texts.state = "insufficient_credit"
    customer.open_link(link)
    customer.page.locator("form[action$='/code'] button[type=submit]").click()
    expect(customer.page.locator(".o_esign_alert_danger")).to_be_visible()
    customer.watch.forgive("429")
    customer.look("not-sent")


@DEVICES
def test_a_session_warns_ends_and_loses_nothing(invited, server, settle, lang, width):
    customer, link = invited("session", width, lang=lang)
    page = customer.page
    page.clock.install()
    customer.open_link(link)
    customer.paste_code(customer.ask_code())
    customer.read_to_end()
    customer.go_on_to_sign()
    page.locator("input[name=consents]").nth(1).check()
    page.locator("#name").fill("Jane A. O'Neill")
    box = page.locator(".o_esign_session")
    expect(box).to_be_hidden()

    def answer_late(route) -> None:
        # The session runs from the sign of life, however long its answer is on the way.
        page.clock.fast_forward(13 * MINUTE + 5_000)
        route.continue_()

    page.route("**/stay", answer_late, times=1)
    with page.expect_response("**/stay"):  # a sign of life, with what is filled in
        page.clock.fast_forward(MINUTE + 1_000)
    expect(box).to_be_visible()
    customer.look("warning", full_page=False)
    with page.expect_response("**/stay") as answer:
        page.locator(".o_esign_stay").click()
    assert answer.value.ok
    expect(box).to_be_hidden()

    # Nobody is there any more: the server's clock goes on too.
    server.cluster.sql(server.database, "UPDATE esign_ticket SET seen_on = seen_on - interval '15 minutes'")
    page.clock.fast_forward(16 * MINUTE)
    expect(page.locator("form[action$='/code'] button")).to_be_visible()
    customer.look("ended")
    settle()
    customer.paste_code(customer.ask_code())
    page.goto(f"{page.url.partition('?')[0]}?step=sign")
    expect(page.locator("#name")).to_have_value("Jane A. O'Neill")
    expect(page.locator("input[name=consents]").nth(1)).to_be_checked()
    expect(page.locator("input[name=consents]").first).not_to_be_checked()
    customer.look("back-again")


@DEVICES
def test_locked_and_unlocked_by_the_mailbox(invited, mails, settle, lang, width):
    customer, link = invited("locked", width, lang=lang)
    page, email = customer.page, customer.quotation.email
    customer.open_link(link)
    right = customer.ask_code()
    for number in (1, 2, 3):
        page.locator("#code").fill(quotations.another_code(right, number))
        with page.expect_response("**/verify"):  # the page before has such an alert too
            page.locator("form[action$='/verify'] button").click()
        expect(page.locator(".o_esign_alert_danger")).to_be_visible()
        customer.watch.forgive("422")
    expect(page.locator("#code")).to_have_count(0)
    customer.look("locked")
    notice = mails.wait_for(lambda mail: "/esign/unlock/" in mail.html, to=email)
    assert customer.quotation.number in notice.subject
    unlock = next(item for item in notice.links if "/esign/unlock/" in item)
    page.goto(unlock)
    customer.look("unlock")
    page.locator("form button[type=submit]").click()
    expect(page.locator("form")).to_have_count(0)
    customer.look("unlocked")
    settle()
    customer.open_link(link)
    customer.paste_code(customer.ask_code())
    expect(page.locator(".o_esign_viewer")).to_be_visible()


@DEVICES
def test_a_lost_link_comes_again(invited, mails, server, lang, width):
    customer, link = invited("lost", width, lang=lang)
    page = customer.page
    customer.open_link(link)
    page.goto(link[:-4] + "xxxx")
    customer.watch.forgive("404")
    customer.look("dead-link")
    page.locator("a[href='/esign/again']").click()
    expect(page.locator("#email")).to_be_visible()
    customer.look("again")
    page.locator("#email").fill(customer.quotation.email)
    page.locator("form button[type=submit]").click()
    expect(page.locator("#email")).to_have_count(0)
    customer.look("again-done")

    def is_new(mail) -> bool:
        return any("/esign/t/" in item and item != link for item in mail.links)

    again = mails.wait_for(is_new, to=customer.quotation.email, timeout=300)
    page.goto(next(item for item in again.links if "/esign/t/" in item))
    expect(page.locator("form[action$='/code'] button")).to_be_visible()
    page.goto(link)
    expect(page.locator("a[href='/esign/again']")).to_be_visible()


@LANGUAGES
def test_the_salesperson_corrects_an_address(invited, salesperson, mails, photographer, lang):
    customer, link = invited("corrected", lang=lang)
    desk = salesperson(lang)
    shoot = photographer(f"{lang[:2]}-staff-corrected")
    desk.open_quotation(customer.quotation)
    desk.page.locator(".oe_stat_button[name=action_esign_requests]").click()
    desk.page.locator("button[name=action_resend]").click()
    field = desk.page.locator(".modal div[name=email] input")
    expect(field).to_have_value(customer.quotation.email)
    new = f"right-{customer.quotation.email}"
    field.fill(new)
    field.blur()
    expect(desk.page.locator(".modal .alert-info")).to_be_visible()
    shoot(desk.page, "window")
    desk.page.locator(".modal button[name=action_send]").click()
    expect(desk.page.locator(".modal")).to_have_count(0)
    shoot(desk.page, "request")
    quotations.personal_link(mails, new)
    mails.wait_for(lambda mail: "/esign/t/" not in mail.html, to=customer.quotation.email)
    customer.page.goto(link)
    expect(customer.page.locator("a[href='/esign/again']")).to_be_visible()
