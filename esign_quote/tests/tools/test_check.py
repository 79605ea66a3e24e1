"""The stand-alone checker: the same set of files that check.html gets in the browser suite."""

import ast
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pdf_factory as make
import pytest
import vectors as v
from timestamp_authority import TimestampAuthority
from tools import pack

CHECK = Path(__file__).parents[2] / "static" / "check" / "check.py"


def load():
    spec = importlib.util.spec_from_file_location("esign_check", CHECK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check = load()
KEY, OTHER = v.new_key(), v.new_key()
with TimestampAuthority() as authority:
    VECTORS = [*v.vectors(KEY, OTHER), *v.stamped_vectors(authority, KEY, make.quote(2))]


def run(*arguments, cwd=None, lang="C"):
    command = [sys.executable, "-I", str(CHECK), *map(str, arguments)]
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, cwd=cwd, check=False, timeout=60, env={**os.environ, "LC_ALL": lang}
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector(vector):
    report = check.check(vector.files)
    said = check.render(report, "en")
    assert report.word == vector.word, said
    if vector.answers:
        assert tuple(report.answers[number] for number in (1, 2, 3)) == vector.answers, said
    assert check.render(report, "fr")


def test_the_seal_alone_sees_each_attack_on_a_file():
    """Without any proof, by the certificate only; what the seal cannot see stands in the docstring of check.py."""
    original, by_word = make.quote(2), {"authentic": "valid", "not_ours": ("none", "foreign")}
    sealed, other = v.seal_file(original, KEY), v.seal_file(make.quote(2, lines=3), KEY)
    for name, data, word in v.file_attacks(sealed, original, KEY, OTHER, other):
        status = check.read_seal(data, (KEY.fingerprint,)).status
        fits = name in ("another case of a digit", "another file of ours")
        assert status in ("valid" if fits else by_word.get(word, word)), (name, status)


def test_a_record_inside_the_proof_is_found():
    files = next(vector.files for vector in VECTORS if vector.name == "untouched")
    assert "holds the same proof record, under its seal" in check.render(check.check(files), "en")


def test_names_are_given_once():
    assert len({vector.name for vector in VECTORS}) == len(VECTORS) > 80


# === THE PROGRAM === #


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    good = next(vector for vector in VECTORS if vector.name == "untouched")
    (folder / "pack.zip").write_bytes(pack.build({**good.files, **pack.checkers()}))
    import zipfile

    zipfile.ZipFile(folder / "pack.zip").extractall(folder / "unpacked")
    return folder


def test_a_folder_a_zip_and_single_files(unpacked):
    folder = unpacked / "unpacked"
    for result in (
        run(cwd=folder),
        run(unpacked / "pack.zip"),
        run(folder / "signed.pdf", folder / "proof.pdf"),
        run(folder / "proof.pdf", folder / "signed.pdf"),
        run(folder / "signed.pdf", folder / "proof.json", folder / "journal.json", folder / "proof.pdf"),
    ):
        assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
        assert "Verdict: AUTHENTIC" in result.stdout
    french = run(unpacked / "pack.zip", "--lang", "fr").stdout
    assert "Le journal est complet : OUI" in french and "AUTHENTIQUE" in french
    assert "certificat " + KEY.fingerprint in french


def test_other_files_beside_a_pack_do_not_matter(unpacked):
    (unpacked / "unpacked" / "my notes.txt").write_text("x")
    assert run(cwd=unpacked / "unpacked").returncode == 0


def test_a_certificate_known_from_elsewhere(unpacked):
    signed = unpacked / "unpacked" / "signed.pdf"
    colons = ":".join(KEY.fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
    assert run(signed, "--certificate", colons).returncode == 0
    assert "ISSUER UNKNOWN" in run(signed, "--certificate", OTHER.fingerprint).stdout
    assert run(unpacked / "pack.zip", "--certificate", OTHER.fingerprint).returncode == 1
    assert "ISSUER UNKNOWN" in run(signed).stdout


def test_a_record_alone_proves_nothing(unpacked):
    """It is a text that anybody can write, the fingerprint of the certificate in it included."""
    folder = unpacked / "unpacked"
    result = run(folder / "signed.pdf", folder / "proof.json")
    assert result.returncode == 1 and "ISSUER UNKNOWN" in result.stdout
    assert "S00042" not in result.stdout, "what it is about is not said either"
    known = run(folder / "signed.pdf", folder / "proof.json", "--certificate", KEY.fingerprint)
    assert known.returncode == 0 and "The journal is complete: CANNOT BE TOLD" in known.stdout


def test_a_file_that_is_a_zip_too(unpacked, tmp_path):
    """A reader shows the PDF: that is what must be judged, or nothing."""
    shown, genuine = make.quote(2, lines=9), pack.build({"signed.pdf": (unpacked / "unpacked" / "signed.pdf").read_bytes()})
    proof = unpacked / "unpacked" / "proof.pdf"
    for number, content in enumerate((shown + genuine, b"PK\3\4 " + shown + genuine, b"\n" + genuine)):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(content)
        result = run(path, proof)
        assert result.returncode, result.stdout


def test_many_signatures_that_are_none_cost_nothing():
    """One piece of the file for each would be quadratic: minutes for some megabytes."""
    piece = b"1 0 obj /ByteRange [0 9 %d 100] endobj\n"
    data = b" obj    < " + b"".join(piece % (500_000 + number) for number in range(20_000)) + b">" * 500_000 + b"endobj" * 100
    start = time.process_time()
    check.find_signatures(data)
    small = time.process_time() - start
    start = time.process_time()
    check.find_signatures(data + b">" * 20_000_000)
    assert time.process_time() - start < 10 * small + 1


@pytest.mark.parametrize("content", [b"", b"PK\3\4junk", b"\xff" * 5000, b"{}", b"%PDF-1.7\n/ByteRange [0 1 2 3]"])
def test_hostile_input_gives_words_not_a_traceback(content, tmp_path):
    for name in ("a.pdf", "a.zip", "a.json"):
        (tmp_path / name).write_bytes(content)
        result = run(tmp_path / name)
        assert result.returncode in (1, 2) and not result.stderr and result.stdout
    assert run(tmp_path / "absent").returncode == 2
    assert run(cwd=tmp_path / "..").returncode in (0, 1, 2)


def test_a_zip_that_holds_too_much(tmp_path, monkeypatch):
    path = tmp_path / "bomb.zip"
    path.write_bytes(pack.build({"signed.pdf": b"x" * 5000}))
    monkeypatch.setattr(check, "MAX_PACK", 1000)
    assert check.main([str(path)]) == 2


def test_old_python_and_nothing_but_its_library():
    tree = ast.parse(CHECK.read_text(), feature_version=(3, 8))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not any(isinstance(node, ast.ImportFrom) and node.module != "collections" for node in ast.walk(tree))
    assert imported <= {"base64", "hashlib", "json", "os", "re", "sys", "zipfile", "zlib"}


# === ITS TWIN === #


def test_the_page_says_the_same_words():
    page = CHECK.with_name("check.html").read_text()

    def table(text, mark):
        return text.split(f"{mark} BEGIN TEXTS\n")[1].split(f"{mark} END TEXTS")[0].removeprefix("const ").rstrip(";\n")

    assert table(page, "//") == table(CHECK.read_text(), "#")


def test_the_page_allows_its_own_script_and_nothing_else():
    import base64
    import hashlib
    import re

    page = CHECK.with_name("check.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    for tag in ("script", "style"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy, "write this hash into the policy of check.html"
    assert policy.startswith("default-src 'none'") and "connect-src" not in policy
    assert not re.search(r"(src|href)=|https?://", page)
