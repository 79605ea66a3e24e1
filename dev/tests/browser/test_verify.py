"""Checking by anybody: the public page, and the page that needs no server, on what a real signature leaves behind."""

import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import expect
from watch import Watch

from devtools import paths

sys.path[:0] = [str(paths.ADDON), str(paths.ADDON / "tests" / "tools")]
import pdf_factory  # noqa: E402
import vectors  # noqa: E402
from timestamp_authority import TimestampAuthority  # noqa: E402
from tools import pack  # noqa: E402

CHECKER = paths.ADDON / "static" / "check" / "check.html"
WIDTHS = (390, 1280)
ANSWERS = {"yes": True, "no": False, "untold": None}


@pytest.fixture(scope="module")
def every_vector():
    # pyHanko starts an event loop, and Playwright has one in this thread already.
    with ThreadPoolExecutor(1) as aside, TimestampAuthority() as authority:
        return aside.submit(_make_vectors, authority).result()


def _make_vectors(authority):
    key = vectors.new_key()
    stamped = vectors.stamped_vectors(authority, key, pdf_factory.quote(2))
    return [*vectors.vectors(key, vectors.new_key()), *stamped]


@pytest.fixture
def signed(invited, mails, tmp_path):
    """The files of a signature that a customer gave: signed, proof, json, pack."""
    customer, link = invited("verified")
    customer.open_link(link)
    customer.paste_code(customer.ask_code())
    customer.read_to_end()
    customer.go_on_to_sign()
    customer.fill_in("typed")
    customer.sign()
    files = customer.download_result(tmp_path)
    with customer.page.expect_download() as download:
        customer.page.locator("a[href$='/pack']").click()
    files["pack"] = Path(download.value.path()).rename(tmp_path / "pack.zip")
    files["identifier"] = customer.page.locator(".o_esign_facts dd").first.text_content()
    return files


def drop(page, path, target="body"):
    """Drop a file from outside onto the page."""
    data = page.evaluate_handle(
        """async ([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(bytes)], name));
            return transfer;
        }""",
        [path.name, list(path.read_bytes())],
    )
    for event in ("dragover", "drop"):
        page.dispatch_event(target, event, {"dataTransfer": data})


def test_the_public_page(signed, server, customer_page, new_page, photographer, tmp_path):
    """One signature, and what anybody can learn of its files: each in a window of its own."""
    changed, added = tmp_path / "changed.pdf", tmp_path / "added.pdf"
    changed.write_bytes(signed["signed"].read_bytes()[:-1] + b"\0")
    added.write_bytes(signed["signed"].read_bytes() + b"%%EOF\n")
    for width in WIDTHS:
        _by_fingerprint(
            customer_page("en_US", width), server, {**signed, "changed": changed}, photographer(f"verify-{width}")
        )
    _dropped(customer_page("fr_FR", 1280), server, signed)
    for javascript in (True, False):
        page = new_page(java_script_enabled=javascript, viewport={"width": 390, "height": 844})
        _by_the_server(page, server, {"authentic": signed["signed"], "changed": added})
        photographer(f"verify-server-{javascript}")(page, "changed")


def _by_fingerprint(page, server, files, shoot):
    watch = Watch(page, server.url)
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.post_data or ""))
    page.goto(f"{server.url}/esign/verify")
    shoot(page, "empty")
    words = {"signed": "authentic", "proof": "authentic", "json": "authentic", "changed": "unheard"}
    for name, word in words.items():
        page.locator("input[type=file]").set_input_files(files[name])
        expect(page.locator(f"[data-verdict={word}]")).to_be_visible()
        expect(page.locator(".o_esign_answers li")).to_have_count(3)
        watch.check()
        shoot(page, f"{name}-{word}")
        page.locator("input[type=file]").set_input_files([])
        expect(page.locator("[data-verdict]")).to_have_count(0)
    assert len(sent) == len(words) and all(len(data) < 300 for data in sent), "fingerprints only"


def _dropped(page, server, files):
    watch = Watch(page, server.url)
    page.goto(f"{server.url}/esign/verify/{files['identifier']}")
    page.locator("input[type=file]").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "submit", "the next thing that the keyboard reaches"
    drop(page, files["signed"])
    expect(page.locator("[data-verdict=authentic]")).to_be_visible()
    expect(page.locator(".o_esign_answer_yes")).to_have_count(3)
    watch.check()


def _by_the_server(page, server, files):
    page.goto(f"{server.url}/esign/verify")
    for word, path in files.items():
        page.locator("input[type=file]").set_input_files(path)
        page.locator("form.o_esign_verify button[type=submit]").click()
        expect(page.locator(f"[data-verdict={word}]")).to_be_visible()


