import ipaddress
from urllib.parse import urlsplit

from odoo import fields, models
from odoo.tools import config


class ResConfigSettings(models.TransientModel):
    """Settings: whom does this server take its visitors for?"""

    _inherit = "res.config.settings"

    esign_seen_address = fields.Char("Your address", compute="_compute_esign_seen")
    esign_seen_url = fields.Char("Address of this server", compute="_compute_esign_seen")
    esign_proxy_warning = fields.Text(compute="_compute_esign_seen")

    def _compute_esign_seen(self):
        seen = self.env["ir.http"]._esign_seen_request()
        for settings in self:
            settings.esign_seen_address = seen.get("address", False)
            settings.esign_seen_url = f"{seen['scheme']}://{seen['host']}" if seen else False
            settings.esign_proxy_warning = "\n".join(self._esign_proxy_warnings(seen)) if seen else False

    def _esign_proxy_warnings(self, seen):
        """Return what looks wrong about a request, in plain words.

        :param dict seen: see `ir.http._esign_seen_request`
        :rtype: list[str]
        """
        trusting = bool(config["proxy_mode"])
        addresses = {"X-Forwarded-For", "X-Real-IP", "Forwarded"}.intersection(seen["forwarded"])
        found = []
        if addresses and not trusting:
            found.append(
                self.env._(
                    "A proxy stands before this server (%s), but proxy_mode is off: all customers would have the"
                    " proxy's address in the proof, and share its limits. Set proxy_mode = True in Odoo's"
                    " configuration file, and let nobody but the proxy reach this server.",
                    ", ".join(sorted(addresses)),
                )
            )
        if trusting and "X-Forwarded-Host" not in seen["forwarded"]:
            found.append(
                self.env._(
                    "proxy_mode is on, but no X-Forwarded-Host arrived: Odoo then believes none of the proxy's headers,"
                    " and the address above is that of the proxy. Let the proxy send X-Forwarded-Host,"
                    " X-Forwarded-Proto and X-Forwarded-For; without a proxy, turn proxy_mode off."
                )
            )
        return found + self._esign_address_warnings(seen, addresses)

    def _esign_address_warnings(self, seen, addresses):
        found = []
        base = self.env["ir.config_parameter"].sudo().get_param("web.base.url") or ""
        if base.startswith("https:") and seen["scheme"] != "https":
            found.append(
                self.env._(
                    "The links in mails say https (%s), but this request came as http: cookies are sent without Secure,"
                    " and browsers are not told to insist on https. Let the proxy send X-Forwarded-Proto.",
                    base,
                )
            )
        if addresses and _is_private(seen["address"]) and not _is_private(_host_name(seen["host"])):
            found.append(
                self.env._(
                    "The server takes you for %(address)s, an address of an internal network, although you reached it as"
                    " %(host)s. If you are not inside that network now, this is a proxy's address: customers would"
                    " have it in the proof.",
                    address=seen["address"],
                    host=seen["host"],
                )
            )
        return found


def _host_name(host):
    return urlsplit(f"//{host}").hostname or ""


def _is_private(name):
    """Tell whether an address, or a host's name, is of an internal network."""
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        return "." not in name or name.endswith((".local", ".lan", ".internal", ".localhost"))
