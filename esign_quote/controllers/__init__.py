from . import access, document, export, keys, portal, sale_portal, sign, verify
