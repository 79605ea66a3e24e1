from odoo import http
from odoo.http import request

from .common import answers_own_errors, origin, page

ROUTE = {"type": "http", "auth": "public", "sitemap": False}
POST = {**ROUTE, "methods": ["POST"], "max_content_length": 64 * 1024}
GET = {**ROUTE, "methods": ["GET"]}


class EsignAccess(http.Controller):
    """Ways back in: a lost link, a locked code."""

    # === LOST LINK: one answer for known, unknown and locked addresses === #

    @http.route("/esign/again", **GET)
    @answers_own_errors
    def esign_again(self, **_kwargs):
        return self._again()

    @http.route("/esign/again", **POST)
    @answers_own_errors
    def esign_again_send(self, email="", **_kwargs):
        outcome = request.env["esign.link.wish"]._wish(email, origin())
        return self._again(outcome, email)

    def _again(self, outcome=None, email=""):
        values = {"outcome": outcome, "email": email}
        return page("esign_quote.page_again", values, status=200 if not outcome or outcome["ok"] else 422)

    # === LOCKED CODE: the link in the mailbox unlocks once === #

    @http.route("/esign/unlock/<string:secret>", **GET)
    @answers_own_errors
    def esign_unlock(self, secret, **_kwargs):
        lock = request.env["esign.lock"]._find_by_secret(secret)
        if not lock:
            return page("esign_quote.page_bad_link", {}, status=404)
        return page("esign_quote.page_unlock", self._lock_values(lock, secret))

    @http.route("/esign/unlock/<string:secret>", **POST)
    @answers_own_errors
    def esign_unlock_now(self, secret, **_kwargs):
        lock = request.env["esign.lock"]._find_by_secret(secret)
        if not lock:
            return page("esign_quote.page_bad_link", {}, status=404)
        values = self._lock_values(lock, secret)
        if not lock._open_by_mailbox(origin()):
            return page("esign_quote.page_bad_link", {}, status=404)
        return page("esign_quote.page_unlocked", values)

    def _lock_values(self, lock, secret):
        signer = lock.signer_id
        request.update_context(lang=signer.lang)
        return {"secret": secret, "company": signer.request_id.company_id, "req": signer.request_id}
