"""Files in the encodings of many languages: each is detected, can be named, and gives the right text."""

import pytest

from charplay.data.user_data import read_text
from charplay.data.user_data.decoding import decode

# what is said in another alphabet -> encodings in which it stands
RUSSIAN = "Иванов,Москва\nПетров,Москва\nСидоров,Рязань\nКузнецов,Рязань\n"
SENTENCE = "Все счастливые семьи похожи друг на друга.\n" * 8
POLISH = "Wiśniewski,mąż\nŁukaszewicz,żona\nŹdziarski,mąż\nGołębiowska,żona\n"
CZECH = "Dvořák,muž\nNěmcová,žena\nČerný,muž\nRůžičková,žena\n"
GREEK = "Παπαδόπουλος,Αθήνα\nΓεωργίου,Αθήνα\nΙωάννου,Πάτρα\nΚωνσταντίνου,Πάτρα\n"
TURKISH = "Yılmaz,İzmir\nŞahin,İzmir\nÖztürk,Muğla\nDoğan,Muğla\n"
FRENCH = "Le garçon a été très content de revoir sa mère à l’hôtel.\n" * 4
GERMAN = "Müller,Köln\nSchröder,Köln\nGroß,Lübeck\nKrüger,Lübeck\n"
MIXED = "Müller,de\nSchröder,de\nGarcía,es\nMuñoz,es\n"
JAPANESE = "田中,東京\n鈴木,大阪\nこんにちは,東京\nカタカナ,大阪\n"
CHINESE = "今天天气很好，我们一起去公园散步吧。\n人们在那里唱歌跳舞。\n" * 3
KOREAN = "김철수,남\n이영희,여\n박민수,남\n최지은,여\n"
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
ENCODED = {
    RUSSIAN: {"cp1251": "Windows-1251", "koi8_r": "KOI8-R", "iso8859_5": "ISO-8859-5"},
    SENTENCE: {"cp1251": "Windows-1251", "koi8_r": "KOI8-R", "iso8859_5": "ISO-8859-5"},
    POLISH: {"cp1250": "Windows-1250", "iso8859_2": "ISO-8859-2"},
    CZECH: {"cp1250": "Windows-1250", "iso8859_2": "ISO-8859-2"},
    GREEK: {"cp1253": "Windows-1253", "iso8859_7": None},
    TURKISH: {"cp1254": "Windows-1254", "iso8859_9": None},
    FRENCH: {"cp1252": "Windows-1252", "mac_roman": "Mac Roman"},
    GERMAN: {"cp1252": "Windows-1252", "latin_1": None, "iso8859_15": None, "mac_roman": "Mac Roman"},
    MIXED: {"cp1252": "Windows-1252", "mac_roman": "Mac Roman"},
    JAPANESE: {"shift_jis": "Shift-JIS"},
    CHINESE: {"gbk": "GBK"},
    KOREAN: {"euc_kr": "EUC-KR"},
    "Rossi,男\nVerdi,女\nIvanov,男\nPetrov,女\n": {"shift_jis": "Shift-JIS"},
    "Rossi,北京\nVerdi,上海\n": {"gbk": "GBK"},
    "Rossi,ИТАЛИЯ\nIvanov,РОССИЯ\n": {"cp1251": "Windows-1251"},
    "Rossi,италия\nIvanov,россия\n": {"koi8_r": "KOI8-R", "cp1251": "Windows-1251"},
    "Rossi’s “one” – and…\n": {"cp1252": "Windows-1252"},
    "Rossi,Österreich\nVerdi,Español\n": {"mac_roman": "Mac Roman", "cp1252": "Windows-1252"},
    "5 € und 20 °C\n": {"cp1252": "Windows-1252"},
    "Østergård,da\nSøren,da\nÅse,no\n": {"cp1252": "Windows-1252"},
}


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [(text, codec, name) for text, codecs in ENCODED.items() for codec, name in codecs.items()]
    + [(text, codec, codec[:6].upper().rstrip("-")) for text in ENCODED for codec in UNICODE],
)
def test_an_encoding_is_detected_and_can_be_named(text, codec, name):
    data = text.encode(codec)
    decoded, detected = decode(data)
    assert decoded == text
    assert name is None or detected == name  # where two encodings have the same bytes for it, either is right
    assert decode(data, codec)[0] == text
    assert decode(data, detected) == (text, detected)


def test_a_named_encoding_is_used_or_refused():
    assert decode(RUSSIAN.encode("cp1251"), "Windows-1252")[0].startswith("Èâàíîâ")
    for encoding in ("windows-1251", "CP1251", "cp-1251"):
        assert decode(RUSSIAN.encode("cp1251"), encoding) == (RUSSIAN, "Windows-1251")
    with pytest.raises(ValueError, match="line 2 "):
        decode("Rossi\nMüller\n".encode("cp1252"), "UTF-8")
    for unknown in ("klingon", "rot13", "", 7):
        with pytest.raises(ValueError, match="one of UTF-8"):
            decode(b"x", unknown)


def test_a_file_cut_within_a_character_or_damaged_stays_utf8():
    whole = ("Müller,de\n" * 60).encode()
    assert decode(whole + "ü".encode()[:1]) == (whole.decode(), "UTF-8")
    text, encoding = decode(whole + b"\xff\n")
    assert (encoding, text.count("ü"), text.count("\ufffd")) == ("UTF-8", 60, 1)


@pytest.mark.parametrize("codec", UNICODE)
def test_a_text_is_read_in_any_unicode_encoding(codec):
    parsed = read_text(("„Straße“ und Łódź.\n" * 20).encode(codec))
    assert parsed.text.startswith("„Straße“ und Łódź.\n")
    assert (parsed.encoding, parsed.dropped, parsed.first[0]) == (
        codec[:6].upper().rstrip("-"),
        {},
        "„Straße“ und Łódź.",
    )
