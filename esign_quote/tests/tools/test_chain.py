import copy
import random

import pytest
from tools import chain
from tools.exceptions import ChainBroken

JOURNAL = "ES-TEST"


def journal(length=12):
    head, entries = chain.start(JOURNAL), []
    for seq in range(1, length + 1):
        payload = {"n": seq, "text": f"entry é {seq}"}
        entry = {
            "seq": seq,
            "type": "code.requested",
            "at": f"2026-11-22T10:00:{seq:02d}.000Z",
            "actor": "signer",
            "payload_sha256": chain.payload_hash(payload),
        }
        head = chain.link(head, entry)
        entries.append({**entry, "payload": payload, "hash": head})
    return entries


def test_an_untouched_journal_verifies_to_its_head():
    entries = journal()
    assert chain.verify(JOURNAL, entries, entries[-1]["hash"]) == entries[-1]["hash"]


def test_every_edit_is_found():
    draw = random.Random(1)
    for _ in range(500):
        entries = copy.deepcopy(journal())
        entry = draw.choice(entries)
        name = draw.choice(["type", "at", "actor", "payload", "payload_sha256", "hash"])
        if name == "payload":
            entry["payload"]["text"] += "!"
        else:
            where = draw.randrange(len(entry[name]))
            entry[name] = entry[name][:where] + ("0" if entry[name][where] != "0" else "1") + entry[name][where + 1 :]
        with pytest.raises(ChainBroken):
            chain.verify(JOURNAL, entries, journal()[-1]["hash"])


@pytest.mark.parametrize(
    "damage",
    [
        lambda entries: entries[:-1],
        lambda entries: entries[:5] + entries[6:],
        lambda entries: [entries[1], entries[0], *entries[2:]],
        lambda entries: [*entries, entries[-1]],
        lambda entries: [],
    ],
    ids=["tail", "middle", "order", "repeat", "all"],
)
def test_missing_and_moved_entries_are_found(damage):
    entries = journal()
    with pytest.raises(ChainBroken):
        chain.verify(JOURNAL, damage(entries), entries[-1]["hash"])


def test_another_requests_journal_is_not_ours():
    with pytest.raises(ChainBroken):
        chain.verify("ES-OTHER", journal())


def test_the_key_order_of_a_payload_does_not_matter():
    assert chain.payload_hash({"a": 1, "b": 2}) == chain.payload_hash({"b": 2, "a": 1})


def test_a_journal_without_its_payloads_still_holds_together():
    entries = journal()
    for entry in entries[:-1]:
        entry["payload"] = None
    assert chain.verify(JOURNAL, entries, entries[-1]["hash"], purged=True) == entries[-1]["hash"]
    with pytest.raises(ChainBroken, match="payload"):
        chain.verify(JOURNAL, entries)
    entries[3]["payload_sha256"] = "0" * 64
    with pytest.raises(ChainBroken, match="hash"):
        chain.verify(JOURNAL, entries, purged=True)
