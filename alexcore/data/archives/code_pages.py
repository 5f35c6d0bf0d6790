"""Which code page bytes are written in, if they are a few short names and nothing tells: the likeliest, and the next.

`charset-normalizer` sorts out what cannot be text. Between what remains it looks at languages only from 32 letters on,
and two class names have six. So the rest are ordered here by a likelihood: how common is each letter or character in
the languages that the page is for, as a logarithm, and what no word does (capitals within it, a vowel sign that stands
on nothing, one foreign letter in a Latin word) costs some.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from charset_normalizer import from_bytes
from charset_normalizer.constant import FREQUENCIES

_WEST = ("German", "French", "Spanish", "Portuguese", "Danish", "Swedish", "Finnish", "Italian", "Dutch")
_CENTRAL = ("Czech", "Polish", "Hungarian", "Slovak", "Croatian", "German")
_CYRILLIC = ("Russian", "Ukrainian", "Bulgarian", "Serbian")
# What systems wrote before names were UTF-8, in words, and the languages that each is for.
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "cp866": ("Cyrillic, DOS", ("Russian", "Ukrainian", "Bulgarian")),
    "cp1251": ("Cyrillic, Windows", _CYRILLIC),
    "koi8_r": ("Cyrillic, Unix", ("Russian",)),
    "gb18030": ("Chinese, simplified", ()),
    "big5": ("Chinese, traditional", ()),
    "cp932": ("Japanese", ()),
    "cp949": ("Korean", ()),
    "cp437": ("Western European, DOS", _WEST),
    "cp850": ("Western European, DOS", _WEST),
    "cp1252": ("Western European, Windows", _WEST),
    "cp852": ("Central European, DOS", _CENTRAL),
    "cp1250": ("Central European, Windows", _CENTRAL),
    "cp857": ("Turkish, DOS", ("Turkish",)),
    "cp1254": ("Turkish, Windows", ("Turkish",)),
    "cp737": ("Greek, DOS", ("Greek",)),
    "cp1253": ("Greek, Windows", ("Greek",)),
    "cp862": ("Hebrew, DOS", ("Hebrew",)),
    "cp1255": ("Hebrew, Windows", ("Hebrew",)),
    "cp1256": ("Arabic, Windows", ("Arabic", "Farsi")),
    "cp1257": ("Baltic, Windows", ("Lithuanian", "Estonian")),
    "cp874": ("Thai", ("Thai",)),
}
_LATIN = frozenset({"cp437", "cp850", "cp1252", "cp852", "cp1250", "cp857", "cp1254", "cp1257"})
# Letters of these languages that are not among the 26 commonest, all that the library lists.
_MORE_LETTERS = {
    "cp866": "ёшщэюфъ",
    "cp1251": "ёшщэюфъіїєґ",
    "koi8_r": "ёшщэюфъ",
    "cp737": "φξζψβϊϋΐΰ",
    "cp1253": "φξζψβϊϋΐΰ",
    "cp857": "âîûöj",
    "cp1254": "âîûöj",
    "cp1256": "ضظذثغءئؤ",
    "cp862": "םךףץ",
    "cp1255": "םךףץ",
    "cp437": "ßçêëâîïôûùñáíóúåæ",
    "cp850": "ßçêëâîïôûùñáíóúåøæõãœ",
    "cp1252": "ßçêëâîïôûùñáíóúåøæõãœ",
    "cp852": "ďěňťůžśźżńćőűđäöüôĺľŕß",
    "cp1250": "ďěňťůžśźżńćőűđäöüôĺľŕß",
    "cp1257": "āēģīķļņūžõäöü",
    "cp874": "".join(map(chr, (*range(0xE01, 0xE3A), *range(0xE40, 0xE4D)))),
}
# Logarithms. Of a letter that no language of the page has, and of breaking a habit of words.
_FOREIGN, _MIXED, _INNER_CAPITAL, _SHOUTED, _CAPITAL = -11.5, -6.0, -7.0, -1.2, -0.7
_RARE_PAGE = {"koi8_r": -3.0, "cp1257": -1.5}
# A lead of ten to one, and letters that are not all foreign: then the first reading is clear.
_LEAD, _PLAUSIBLE = math.log(10), -9.5
_SAMPLE_BYTES = 20_000
_SHOWN = 4


@dataclass(frozen=True)
class NameReading:
    """One way to read names: the code page, in words what it is, the names, and how likely they are (a logarithm)."""

    encoding: str
    title: str
    names: tuple[str, ...]
    likelihood: float

    @property
    def sample(self) -> str:
        """Some of the names, without what cannot be printed."""
        text = ", ".join(self.names[:_SHOWN]) + (", ..." if len(self.names) > _SHOWN else "")
        return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def readings_of(raws: Iterable[bytes]) -> list[NameReading]:
    """The ways in which names can be read, the likeliest first; ways that give the same names count once.

    Of a path each part is looked at once, without those that are ASCII alone.
    """
    raws = list(raws)
    parts: dict[bytes, None] = {}
    size = 0
    # Where a slash parts folders, no backslash stands in a name: it is the second half of a character.
    parted = any(b"/" in raw for raw in raws)
    for raw in raws:
        for part in raw.split(b"/"):
            if not part.isascii() and part not in parts and size < _SAMPLE_BYTES:
                parts[part] = None
                size += len(part)
    found: dict[tuple[str, ...], NameReading] = {}
    for page, (title, _) in PAGES.items():
        # One at a time: asked for all, the library passes over pages that are like one it has sorted out.
        for match in from_bytes(b"\n".join(parts), cp_isolation=[page], threshold=0.6, enable_fallback=False):
            names = tuple(str(match).split("\n"))
            if match.encoding == page and names not in found:
                marks = sum(name.count("\\") for name in names) if parted else 0
                found[names] = NameReading(page, title, names, _likelihood(names, page) + marks * _FOREIGN)
    return sorted(found.values(), key=lambda each: -each.likelihood)


def is_clear(readings: Sequence[NameReading]) -> bool:
    """Whether the first reading is like words, has more than a letter or two, and is much likelier than any other."""
    best = readings[0]
    letters = sum(not letter.isascii() for name in best.names for letter in name)
    if best.likelihood / max(1, letters) <= _PLAUSIBLE or not _has_evidence(best):
        return False
    return len(readings) == 1 or best.likelihood - readings[1].likelihood >= _LEAD


def _has_evidence(reading: NameReading) -> bool:
    """Whether there are enough different letters to judge by; a Latin word around an accent counts as two more."""
    different = {letter for name in reading.names for letter in name if not letter.isascii()}
    if reading.encoding in _WIDE:
        return len(different) >= 2
    around = [len(re.findall("[a-zA-Z]", name)) >= 3 for name in reading.names] if reading.encoding in _LATIN else []
    return len(different) + 2 * sum(around) >= 3


def _likelihood(names: Iterable[str], page: str) -> float:
    weigh = _WIDE.get(page) or _letters(page)
    total = _RARE_PAGE.get(page, 0.0)
    for name in names:
        for at, letter in enumerate(name):
            if not letter.isascii():
                total += weigh(letter) + _habits(name, at, page)
        if page == "cp874":
            total += _without_vowels(name)
    return total


def _habits(name: str, at: int, page: str) -> float:
    letter, before, after = name[at], name[at - 1 : at], name[at + 1 : at + 2]
    if _is_mark(letter) and not (before.isalpha() or _is_mark(before)):
        return _FOREIGN
    mixed = page not in _LATIN and any(each.isascii() and each.isalpha() for each in (before, after))
    cost = _MIXED if mixed else 0.0
    if page in _LATIN and not re.search("[a-zA-Z]", name):
        cost -= 2.0  # few words have accents on each of their letters
    if (letter.isupper() and before.islower()) or (letter.islower() and after.isupper()):
        return cost + _INNER_CAPITAL
    if letter.isupper():
        cost += _SHOUTED if before.isupper() or after.isupper() else _CAPITAL
    return cost


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter or " ")[0] == "M"


def _without_vowels(name: str) -> float:
    """What it costs Thai words to have consonants alone, as few of them do."""
    return -4.0 * sum(all(letter <= "\u0e2e" for letter in word) for word in re.findall(r"[\u0e01-\u0e4e]+", name))


@cache
def _letters(page: str) -> Callable[[str], float]:
    """Weigh a letter by how common it is in the languages of a page."""
    shares = dict.fromkeys(_MORE_LETTERS[page], 0.006)
    for language in PAGES[page][1]:
        for rank, letter in enumerate(FREQUENCIES[language]):
            shares[letter] = max(0.11 * math.exp(-rank / 9) + 0.005, shares.get(letter, 0.0))
    logs = {letter: math.log(share) for letter, share in shares.items()}
    return lambda letter: logs.get(letter.lower(), _FOREIGN)


def _lead_trail(letter: str, page: str) -> tuple[int, int]:
    """Its two bytes in a double-byte encoding; zeros if it has none, or a single one."""
    try:
        code = letter.encode(page)
    except UnicodeEncodeError:
        return 0, 0
    return (code[0], code[1]) if len(code) == 2 else (0, 0)


def _chinese(letter: str) -> float:
    # GB 2312 lists the common characters first; what later versions have added is rare, or traditional.
    lead, _ = _lead_trail(letter, "gb2312")
    return _FOREIGN if lead < 0xB0 else -7.8 if lead < 0xD8 else -10.5


def _traditional(letter: str) -> float:
    # Big5 lists the common ones first, too, and those by their strokes: few strokes are in many words.
    lead, _ = _lead_trail(letter, "big5")
    return -7.0 - 0.11 * (lead - 0xA4) if 0xA4 <= lead < 0xC7 else _FOREIGN


def _japanese(letter: str) -> float:
    if "\u3041" <= letter <= "\u30ff" or letter == "々":
        return -5.2
    lead, _ = _lead_trail(letter, "cp932")
    return -8.2 if 0x88 <= lead < 0x99 else -10.5 if lead else -8.0  # one byte: half-width katakana, in few names


# Of Korean syllables: first consonants, vowels and last consonants, in the order of Unicode, as shares in percent.
_FIRST = (13, 1, 7, 8, 1, 7, 6, 6, 0.3, 10, 0.4, 24, 9, 0.3, 3, 2, 2, 2, 8)
_VOWEL = (20, 7, 1, 0.1, 9, 5, 5, 0.5, 10, 2, 0.2, 1, 2, 8, 1, 0.1, 1, 2, 10, 2, 18)
_LAST = {0: 50, 4: 16, 21: 10, 8: 8, 1: 5, 16: 4, 17: 2, 19: 2, 20: 1}


def _korean(letter: str) -> float:
    lead, _ = _lead_trail(letter, "euc_kr")
    if not 0xB0 <= lead < 0xC9:
        return _FOREIGN
    number = ord(letter) - 0xAC00
    shares = (_FIRST[number // 588], _VOWEL[number // 28 % 21], _LAST.get(number % 28, 0.2))
    return sum(math.log(share / 100) for share in shares)


_WIDE: dict[str, Callable[[str], float]] = {
    "gb18030": _chinese,
    "big5": _traditional,
    "cp932": _japanese,
    "cp949": _korean,
}
