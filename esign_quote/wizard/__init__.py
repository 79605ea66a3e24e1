from . import esign_seal_import
