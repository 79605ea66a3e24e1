from . import document, portal, sale_portal, sign, verify
