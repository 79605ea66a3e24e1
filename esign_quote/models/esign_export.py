import hashlib
import zipfile
from pathlib import Path

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import config

from .esign_transaction import is_of_database

CHUNK = 1024 * 1024


class EsignExport(models.Model):
    """All dispute packs in one zip, for whoever leaves Odoo or this addon.

    Made by a scheduled action, some packs a commit: ten thousand of them take longer than a request may.
    The zip lies in Odoo's data folder, outside of the filestore, and outlives the addon.
    """

    _name = "esign.export"
    _description = "E-signature: export of all dispute packs"
    _inherit = ["esign.transaction"]
    _order = "id desc"
    _rec_name = "file_name"

    state = fields.Selection(
        [("running", "In progress"), ("done", "Done")], default="running", required=True, readonly=True
    )
    file_name = fields.Char(required=True, readonly=True)
    last_id = fields.Integer("Last procedure", readonly=True, default=0, help="The export goes on behind it.")
    newest_proof = fields.Integer("Newest proof", readonly=True, help="What came later is not in it for sure.")
    count = fields.Integer("Packs", readonly=True)
    total = fields.Integer("Of", readonly=True)
    size = fields.Char("Bytes", readonly=True)  # of many gigabytes
    sha256 = fields.Char("SHA-256", readonly=True)
    done_on = fields.Datetime(readonly=True)
    downloaded_on = fields.Datetime(readonly=True)
    allowed_on = fields.Datetime("Uninstalling allowed on", readonly=True)
    allowed_by_id = fields.Many2one("res.users", "Uninstalling allowed by", readonly=True)

    # === ACTIONS === #

    @api.model
    def _start(self):
        """Begin an export of everything, or return the one that is running.

        :rtype: recordset of `esign.export`
        """
        running = self.search([("state", "=", "running")], limit=1)
        if running:
            return running
        stamp = self._now().strftime("%Y%m%d-%H%M%S")
        values = {"file_name": f"{self.env.cr.dbname}-evidence-{stamp}.zip", "newest_proof": self._newest_proof()}
        export = self.create({**values, "total": len(self._requests(0))})
        self.env.ref("esign_quote.ir_cron_export")._esign_wake()
        return export

    @api.model
    def _newest_proof(self):
        return self.env["esign.proof"].sudo().search([], order="id desc", limit=1).id or 0

    def _is_complete(self):
        """Tell whether it is done, downloaded, and holds every proof of now.

        :rtype: bool
        """
        self.ensure_one()
        return self.state == "done" and bool(self.downloaded_on) and self.newest_proof == self._newest_proof()

    def action_download(self):
        """Download the zip."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": f"/esign/export/{self.id}", "target": "download"}

    # === WORK === #

    @api.model
    def _cron_export(self):
        """Write the packs that are still to be written, one commit each; then the zip's SHA-256."""
        cron = self.env["ir.cron"]
        for export in self.sudo().search([("state", "=", "running")], order="id"):
            waiting = self._requests(export.last_id)
            cron._commit_progress(remaining=len(waiting) + 1)
            for request in waiting:
                export._append(request)
                if not cron._commit_progress(1):
                    return
            export._finish()
            cron._commit_progress(1)

    def _requests(self, behind):
        domain = [("id", ">", behind), ("proof_ids", "!=", False)]
        return self.env["esign.request"].sudo().search(domain, order="id")

    def _append(self, request):
        """Add the pack of one request; one that cannot be made is named, and does not stop the others."""
        try:
            name, content = request[0]._dispute_pack()
        except Exception as error:  # its evidence may be damaged: the others are worth as much
            if is_of_database(error):
                raise  # what is written into the zip stays there
            name, content = f"{request.reference}-FAILED.txt", f"{type(error).__name__}: {error}\n".encode()
        with zipfile.ZipFile(self._path(), "a", zipfile.ZIP_STORED) as archive:
            # After a crash between writing and commit it is there already.
            if name not in archive.namelist():
                archive.writestr(name, content)
        self.write({"last_id": request.id, "count": self.count + 1})
        self.env["esign.request"].invalidate_model(flush=False)

    def _finish(self):
        digest, size = hashlib.sha256(), 0
        path = self._path()
        if not path.exists():
            with zipfile.ZipFile(path, "w"):
                pass
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        self.write({"state": "done", "sha256": digest.hexdigest(), "size": str(size), "done_on": self._now()})

    def _path(self):
        self.ensure_one()
        folder = Path(config["data_dir"]) / "esign_quote"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / self.file_name

    # === DOWNLOAD === #

    def _hand_out(self):
        """Note that it was downloaded, and return where the zip lies.

        :rtype: str
        :raise UserError: it is not done, or not on this server
        """
        self.ensure_one()
        self.check_access("read")
        path = self._path()
        if self.state != "done" or not path.exists():
            raise UserError(self.env._("This export is not ready on this server."))
        self.sudo().downloaded_on = self._now()
        return str(path)
