"""Which encoding of one or two bytes a character a text is in: the one whose letters spell words of a language.

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
TWO_BYTE_CODECS = {"EUC-KR": "euc_kr", "Shift-JIS": "shift_jis", "GBK": "gbk"}
_FIRST_LEVEL = {"Shift-JIS": (0x88, 0x97), "GBK": (0xB0, 0xD7)}  # first bytes of the common ideographs
# Letters of one byte that spell words are likelier than ideographs that happen to be common.
TWO_BYTE_BIAS, LIKELY_BIAS = 0.3, 0.1
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


def rank(sample: bytes, likely: str | None) -> list[str]:
    """The names of the encodings that `sample` can be in, the likeliest first.

    `likely` is what another detector takes it for: that counts among the encodings of two bytes, which it tells apart
    by how often their characters occur.
    """
    scored = []
    for name, codec in {**CODECS, **TWO_BYTE_CODECS}.items():
        try:
            text = sample.decode(codec)
        except UnicodeDecodeError:
            continue
        if name in CODECS:
            scored.append((_penalty(text), name))
        else:
            scored.append((_two_byte_penalty(name, text) + (LIKELY_BIAS if name == likely else TWO_BYTE_BIAS), name))
    return [name for _, name in sorted(scored, key=lambda item: item[0])]  # stable: equals stay in order of preference


def _two_byte_penalty(name: str, text: str) -> float:
    """The share of rare characters among those beyond ASCII."""
    beyond = [character for character in text if character > "\x7f"]
    return sum(not _is_common(name, character) for character in beyond) / max(len(beyond), 1)


def _is_common(name: str, character: str) -> bool:
    """Whether a character stands among those of everyday texts: the first level of a standard, syllables, signs."""
    if "\u3000" <= character <= "\u30ff" or "\uff00" <= character <= "\uff60" or character in _TYPOGRAPHIC:
        return True  # full-width signs and kana
    if name == "EUC-KR":
        return "\uac00" <= character <= "\ud7a3"
    lead = character.encode(TWO_BYTE_CODECS[name])[0]
    low, high = _FIRST_LEVEL[name]
    return low <= lead <= high


def _penalty(text: str) -> float:
    """How unlike a text it is: points a character beyond ASCII."""
    beyond = [character for character in text if character > "\x7f"]
    neighbors = zip(" " + text, text, text[1:] + " ", strict=False)
    signs = sum(_sign_penalty(*three) for three in neighbors if three[1] > "\x7f")
    words = [word for word in _WORD.findall(text) if any(c > "\x7f" and c.isalpha() for c in word)]
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


def _sign_penalty(before: str, character: str, after: str) -> float:
    """Points for a character that is no letter, by what it stands between."""
    category = unicodedata.category(character)
    if category in ("Cc", "Cn", "Co"):
        return 5.0
    if category[0] == "L":
        return 0.0
    if character not in _TYPOGRAPHIC:
        return 1.0
    if character in "–—":
        return 0.3 if before.isalpha() and after.isalpha() else 0.5 * (before.isalpha() != after.isalpha())
    is_misplaced = (
        (character in "‘“„‚«‹¿¡" and before.isalpha())
        or (character in "”…»›" and after.isalpha())
        or (character == "’" and not before.isalpha())
    )
    return 0.5 * is_misplaced


def _languages_of(word: str) -> list[str]:
    """The languages that have all of a word's letters beyond ASCII."""
    letters = frozenset(character for character in word.lower() if character > "\x7f" and character.isalpha())
    latin = any(character.isascii() for character in word)
    return [
        name
        for name, alphabet in _LANGUAGES.items()
        if letters <= alphabet
        and not (latin and name in ("Greek", "Russian", "Ukrainian", "Serbian"))
        # No language of Latin letters writes many words of two letters and more without a letter of ASCII.
        and (latin or len(word) < 2 or name in ("Greek", "Russian", "Ukrainian", "Serbian"))
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
