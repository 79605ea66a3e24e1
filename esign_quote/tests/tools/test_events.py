import ast
import hashlib
import re
from pathlib import Path

import pytest
from tools import browsers, chain, events

ADDON = Path(__file__).parents[2]
AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36": (
        "Chrome",
        "Windows",
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": (
        "Edge",
        "Windows",
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0": ("Firefox", "Linux"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15": (
        "Safari",
        "macOS",
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": (
        "Safari",
        "iOS",
    ),
    "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1": (
        "Chrome",
        "iPadOS",
    ),
    "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36": (
        "Samsung Internet",
        "Android",
    ),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": ("Internet Explorer", "Windows"),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 OPR/115.0": (
        "Opera",
        "ChromeOS",
    ),
    "curl/8.5.0": ("unknown", "unknown"),
    "": ("unknown", "unknown"),
}
# Names that look like events and are models or templates of Odoo.
MODELS = re.compile(
    r"(mail|order|signature|payment)\.(mail|message|template|thread|transaction|provider|compose\w*|activity\w*|server)"
    r"|mail\.mail_activity\w+"  # records
    r"|\w+\.(json|pdf)"  # files
)


@pytest.mark.parametrize(("agent", "wanted"), AGENTS.items())
def test_a_browser_is_described_by_two_words(agent, wanted):
    assert tuple(browsers.describe(agent).values()) == wanted


def test_no_header_is_no_trouble():
    assert browsers.describe(None) == {"browser": "unknown", "system": "unknown"}


def test_an_event_that_is_not_in_the_list_is_refused():
    assert events.check("sign.confirmed") == "sign.confirmed"
    with pytest.raises(ValueError, match="sign.cofirmed"):
        events.check("sign.cofirmed")


def test_each_event_has_a_line_that_says_what_it_means():
    for kind, meaning in events.EVENTS.items():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", kind)
        assert 10 < len(meaning) < 120, kind


def literal_events():
    """Every text in the addon's code that is, or looks like, the type of an event."""
    spaces = {kind.partition(".")[0] for kind in events.EVENTS}
    for folder in ("models", "wizard"):
        for path in sorted((ADDON / folder).glob("*.py")):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    space, dot, _rest = node.value.partition(".")
                    is_type = re.fullmatch(r"[a-z_]+\.[a-z_]+", node.value) and not MODELS.fullmatch(node.value)
                    if dot and space in spaces and is_type:
                        yield path.name, node.value
                # (type, payload): whatever stands first beside a dict that is written there.
                if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict):
                    first = node.elts[0]
                    if isinstance(first, ast.Constant) and "." in str(first.value):
                        yield path.name, first.value


def test_whatever_the_code_logs_is_in_the_list():
    found = list(literal_events())
    assert {"sign.confirmed", "mail.bounced", "request.expired", "annex.downloaded"} <= {kind for _path, kind in found}
    assert [item for item in found if item[1] not in events.EVENTS] == []


# === PRIVATE PART === #

ORIGIN = {"ip": "192.0.2.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"}


def test_the_address_stays_public_for_the_three_acts_only():
    for kind in events.EVENTS:
        public, private = events.separate(kind, {"try": 1, **ORIGIN})
        assert ("ip" in public) == (kind in ("code.validated", "sign.confirmed", "decline.confirmed"))
        assert ("ip" in private) != ("ip" in public)
        assert "user_agent" not in public
        assert private["user_agent"] == ORIGIN["user_agent"]
        assert (public["browser"], public["system"], public["try"]) == ("Firefox", "Linux", 1)


def test_what_is_called_private_is_private_and_nothing_else():
    payload = {"a": 1, "private": {"b": 2}}
    assert events.separate("link.opened", payload) == ({"a": 1}, {"b": 2})
    assert payload == {"a": 1, "private": {"b": 2}}
    assert events.separate("link.opened", {"a": 1}) == ({"a": 1}, {})


def test_a_commitment_depends_on_salt_and_data():
    salt = chain.new_salt()
    assert len(bytes.fromhex(salt)) == 32
    one = chain.commitment(salt, {"ip": "192.0.2.7", "b": 1})
    assert one == chain.commitment(salt, {"b": 1, "ip": "192.0.2.7"})
    assert one != chain.commitment(salt, {"b": 1, "ip": "192.0.2.8"})
    assert one != chain.commitment(chain.new_salt(), {"b": 1, "ip": "192.0.2.7"})


def test_the_formula_of_a_commitment_is_the_published_one():
    wanted = hashlib.sha256(bytes(32) + b'{"ip":"192.0.2.7"}').hexdigest()
    assert chain.commitment("00" * 32, {"ip": "192.0.2.7"}) == wanted
