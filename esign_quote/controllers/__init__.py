from . import access, document, keys, pack, portal, sale_portal, sign, verify
