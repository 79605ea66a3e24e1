from odoo import models

ADDON = "esign_quote"


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def write(self, vals):
        """Override of `base`: evidence in retention is not uninstalled by the way (law 8).

        Here and not in the buttons: whatever marks the addon for removal, a module that it depends on for
        example, or the command line, comes through here.
        """
        if vals.get("state") == "to remove" and any(module.name == ADDON for module in self):
            self.env["esign.uninstall"]._check_allowed()
        return super().write(vals)
