"""The encoding of a text file, named or shown by its bytes, and the file as a stream of UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from importlib.resources.abc import Traversable
from typing import BinaryIO, cast

from skillstack.errors import InputError, UsageError, did_you_mean

UTF_8 = "utf-8"
#: How encodings that are detected are called in notes; ``--encoding`` knows these names too.
TITLES = {"cp932": "Shift-JIS", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32"}
#: Names in the hint for one that is unknown.
COMMON = ("utf-8", "utf-16", "cp1252", "latin-1", "shift_jis", "euc_jp", "gb18030", "big5", "cp1251")
_PIECE = 1 << 20
#: Fewer zero bytes than this are no sign of UTF-16.
_LEAST_ZEROS = 4
#: Bytes of lines with other characters than ASCII by which an encoding is judged.
_JUDGED = 1 << 18


def check_encoding(name: str) -> str:
    """The encoding of this name, as Python calls it.

    :raises UsageError: if there is none, or it is not one of text files.
    """
    hint = did_you_mean(name, COMMON)
    try:
        found = codecs.lookup(name)
        data = codecs.encode("a,\n", name)
        plain = found.incrementaldecoder is not None and isinstance(data, bytes) and data.decode(name)
    except (LookupError, ValueError, TypeError):
        raise UsageError(f"There is no encoding {name[:40]!r}.", hint) from None
    if plain != "a,\n" or found.name in ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"):
        raise UsageError(f"{name[:40]!r} is no encoding of text files.", hint)
    return UTF_8 if found.name in ("ascii", "utf-8-sig") else found.name


def encoding_note(path: Traversable, encoding: str) -> str:
    """What people should know of an encoding that was detected."""
    return f"{path.name} is read as {TITLES.get(encoding, encoding)}; --encoding says otherwise."


def detect_encoding(stream: BinaryIO) -> str:
    """The encoding that a file's bytes show; reads the stream to its end, and holds little of it.

    What is no UTF-8 is UTF-16, Shift-JIS (cp932) or cp1252 where it decodes and reads like text in it. In
    doubt it is UTF-8, so that the reader names the line that is not.
    """
    utf_8 = codecs.getincrementaldecoder(UTF_8)()
    valid, first, rest, sample = True, True, b"", b""
    while data := stream.read(_PIECE):
        if first and (wide := wide_encoding(data)):
            return wide
        first = False
        if valid:
            try:
                utf_8.decode(data)
            except UnicodeDecodeError:
                valid = False
        if len(sample) < _JUDGED:
            lines, _, rest = (rest[-_PIECE:] + data).rpartition(b"\n")
            if not lines.isascii():
                others = [line for line in lines.split(b"\n") if not line.isascii()]
                sample += b"\n".join(others)[:_JUDGED] + b"\n"
        elif not valid:
            break
    try:
        utf_8.decode(b"", final=True)
    except UnicodeDecodeError:
        valid = False
    if valid:
        return UTF_8
    return _narrow(sample + (rest[:_JUDGED] if len(sample) < _JUDGED else b""))


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32, with a byte order mark or by where the zeros are; None for anything else."""
    if data.startswith((codecs.BOM_UTF32_LE, b"\x00\x00\xfe\xff")):
        return "utf-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16-le" if data.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    data = data[: min(len(data), _JUDGED) & ~1]
    low, high = data[1::2].count(0), data[::2].count(0)
    zeros = max(low, high)
    if zeros < _LEAST_ZEROS or min(low, high) * 20 > zeros:
        return None
    encoding = "utf-16-le" if low > high else "utf-16-be"
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(data)
    strange = sum(not (char.isprintable() or char in "\t\r\n\u3000\u00a0\ufeff") for char in text)
    # Plain text has a zero in most characters; other text at least at the ends of its lines.
    usual = zeros * 10 >= 7 * len(text) or data.count(b"\n") <= 2 * text.count("\n")
    return encoding if usual and "\ufffd" not in text and strange * 100 <= len(text) else None


def _narrow(sample: bytes) -> str:
    """The encoding of lines that are no UTF-8, one byte or two a character."""
    damaged = sample.decode(UTF_8, "replace")
    bad = damaged.count("\ufffd")
    if 4 * sum(not char.isascii() and char != "\ufffd" for char in damaged) >= bad:
        return UTF_8  # most of it is UTF-8: a damaged file, or two that were joined
    for encoding, reads_well in (("cp932", _reads_like_japanese), ("cp1252", _reads_like_western)):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        if reads_well(text):
            return encoding
    return UTF_8


