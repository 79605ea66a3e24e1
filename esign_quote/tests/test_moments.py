from datetime import datetime

from odoo.tests import tagged

from .common import EsignCommon


@tagged("post_install", "-at_install")
class TestMoments(EsignCommon):
    """The hour that stands in stamp and proof, on odd days (R-15)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.signer = cls.request.signer_ids

    def _text(self, moment):
        self.signer.answered_on = datetime.fromisoformat(moment)
        return " ".join(self.request._moment_text(self.signer).split())

    def test_the_hour_that_comes_twice(self):
        """On 25 October 2026, in Paris, 02:30 was at 00:30 and at 01:30 UTC: only the offset tells them apart."""
        summer, winter = self._text("2026-10-25 00:30:00"), self._text("2026-10-25 01:30:00")
        for text, offset in ((summer, "+02:00"), (winter, "+01:00")):
            self.assertIn("October 25, 2026", text)
            self.assertIn("2:30:00", text)
            self.assertIn(offset, text)

    def test_the_hour_that_is_left_out(self):
        before, after = self._text("2027-03-28 00:59:59"), self._text("2027-03-28 01:00:00")
        self.assertIn("1:59:59", before)
        self.assertIn("3:00:00", after)

    def test_leap_day(self):
        self.assertIn("February 29, 2028", self._text("2028-02-29 22:59:59"))
        self.assertIn("March 1, 2028", self._text("2028-02-29 23:00:00"), "it is March in Paris already")
