"""PDFs with the verdict that each must get, built by their generators; ``docs/conformance.md`` is the table.

``inputs`` holds what a company may send (or must not), ``attacks`` what may be done to a sealed file, ``judges`` the
programs of others, ``table`` writes and reads the document.
"""
