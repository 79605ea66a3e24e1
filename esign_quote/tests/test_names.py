import json

from lxml import html
from odoo.tests import HttpCase, tagged

from .common import DRAWING, pdf_text
from .test_signing import SigningCommon

# Syriac: letters that join, in a way that nothing here does, whatever fonts a server has.
EXACT, LATIN = "ܐܠܦ ܒܝܬ", "Alaf Bet"
QUESTION = "The stamp cannot show all letters of your name"


@tagged("post_install", "-at_install")
class TestNames(SigningCommon, HttpCase):
    """A name that no font has is drawn as its owner transliterates it; the exact one stays in the proof."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()

    def fields(self, page):
        return {item.get("name"): item.get("value") for item in page.xpath("//form//input[@name][not(@type)]")}

    def test_a_usual_name_asks_for_nothing_more(self):
        self.assertNotIn("latin_name", self.fields(self.sign_page()))
        self.accept(name="محمد العربي", latin_name="ignored")
        signer = self.request.signer_ids
        self.assertEqual((signer.declared_name, signer.latin_name), ("محمد العربي", False))
        self.assertNotIn("latin_name", self.confirmed())

    def test_it_is_asked_for_and_what_was_typed_is_kept(self):
        page = self.assert_refused(QUESTION, name=EXACT)
        self.assertEqual(self.fields(page)["name"], EXACT)
        (field,) = page.xpath("//input[@name='latin_name']")
        self.assertEqual((field.get("value"), field.get("aria-invalid")), ("", "true"))
        self.assertIn(
            "proof keeps your name exactly", page.xpath(f"//*[@id='{field.get('aria-describedby')}']")[0].text
        )

    def test_partly_covered_names_and_pictures_too(self):
        for name in (f"Anne {EXACT}", "Anne 🍕 Martin"):
            self.assert_refused(QUESTION, name=name)

    def test_what_is_no_transliteration_is_refused(self):
        for latin in ("", "x", EXACT, "Ελένη", "42", "a\u202eb", "Anne 🍕"):
            page = self.assert_refused(QUESTION, name=EXACT, latin_name=latin)
            self.assertEqual(self.fields(page)["latin_name"] or "", latin.strip() if latin else "")

    def test_a_contact_with_such_a_name_sees_the_field_at_once(self):
        self.request.signer_ids.name = EXACT
        self.assertIn("latin_name", self.fields(self.sign_page()))

    def test_the_stamp_shows_latin_letters_and_the_proof_both(self):
        self.accept(name=EXACT, latin_name=f" {LATIN} ")
        signer = self.request.signer_ids
        self.assertEqual((self.request.state, signer.declared_name, signer.latin_name), ("signed", EXACT, LATIN))
        words = pdf_text(self.request._document("signed")._bytes())
        self.assertIn(LATIN, words)
        self.assertNotIn("□", words)
        payload = self.confirmed()
        self.assertEqual((payload["name"], payload["latin_name"]), (EXACT, LATIN))
        who = json.loads(self.request.proof_ids.json)["signer"]
        self.assertEqual((who["name_declared"], who["name_in_latin_letters"]), (EXACT, LATIN))

    def test_a_drawing_does_not_spare_the_name(self):
        self.assert_refused(QUESTION, name=EXACT, kind="drawn", strokes=DRAWING)
        self.accept(name=EXACT, latin_name=LATIN, kind="drawn", strokes=DRAWING)
        self.assertIn(LATIN, pdf_text(self.request._document("signed")._bytes()))

    def test_a_draft_keeps_it(self):
        path = self.enter_and_read(self.request)
        self.post(f"{path}/stay", {"name": EXACT, "latin_name": LATIN})
        page = html.fromstring(self.get(f"{path}?step=sign").content)
        self.assertEqual(self.fields(page)["latin_name"], LATIN)

    def test_a_position_that_no_font_has_leaves_no_boxes(self):
        signer = self.request.signer_ids
        signer.write({"declared_name": "Jeanne Martin", "capacity": EXACT, "customer_name": "Atelier"})
        signer.write({"answered_on": self.request.sent_on, "signature_kind": "typed"})
        self.assertIn("Atelier", self.request._stamp_content(signer).lines)
        signer.customer_name = EXACT
        lines = self.request._stamp_content(signer).lines
        self.assertFalse([line for line in lines if EXACT in line or not line])

    def confirmed(self):
        """Return what the journal keeps of the act."""
        self.request.invalidate_recordset()
        (entry,) = self.request.event_ids.filtered(lambda item: item.type == "sign.confirmed")
        return entry.payload
