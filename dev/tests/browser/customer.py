"""The customer's side in a browser, one method a step. Selectors hold in every language."""

import re
from collections.abc import Callable
from pathlib import Path

import quotations
from playwright.sync_api import Download, Page, expect
from watch import Watch

from devtools.mailcatcher import MailCatcher

NOT_WHITE = """
(canvas) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let index = 0; index < pixels.length; index += 4) {
        found += pixels[index] + pixels[index + 1] + pixels[index + 2] < 700 && pixels[index + 3] > 0;
    }
    return found / (canvas.width * canvas.height);
}
"""
LEAST_INK = 0.002  # of a page with at least some lines of text
DRAWING = [(40, 120), (80, 40), (110, 130), (150, 60), (190, 120), (260, 70)]


class Customer:
    """One person with one private window."""

    def __init__(self, page: Page, mails: MailCatcher, quotation: quotations.Quotation, shoot: Callable[..., None]):
        self.page = page
        self.mails = mails
        self.quotation = quotation
        self._shoot = shoot
        self.codes = 0
        self.watch: Watch | None = None

    # ------------------------------------------------------------------------------------------------ the steps

    def open_link(self, link: str) -> None:
        if not self.watch:
            self.watch = Watch(self.page, link)
        self.page.goto(link)
        main = self.page.locator("main")
        expect(main).to_contain_text(self.quotation.number)
        expect(main).not_to_contain_text(self.quotation.email)
        expect(main).not_to_contain_text(self.quotation.signer)
        self.look("welcome")

    def ask_code(self) -> str:
        """Press the button, and return the code that comes."""
        self.page.locator("form[action$='/code'] button[type=submit]").click()
        expect(self.page.locator("#code")).to_be_focused()
        assert "/esign/t/" not in self.page.url, "the secret has gone from the address"
        self.codes += 1
        code = quotations.latest_code(self.mails, self.quotation.email, self.codes)
        self.look("code")
        return code

    def give_wrong_code(self, right: str) -> None:
        self.page.locator("#code").fill(quotations.another_code(right))
        self.page.locator("form[action$='/verify'] button").click()
        expect(self.page.locator(".o_esign_alert_danger")).to_be_visible()
        expect(self.page.locator("#code")).to_be_focused()
        self.watch.forgive("422")
        self.look("wrong-code")

    def paste_code(self, code: str, more: bool = False) -> None:
        """As it stands in many messages: with a space in the middle; ``more`` when another code is asked for next."""
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.evaluate("(text) => navigator.clipboard.writeText(text)", f"{code[:3]} {code[3:]}")
        self.page.locator("#code").focus()
        self.page.keyboard.press("Control+V")
        expect(self.page.locator("#code")).to_have_value(f"{code[:3]} {code[3:]}")
        self.page.locator("form[action$='/verify'] button").click()
        expect(self.page.locator("#code")).to_have_count(int(more))
        if more:
            expect(self.page.locator("#code")).to_have_value("")

    def read_to_end(self) -> int:
        """Scroll through all pages; the button works at the end and not before.

        :return: the number of pages
        """
        sheets = self.page.locator(".o_esign_sheet")
        expect(sheets.first).to_have_attribute("data-drawn", "1")
        count = sheets.count()
        expect(self.page.locator(".o_esign_page_number")).to_have_text(re.compile(rf"1\b.*\b{count}\b"))
        expect(self.page.locator(".o_esign_files li")).to_have_count(int(self.quotation.annex))
        self.look("read-first-page")
        self.assert_not_yet()
        self.enlarge()
        self.read_in_words()
        for index in range(count):
            sheet = sheets.nth(index)
            sheet.evaluate("(item) => item.scrollIntoView({ block: 'center' })")
            expect(sheet).to_have_attribute("data-drawn", "1")
            ink = sheet.locator("canvas").evaluate(NOT_WHITE)
            assert ink > LEAST_INK, f"page {index + 1} is blank"
            if index < count - 1:
                expect(self._next).to_have_attribute("aria-disabled", "true")
        sheets.last.evaluate("(item) => item.scrollIntoView({ block: 'end' })")
        expect(self._next).not_to_have_attribute("aria-disabled", "true")
        self.look("read-last-page", full_page=False)
        return count

    def enlarge(self) -> None:
        """On a phone a page is small: the button shows it at twice the width, sharp."""
        button = self.page.locator(".o_esign_enlarge")
        sheet = self.page.locator(".o_esign_sheet").first
        before = sheet.bounding_box()["width"]
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(sheet).to_have_attribute("data-drawn", "1")
        assert sheet.bounding_box()["width"] > 1.5 * before
        self.look("read-enlarged", full_page=False)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
        expect(sheet).to_have_attribute("data-drawn", "1")

    def read_in_words(self) -> None:
        """The same as a table, for screen readers and for whoever likes it better."""
        self.page.locator(".o_esign_recap summary").click()
        expect(self.page.locator(".o_esign_recap .o_esign_total")).to_be_visible()
        self.look("read-in-words")
        self.page.locator(".o_esign_recap summary").click()

    def assert_not_yet(self) -> None:
        """Neither by a click nor by the address nor by a request of one's own."""
        expect(self._next).to_have_attribute("aria-disabled", "true")
        address = self.page.url.partition("?")[0]
        token = self.page.locator("input[name=csrf_token]").first.input_value()
        answer = self.page.context.request.get(f"{address}?step=sign")
        assert answer.ok and "o_esign_viewer" in answer.text() and "o_esign_sign_form" not in answer.text()
        form = {"csrf_token": token, "name": self.quotation.signer, "kind": "typed", "consents": "C1"}
        answer = self.page.context.request.post(f"{address}/sign", form=form)
        assert answer.status == 422, "signed without having read"

    def go_on_to_sign(self) -> None:
        self._next.click()
        boxes = self.page.locator("input[name=consents]")
        expect(boxes.first).to_be_visible()
        assert not any(box.is_checked() for box in boxes.all()), "consent is given, not taken"
        self.look("sign")

    def fill_in(self, kind: str) -> None:
        for box in self.page.locator("input[name=consents][required]").all():
            box.check()
        if self.quotation.business:
            expect(self.page.locator("#capacity")).to_have_value("Managing director")
        expect(self.page.locator("#name")).to_have_value(self.quotation.signer)
        if kind == "drawn":
            self.page.locator("input[name=kind][value=drawn]").check()
            self._draw()
        else:
            expect(self.page.locator(".o_esign_typed")).to_have_text(self.quotation.signer)
        self.look(f"sign-{kind}")

    def sign(self) -> None:
        self.page.locator(".o_esign_sign_form button[type=submit]").click()
        expect(self.page.locator(".o_esign_facts")).to_be_visible()
        self.look("signed")

    def decline(self, comment: str) -> None:
        self.page.locator("a[href$='step=decline']").click()
        self.page.locator("#comment").fill(comment)
        self.look("decline")
        self.page.locator("form[action$='/decline'] button").click()
        expect(self.page.locator("main")).to_contain_text(comment)
        self.look("declined")

    def download_result(self, folder: Path) -> dict[str, Path]:
        """Both files and the record for computers."""
        signed, proof = self.page.locator("a[href*='/file/']").all()
        links = {"signed": signed, "proof": proof, "json": self.page.locator("a[href$='proof.json']")}
        return {name: self.download(link, folder) for name, link in links.items()}

    def come_back(self, link: str, age_codes: Callable[[], None]) -> None:
        """The link again: with a new code it shows the result."""
        self.page.context.clear_cookies()
        age_codes()
        self.open_link(link)
        self.paste_code(self.ask_code())

    def download(self, link, folder: Path) -> Path:
        with self.page.expect_download() as download:
            link.click()
        return _saved(download.value, folder)

    # -------------------------------------------------------------------------------------------------- details

    def look(self, name: str, **options) -> None:
        self.watch.check()
        self.look_at(self.page, name, **options)

    def look_at(self, page: Page, name: str, **options) -> None:
        self._shoot(page, name, **options)

    def ink_of_signature(self) -> float:
        return self.page.locator(".o_esign_canvas").evaluate(NOT_WHITE)

    @property
    def _next(self):
        return self.page.locator(".o_esign_next")

    def _draw(self) -> None:
        canvas = self.page.locator(".o_esign_canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        points = [(box["x"] + x, box["y"] + y) for x, y in DRAWING]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=6)
        self.page.mouse.up()
        assert self.ink_of_signature() > LEAST_INK, "the pen leaves no trace"


def _saved(download: Download, folder: Path) -> Path:
    path = folder / download.suggested_filename
    download.save_as(path)
    return path
