"""What happens once, when the addon comes and when it goes."""

from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG


def post_init_hook(env):
    """Give every company a sealing key, so that the first quote can be sent at once."""
    env["res.company"].sudo().search([])._esign_ensure_seal()


def uninstall_hook(env):
    """Take away what the ORM does not know of: triggers, their function, stored files."""
    # Once more, for whoever marked the addon for removal past the ORM.
    env["esign.uninstall"]._check_allowed()
    env["esign.immutable"]._drop_triggers()
    attachments = env["ir.attachment"].sudo().with_context(**{MODULE_UNINSTALL_FLAG: True})
    models = ("esign.document", "esign.proof", "esign.request")
    attachments.search([("res_model", "in", models), ("res_field", "!=", False)]).unlink()
    attachments.search([("res_model", "in", models)]).unlink()
