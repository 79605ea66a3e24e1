from . import controllers, log_filter, models, wizard
from .controllers import guard
from .hooks import post_init_hook, uninstall_hook

__all__ = ["controllers", "models", "post_init_hook", "uninstall_hook", "wizard"]

log_filter.install()
guard.install()
