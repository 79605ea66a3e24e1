import base64
import logging
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from lxml import html
from odoo import models
from odoo.exceptions import AccessError, MissingError
from odoo.tools.image import image_data_uri
from odoo.tools.misc import file_path

from odoo.addons.base.models.ir_actions_report import _wkhtml

_logger = logging.getLogger(__name__)

CSS_URL = re.compile(r"""url\(\s*(['"]?)([^'")]+)\1\s*\)""")
IMAGE_ATTACHMENT = re.compile(r"^/web/image/(\d+)(?:-[^/]*)?(?:/.*)?$")
EMPTY_IMAGE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _esign_wkhtmltopdf_is_patched(self):
        return bool(_wkhtml().is_patched_qt)

    def _run_wkhtmltopdf(
        self,
        bodies,
        report_ref=False,
        header=None,
        footer=None,
        landscape=False,
        specific_paperformat_args=None,
        set_viewport_size=False,
    ):
        """Override of `base`: render without a call back to this server.

        Stock rendering lets wkhtmltopdf fetch style sheets and fonts over HTTP from the server
        that waits for it: two at once on two workers wait for each other until both are killed.
        It would also fetch any address that a quotation's text names. Within the context
        ``esign_offline_assets`` the pages hold everything themselves.
        """
        if self.env.context.get("esign_offline_assets"):
            bodies = [self._esign_inline(body) for body in bodies]
            header = header and self._esign_inline(header)
            footer = footer and self._esign_inline(footer)
        return super()._run_wkhtmltopdf(
            bodies,
            report_ref=report_ref,
            header=header,
            footer=footer,
            landscape=landscape,
            specific_paperformat_args=specific_paperformat_args,
            set_viewport_size=set_viewport_size,
        )

    def _build_wkhtmltopdf_args(self, *args, **kwargs):
        """Override of `base`: fonts are read from the static folders of the addons."""
        command = super()._build_wkhtmltopdf_args(*args, **kwargs)
        if self.env.context.get("esign_offline_assets"):
            for folder in _font_folders():
                command.extend(["--allow", folder])
        return command

    def _esign_inline(self, page):
        """Return an HTML page that refers to nothing outside itself but local fonts.

        :param str page: as Odoo hands it to wkhtmltopdf
        :rtype: str
        """
        document = html.document_fromstring(str(page))
        for node in document.xpath("//base | //script[@src] | //link[not(@rel='stylesheet')]"):
            node.drop_tree()
        for node in document.xpath("//link[@rel='stylesheet']"):
            self._esign_inline_sheet(node)
        for node in document.xpath("//*[@style]"):
            node.set("style", CSS_URL.sub(_local_url, node.get("style")))
        for node in document.xpath("//img[@src]"):
            node.set("src", self._esign_image(node.get("src")))
        return html.tostring(document, encoding="unicode", doctype="<!DOCTYPE html>")

    def _esign_inline_sheet(self, node):
        path = urlsplit(node.get("href") or "").path
        sheet = node.makeelement("style", type="text/css")
        sheet.text = self._esign_sheet(path)
        node.getparent().replace(node, sheet)

    def _esign_sheet(self, path):
        if not path.startswith("/web/assets/"):
            return ""
        bundle_name, rtl, kind, autoprefix = self.env["ir.asset"]._parse_bundle_name(path.rpartition("/")[2], False)
        if kind != "css":
            return ""
        bundle = (
            self.env["ir.qweb"]
            .sudo()
            ._get_asset_bundle(bundle_name, css=True, js=False, rtl=rtl, autoprefix=autoprefix)
        )
        return CSS_URL.sub(_local_url, (bundle.css().raw or b"").decode()) if bundle.stylesheets else ""

    def _esign_image(self, source):
        """Return an image as a data: URI; a transparent point for what is not ours."""
        if source.startswith("data:"):
            return source
        path = urlsplit(source).path
        found = IMAGE_ATTACHMENT.match(path)
        try:
            if found:
                attachment = self.env["ir.attachment"].browse(int(found[1]))
                attachment.check_access("read")
                return image_data_uri(attachment.datas) if attachment.datas else EMPTY_IMAGE
            if "/static/" in path and not urlsplit(source).netloc:
                return image_data_uri(base64.b64encode(Path(file_path(path.lstrip("/"))).read_bytes()))
        except (AccessError, MissingError, OSError, ValueError):
            _logger.info("esign_quote: an image of the quotation is left out: %s", path)
        return EMPTY_IMAGE


@lru_cache
def _font_folders():
    """Return where the fonts named by Odoo's style sheets really are (packages link them)."""
    root = Path(file_path("web/static"))
    fonts = [path for path in root.rglob("*") if path.suffix in (".woff", ".woff2", ".ttf", ".otf", ".eot")]
    return sorted({str(path.resolve().parent) for path in fonts if path.exists()})


def _local_url(found):
    """Rewrite one ``url(…)`` of a style sheet: data: stays, static files become local, the rest goes."""
    address = found[2]
    if address.startswith("data:"):
        return found[0]
    parts = urlsplit(address)
    if parts.netloc or "/static/" not in parts.path:
        return "url()"
    try:
        return f"url({Path(file_path(parts.path.lstrip('/'))).resolve().as_uri()})"
    except (OSError, ValueError):
        return "url()"
