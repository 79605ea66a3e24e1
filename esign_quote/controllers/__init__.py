from . import access, document, portal, sale_portal, sign, verify