def test_a_slow_answer_is_not_shown_for_the_next_file(server, page, tmp_path):
    """The answer for the first file comes when the second one has its own already, and when nothing is chosen."""
    first, second = tmp_path / "first.pdf", tmp_path / "second.pdf"
    first.write_bytes(b"the first")
    second.write_bytes(b"the second")
    held = []
    page.goto(f"{server.url}/esign/verify")
    for then, shown in ((second, "unheard"), ([], None)):
        page.route("**/esign/verify/hash", lambda route: held.append(route), times=1)  # noqa: PLW0108
        with page.expect_request("**/esign/verify/hash"):
            page.locator("input[type=file]").set_input_files(first)
        page.locator("input[type=file]").set_input_files(then)
        expect(page.locator("[data-verdict=unheard]")).to_have_count(1 if shown else 0)
        with page.expect_response("**/esign/verify/hash"):
            held.pop().fulfill(json={"html": "<p data-verdict='late'>late</p>"})
        page.evaluate("fetch(location).then((answer) => answer.text())")  # whatever came before it has been dealt with
        expect(page.locator("[data-verdict=late]")).to_have_count(0)
        expect(page.locator("[data-verdict]")).to_have_count(1 if shown else 0)


# === THE PAGE THAT NEEDS NO SERVER === #


def test_the_file_for_the_browser_gives_every_vector_its_word(every_vector, new_page):
    page = new_page()
    page.goto(CHECKER.as_uri())
    wrong = []
    for vector in every_vector:
        page.evaluate("shown = null; show()")
        file = {"name": "pack.zip", "mimeType": "application/zip", "buffer": vectors.zipped(vector.files)}
        page.set_input_files("#file", file)
        page.wait_for_selector(".verdict[data-word]")
        word = page.get_attribute(".verdict", "data-word")
        answers = tuple(
            ANSWERS[item.get_attribute("data-answer")] for item in page.query_selector_all("section.answer")
        )
        if word != vector.word or (vector.answers and answers != vector.answers):
            wrong.append((vector.name, word, answers))
    assert not wrong
    assert not page.problems


def test_a_file_that_is_a_zip_too(signed, new_page, tmp_path):
    """A reader shows the PDF: that is what must be judged, or nothing."""
    page = new_page()
    page.goto(CHECKER.as_uri())
    shown, genuine = pdf_factory.quote(2, lines=9), pack.build({"signed.pdf": signed["signed"].read_bytes()})
    for number, content in enumerate((shown + genuine, b"PK\3\4 " + shown + genuine)):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(content)
        page.evaluate("shown = null; show()")
        page.set_input_files("#file", [str(path), str(signed["proof"])])
        expect(page.locator(".verdict:not(.authentic)")).to_have_text(re.compile("NOT OURS|ALTERED|cannot be read"))


def test_the_file_for_the_browser_shows_the_last_files_only(new_page):
    page = new_page()
    page.goto(CHECKER.as_uri())
    page.evaluate(
        """async () => {
            let release;
            const bytes = new TextEncoder().encode("%PDF-").buffer;
            const read = new Promise((resolve) => (release = () => resolve(bytes)));
            const slow = handle([{ name: "signed.pdf", arrayBuffer: () => read }]);
            const broken = Uint8Array.of(0x50, 0x4b, 3, 4).buffer;
            await handle([{ name: "broken.zip", arrayBuffer: async () => broken }]);
            window.before = document.getElementById("result").textContent;
            release();
            await slow;
        }"""
    )
    assert "broken.zip" in page.evaluate("before")
    expect(page.locator("#result")).to_have_text(page.evaluate("before"))
    assert not page.problems


def test_a_real_pack_without_any_network(signed, new_page, photographer):
    for width in WIDTHS:
        page = new_page(viewport={"width": width, "height": 844})
        _check_alone(page, signed, photographer(f"checker-{width}"))
    with zipfile.ZipFile(signed["pack"]) as archive:
        assert archive.read("check.html") == pack.checkers()["check.html"]


def _check_alone(page, files, shoot):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(CHECKER.as_uri())
    shoot(page, "empty")
    drop(page, files["pack"])
    expect(page.locator(".verdict.authentic")).to_be_visible()
    expect(page.locator("section.answer.yes")).to_have_count(3)
    page.locator("[data-lang=fr]").click()
    expect(page.locator(".verdict")).to_have_text("AUTHENTIQUE")
    shoot(page, "authentic")
    page.set_input_files("#file", [str(files["signed"]), str(files["json"])])
    expect(page.locator(".verdict.unknown")).to_be_visible()
    expect(page.locator("section.answer.untold")).to_have_count(2)
    page.set_input_files("#file", [str(files["proof"]), str(files["signed"])])
    expect(page.locator(".verdict.authentic")).to_be_visible()
    expect(page.locator("section.answer.yes")).to_have_count(3)
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    assert not page.problems
