"""A time-stamp authority for the stand's company, and what it got from it, read from the files themselves."""

import base64
import io
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from pyhanko.pdf_utils.reader import PdfFileReader

from devtools.timestamp_authority import POLICY, TimestampAuthority

COMPANY = 1
# What is logged of an authority that fails, or that is no more.
NOISE = ("cannot be sealed yet", "no time-stamp for", "waits for its time-stamp", "revocation of")
SIGNED = """
    SELECT p.json, p.id, d.kind, a.store_fname FROM esign_request r JOIN esign_proof p ON p.request_id = r.id
      JOIN esign_document d ON d.request_id = r.id AND d.kind IN ('signed', 'proof')
      JOIN ir_attachment a ON a.res_model = 'esign.document' AND a.res_id = d.id AND a.res_field = 'content'
     WHERE r.order_id = %s"""


@dataclass(frozen=True)
class Reached:
    """What a signed file and its proof have, and what the proof says of it."""

    level: str  # of the signed file, by what is in it
    stated: str  # by the proof
    drift_ms: int | None
    proof_stamped: bool
    late: int  # tokens that came afterwards


@contextmanager
def set_up(stand, when_unavailable: str, *, second: bool = False):
    """An authority that works, in the company's settings; ``second`` gives its second address, too."""
    with TimestampAuthority() as authority:
        values = {
            "esign_tsa_url": authority.url,
            "esign_tsa_second_url": authority.second_url if second else False,
            "esign_tsa_policy": POLICY,
            "esign_tsa_roots": base64.b64encode(authority.roots_pem).decode(),
            "esign_tsa_when_unavailable": when_unavailable,
        }
        stand.admin.write("res.company", COMPANY, values)
        try:
            yield authority
        finally:
            authority.heal()
            stand.revive()
            stand.admin.write("res.company", COMPANY, {"esign_tsa_url": False, "esign_tsa_second_url": False})
            # Else the hourly job asks in vain, in whichever test comes next.
            stand.sql("DELETE FROM esign_revocation WHERE purpose = 'timestamp'")


def ask_again_now(stand) -> None:
    """As if the time had gone by for which an authority that failed is left alone."""
    stand.sql("UPDATE esign_authority SET retry_on = NULL")


def late_tokens(stand, order_id: int) -> int:
    query = "SELECT count(*) FROM esign_timestamp t JOIN esign_request r ON r.id = t.request_id WHERE r.order_id = %s"
    return stand.sql(query, [order_id])[0][0]


def reached(stand, order_id: int) -> Reached:
    files = {}
    for text, _proof, kind, name in stand.sql(SIGNED, [order_id]):
        proof, files[kind] = json.loads(text), (stand.filestore / name).read_bytes()
    reader = PdfFileReader(io.BytesIO(files["signed"]))
    (signature,) = reader.embedded_signatures
    stamped = time_of_stamp(signature) is not None
    level = "PAdES B-B" if not stamped else "PAdES B-LT" if "/DSS" in reader.root else "PAdES B-T"
    (of_proof,) = PdfFileReader(io.BytesIO(files["proof"])).embedded_signatures
    stated = _stated(proof)
    token = stated["timestamp"]
    return Reached(
        level,
        stated["level"],
        token and token["drift_ms"],
        time_of_stamp(of_proof) is not None,
        late_tokens(stand, order_id),
    )


def time_of_stamp(signature) -> datetime | None:
    """When the authority stamped a signature in a PDF (of pyHanko's reader)."""
    for attribute in signature.signer_info["unsigned_attrs"]:
        if attribute["type"].native == "signature_time_stamp_token":
            (token,) = attribute["values"]
            return token["content"]["encap_content_info"]["content"].parsed["gen_time"].native
    return None


def _stated(proof) -> dict:
    """What the proof says of the time-stamp, wherever it says so."""
    found = [item for item in _dicts(proof) if {"level", "when_unavailable", "timestamp"} <= set(item)]
    assert found, "the proof does not say which level was reached"
    return found[0]


def _dicts(value):
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _dicts(item)
