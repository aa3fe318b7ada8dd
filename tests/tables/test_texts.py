"""Texts without labels: from a text file, or from a table's columns."""

import pytest

from skillstack.data.texts import load_texts
from skillstack.errors import InputError, UsageError
from skillstack.store.rows import Row


def test_a_text_file_has_a_text_a_line_and_equal_ones_count_once(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_bytes("one, two\r\nthree\none, two\nvier\u00e4".encode())
    assert load_texts(file) == (Row("one, two"), Row("three"), Row("vier\u00e4"))


def test_a_table_has_them_in_a_column_and_second_texts_where_one_is_named(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("text,other\none,a\n,b\ntwo,c\n")
    assert load_texts(file) == (Row("one"), Row("two"))
    assert load_texts(file, text="other") == (Row("a"), Row("b"), Row("c"))
    assert load_texts(file, pair="other") == (Row("one", "a"), Row("two", "c"))
    (tmp_path / "single.tsv").write_text("body\none\n")
    assert load_texts(tmp_path / "single.tsv") == (Row("one"),)
    with pytest.raises(UsageError, match="no column 'body'"):
        load_texts(file, text="body")


def test_what_holds_no_texts_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "texts.txt").write_text("one\n")
    (tmp_path / "texts.pdf").write_text("one\n")
    for name, kind, says, options in (
        ("empty.txt", InputError, "holds no texts", {}),
        ("texts.txt", UsageError, "no columns", {"text": "body"}),
        ("texts.pdf", InputError, "ending", {}),
        ("missing.txt", InputError, "Cannot read", {}),
    ):
        with pytest.raises(kind, match=says) as caught:
            load_texts(tmp_path / name, **options)
        assert caught.value.hint
