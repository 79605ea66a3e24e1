import configparser
import functools
import os
import secrets
from contextlib import suppress
from pathlib import Path

from odoo import models
from odoo.tools import config

from ..tools import vault

SECTION = "esign_quote"
VARIABLE_PREFIX = "ESIGN_QUOTE_"


@functools.lru_cache(maxsize=1)
def _read_section(path, _changed):
    # A section of its own: Odoo warns about options it does not know in [options].
    parser = configparser.RawConfigParser()
    parser.read(path)
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}


class EsignVault(models.AbstractModel):
    _name = "esign.vault"
    _description = "E-signature: the server's secret, kept outside the database"

    def _master(self):
        """Return the secret under which private keys and codes are stored.

        It comes from the server, never from the database, so that a dump holds no usable key:
        the environment variable, else ``[esign_quote] seal_secret`` of the configuration file,
        else a file of Odoo's data folder (mode 0600), made at the first use. Several servers
        on one database share that folder already, for the filestore.

        :rtype: str
        """
        return self._setting("seal_secret") or self._from_data_folder()

    def _setting(self, name):
        """Return what the server's administrator has set: the environment variable, else the configuration file.

        :param str name: as in the section ``[esign_quote]``; the variable is ``ESIGN_QUOTE_`` and its capitals
        :rtype: str
        """
        return os.environ.get(VARIABLE_PREFIX + name.upper()) or self._from_configuration(name)

    def _origin(self):
        """Return where the secret comes from: ``variable``, ``configuration`` or ``folder``."""
        if os.environ.get(f"{VARIABLE_PREFIX}SEAL_SECRET"):
            return "variable"
        return "configuration" if self._from_configuration("seal_secret") else "folder"

    def _derive(self, purpose):
        """Return 32 bytes for one purpose (the codes' pepper)."""
        return vault.derive(self._master(), f"{self.env.cr.dbname}/{purpose}")

    def _from_configuration(self, name):
        path = Path(config["config"] or "")
        return _read_section(path, path.stat().st_mtime_ns).get(name, "") if path.is_file() else ""

    def _from_data_folder(self):
        folder = Path(config["data_dir"]) / "esign_quote"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{self.env.cr.dbname}.secret"
        if not path.exists():
            self._write_once(path, secrets.token_hex(32))
        return path.read_text().strip()

    def _write_once(self, path, text):
        # Written aside and linked: another worker sees the whole secret or none, and the
        # first one wins.
        draft = path.with_suffix(f".{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
