"""Other ways through the customer's pages than the usual one."""

import keyboard
import quotations
from playwright.sync_api import expect


def test_keyboard_only_at_four_times_the_size(invited, mails):
    """1280 pixels at 400 % are 320; nothing needs a mouse (WCAG 2.1.1, 1.4.10)."""
    customer, link = invited("keyboard", width=320, lines=45, business=True)
    page, email = customer.page, customer.quotation.email
    customer.open_link(link)
    expect(page.locator("form[action$='/code'] button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(quotations.latest_code(mails, email))
    page.keyboard.press("Enter")
    expect(page.locator(".o_esign_sheet").first).to_have_attribute("data-drawn", "1")
    keyboard.tab_to(page, ".o_esign_recap summary")
    page.keyboard.press("Enter")
    expect(page.locator(".o_esign_total")).to_be_visible()
    page.keyboard.press("Enter")
    keyboard.scroll_to_end(page, ".o_esign_pages")
    keyboard.tab_to(page, ".o_esign_next")
    expect(page.locator(".o_esign_next")).not_to_have_attribute("aria-disabled", "true")
    customer.look("read", full_page=False)
    page.keyboard.press("Enter")
    boxes = page.locator("input[name=consents][required]")
    expect(boxes.first).to_be_visible()
    for number in range(boxes.count()):
        keyboard.tab_to(page, f"label:nth-of-type({number + 1}) > input[name=consents]")
        page.keyboard.press("Space")
        expect(boxes.nth(number)).to_be_checked()
    keyboard.tab_to(page, ".o_esign_sign_form button[type=submit]")
    customer.look("sign", full_page=False)
    page.keyboard.press("Enter")
    expect(page.locator(".o_esign_facts")).to_be_visible()
    keyboard.tab_to(page, "a[href*='/file/']")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.path().read_bytes().startswith(b"%PDF")
    customer.look("signed")


def test_download_counts_as_reading(invited, tmp_path):
    """Where the browser cannot show the file, it can be had."""
    customer, link = invited("download", lines=45, annex=True)
    page = customer.page
    customer.open_link(link)
    customer.paste_code(customer.ask_code())
    expect(page.locator(".o_esign_sheet").first).to_have_attribute("data-drawn", "1")
    annex = page.locator(".o_esign_files button")
    expect(annex).to_contain_text("Care instructions")
    assert b"larch" in customer.download(annex, tmp_path).read_bytes()
    customer.assert_not_yet()
    quote = customer.download(page.locator(".o_esign_download button"), tmp_path)
    assert quote.read_bytes().startswith(b"%PDF")
    customer.go_on_to_sign()


def test_what_is_wrong_is_said_and_nothing_is_lost(invited):
    """The server refuses what a browser without the page's own checks sends."""
    customer, link = invited("refused", width=390, business=True)
    page = customer.page
    customer.open_link(link)
    customer.paste_code(customer.ask_code())
    customer.read_to_end()
    customer.go_on_to_sign()
    customer.fill_in("drawn")
    page.locator("#capacity").fill("")
    page.locator(".o_esign_sign_form").evaluate("(form) => { form.noValidate = true; }")
    page.locator(".o_esign_sign_form button[type=submit]").click()
    expect(page.locator(".o_esign_alert_danger")).to_be_focused()
    customer.watch.forgive("422")
    customer.look("refused")
    expect(page.locator("#capacity")).to_have_value("")
    assert page.locator("input[name=consents]").first.is_checked()
    expect(page.locator("input[name=kind][value=drawn]")).to_be_checked()
    assert customer.ink_of_signature() > 0, "the drawing is still there"
    page.locator("#capacity").fill("Director")
    customer.sign()


def test_staff_are_sent_away(invited, mails, salesperson, server):
    """Law 3: with a log-in of the company nobody gets further than an explanation."""
    customer, link = invited("staff")
    seller = salesperson()
    page = seller.page.context.new_page()
    assert page.goto(link).status == 403
    expect(page.locator("main")).to_contain_text("Sally")
    assert page.locator("form[action$='/code']").count() == 0
    customer.look_at(page, "explained")
    page.locator("form[action$='/logout'] button").click()
    seller.forget()
    expect(page.locator("form[action$='/code'] button")).to_be_visible()
    customer.look_at(page, "logged-out")
    page.goto(f"{server.url}/odoo")
    expect(page.locator("#login")).to_be_visible()
    page.close()
