import hashlib
import random
import time

import pytest
from tools import merkle
from tools.exceptions import PathBroken

# The eight entries and the roots of the reference implementation of RFC 6962 (certificate-transparency,
# cpp/merkletree/merkle_tree_test.cc).
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Paths of the same test: (place from 0, number of leaves, hashes).
PATHS = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]


def recursive_root(leaves):
    """RFC 6962 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return merkle.node_hash(recursive_root(leaves[:half]), recursive_root(leaves[half:]))


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_of_the_reference_implementation(count):
    assert merkle.root(LEAVES[:count]).hex() == ROOTS[count - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing():
    assert merkle.root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize(("index", "count", "hashes"), PATHS)
def test_paths_of_the_reference_implementation(index, count, hashes):
    assert [item.hex() for item in merkle.path(index, LEAVES[:count])] == hashes
    found = merkle.root_from_path(index, count, LEAVES[index], [bytes.fromhex(item) for item in hashes])
    assert found.hex() == ROOTS[count - 1]


def test_level_by_level_is_the_tree_of_the_rfc():
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(70)]
    for count in range(1, 71):
        assert merkle.root(leaves[:count]) == recursive_root(leaves[:count])


def test_every_path_leads_to_the_root():
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(33)]
    for count in range(1, 34):
        root = merkle.root(leaves[:count])
        for index in range(count):
            way = merkle.path(index, leaves[:count])
            assert merkle.root_from_path(index, count, leaves[index], way) == root


def test_a_wrong_path_does_not():
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(21)]
    root, draw = merkle.root(leaves), random.Random(1)
    for _ in range(500):
        index = draw.randrange(21)
        way, leaf, place = merkle.path(index, leaves), leaves[index], index
        kind = draw.choice(["hash", "leaf", "place", "order", "longer", "shorter"])
        if kind == "hash":
            at = draw.randrange(len(way))
            way[at] = bytes([way[at][0] ^ 1]) + way[at][1:]
        elif kind == "leaf":
            leaf = merkle.leaf_hash(b"other")
        elif kind == "place":
            place = (index + 1) % 21
        elif kind == "order":
            way.append(way.pop(0)) if len(way) > 1 else way.append(leaf)
        elif kind == "longer":
            way.append(leaf)
        else:
            way.pop()
        try:
            assert merkle.root_from_path(place, 21, leaf, way) != root, kind
        except PathBroken as error:
            assert error.reason == "length"


def test_places_that_there_are_not():
    with pytest.raises(IndexError):
        merkle.path(3, LEAVES[:3])
    with pytest.raises(PathBroken, match="index"):
        merkle.root_from_path(3, 3, LEAVES[0], [])


def test_a_leaf_is_not_taken_for_a_node():
    assert merkle.root([merkle.leaf_hash(LEAVES[0] + LEAVES[1])]) != merkle.root(LEAVES[:2])


def test_120000_entries_are_fast():
    leaves = [merkle.leaf_hash(number.to_bytes(4)) for number in range(120_000)]
    began = time.process_time()
    root = merkle.root(leaves)
    way = merkle.path(77_777, leaves)
    assert time.process_time() - began < 3  # 0.3 s measured
    assert len(way) == 17
    assert merkle.root_from_path(77_777, 120_000, leaves[77_777], way) == root
    changed = [*leaves[:5], merkle.leaf_hash(b"other"), *leaves[6:]]
    assert merkle.root(changed) != root
    assert merkle.root(leaves[:-1]) != root
