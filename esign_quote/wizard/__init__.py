from . import (
    esign_act,
    esign_hold,
    esign_next_signer,
    esign_performed,
    esign_resend,
    esign_seal_import,
    esign_seal_revoke,
    esign_seal_token,
    esign_uninstall,
    esign_unlock,
)
