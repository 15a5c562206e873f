"""The bytes of a user's file -> text: the encoding is detected, or the one that the user has named."""

import codecs
import re
import unicodedata

import charset_normalizer

from charplay import limits
from charplay.data.user_data import code_pages

PASTED = "pasted"  # what a text is called that came as characters, not as bytes
# name -> Python's codec; Big5 and EUC-JP must be named
ENCODINGS = {
    "UTF-8": "utf-8-sig",
    "UTF-16": "utf-16",
    "UTF-32": "utf-32",
    **code_pages.CODECS,
    "GBK": "gb18030",  # a superset
    "Shift-JIS": "cp932",
    "EUC-KR": "cp949",
    "Big5": "big5hkscs",
    "EUC-JP": "euc_jp",
}
_MULTIBYTE = {"gbk": "GBK", "gb18030": "GBK", "shift_jis": "Shift-JIS", "cp932": "Shift-JIS", "euc_kr": "EUC-KR",
              "cp949": "EUC-KR"}  # fmt: skip
_BYTE_ORDER_MARKS = (  # mark, codec, name; that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_WIDE_CODECS = (("utf-32-le", "UTF-32"), ("utf-32-be", "UTF-32"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"))
MAX_SNIFFED_BYTES = 20_000  # bytes from which an encoding is detected, and in which control characters are counted
MAX_CONTROL_SHARE = 0.01  # of the characters of a text file
MIN_BINARY_CONTROLS = 8  # control characters: fewer make no binary file, however short it is
MIN_COMMON_SHARE = (
    0.05  # of the characters of a text in UTF-16 or UTF-32 are common ones: spaces, line ends, delimiters
)
MAX_DAMAGED_SHARE = 0.02  # of the characters beyond ASCII of a file that is taken for damaged UTF-8
_COMMON = re.compile("[\t\r\n -~\u3000-\u3002\u3040-\u30ff\uff0c]")
_BINARY = "This is no text but a binary file: save it as plain text (.txt) or as CSV first."


def decode(data: bytes | str, encoding: str | None = None) -> tuple[str, str]:
    """(the text in `data`, the name of its encoding); `encoding` is a name in `ENCODINGS` or Python's; None: detect.

    Raises:
        ValueError: it is too large, binary, or not in that encoding.
    """
    if not isinstance(data, bytes | str):
        raise ValueError("Paste a text, or give a file.")
    check_size(len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass")))
    if isinstance(data, str):
        return data.removeprefix("\ufeff"), PASTED
    text, name = _decode_as(data, encoding) if encoding is not None else _detect(data)
    return text.removeprefix("\ufeff"), name


def check_size(size: int) -> None:
    """Raises `ValueError` for more bytes than can be used."""
    if size > limits.MAX_USER_DATA_BYTES:
        raise ValueError(
            f"That is {size:,} bytes, and at most {limits.MAX_USER_DATA_BYTES:,} can be used here: take a part of it."
        )


def _decode_as(data: bytes, encoding: object) -> tuple[str, str]:
    """Decodes by the encoding that the user has named."""
    name = find_encoding(encoding)
    try:
        return _decode_wide(data, name) if name in ("UTF-16", "UTF-32") else data.decode(ENCODINGS[name]), name
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"This file is not in {name}: line {line:,} cannot be read. Choose another one.") from None


def find_encoding(encoding: object) -> str:
    """The name in `ENCODINGS` of an encoding by any of its usual names.

    Raises:
        ValueError: there is none.
    """
    if isinstance(encoding, str):
        plain = re.sub("[^a-z0-9]", "", encoding.lower())
        for name, codec in ENCODINGS.items():
            if plain in (re.sub("[^a-z0-9]", "", part.lower()) for part in (name, codec)):
                return name
        try:
            codec = codecs.lookup(encoding).name
        except (LookupError, ValueError):
            codec = ""
        for name, known in ENCODINGS.items():
            if codec and codec in (codecs.lookup(known).name, codecs.lookup(known).name + "-sig"):
                return name
        if codec in _MULTIBYTE:
            return _MULTIBYTE[codec]
        if codec.startswith(("utf-8", "utf-16", "utf-32")):
            return codec[:6].upper().rstrip("-")
        if codec == "ascii":
            return "UTF-8"
    raise ValueError(f"The encoding must be one of {', '.join(ENCODINGS)}.")


def _decode_wide(data: bytes, name: str) -> str:
    """UTF-16 or UTF-32, by its byte order mark or the byte order that reads better."""
    if data.startswith(tuple(mark for mark, _, called in _BYTE_ORDER_MARKS if called == name)):
        return data.decode(name)
    orders = [codec for codec, called in _WIDE_CODECS if called == name]
    texts = [data.decode(codec, "replace") for codec in orders]
    best = max(range(len(orders)), key=lambda at: _common_share(texts[at]))
    return data.decode(orders[best])


def _detect(data: bytes) -> tuple[str, str]:
    for mark, codec, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data.decode(codec), name
            except UnicodeDecodeError:
                break
    sniffed = data[:MAX_SNIFFED_BYTES]
    control_characters = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in sniffed)
    if b"\0" in data or control_characters > max(MAX_CONTROL_SHARE * len(sniffed), MIN_BINARY_CONTROLS):
        return _detect_wide(data)
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        if error.start > len(data) - 4 and error.start and error.reason == "unexpected end of data":
            return data[: error.start].decode("utf-8"), "UTF-8"  # cut within its last character
    if (text := _damaged_utf8(data)) is not None:
        return text, "UTF-8"
    return _detect_code_page(data)


def _damaged_utf8(data: bytes) -> str | None:
    """The text, if nearly all of its characters beyond ASCII are whole in UTF-8; the others become U+FFFD."""
    text = data.decode("utf-8", "replace")
    beyond = sum(character > "\x7f" for character in text)
    return text if text.count("\ufffd") <= MAX_DAMAGED_SHARE * beyond else None


def _detect_wide(data: bytes) -> tuple[str, str]:
    """UTF-16 or UTF-32 without a byte order mark: the one that gives text; everything else is binary."""
    best: tuple[float, str, str] | None = None
    for codec, name in _WIDE_CODECS:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        share = _common_share(text[:MAX_SNIFFED_BYTES])
        if _is_text(text[:MAX_SNIFFED_BYTES]) and (best is None or share > best[0]):
            best = share, text, name
    if best is None or best[0] < MIN_COMMON_SHARE:
        raise ValueError(_BINARY)
    return best[1:]


def _common_share(text: str) -> float:
    """The share of printable ASCII, tabs, line ends, and of the commas, stops and kana of East Asian texts."""
    return len(_COMMON.findall(text)) / max(len(text), 1)


def _is_text(text: str) -> bool:
    """Whether nearly all characters are assigned, and none is a NUL."""
    odd = sum(unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") and c not in "\t\r\n\f" for c in text)
    return "\0" not in text and odd <= MAX_CONTROL_SHARE * len(text)


def _detect_code_page(data: bytes) -> tuple[str, str]:
    """An encoding of one or two bytes a character; only lines with bytes beyond ASCII tell them apart."""
    lines, size = [], 0
    for line in data.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > MAX_SNIFFED_BYTES:
                break
    sample = b"".join(lines)
    found = charset_normalizer.from_bytes(sample, cp_isolation=[*_MULTIBYTE, *code_pages.CODECS.values()]).best()
    for name in code_pages.rank(sample, _MULTIBYTE.get(found.encoding) if found is not None else None):
        try:
            return data.decode(ENCODINGS[name]), name
        except UnicodeDecodeError:
            continue
    return data.decode("windows-1252", "replace"), "Windows-1252"
