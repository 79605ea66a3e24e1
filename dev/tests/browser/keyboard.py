"""Go through a page without a mouse."""

from playwright.sync_api import Page, expect

MOST_TABS = 40
FOCUSED = "(selector) => document.activeElement.matches(selector)"
VISIBLE = """
() => {
    const box = document.activeElement.getBoundingClientRect();
    const style = getComputedStyle(document.activeElement);
    return box.bottom > 0 && box.top < innerHeight && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
}
"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus; wherever the focus comes by, it must be seen."""
    page.wait_for_load_state()  # a page may set the focus itself
    for _press in range(MOST_TABS):
        page.keyboard.press("Tab")
        reached = page.evaluate(FOCUSED, selector)
        if page.evaluate("document.activeElement !== document.body"):
            shown = page.evaluate(VISIBLE)
            assert shown, "focus is not visible on " + page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        if reached:
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def scroll_to_end(page: Page, selector: str) -> None:
    """Focus a region that scrolls, and press End."""
    tab_to(page, selector)
    page.keyboard.press("End")
    region = page.locator(selector)
    expect(region.locator(".o_esign_sheet").last).to_have_attribute("data-drawn", "1")
