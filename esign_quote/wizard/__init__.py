from . import esign_resend, esign_seal_import, esign_unlock, esign_hold, esign_performed
