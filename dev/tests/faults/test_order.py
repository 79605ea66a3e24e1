"""R-13: a customer, a stranger and a salesperson do legal and illegal things in any order; no step can be skipped."""

import quotations
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from scale import SCALE, SIZE
from visitor import Visitor

from devtools.rpc import RpcError

BROWSERS = 2
NEVER = b"%PDF"
CLOSED = ("signed", "declined", "void", "expired")
FACTS = """
    SELECT r.state, o.state, sg.last_page_on IS NOT NULL OR sg.downloaded_on IS NOT NULL
      FROM esign_request r JOIN sale_order o ON o.id = r.order_id JOIN esign_signer sg ON sg.request_id = r.id
     WHERE r.order_id = %s ORDER BY r.id"""
browsers = st.integers(0, BROWSERS - 1)


def test_order(stand, caught, row, invariants):
    """R-13 random order of calls."""
    run = {"sequences": 0, "steps": 0, "ends": {}}

    class Here(Procedure):
        pass

    Here.stand, Here.mails, Here.checker, Here.run = stand, caught, invariants, run
    # Making an example shorter repeats it many times, each with a quotation of its own.
    phases = [Phase.generate] if SIZE == "quick" else [Phase.generate, Phase.shrink]
    try:
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=SCALE.sequences,
                stateful_step_count=SCALE.steps,
                phases=phases,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        ends = ", ".join(f"{state} {count}" for state, count in sorted(run["ends"].items()))
        row(run["sequences"], steps=run["steps"], ended=ends)


