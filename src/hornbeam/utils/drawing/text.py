"""Text of a picture before it is drawn: how wide it is, what of it cannot be drawn, where a long name is broken."""

import re
import unicodedata

SIZE = 10.0  # points, of all text
LINE = 14.0  # points from line to line

# Advance widths of the characters 32 to 126 in thousandths of the size, of DejaVu Sans. It is the widest of the fonts
# that viewers fall back to (Verdana is as wide; Arial and Helvetica are narrower), so what fits in it fits in them.
_PLAIN = """
    318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636 636 337 337
    838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 603 787 695 635 611 732 684 989
    685 611 685 390 337 390 838 500 500 613 635 550 635 615 352 635 634 278 278 579 278 974 634 612 635 635 411 521
    392 634 592 818 592 592 525 636 337 636 838
"""
_BOLD = """
    348 456 521 838 696 1002 872 306 457 457 523 838 380 415 380 365 696 696 696 696 696 696 696 696 696 696 400 400
    838 838 838 580 1000 774 762 734 830 683 683 821 837 372 372 775 637 995 837 850 733 850 770 720 682 812 774
    1103 771 724 725 457 365 457 838 500 500 675 716 593 716 678 435 716 712 343 343 665 343 1042 712 687 716 716
    493 595 478 712 652 924 645 652 582 712 365 712 838
"""
_WIDTHS = {False: [int(w) for w in _PLAIN.split()], True: [int(w) for w in _BOLD.split()]}
_LETTER, _CAPITAL, _IDEOGRAPH = 660, 800, 1000  # what is not in the tables


def width(text, bold=False):
    """Points that `text` takes in one line.

    Example:
        >>> width("ill") < width("wWW") < width("wWW", bold=True)
        True
    """
    return sum(_width_of(character, bold) for character in text) * SIZE / 1000


def _width_of(character, bold):
    code = ord(character)
    if 32 <= code < 127:
        return _WIDTHS[bold][code - 32]
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF" or code > 0xFFFF:
        return _IDEOGRAPH
    wide = 1.1 if bold else 1.0
    return wide * (_CAPITAL if code > 0x2000 or character.isupper() else _LETTER)


def printable(text):
    """`text` with escapes in place of what no file may hold: control characters and halves of surrogate pairs.

    Example:
        >>> printable("a\\tb\\x00")
        'a\\\\tb\\\\x00'
    """
    return "".join(c if unicodedata.category(c) not in _UNPRINTABLE else escaped(c) for c in str(text))


_UNPRINTABLE = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


def escaped(character):
    """The Python escape of a character.

    Example:
        >>> escaped("\\u4e2d")
        '\\\\u4e2d'
    """
    return character.encode("unicode_escape").decode("ascii")


def wrap(text, most, bold=False):
    """`text` in pieces of at most `most` points, broken after punctuation where that comes in the last third.

    Example:
        >>> wrap("a_name/of_some_length", 70)
        ['a_name/of_', 'some_length']
    """
    pieces, start = [], 0
    while start < len(text):
        end, room = start, most
        while end < len(text) and (room := room - width(text[end], bold)) >= 0:
            end += 1
        end = max(end, start + 1)
        if end < len(text):
            breaks = [m.end() for m in re.finditer(r"[\s/_.,:-]", text[start:end])]
            if breaks and breaks[-1] > (end - start) * 2 / 3:
                end = start + breaks[-1]
        pieces.append(text[start:end])
        start = end
    return pieces or [""]
