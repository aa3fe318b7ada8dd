"""Tables as Windows, Excel and mail programs save them."""

import gzip
import io

import pytest

from skillstack import TableOptions
from skillstack.data.encodings import check_encoding, detect_encoding
from skillstack.data.memory import load_rows
from skillstack.data.tables import open_table
from skillstack.errors import InputError, UsageError

GERMAN = (
    "text,queue\nMeine Karte wurde gestohlen, bitte sperren Sie sie für mich,karte\n"
    "Die Überweisung ist nicht angekommen – warum?,zahlung\nDie Straße „Am Müller“ ist größer: 5 €,ort\n"
)
FRENCH = (
    "texte;classe\nJ’ai perdu ma carte à l’hôtel, où est-elle passée ?;carte\n"
    "Ça ne marche pas : une « œuvre » déjà payée;paiement\nLa clé a été volée à Noël;vol\n"
)
JAPANESE = (
    "本文,分類\nカードをなくしました。再発行してください,カード\n"
    "暗証番号を忘れてしまいました,暗証番号\n送金がまだ届いていません（３日前）,送金\n"
)
RUSSIAN = "текст,класс\nя потерял карту,карта\nне приходит перевод,перевод\n"
POLISH = "tekst,klasa\nZgubiłem kartę, proszę o zablokowanie,karta\nNie mogę się zalogować,konto\n"


def detected(text, encoding):
    return detect_encoding(io.BytesIO(text.encode(encoding)))


@pytest.mark.parametrize(
    "text", [GERMAN, FRENCH, JAPANESE, RUSSIAN, POLISH, "a,b\n", "", "€\n", "mix é 本文\n"]
)
def test_utf_8_stays_utf_8(text):
    assert detected(text, "utf-8") == detected(text, "utf-8-sig") == "utf-8"


@pytest.mark.parametrize("text", [GERMAN, FRENCH, JAPANESE, RUSSIAN, POLISH])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_known_with_and_without_a_byte_order_mark(text, encoding):
    data = text.encode(encoding)
    assert data.decode(detect_encoding(io.BytesIO(data))).lstrip("\ufeff") == text


@pytest.mark.parametrize(
    "text", [GERMAN, FRENCH, "text\ncaf\u00e9\n", "¿Dónde está mi niño?\n", "text\n5 €\n"]
)
def test_western_text_is_known_as_cp1252(text):
    assert detected(text, "cp1252") == "cp1252"


def test_japanese_text_is_known_as_shift_jis():
    assert detected(JAPANESE, "cp932") == "cp932"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (POLISH, "cp1250"),
        (JAPANESE, "euc_jp"),
        (GERMAN.replace("„", "").replace("€", ""), "mac_roman"),
        ("text\nd\u00e9j\u00e0 vu\n", "cp850"),
    ],
)
def test_what_reads_like_nothing_known_is_never_guessed(text, encoding):
    assert detected(text, encoding) == "utf-8"


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\n",
        b"\xe9",
        "größe\nStraße über Österreich\n".encode() + "für".encode("cp1252"),
        b"text\na\0b\nlong enough to be sure that a zero is no sign of anything, whatever it is\n",
    ],
)
def test_damaged_utf_8_is_no_other_encoding(data):
    assert detect_encoding(io.BytesIO(data)) == "utf-8"


def test_an_accent_far_down_in_a_large_file_is_found():
    data = b"a plain line of text,label\n" * 100_000 + "Größe,café\n".encode("cp1252")
    assert detect_encoding(io.BytesIO(data)) == "cp1252"


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize(
    ("text", "encoding", "title"),
    [
        (GERMAN.replace(", bitte", " bitte"), "cp1252", "cp1252"),
        (JAPANESE, "cp932", "Shift-JIS"),
        (FRENCH, "utf-16", "UTF-16"),
    ],
)
def test_a_table_is_read_in_its_encoding_and_says_so(tmp_path, name, text, encoding, title):
    path = tmp_path / name
    (gzip.open if name.endswith(".gz") else open)(path, "wb").write(text.encode(encoding))
    table = open_table(path)
    assert table.notes == (f"{name} is read as {title}; --encoding says otherwise.",)
    separator = ";" if ";" in text else ","
    expected = [tuple(line.split(separator)) for line in text.splitlines()]
    assert [table.columns, *(row for batch in table.batches() for row in batch.rows)] == expected


def test_a_named_encoding_is_taken_without_a_note(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(RUSSIAN.encode("cp1251"))
    table = open_table(path, encoding="windows-1251")
    assert (table.columns, table.notes) == (("текст", "класс"), ())


def test_bytes_that_an_encoding_does_not_have_are_named_by_their_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"text,label\r\nfine,a\r\nbad \x81,b\r\n")
    with pytest.raises(InputError, match=r"line 3: no valid cp1252: the byte 0x81") as caught:
        list(open_table(path, encoding="cp1252").batches())
    assert "--encoding" in caught.value.hint


def test_a_character_that_is_cut_off_at_the_end_is_an_error(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("text\nカード\n".encode("utf-16")[:-1])
    with pytest.raises(InputError, match="ends within a character"):
        list(open_table(path).batches())


@pytest.mark.parametrize("name", ["nope", "base64", "rot13", "idna", "hex", "utf-7", "", "a\0b"])
def test_an_encoding_that_is_none_of_text_files_is_refused(name):
    with pytest.raises(UsageError, match="encoding"):
        TableOptions(encoding=name)


def test_encodings_are_known_by_the_names_in_notes():
    assert [check_encoding(name) for name in ("Shift-JIS", "UTF-16", "utf8")] == [
        "shift_jis",
        "utf-16",
        "utf-8",
    ]


def test_rows_are_learned_in_the_encoding_that_is_named(tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"карта {n},карта\nперевод номер {n},перевод\n" for n in range(8)]
    path.write_bytes(("text,label\n" + "".join(lines)).encode("cp1251"))
    found = load_rows("t", "t", str(path), options=TableOptions(encoding="cp1251", drop_rare=True))
    assert found.data.task.labels == ("карта", "перевод")
    assert found.report.notes == ()
