"""The initial data of the Train tab, a text and a table made for this page; Speech has an example with the text."""

from charplay.ui import controls

_BELOW_TWENTY = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
_TENS = ("twenty", "thirty", "forty")
_LANGUAGES = {
    "English": """weather through thought friendship daughter window thunder yesterday kingdom neighbour whether
        although bright knowledge together something another worthy height growth shepherd withdraw breakfast width
        northern fifth everything healthy whistle worship""",
    "German": """Wetter Gedanke Freundschaft Tochter Fenster Donner gestern Nachbar Schule Zeitung Frühstück
        Schmetterling zwischen Wissenschaft Bahnhof Kirche Schatten Zwiebel Schlüssel Pfeffer Knochen Pflanze
        Geschichte Herbst zwanzig Hoffnung Gesundheit Wirtschaft Sprache Schiff""",
    "Italian": """finestra ragazzo domani piccolo bellezza giardino cucchiaio lavoro settimana farfalla amicizia
        pensiero famiglia chiesa spiaggia cavallo fratello sorella montagna pioggia uccello mattina scuola giornale
        bicchiere formaggio zucchero tavolo stazione coraggio""",
}


def _number(number: int) -> str:
    """A number from 0 to 49 in words."""
    small, (tens, units) = _BELOW_TWENTY.split(), divmod(number, 10)
    if number < len(small):
        return small[number]
    return f"{_TENS[tens - 2]}-{small[units]}" if units else _TENS[tens - 2]


def sums() -> str:
    """Sums in words, a line each: anyone can see whether a sum that the network generates is correct."""
    pairs = [(a, b) for a in range(1, 21) for b in range(1, 21)]
    pairs.sort(key=lambda pair: (7 * pair[0] + 13 * pair[1]) % 53)  # mixed, always in the same order
    return "\n".join(f"{_number(a)} and {_number(b)} make {_number(a + b)}." for a, b in pairs)


def words() -> str:
    """Words of three languages as rows `text,label`."""
    rows = [(word, language) for language, listed in _LANGUAGES.items() for word in listed.split()]
    return "\n".join(["text,label", *(f"{word},{language}" for word, language in rows)])


EXAMPLES = {controls.TEXT: sums(), controls.ROWS: words()}  # by what is learnt from
