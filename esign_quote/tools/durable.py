"""Files that survive a power cut: complete and on the disk, or not there at all."""

import contextlib
import os
import tempfile


def write(path, content):
    """Write a file so that its name never leads to less than its content (SECURITY 4.3).

    To a temporary file in the same folder, to the disk, then under its name; the folder last. A file that is there
    already is replaced: whoever wrote it may not have waited for the disk, or not have come to the end.

    :param str path: of the file; its folder exists
    :param bytes content:
    :raise OSError: the disk is full or broken; nothing is left behind
    """
    folder = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(prefix=".esign-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            sync(stream.fileno())
        rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def sync(descriptor):
    """Return when what was written to an open file is on the disk."""
    os.fsync(descriptor)


def rename(temporary, path):
    """Give a file its name: at once, also over another one."""
    os.replace(temporary, path)


def sync_folder(folder):
    """Return when the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
