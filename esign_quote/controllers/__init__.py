from . import access, document, export, keys, pack, portal, sale_portal, sign, verify
