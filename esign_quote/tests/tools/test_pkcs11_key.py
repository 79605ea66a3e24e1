"""Keys in a security module, with SoftHSM in its place."""

import os
from dataclasses import replace

import pytest
import soft_token
from certificates import Issued
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tools import pkcs11_key
from tools.exceptions import SealError
from tools.pkcs11_key import TokenSettings, load_token_key, read_token_certificate
from tools.verify import verify_strict

pytestmark = pytest.mark.skipif(bool(soft_token.reason_to_skip()), reason=soft_token.reason_to_skip() or "-")


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    """(settings, certificate) by kind of key."""
    folder = tmp_path_factory.mktemp("token")
    soft_token.make_token(folder)
    made = {}
    keys = {
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
        "rsa": rsa.generate_private_key(65537, 2048),
    }
    for label, key in keys.items():
        soft_token.import_key(folder, key, label)
        settings = TokenSettings(soft_token.module_path(), soft_token.LABEL, label, soft_token.PIN)
        made[label] = settings, Issued(label, key=key).der
    return made


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
def test_a_token_seals(token, kind, original, sealing):
    settings, certificate = token[kind]
    key = load_token_key(settings, certificate)
    for _number in range(3):
        assert len(key.sign(b"x")) <= key.signature_size
    assert verify_strict(sealing(original, with_key=key), certificate).ok


def test_a_process_of_its_own_opens_a_session_of_its_own(token):
    """Odoo's workers are forked: what the parent opened is of no use to them."""
    key = load_token_key(*token["p256"])
    child = os.fork()
    if not child:
        try:
            good = bool(key.sign(b"in the child"))
        except BaseException:  # noqa: BLE001  pytest must not run on in the child
            good = False
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert key.sign(b"in the parent")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # python-pkcs11's search, cut off
def test_a_lost_session_is_opened_again(token):
    settings, certificate = token["rsa"]
    key = load_token_key(settings, certificate)
    pkcs11_key._sessions[os.getpid(), settings.module, settings.token].close()
    assert key.sign(b"again")


def test_the_key_must_fit_the_certificate(token):
    with pytest.raises(SealError) as caught:
        load_token_key(token["p256"][0], Issued("Other").der)
    assert caught.value.reason == "key_mismatch"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key": "unknown"}, "token_key"),
        ({"token": "unknown"}, "token_missing"),
        ({"module": "/nowhere.so"}, "token_module"),
        ({"pin": ""}, "token_incomplete"),
    ],
)
def test_what_is_wrong_with_the_settings_is_told(token, change, reason):
    settings, certificate = token["p256"]
    with pytest.raises(SealError) as caught:
        load_token_key(replace(settings, **change), certificate)
    assert caught.value.reason == reason


def test_a_wrong_pin_is_tried_once_only(token):
    """A cron that tries every minute would lock the token for good."""
    settings, certificate = token["p256"]
    wrong = replace(settings, pin="0000")
    pkcs11_key._close(settings)
    causes = []
    for _number in range(2):
        with pytest.raises(SealError) as caught:
            load_token_key(wrong, certificate)
        assert caught.value.reason == "token_pin"
        causes.append(caught.value.detail["cause"])
    assert causes == ["PinIncorrect", "remembered"]
    assert load_token_key(settings, certificate).sign(b"x")


def test_without_the_package_it_says_so(token, monkeypatch):
    monkeypatch.setattr(pkcs11_key, "pkcs11", None)
    with pytest.raises(SealError) as caught:
        read_token_certificate(token["p256"][0])
    assert caught.value.reason == "token_package"


def test_the_pin_shows_nowhere(token):
    assert soft_token.PIN not in repr(token["p256"][0])


def test_a_token_without_certificate(token):
    assert read_token_certificate(token["p256"][0]) is None
