"""What must never happen in a customer's browser, whatever page is open."""

from urllib.parse import urlsplit

from playwright.sync_api import Page

CSP_LISTENER = """
document.addEventListener("securitypolicyviolation", (ev) =>
    console.error(`CSP: ${ev.violatedDirective} forbids ${ev.blockedURI || "inline"}`));
"""
MIN_TARGET = 44  # CSS pixels, WCAG 2.5.5
TARGETS = "button, input, select, textarea, summary, a[href], label:has(input)"
SMALL_TARGETS = """
({ selector, least }) => [...document.querySelectorAll(selector)]
    .filter((item) => item.checkVisibility() && item.type !== "hidden" && !item.closest(".o_esign_skip"))
    // A box inside a label: the label is what a thumb meets.
    .filter((item) => !(item.tagName === "INPUT" && item.closest("label")))
    .map((item) => [item.outerHTML.slice(0, 90), item.getBoundingClientRect()])
    .filter(([, box]) => box.width && (Math.round(box.height) < least || Math.round(box.width) < least))
    .map(([text, box]) => `${text} is ${Math.round(box.width)} × ${Math.round(box.height)}`)
"""


class Watch:
    """Collects what a page does wrong from now on: errors, violated policies, requests to other hosts."""

    def __init__(self, page: Page, url: str):
        self.page = page
        self.host = urlsplit(url).netloc
        self.problems: list[str] = []
        page.add_init_script(CSP_LISTENER)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("console", self._on_console)
        page.context.on("request", self._on_request)

    def check(self) -> None:
        """Raise if anything is wrong up to here or with what is on the screen."""
        # Between two pages there is a moment without any document.
        self.page.wait_for_load_state()
        assert not self.problems, "\n".join(self.problems)
        widths = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], f"the page scrolls sideways: {widths[0]} > {widths[1]} ({self.page.url})"
        small = self.page.evaluate(SMALL_TARGETS, {"selector": TARGETS, "least": MIN_TARGET})
        assert not small, "too small for a thumb:\n" + "\n".join(small)

    def forgive(self, text: str) -> None:
        """Expect exactly one problem with this text; Chromium logs a refused form as an error, for example.

        The page can be there before what Chromium logs about it.
        """
        while not (found := [problem for problem in self.problems if text in problem]):
            self.page.wait_for_event("console")
        assert len(found) == 1, self.problems
        self.problems.remove(found[0])

    def _on_console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _on_request(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.problems.append(f"request to another host: {request.url}")