_KANA = re.compile("[\u3041-\u30ff]")
_HAN = re.compile(
    "[\u3001-\u3020\u3041-\u30ff\u4e00-\u9fff\uff01-\uff5e\u3005\u2010-\u203b\u2460-\u2473\u00d7]"
)


def _reads_like_japanese(text: str) -> bool:
    """Whether nearly all characters beyond ASCII are Japanese, and some of them kana."""
    others = sum(not char.isascii() for char in text)
    kana, known = len(_KANA.findall(text)), len(_HAN.findall(text))
    return 0 < others <= 10 * kana and known * 100 >= 95 * others


_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0160\u0161\u017d\u017e\u0152\u0153\u0178"
_OTHER_LETTER = re.compile(
    "[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0160\u0161\u017d\u017e\u0152\u0153\u0178]"
)
#: A capital behind a small letter, three accents in a row, a letter alone, and a sign within a word.
_ODD = re.compile(
    "(?<=[a-z\u00df-\u00ff])[\u00c0-\u00d6\u00d8-\u00de\u0160\u017d\u0152\u0178]"
    "|[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]{3,}"
    f"|(?<![{_LETTER}])[\u00d0\u00d7\u00dd-\u00df\u00e2-\u00e6\u00ea-\u00f7\u00f9-\u00ff](?![{_LETTER}'\u2019])"
    f"|(?<=[{_LETTER}])[^\\x00-\\x7f{_LETTER}\u2019\u2018\u00b4\u2013\u2014\u00ad\u00b7\u00a0](?=[{_LETTER}])"
    f"|(?<=[{_LETTER}])[\u201a\u201e\u00a1\u00bf]"
    "|[\u0192\u2020\u2021\u02c6\u02dc\u00a4\u00a6\u00a8\u00ac\u00af\u00b8]"
)


def _reads_like_western(text: str) -> bool:
    """Whether accented letters stand among plain ones, and signs where signs stand.

    Cyrillic, Greek, Polish or Chinese that is read as cp1252 has its letters alone, or signs within words.
    """
    others = sum(not char.isascii() for char in text)
    letters = sum(char.isalpha() for char in text)
    odd = sum(map(len, _ODD.findall(text)))
    return others > odd * 20 and len(_OTHER_LETTER.findall(text)) * 3 <= letters


class _Recoded(io.RawIOBase):
    """A stream of another encoding as UTF-8; never waits for more than has arrived."""

    def __init__(self, raw: BinaryIO, encoding: str, path: Traversable) -> None:
        self._raw, self._encoding, self._path = raw, encoding, path
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""
        self._line, self._after_return, self._ended = 1, False, False

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """The next bytes of UTF-8."""
        while not self._ready and not self._ended:
            data = self._raw.read1(_PIECE)  # type: ignore[attr-defined]
            self._ended = not data
            self._ready = self._decoded(data).encode(UTF_8, "backslashreplace")
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _decoded(self, data: bytes) -> str:
        state = self._decoder.getstate()
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            self._decoder.setstate(state)
            self._refuse(data)
        self._count(text)
        return text

    def _count(self, text: str) -> None:
        joined = self._after_return and text.startswith("\n")
        self._line += text.count("\n") + text.count("\r") - text.count("\r\n") - joined
        self._after_return = text.endswith("\r") if text else self._after_return

    def _refuse(self, data: bytes) -> None:
        title = TITLES.get(self._encoding, self._encoding)
        what = "it ends within a character"
        for byte in data:
            try:
                self._count(self._decoder.decode(bytes([byte])))
            except UnicodeDecodeError:
                what = f"the byte 0x{byte:02x} there is none"
                break
        raise InputError(
            f"{self._path}, line {self._line}: no valid {title}: {what}.",
            "Name the file's encoding with --encoding, or save it as UTF-8.",
        )


def as_utf_8(stream: BinaryIO, encoding: str, path: Traversable) -> BinaryIO:
    """A stream of this encoding as one of UTF-8.

    :raises InputError: while it is read, at bytes that the encoding does not have; it names the line.
    """
    if encoding == UTF_8:
        return stream
    return cast(BinaryIO, io.BufferedReader(_Recoded(stream, encoding, path), _PIECE))