class Procedure(RuleBasedStateMachine):
    """One quotation. The model holds what each browser has earned; every answer is judged by it."""

    stand = mails = checker = run = None

    def __init__(self):
        super().__init__()
        self.quotation = self.stand.send()
        self.visitors = [Visitor(self.stand, self.mails, self.quotation) for _number in range(BROWSERS)]
        self.link = self.visitors[0].link
        self.codes = 0  # mails with codes so far
        self.holder: Visitor | None = None  # the browser whose code is the pending one
        self.inside: Visitor | None = None  # the browser that proved the last code
        self.wrong = 0
        self.state = "sent"
        self.read = False

    # ------------------------------------------------------------------------------------------------- the door

    @rule(browser=browsers)
    def open_link(self, browser):
        """The link alone tells neither amount nor file."""
        answer = self._visitor(browser).get(self.link)
        assert answer.status_code == (404 if self.state == "void" else 200)
        assert "data-file" not in answer.text and "100.00" not in answer.text
        self._nothing_happened()

    @rule(browser=browsers, later=st.booleans())
    def ask_for_code(self, browser, later):
        visitor = self._visitor(browser)
        if later:  # as if the pause between two codes had gone by
            self.stand.forget_limits()
        visitor.get(self.link)
        answer = visitor.post(f"{self.link}/code")
        assert answer.status_code in (303, 404, 429)
        if answer.status_code == 303:
            visitor.page = answer.headers["Location"].removeprefix(self.stand.url)
            visitor.get(visitor.page)
            if len(quotations.code_mails(self.mails, self.quotation.email)) > self.codes:
                self.codes += 1
                self.holder = visitor
        self._nothing_happened()

    @precondition(lambda self: self.codes)
    @rule(browser=browsers)
    def give_right_code(self, browser):
        visitor = self._visitor(browser)
        code = quotations.latest_code(self.mails, self.quotation.email, count=self.codes)
        self._give(visitor, code, right=True)

    @precondition(lambda self: self.codes)
    @rule(browser=browsers, way=st.sampled_from(["other", "short", "letters", "empty", "first"]))
    def give_wrong_code(self, browser, way):
        visitor = self._visitor(browser)
        mails = quotations.code_mails(self.mails, self.quotation.email)
        right = quotations.CODE.search(mails[-1].text)[0]
        first = quotations.CODE.search(mails[0].text)[0]
        code = {
            "other": quotations.another_code(right),
            "short": right[:5],
            "letters": "abcdef",
            "empty": "",
            "first": first,
        }[way]
        self._give(visitor, code, right=code == right)

    def _give(self, visitor, code, right):
        before = self._count("code.validated"), self._count("code.refused")
        proved = visitor is self.inside
        answer = visitor.post(f"{self._page(visitor)}/verify", code=code)
        after = self._count("code.validated"), self._count("code.refused")
        if after[0] > before[0]:
            assert right and visitor is self.holder and answer.status_code == 303, (
                "let in without the right code of its own"
            )
            self.inside, self.holder, self.wrong = visitor, None, 0
        else:
            assert answer.status_code in ((303,) if proved else (404, 422)), answer.status_code
        self.wrong += after[1] - before[1]
        assert self.wrong <= 3
        self._nothing_happened()

    # --------------------------------------------------------------------------------------------------- inside

    @rule(browser=browsers, step=st.sampled_from(["", "?step=sign", "?step=decline", "/proof.json", "/file"]))
    def look(self, browser, step):
        visitor = self._visitor(browser)
        path = f"/file/{self._document()}" if step == "/file" else step
        answer = visitor.get(self._page(visitor) + path)
        self._assert_nothing_shown(visitor, answer)
        if visitor is self.inside and self.state == "sent" and step == "?step=sign":
            assert ('name="consents"' in answer.text) == self.read, "the signing page opens after reading, not before"
        self._nothing_happened()

    @rule(browser=browsers, right=st.booleans())
    def report_reading(self, browser, right):
        visitor = self._visitor(browser)
        digest = self._sha256() if right else "0" * 64
        answer = visitor.post(f"{self._page(visitor)}/read", sha256=digest)
        if visitor is not self.inside:
            assert answer.status_code in (404, 400)
        elif answer.status_code == 200:
            assert right
            self.read = True
        self._nothing_happened()

    @rule(browser=browsers)
    def download(self, browser):
        visitor = self._visitor(browser)
        answer = visitor.post(f"{self._page(visitor)}/download/{self._document()}")
        self._assert_nothing_shown(visitor, answer)
        self.read = self.read or answer.status_code == 200
        self._nothing_happened()

    @rule(
        browser=browsers, without=st.sampled_from([None, None, None, "name", "consents", "csrf_token", "one consent"])
    )
    def sign(self, browser, without):
        visitor = self._visitor(browser)
        form = visitor.signature()
        if without == "one consent":
            form["consents"] = form["consents"][:1]
        elif without:
            form[without] = ""
        answer = visitor.post(f"{self._page(visitor)}/sign", **form)
        may = visitor is self.inside and self.read and not without and self.state == "sent"
        self._moved(to="signed" if may else None)
        if visitor is not self.inside:
            assert answer.status_code in (404, 400)

    @rule(browser=browsers)
    def decline(self, browser):
        visitor = self._visitor(browser)
        visitor.post(f"{self._page(visitor)}/decline", comment="no")
        self._moved(to="declined" if visitor is self.inside and self.state == "sent" else None)

    @rule(browser=browsers)
    def leave(self, browser):
        visitor = self._visitor(browser)
        visitor.post(f"{self._page(visitor)}/leave")
        if visitor is self.inside:
            self.inside = None
        self._nothing_happened()

    # ------------------------------------------------------------------------------------- time and salesperson

    @precondition(lambda self: self.inside)
    @rule()
    def session_runs_out(self):
        self.stand.sql("UPDATE esign_ticket SET proved_on = proved_on - interval '61 minutes'")
        self.inside = None

    @precondition(lambda self: self.holder)
    @rule()
    def code_runs_out(self):
        self.stand.sql("UPDATE esign_otp SET expires_on = expires_on - interval '6 minutes'")
        self.holder = None

    @precondition(lambda self: self.state == "sent")
    @rule(act=st.sampled_from(["cancel", "edit", "confirm", "look"]))
    def salesperson(self, act):
        order, admin = self.quotation.id, self.stand.admin
        if act == "look":
            admin.read("sale.order", order, ["state", "esign_state"])
            self._nothing_happened()
            return
        if self.run["steps"] % 3:  # seldom: it ends the sequence
            return
        try:
            if act == "cancel":
                admin.call("sale.order", "action_esign_cancel", [order])
            elif act == "edit":
                admin.write("sale.order", order, {"client_order_ref": "changed"})
            else:
                admin.call("sale.order", "action_lock", [order])
        except RpcError:
            self._nothing_happened()
            return
        self._moved(to=None if act == "confirm" else "void")

    # ------------------------------------------------------------------------------------------------ judgement

    def teardown(self):
        self.run["sequences"] += 1
        self.run["ends"][self.state] = self.run["ends"].get(self.state, 0) + 1
        self.checker.check(*self.visitors)

    def _visitor(self, browser: int) -> Visitor:
        self.run["steps"] += 1
        return self.visitors[browser]

    def _page(self, visitor: Visitor) -> str:
        """The page of this procedure; who was never there may have heard of its address."""
        ((uid,),) = self.stand.sql(
            """SELECT t.uid FROM esign_ticket t JOIN esign_signer s ON s.id = t.signer_id
                 JOIN esign_request r ON r.id = s.request_id WHERE r.order_id = %s ORDER BY t.id DESC LIMIT 1""",
            [self.quotation.id],
        )
        if not visitor.token:
            visitor.get(self.link)  # any page gives a token
        return f"/esign/{uid}"

    def _document(self, column: str = "uid") -> str:
        query = f"""SELECT d.{column} FROM esign_document d JOIN esign_request r ON r.id = d.request_id
                     WHERE r.order_id = %s AND d.kind = 'quote'"""
        ((value,),) = self.stand.sql(query, [self.quotation.id])
        return value

    def _sha256(self) -> str:
        return self._document("sha256")

    def _count(self, kind: str) -> int:
        return self.stand.events(self.quotation).count(kind)

    def _assert_nothing_shown(self, visitor: Visitor, answer) -> None:
        if visitor is not self.inside:
            assert NEVER not in answer.content and "data-file" not in answer.text, "shown before the code"
            assert "consents" not in answer.text and '"journal"' not in answer.text

    def _moved(self, to: str | None) -> None:
        (*_older, (state, order, read)) = self.stand.sql(FACTS, [self.quotation.id])
        assert state == (to or self.state), f"{self.state} became {state}, not {to}"
        assert read == self.read, "reading was noted without a browser inside"
        assert (order == "sale") == (state == "signed")
        self.state = state

    def _nothing_happened(self) -> None:
        self._moved(to=None)
