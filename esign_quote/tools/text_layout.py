"""Fitting text into a box: shrink first, then wrap, then cut with an ellipsis."""

from functools import lru_cache

from .fonts import REGULAR, printable, text_width

__all__ = ["fit", "is_plain", "wrap"]


def is_plain(text: str) -> bool:
    """Tell whether a text is Latin letters and signs only: nothing is joined or reordered, widths add up."""
    return text.isascii() or max(text) < "\u0300"


def wrap(text: str, width: float, size: float, name: str = REGULAR) -> list[str]:
    """Break a text into printable lines no wider than ``width``.

    Breaks at spaces; a word wider than the line is cut anywhere.

    :param str text: any text
    :param float width: points
    :param float size: font size in points
    :param str name: a face of ``fonts``
    :return: at least one line, in drawing order
    """
    if is_plain(text):
        return _wrap_plain(text, width, size, name)
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if _width(longer, size, name) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while _width(line, size, name) > width and len(line) > 1:
            cut = _fitting_length(line, width, size, name)
            lines.append(line[:cut])
            line = line[cut:]
    # Ordered for drawing only now: right-to-left text must be broken in reading order.
    return [printable(item, name) for item in (*lines, line)]


def _wrap_plain(text: str, width: float, size: float, name: str) -> list[str]:
    """The same for plain text, which need not be measured anew with every word."""
    lines, line, used = [], "", 0.0
    space = _word_width(" ", name) * size
    for word in text.split():
        more = _word_width(word, name) * size
        if line and used + space + more <= width:
            line, used = f"{line} {word}", used + space + more
            continue
        if line:
            lines.append(line)
        while more > width and len(word) > 1:
            cut = _fitting_length(word, width, size, name)
            lines.append(word[:cut])
            word = word[cut:]
            more = _word_width(word, name) * size
        line, used = word, more
    return [printable(item, name) for item in (*lines, line)]


@lru_cache(maxsize=4096)
def _word_width(word: str, name: str) -> float:
    return text_width(printable(word, name), 1, name)


def fit(
    text: str, width: float, sizes: tuple[float, ...], max_lines: int = 1, name: str = REGULAR
) -> tuple[float, list[str]]:
    """Choose the largest size at which a text fits, else cut it at the smallest.

    :param str text: any text
    :param float width: points
    :param sizes: font sizes to try, falling
    :param int max_lines: lines available at every size
    :param str name: a face of ``fonts``
    :return: (size, printable lines)
    """
    for size in sizes:
        lines = wrap(text, width, size, name)
        if len(lines) <= max_lines and all(text_width(line, size, name) <= width for line in lines):
            # A single word broken in two is worse than smaller letters.
            if len(lines) <= len(text.split()) or size == sizes[-1]:
                return size, lines
    lines = lines[:max_lines]
    last = lines[-1]
    while last and text_width(last + "…", sizes[-1], name) > width:
        last = last[:-1]
    return sizes[-1], [*lines[:-1], last + "…"]


def _width(text: str, size: float, name: str) -> float:
    return text_width(printable(text, name), size, name)


def _fitting_length(text: str, width: float, size: float, name: str) -> int:
    """Return how many leading characters fit, at least one (binary search: widths only grow)."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _width(text[:middle], size, name) <= width:
            low = middle
        else:
            high = middle - 1
    return low
