"""Which encoding of one byte a character a text is in: the one whose letters spell words of a language.

Bytes beyond ASCII are letters in every code page: 0xE8 is "è" in Windows-1252, "č" in Windows-1250, "и" in
Windows-1251. What differs is whether a word's letters belong to the alphabet of one language, and where its capitals
stand.
"""

import itertools
import re
import unicodedata

CODECS = {  # in order of preference where two read a text alike
    "Windows-1252": "cp1252",
    "Windows-1250": "cp1250",
    "Windows-1251": "cp1251",
    "Windows-1253": "cp1253",
    "Windows-1254": "cp1254",
    "ISO-8859-1": "latin_1",
    "ISO-8859-2": "iso8859_2",
    "ISO-8859-5": "iso8859_5",
    "ISO-8859-7": "iso8859_7",
    "ISO-8859-9": "iso8859_9",
    "ISO-8859-15": "iso8859_15",
    "Mac Roman": "mac_roman",
    "KOI8-R": "koi8_r",
}
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
# The small letters beyond ASCII of each language.
_ALPHABETS = {
    "German": "äöüß",
    "French": "àâæçéèêëîïôœùûüÿ",
    "Spanish": "áéíñóúü",
    "Portuguese": "áâãàçéêíóôõúü",
    "Italian": "àèéìíîòóùú",
    "Scandinavian": "åäæöøé",
    "Icelandic": "áðéíóúýþæö",
    "Dutch": "áéëïíóöúü",
    "Polish": "ąćęłńóśźż",
    "Czech": "áčďéěíňóřšťúůýž",
    "Slovak": "áäčďéíĺľňóôŕšťúýž",
    "Hungarian": "áéíóöőúüű",
    "Romanian": "ăâîșțşţ",
    "Croatian": "čćđšž",
    "Turkish": "çğıöşüâîû",
    "Greek": "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",
    "Russian": _CYRILLIC + "ё",
    "Ukrainian": _CYRILLIC + "іїєґ",
    "Serbian": _CYRILLIC + "ђјљњћџ",
}
_LANGUAGES = {name: frozenset(letters) for name, letters in _ALPHABETS.items()}
_COMMON = frozenset("оеаинтсрвлкмαοιετσνηυρ")  # most of the letters of a Cyrillic or Greek text
_WORD = re.compile(r"[^\W\d_]+(?:[^\w\s.,;:!?()\[\]'\"|/\\-]+[^\W\d_]+)*")  # letters, with signs between them
_TYPOGRAPHIC = frozenset("‘’‚“”„…–—«»¿¡·•‹›´`\u00a0\u00ad§©®°€£")


def rank(sample: bytes) -> list[str]:
    """The names of the code pages that `sample` can be in, the likeliest first."""
    scored = []
    for name, codec in CODECS.items():
        try:
            text = sample.decode(codec)
        except UnicodeDecodeError:
            continue
        scored.append((_penalty(text), name))
    return [name for _, name in sorted(scored, key=lambda item: item[0])]  # stable: equals stay in order of preference


def _penalty(text: str) -> float:
    """How unlike a text it is: points a character beyond ASCII."""
    beyond = [character for character in text if character > "\x7f"]
    signs = sum(_sign_penalty(character) for character in beyond)
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    explained: dict[str, int] = dict.fromkeys(_LANGUAGES, 0)
    spelling = 0.0
    for word in words:
        languages = _languages_of(word)
        for language in languages:
            explained[language] += 1
        spelling += (0.0 if languages else 1.0) + _case_penalty(word)
    # One language for all words is likelier than one for each.
    mixture = (len(words) - max(explained.values())) / max(len(words), 1)
    return signs / max(len(beyond), 1) + spelling / max(len(words), 1) + mixture / 2 + _rarity(beyond) / 2


def _sign_penalty(character: str) -> float:
    category = unicodedata.category(character)
    if category in ("Cc", "Cn", "Co"):
        return 5.0
    return 0.0 if category[0] == "L" or character in _TYPOGRAPHIC else 1.0


def _languages_of(word: str) -> list[str]:
    """The languages that have all of a word's letters beyond ASCII."""
    letters = frozenset(character for character in word.lower().replace("\u0307", "") if character > "\x7f")
    latin = any(character.isascii() for character in word)
    return [
        name
        for name, alphabet in _LANGUAGES.items()
        if letters <= alphabet
        and not (latin and name in ("Greek", "Russian", "Ukrainian", "Serbian"))
        # No language of Latin letters writes many words of three letters and more without a letter of ASCII.
        and (latin or len(word) < 3 or name in ("Greek", "Russian", "Ukrainian", "Serbian"))
    ]


def _case_penalty(word: str) -> float:
    """Points for a capital after a small letter, and a little for capitals throughout."""
    is_mixed = any(a.islower() and b.isupper() for a, b in itertools.pairwise(word))
    return 1.0 if is_mixed else 0.1 if len(word) > 1 and word.isupper() else 0.0


def _rarity(letters: list[str]) -> float:
    """The share of rare letters among the Cyrillic and Greek ones, beyond what a usual text has."""
    foreign = [letter for letter in map(str.lower, letters) if "\u0370" <= letter <= "\u04ff"]
    rare = sum(letter not in _COMMON for letter in foreign)
    return max(rare / len(foreign) - 0.35, 0.0) if foreign else 0.0
