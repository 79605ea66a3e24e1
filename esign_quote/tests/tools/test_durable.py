"""Files of evidence: complete under their name, or not there."""

import errno
import os

import pytest
from tools import durable


@pytest.fixture
def synced(monkeypatch):
    """What reached the disk, in order: kinds of files."""
    found = []

    def fsync(descriptor):
        found.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def test_content_then_name_then_folder(tmp_path, synced):
    durable.write(str(tmp_path / "a"), b"content")
    assert (tmp_path / "a").read_bytes() == b"content"
    assert synced == ["file", "folder"]


def test_a_half_written_file_is_replaced(tmp_path):
    (tmp_path / "a").write_bytes(b"con")
    durable.write(str(tmp_path / "a"), b"content")
    assert (tmp_path / "a").read_bytes() == b"content"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("step", ["sync", "rename"])
def test_a_broken_disk_leaves_nothing(tmp_path, monkeypatch, step):
    def broken(*_arguments):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(durable, step, broken)
    with pytest.raises(OSError, match="broken"):
        durable.write(str(tmp_path / "a"), b"content")
    assert os.listdir(tmp_path) == []


def test_the_name_comes_after_the_disk(tmp_path, monkeypatch):
    """Killed at any moment before, the name leads to nothing."""

    def fsync(_descriptor):
        assert not (tmp_path / "a").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        durable.write(str(tmp_path / "a"), b"content")
    assert not (tmp_path / "a").exists()
