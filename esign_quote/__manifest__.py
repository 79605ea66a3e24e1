{
    "name": "Quotation E-Signature",
    "summary": "Have quotations signed online: one-time code, frozen and sealed PDF, proof file",
    "version": "19.0.1.0.0",
    "category": "Sales/Sales",
    "license": "LGPL-3",
    "author": "esign_quote contributors",
    "depends": ["sale_management", "portal"],
    "external_dependencies": {
        "python": ["pypdf", "reportlab", "pyhanko", "rfc8785", "qrcode", "cryptography"],
    },
    "data": [
        "security/esign_quote_groups.xml",
        "security/ir.model.access.csv",
        "security/esign_request_security.xml",
        # Data: texts and templates that a company may edit.
        "data/esign_consent_data.xml",
        "data/mail_template_data.xml",
        "data/mail_activity_type_data.xml",
        "data/ir_cron_data.xml",
        # Views; the menus come last since they name the actions.
        "views/esign_request_views.xml",
        "views/esign_seal_views.xml",
        "views/esign_consent_views.xml",
        "wizard/esign_seal_import_views.xml",
        "views/sale_order_views.xml",
        "views/mail_compose_message_views.xml",
        "views/res_config_settings_views.xml",
        "views/esign_progress_templates.xml",
        "views/esign_layout_templates.xml",
        "views/esign_sign_templates.xml",
        "views/esign_verify_templates.xml",
        "views/portal_templates.xml",
        "views/esign_quote_menus.xml",
    ],
    "demo": ["demo/sale_order_demo.xml"],
    "assets": {
        # One small bundle for the customer's pages: no Bootstrap, no OWL (phones first).
        "esign_quote.assets_sign": [
            "web/static/src/module_loader.js",
            "esign_quote/static/src/sign/**/*",
        ],
        "web.assets_backend": ["esign_quote/static/src/backend/**/*"],
    },
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
    "application": True,
}
