"""A name that no font has: its owner writes it in Latin letters, too."""

import judges
from playwright.sync_api import expect

# Syriac letters join in a way that nothing in the addon does, whatever fonts the server has.
EXACT, LATIN = "ܐܠܦ ܒܝܬ", "Alaf Bet"


def test_transliteration(invited, certificate, tmp_path):
    customer, link = invited("latin-name", 390)
    page = customer.page
    customer.open_link(link)
    customer.paste_code(customer.ask_code())
    customer.read_to_end()
    customer.go_on_to_sign()
    customer.fill_in("typed")
    field = page.locator("#latin_name")
    expect(field).to_have_count(0)
    page.locator("#name").fill(EXACT)
    page.locator(".o_esign_sign_form button[type=submit]").click()
    expect(page.locator(".o_esign_alert_danger")).to_contain_text("write it in Latin letters")
    customer.watch.forgive("422")
    expect(field).to_be_focused()
    expect(page.locator("#name")).to_have_value(EXACT)
    assert all(box.is_checked() for box in page.locator("input[name=consents][required]").all()), "choices are kept"
    customer.look("asked")
    field.fill(LATIN)
    customer.look("filled-in")
    customer.sign()
    expect(page.locator("main")).to_contain_text(EXACT)
    result = judges.Result.load(customer.download_result(tmp_path))
    judges.assert_good(result, certificate)
    assert LATIN in judges.text_of(result.signed)
    assert result.record["signer"]["name_declared"] == EXACT
