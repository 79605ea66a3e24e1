# Runs in "odoo shell": renders a quotation of several pages as the addon renders it for signature.
# ruff: noqa: F821  the shell defines env
import io
import os
from pathlib import Path

import pypdf

PAGES = int(os.environ["ESIGN_BENCH_PAGES"])
WORKS = (
    "Site survey and measurements",
    "Dismantling of the old terrace, removal of the rubble included",
    "Larch boards",
)

partner = env["res.partner"].create({"name": "Jane O'Neill", "street": "1 Mill Lane", "city": "Cork"})
product = env["product.product"].create({"name": "Terrace works", "type": "service"})
order = env["sale.order"].create({"partner_id": partner.id})
report = env["ir.actions.report"].with_context(force_report_rendering=True, esign_offline_assets=True)
lines = 0
while True:
    lines += 8
    order.order_line = [
        (0, 0, {"product_id": product.id, "name": f"{number}. {WORKS[number % 3]}", "price_unit": 100 + 37 * number})
        for number in range(lines - 7, lines + 1)
    ]
    content, _kind = report._render_qweb_pdf("sale.report_saleorder", order.ids)
    if len(pypdf.PdfReader(io.BytesIO(content)).pages) >= PAGES:
        break
Path(os.environ["ESIGN_BENCH_FILE"]).write_bytes(content)
