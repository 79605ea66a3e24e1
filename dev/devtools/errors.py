"""The one exception that the commands turn into a plain sentence instead of a traceback."""


class DevError(RuntimeError):
    """Something a developer can act upon; the message says what."""
