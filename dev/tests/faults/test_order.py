"""R-13: a customer, a stranger and a salesperson do legal and illegal things in any order; no step can be skipped.

By chance alone hardly anybody would get in. So one rule does what a customer would do next, and is drawn more often
than the others; everything else happens in between.
"""

from collections import Counter
from urllib.parse import urlsplit

import quotations
import waiting
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from scale import SCALE, SIZE
from visitor import Visitor

from devtools.rpc import RpcError

BROWSERS, TRIES = 2, 3
NEVER = b"%PDF"
CLOSED = ("signed", "declined", "void", "expired")
FACTS = """
    SELECT r.state, o.state, sg.last_page_on IS NOT NULL OR sg.downloaded_on IS NOT NULL
      FROM esign_request r JOIN sale_order o ON o.id = r.order_id JOIN esign_signer sg ON sg.request_id = r.id
     WHERE r.order_id = %s ORDER BY r.id"""
browsers = st.integers(0, BROWSERS - 1)
answers = st.sampled_from(["sign", "sign", "decline"])


def test_order(stand, caught, row, invariants):
    """R-13 random order of calls."""
    run = {"sequences": 0, "steps": 0, "ends": Counter(), "got": Counter()}

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
        row(run["sequences"], steps=run["steps"], ended=_tally(run["ends"]), came=_tally(run["got"]))


