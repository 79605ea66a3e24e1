from odoo import http
from odoo.http import request

from .common import (
    answers_own_errors,
    drop_device,
    get_device,
    origin,
    page,
    redirect,
    send_file,
    set_device,
    with_headers,
)

# Every action is a POST after a human act: mail scanners open links (law 4).
ROUTE = {"type": "http", "auth": "public", "sitemap": False}
POST = {**ROUTE, "methods": ["POST"], "max_content_length": 1024 * 1024}
GET = {**ROUTE, "methods": ["GET"]}
# Kinds of files that the page itself shows.
SHOWN = ("quote", "preview")


class EsignSign(http.Controller):
    """The customer's way through a signature.

    * ``/esign/t/<secret>``: the personal link; says who asks and what will happen, no more.
    * ``/esign/<uid>``: code, reading, answer, result; opened by a cookie, no secret in the URL.
    """

    # === PERSONAL LINK === #

    @http.route("/esign/t/<string:secret>", **GET)
    @answers_own_errors
    def esign_welcome(self, secret, **_kwargs):
        ticket = request.env["esign.ticket"]._find_by_secret(secret)
        if not ticket:
            return self._bad_link()
        if request.env.user._is_internal():
            return self._staff(f"/esign/t/{secret}", ticket)
        ticket._record_opening(origin())
        return self._welcome(ticket, secret)

    @http.route("/esign/t/<string:secret>/code", **POST)
    @answers_own_errors
    def esign_first_code(self, secret, **_kwargs):
        ticket = request.env["esign.ticket"]._find_by_secret(secret)
        if not ticket:
            return self._bad_link()
        if request.env.user._is_internal():
            return self._staff(f"/esign/t/{secret}", ticket)
        device = ticket._new_device()
        outcome = ticket._send_code(device, origin())
        if outcome.get("reason") == "wait" and self._standing(ticket.uid)[0]:
            # Back from the code's page: that code is still good in this browser.
            return redirect(f"/esign/{ticket.uid}")
        if not outcome["ok"]:
            return self._welcome(ticket, secret, outcome)
        return set_device(redirect(f"/esign/{ticket.uid}"), ticket.uid, device)

    @http.route("/esign/t/<string:secret>/logout", **POST)
    @answers_own_errors
    def esign_staff_logout(self, secret, **_kwargs):
        request.session.logout(keep_db=True)
        return redirect(f"/esign/t/{secret}")

    # === CODE === #

    @http.route("/esign/<string:uid>", **GET)
    @answers_own_errors
    def esign_page(self, uid, step=None, **_kwargs):
        ticket, proved = self._standing(uid)
        if not ticket:
            return self._bad_link()
        return self._inside(ticket, step) if proved else self._code(ticket)

    @http.route("/esign/<string:uid>/code", **POST)
    @answers_own_errors
    def esign_new_code(self, uid, **_kwargs):
        ticket, proved = self._standing(uid)
        if not ticket:
            return self._bad_link()
        if proved:
            return redirect(f"/esign/{uid}")
        outcome = ticket._send_code(get_device(uid), origin())
        return self._code(ticket, outcome if not outcome["ok"] else {"ok": True, "sent": True})

    @http.route("/esign/<string:uid>/verify", **POST)
    @answers_own_errors
    def esign_check_code(self, uid, code="", **_kwargs):
        ticket, proved = self._standing(uid)
        if not ticket:
            return self._bad_link()
        if proved:
            return redirect(f"/esign/{uid}")
        outcome = ticket._check_code(get_device(uid), code, origin())
        if not outcome["ok"]:
            return self._code(ticket, outcome)
        device = outcome["device"]
        if outcome["more"]:
            sent = ticket._send_code(device, origin())
            return set_device(self._code(ticket, {**sent, "more": True}, device), uid, device)
        return set_device(redirect(f"/esign/{uid}"), uid, device)

    # === READING === #

    @http.route("/esign/<string:uid>/file/<string:document_uid>", **GET)
    @answers_own_errors
    def esign_file(self, uid, document_uid, **_kwargs):
        ticket, proved = self._standing(uid)
        document = ticket._visible_document(document_uid) if proved else None
        if not document:
            return self._bad_link()
        # Whatever is not shown in the page is a download, never a document of ours.
        download = document.kind not in SHOWN
        return send_file(document._bytes(), document.name, document.mimetype, download=download)

    @http.route("/esign/<string:uid>/show/<string:document_uid>", **POST)
    @answers_own_errors
    def esign_show(self, uid, document_uid, **_kwargs):
        """Hand the file to the viewer of the page; the journal tells that this browser got it."""
        ticket, proved = self._standing(uid)
        document = ticket._visible_document(document_uid) if proved else None
        if not document or document.kind not in SHOWN:
            return self._bad_link()
        content = document._bytes()
        ticket._record_serving(document.id)
        return send_file(content, document.name, document.mimetype, download=False)

    @http.route("/esign/<string:uid>/download/<string:document_uid>", **POST)
    @answers_own_errors
    def esign_download(self, uid, document_uid, **_kwargs):
        ticket, proved = self._standing(uid)
        document = ticket._visible_document(document_uid) if proved else None
        if not document:
            return self._bad_link()
        content = document._bytes()
        ticket._record_download(document.id)
        return send_file(content, document.name, document.mimetype, download=True)

    @http.route("/esign/<string:uid>/proof.json", **GET)
    @answers_own_errors
    def esign_proof_json(self, uid, **_kwargs):
        ticket, proved = self._standing(uid)
        proof = ticket._visible_proof() if proved else None
        if not proof:
            return self._bad_link()
        return send_file(proof.json.encode(), f"{proof.request_id.reference}.json", "application/json", download=True)

    @http.route("/esign/<string:uid>/pack", **GET)
    @answers_own_errors
    def esign_customer_pack(self, uid, **_kwargs):
        ticket, proved = self._standing(uid)
        if not proved or not ticket._visible_proof():
            return self._bad_link()
        name, content = ticket.signer_id.request_id._dispute_pack()
        return send_file(content, name, "application/zip", download=True)

    @http.route("/esign/<string:uid>/read", **POST)
    @answers_own_errors
    def esign_read(self, uid, sha256="", **_kwargs):
        ticket, proved = self._standing(uid)
        accepted = bool(proved) and ticket._record_last_page(sha256)
        answer = request.make_json_response({"ok": accepted}, status=200 if accepted else 409 if proved else 404)
        return with_headers(answer)

    # === ANSWER === #

    @http.route("/esign/<string:uid>/sign", **POST)
    @answers_own_errors
    def esign_sign(self, uid, **form):
        ticket, proved = self._standing(uid)
        answer = self._filled_in(form)
        if ticket and not proved:  # the session ended meanwhile: nothing is lost
            ticket._keep_late_answer(get_device(uid), answer)
            return self._code(ticket, status=403)
        if not proved:
            return self._bad_link()
        outcome = ticket._sign(answer, origin())
        if outcome.get("errors"):
            return self._inside(ticket, "sign", {"errors": outcome["errors"], "answer": answer}, status=422)
        return redirect(f"/esign/{uid}")

    @http.route("/esign/<string:uid>/decline", **POST)
    @answers_own_errors
    def esign_decline(self, uid, comment="", **_kwargs):
        ticket, proved = self._standing(uid)
        if ticket and not proved:
            ticket._keep_late_answer(get_device(uid), {"comment": comment})
            return self._code(ticket, status=403)
        if not proved:
            return self._bad_link()
        ticket._decline(comment, origin())
        return redirect(f"/esign/{uid}")

    @http.route("/esign/<string:uid>/stay", **POST)
    @answers_own_errors
    def esign_stay(self, uid, **form):
        """Go on with the session; sent by the page while somebody is at it."""
        ticket, proved = self._standing(uid)
        if not proved:
            return with_headers(request.make_json_response({"idle": 0, "absolute": 0}, status=403))
        return with_headers(request.make_json_response(ticket._stay(self._filled_in(form))))

    @http.route("/esign/<string:uid>/leave", **POST)
    @answers_own_errors
    def esign_leave(self, uid, **_kwargs):
        ticket, proved = self._standing(uid)
        if proved:
            ticket._leave()
        return drop_device(page("esign_quote.page_left", self._common(ticket) if ticket else {}), uid)

    # === PAGES === #

    def _standing(self, uid):
        """Return the ticket this browser may use and whether it proved a code.

        A browser that carries a log-in of the company's staff is nobody's customer (law 3).
        """
        if request.env.user._is_internal():
            return request.env["esign.ticket"], False
        ticket, proved = request.env["esign.ticket"]._find_by_device(uid, get_device(uid))
        if ticket:
            self._use_language(ticket)
            ticket = ticket.with_env(request.env(su=True))
        return ticket, proved

    def _filled_in(self, form):
        answer = {name: form.get(name, "") for name in ("name", "latin_name", "capacity", "kind", "strokes", "comment")}
        answer["consents"] = request.httprequest.form.getlist("consents")
        return answer

    def _use_language(self, ticket):
        request.update_context(lang=ticket.sudo().signer_id.lang)

    def _common(self, ticket):
        signer = ticket.signer_id
        return {"ticket": ticket, "signer": signer, "req": signer.request_id, "company": signer.request_id.company_id}

    def _welcome(self, ticket, secret, outcome=None):
        self._use_language(ticket)
        ticket = ticket.with_env(request.env(su=True))
        values = {
            **self._common(ticket),
            "secret": secret,
            "outcome": outcome,
            "message": ticket._code_sentence(outcome),
        }
        return page("esign_quote.page_welcome", values, status=200 if outcome is None else 429)

    def _code(self, ticket, outcome=None, device=None, status=None):
        if outcome and outcome.get("reason") not in ("format", "wrong"):
            ticket._catch_up()
        view = ticket._code_view(device or get_device(ticket.uid))
        values = {**self._common(ticket), "outcome": outcome, "message": ticket._code_sentence(outcome), "view": view}
        return page("esign_quote.page_code", values, status=status or (200 if not outcome or outcome["ok"] else 422))

    def _inside(self, ticket, step, more=None, status=200):
        step = ticket._step(step)
        standing = {"step": step, "errors": {}, "answer": ticket._draft(), "session": ticket._session_view()}
        values = {**self._common(ticket), **standing, **(more or {})}
        return page(f"esign_quote.page_{step}", values, status=status)

    def _staff(self, path, ticket):
        values = {**self._common(ticket), "path": path, "user_name": request.env.user.name}
        return page("esign_quote.page_staff", values, status=403)

    def _bad_link(self):
        if request.env.user._is_internal():
            return page("esign_quote.page_staff", {"path": None, "user_name": request.env.user.name}, status=403)
        return page("esign_quote.page_bad_link", {}, status=404)
