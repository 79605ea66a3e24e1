"""Merkle trees as in RFC 6962 2.1 (SHA-256): one hash for many entries, and a short path that shows one is in it.

A leaf is ``H(0x00 || data)``, a node ``H(0x01 || left || right)``; the left part of a tree of n leaves has the
largest power of two below n. Built level by level, the last of an odd level being carried up, it is the same tree.
"""

import hashlib

from .exceptions import PathBroken


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: list[bytes]) -> bytes:
    """Return the root over hashes of leaves, in their order; the hash of nothing over none.

    :param leaves: from :func:`leaf_hash`
    """
    level = list(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return level[0] if level else hashlib.sha256().digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """Return the hashes that lead from a leaf to the root, nearest first (RFC 6962 2.1.1).

    :raise IndexError: there is no such leaf
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    level, found = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):  # the last of an odd level has nobody beside it
            found.append(level[beside])
        level = _level_above(level)
        index //= 2
    return found


def root_from_path(index: int, count: int, leaf: bytes, hashes: list[bytes]) -> bytes:
    """Return the root that a leaf and its path lead to (RFC 9162 2.1.3.2).

    :param index: place of the leaf, from 0
    :param count: how many leaves the tree has
    :param leaf: its hash
    :raise PathBroken: ``index``, or ``length`` when the path is not as long as this place needs
    """
    if not 0 <= index < count:
        raise PathBroken("index", index=index, count=count)
    last, remaining = count - 1, list(hashes)
    while last:
        if index % 2 or index < last:
            if not remaining:
                raise PathBroken("length", left=0)
            beside = remaining.pop(0)
            leaf = node_hash(beside, leaf) if index % 2 else node_hash(leaf, beside)
        index, last = index // 2, last // 2
    if remaining:
        raise PathBroken("length", left=len(remaining))
    return leaf


def _level_above(level):
    above = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return [*above, level[-1]] if len(level) % 2 else above
