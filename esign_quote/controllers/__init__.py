from . import access, document, keys, portal, sale_portal, sign, verify