def _tally(counter: Counter) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


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
        self.unlocked = False  # the mailbox gets one way out a day
        self.state = "sent"
        self.read = False

    # ------------------------------------------------------------------------------------------- the way through

    def _go_on(self, browser: int, answer: str) -> None:
        """What the customer does next."""
        visitor = self.inside or self.holder or self.visitors[browser]
        number = self.visitors.index(visitor)
        if self.inside and self.state in CLOSED:
            self.look(number, "")
        elif self.inside and not self.read:
            self.report_reading(number, right=True)
        elif self.inside:
            self.sign(number, without=None) if answer == "sign" else self.decline(number)
        elif self.holder:
            self.give_right_code(number)
        else:
            self.ask_for_code(number, later=True)

    # As often as six others; of those who answer, most sign.
    @rule(browser=browsers, answer=answers)
    def go_on(self, browser, answer):
        self._go_on(browser, answer)

    @rule(browser=browsers, answer=answers)
    def go_on_too(self, browser, answer):
        self._go_on(browser, answer)

    @rule(browser=browsers, answer=answers)
    def go_on_as_well(self, browser, answer):
        self._go_on(browser, answer)

    @rule(browser=browsers, answer=answers)
    def go_further(self, browser, answer):
        self._go_on(browser, answer)
        self._go_on(browser, answer)

    @precondition(lambda self: not self.inside)
    @rule(browser=browsers, answer=answers)
    def get_in(self, browser, answer):
        self._go_on(browser, answer)
        self._go_on(browser, answer)

    @precondition(lambda self: not self.inside)
    @rule(browser=browsers, answer=answers)
    def get_in_too(self, browser, answer):
        self.get_in(browser, answer)

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
            self._look_into_mailbox(visitor)
        self._nothing_happened()

    @rule(browser=browsers, later=st.booleans())
    def ask_for_another_code(self, browser, later):
        """On the page itself, as who comes back after the session has ended."""
        visitor = self._visitor(browser)
        if later:
            self.stand.forget_limits()
        answer = visitor.post(f"{self._page(visitor)}/code")
        assert answer.status_code in ((303,) if visitor is self.inside else (200, 404, 422)), answer.status_code
        if self._look_into_mailbox(visitor):
            assert "/verify" in answer.text, "the page does not know yet that a code was sent"
        self._nothing_happened()

    def _look_into_mailbox(self, visitor) -> bool:
        """Whose code has come? The link gives a browser a new secret, so a running session is left."""
        if len(quotations.code_mails(self.mails, self.quotation.email)) == self.codes:
            return False
        self.codes += 1
        self.holder = visitor
        if visitor is self.inside:
            self.inside = None
        return True

    @precondition(lambda self: self.codes)
    @rule(browser=browsers)
    def give_right_code(self, browser):
        visitor = self._visitor(browser)
        code = quotations.latest_code(self.mails, self.quotation.email, count=self.codes)
        self._give(visitor, code, right=True)

    @precondition(lambda self: self.codes)
    @rule(browser=browsers, way=st.sampled_from([1, 2, 3, 4, "short", "letters", "empty", "first"]))
    def give_wrong_code(self, browser, way):
        visitor = self._visitor(browser)
        mails = quotations.code_mails(self.mails, self.quotation.email)
        right = quotations.CODE.search(mails[-1].text)[0]
        first = quotations.CODE.search(mails[0].text)[0]
        known = {"short": right[:5], "letters": "abcdef", "empty": "", "first": first}
        code = known[way] if way in known else quotations.another_code(right, way)
        self._give(visitor, code, right=code == right)

    @precondition(lambda self: self.holder and self.wrong < TRIES)
    @rule()
    def guess_until_locked(self):
        """Whoever has the code's browser, but not the mailbox."""
        right = quotations.latest_code(self.mails, self.quotation.email, count=self.codes)
        first = 15 if self.unlocked else 5  # the same wrong code once more would not count
        for number in range(first, first + TRIES):
            self._give(self.holder, quotations.another_code(right, number), right=False)
        assert self.wrong == TRIES
        self.run["got"]["locked"] += 1
        self._give(self.holder, right, right=False)

    @precondition(lambda self: self.wrong == TRIES and not self.unlocked)
    @rule(browser=browsers)
    def unlock(self, browser):
        visitor = self._visitor(browser)
        path = urlsplit(quotations.unlock_link(self.mails, self.quotation.email)).path
        visitor.get(path)
        assert visitor.post(path).status_code == 200
        assert visitor.post(path).status_code == 404, "it works once"
        self.wrong, self.unlocked = 0, True
        self.run["got"]["unlocked"] += 1
        self._nothing_happened()

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
            self.run["got"]["in"] += 1
        else:
            assert answer.status_code in ((303,) if proved else (404, 422)), answer.status_code
        self.wrong += after[1] - before[1]
        assert self.wrong <= TRIES
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
            self.run["got"]["read"] += not self.read
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
            # 403: a browser that had a session, or waits for a code, is asked for a new one.
            assert answer.status_code in (403, 404, 400)

    @rule(browser=browsers)
    def stay(self, browser):
        visitor = self._visitor(browser)
        answer = visitor.post(f"{self._page(visitor)}/stay", name="Somebody Else", consents=["C1"])
        assert answer.status_code == (200 if visitor is self.inside else 403)
        assert bool(answer.json()["idle"]) == (visitor is self.inside)
        self._nothing_happened()

    @rule(browser=browsers)
    def decline(self, browser):
        visitor = self._visitor(browser)
        visitor.post(f"{self._page(visitor)}/decline", comment="no")
        self._moved(to="declined" if visitor is self.inside and self.state == "sent" else None)

    @rule(browser=browsers)
    def leave(self, browser):
        visitor = self._visitor(browser)
        visitor.post(f"{self._page(visitor)}/leave")
        # With the session, the browser loses the secret that a code of its own is bound to.
        self.inside = None if visitor is self.inside else self.inside
        self.holder = None if visitor is self.holder else self.holder
        self._nothing_happened()

    # ------------------------------------------------------------------------------------- time and salesperson

    @precondition(lambda self: self.inside)
    @rule(
        clock=st.sampled_from(
            ["seen_on = seen_on - interval '15 minutes'", "proved_on = proved_on - interval '1 hour'"]
        )
    )
    def session_runs_out(self, clock):
        self.stand.sql(f"UPDATE esign_ticket SET {clock}")
        self.inside = None
        self.run["got"]["timed out"] += 1

    @precondition(lambda self: self.holder)
    @rule()
    def code_runs_out(self):
        self.stand.sql("UPDATE esign_otp SET expires_on = expires_on - interval '6 minutes'")
        self.holder = None

    @precondition(lambda self: self.state == "sent")
    @rule(browser=browsers, seldom=st.integers(0, 2))
    def lose_the_link(self, browser, seldom):
        """A new link comes to the mailbox, unless somebody is inside: a stranger must not throw the customer out."""
        if seldom:  # it takes time
            return
        visitor = self._visitor(browser)
        self.stand.forget_limits()
        visitor.get("/esign/again")
        assert visitor.post("/esign/again", email=self.quotation.email).status_code == 200
        self.stand.run_cron("ir_cron_wishes")
        if not self.inside:
            waiting.until(lambda: self._newest_link() != self.link, what="the new link")
            self.link, self.holder = self._newest_link(), None
            self.run["got"]["new link"] += 1
        assert self._newest_link() == self.link
        self._nothing_happened()

    def _newest_link(self) -> str:
        return urlsplit(quotations.personal_link(self.mails, self.quotation.email)).path

    @precondition(lambda self: self.state == "sent")
    @rule(act=st.sampled_from(["cancel", "edit", "confirm", "look"]), seldom=st.integers(0, 4))
    def salesperson(self, act, seldom):
        order, admin = self.quotation.id, self.stand.admin
        if act == "look":
            admin.read("sale.order", order, ["state", "esign_state"])
            self._nothing_happened()
            return
        if seldom:  # it ends the sequence
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
