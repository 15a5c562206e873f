"""The letter table: characters that NFKD does not bring to ASCII, and how they are commonly romanised."""

LETTERS = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ȷ": "j", "ħ": "h", "Ħ": "H",
    "ŋ": "n", "Ŋ": "N", "ŧ": "t", "Ŧ": "T", "ĸ": "k", "ə": "a", "Ə": "A", "ǝ": "e", "Ǝ": "E", "ɛ": "e", "Ɛ": "E",
    "ɔ": "o", "Ɔ": "O", "ɓ": "b", "Ɓ": "B", "ɖ": "d", "Ɖ": "D", "ɗ": "d", "Ɗ": "D", "ƒ": "f", "Ƒ": "F", "ɣ": "g",
    "Ɣ": "G", "ƙ": "k", "Ƙ": "K", "ʋ": "v", "Ʋ": "V", "ƴ": "y", "Ƴ": "Y",
}  # fmt: skip
PUNCTUATION = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u02bc": "'", "\u02bb": "'", "\u02b9": "'",
    "\u02be": "'", "\u02bf": "'", "\u00b4": "'", "\u2032": "'", "\u2039": "'", "\u203a": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2212": "-", "\u2014": "-", "\u2015": "-",
    "\u00b7": "",  # the middle dot of the Catalan l·l
}  # fmt: skip
PROSE_PUNCTUATION = PUNCTUATION | {"\u2014": "--", "\u2015": "--"}  # a name has no dash between clauses
