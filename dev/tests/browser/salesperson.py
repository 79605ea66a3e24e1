"""The salesperson's side in a browser: Odoo's own screens with what the addon puts into them."""

from collections.abc import Callable, Sequence

import quotations
from playwright.sync_api import Page, expect


class Salesperson:
    """Somebody with a log-in who may sell. ``shoot(page, name)`` takes a picture."""

    def __init__(self, page: Page, url: str, login: str):
        self.page = page
        self.page.set_default_timeout(60_000)
        self.url = url
        self.login = login
        self.shoot: Callable[..., None] = lambda *_args, **_options: None
        self._logged_in = False

    @property
    def email(self) -> str:
        return f"{self.login}@company.example"

    def log_in(self) -> None:
        if self._logged_in:
            return
        self.page.goto(f"{self.url}/web/login")
        self.page.locator("#login").fill(self.login)
        self.page.locator("#password").fill(self.login)
        self.page.locator(".oe_login_form button[type=submit]").click()
        # Its first page makes Odoo build the web client's bundles.
        expect(self.page.locator(".o_main_navbar")).to_be_visible(timeout=120_000)
        self._logged_in = True

    def forget(self) -> None:
        """Somebody has logged this browser out."""
        self._logged_in = False

    def open_quotation(self, quotation: quotations.Quotation) -> None:
        self.page.goto(f"{self.url}/odoo/sales/{quotation.id}")
        expect(self.page.locator(".o_form_view .oe_title")).to_contain_text(quotation.number, timeout=60_000)

    def send_for_signature(self, quotation: quotations.Quotation, then: Sequence[quotations.Quotation] = ()) -> None:
        """``then``: whose customers sign afterwards, in this order."""
        self.open_quotation(quotation)
        button = self.page.locator("button[name=action_esign_send]:visible")
        expect(button).to_have_class("btn btn-primary")
        self.shoot(self.page, "quotation")
        button.click()
        box = self.page.locator(".modal div[name=esign_send] input")
        expect(box).to_be_checked(timeout=60_000)
        expect(self.page.locator(".modal .o_field_tags")).to_contain_text(quotation.signer)
        expect(self.page.locator(".modal a[href*='/web/content/']").first).to_contain_text(f"{quotation.number}.pdf")
        for other in then:
            self._add_signer(other)
        self.shoot(self.page, "composer")
        self.page.locator(".modal button[name=action_send_mail]").click()
        expect(self.page.locator(".modal")).to_have_count(0, timeout=60_000)
        expect(self.page.locator(".o_esign_progress[data-state=sent]")).to_be_visible()
        expect(self.page.locator(".oe_stat_button[name=action_esign_requests]")).to_be_visible()
        self.shoot(self.page, "sent")

    def _add_signer(self, other: quotations.Quotation) -> None:
        rows = self.page.locator(".modal div[name=esign_next_ids]")
        rows.locator(".o_field_x2many_list_row_add button, .o_field_x2many_list_row_add a").click()
        rows.locator(".o_selected_row div[name=partner_id] input").fill(other.email)
        self.page.locator(".o-autocomplete--dropdown-item:visible", has_text=other.signer).click()
        expect(rows.locator(".o_selected_row")).to_contain_text(other.email)

    def see_result(self, quotation: quotations.Quotation, *, state: str, order_state: str) -> None:
        self.open_quotation(quotation)
        expect(self.page.locator(f".o_esign_progress[data-state={state}]")).to_be_visible()
        current = self.page.locator(".o_field_statusbar[name=state] .o_arrow_button_current")
        expect(current).to_have_attribute("data-value", order_state)
        self.shoot(self.page, f"order-{state}")
        self.page.locator(".oe_stat_button[name=action_esign_requests]").click()
        expect(self.page.locator(".o_form_view div[name=document_ids]")).to_be_visible()
        self.shoot(self.page, f"request-{state}")
