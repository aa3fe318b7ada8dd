import csv

import pytest

from skillstack.data.tables import open_table
from skillstack.errors import InputError


def read(tmp_path, data, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    table = open_table(path)
    return table, list(table.batches())


def rows(tmp_path, data, name="t.csv"):
    return [row for batch in read(tmp_path, data, name)[1] for row in batch.rows]


def test_everything_stays_the_string_it_is(tmp_path):
    cells = ("007", "NA", "null", "1.0", "", " x ", "TRUE", "nan")
    assert rows(tmp_path, "a,b,c,d,e,f,g,h\n" + ",".join(cells)) == [cells]


def test_quoted_line_breaks_and_quotes_work_and_rows_know_their_line(tmp_path):
    table, (batch,) = read(tmp_path, '\ufefftext,label\r\n"one\r\ntwo, ""three""",x\r\nfour,y\r\n')
    assert table.columns == ("text", "label")
    assert batch.rows == [('one\r\ntwo, "three"', "x"), ("four", "y")]
    assert (batch.lines, batch.numbers) == ([2, 4], [1, 2])


def test_empty_rows_are_left_out_and_counted(tmp_path):
    _, (batch,) = read(tmp_path, "a,b\n\n1,2\n,\n \n3,4\n\n".replace(" \n", " ,\t\n"))
    assert batch.rows == [("1", "2"), ("3", "4")]
    assert batch.numbers == [2, 5]
    assert batch.empty == 4


@pytest.mark.parametrize("row", ["1", "1,2,3", '"1', "1,2,"])
def test_a_ragged_row_is_an_error_that_names_its_line(tmp_path, row):
    with pytest.raises(InputError, match="line 4: "):
        read(tmp_path, f'a,b\n"x\ny",2\n{row}\n1,2\n')


def test_text_behind_a_quote_is_an_error_and_not_half_a_text(tmp_path):
    with pytest.raises(InputError, match="line 2: the row cannot be read"):
        read(tmp_path, 'a,b\n"x" y,2\n')


def test_semicolons_separate_where_a_header_has_no_comma(tmp_path):
    assert rows(tmp_path, "text;label\na, b;x\n") == [("a, b", "x")]
    assert rows(tmp_path, "text;more,label\na,x\n") == [("a", "x")]


def test_tabs_separate_a_tsv(tmp_path):
    assert rows(tmp_path, 'text\tlabel\n"a\tb"\tx,y\n', "t.tsv") == [("a\tb", "x,y")]


def test_columns_without_a_name_get_one_and_twice_the_same_is_an_error(tmp_path):
    assert read(tmp_path, ",text,\n0,a,b\n")[0].columns == ("column_1", "text", "column_3")
    with pytest.raises(InputError, match="two columns are called 'a'"):
        read(tmp_path, "a,b,a\n")


@pytest.mark.parametrize("data", ["", "\n", ",,\n1,2,3\n", "\ufeff"])
def test_a_file_without_a_header_line_is_an_error(tmp_path, data):
    with pytest.raises(InputError):
        read(tmp_path, data)


def test_a_text_of_the_greatest_length_is_read_and_an_unclosed_quote_does_not_fill_the_memory(tmp_path):
    limit = csv.field_size_limit()
    try:
        long = "a" * 1_999_999
        assert rows(tmp_path, f'text\n"{long}"\n') == [(long,)]
        with pytest.raises(InputError, match="line 2: the row cannot be read"):
            read(tmp_path, 'text\n"' + "a line\n" * 400_000)
    finally:
        csv.field_size_limit(limit)


def test_quotes_in_a_tsv_that_knows_none_are_characters_and_no_rows_are_merged(tmp_path):
    texts = [f'"I am number {n}, he said' if n % 4 == 0 else f'what a "{n}" is' for n in range(40)]
    data = "sentence\tlabel\n" + "".join(f"{text}\t{n % 2}\n" for n, text in enumerate(texts))
    assert rows(tmp_path, data, "t.tsv") == [(text, str(n % 2)) for n, text in enumerate(texts)]
    assert rows(tmp_path, 'a\tb\n"one\t1\n"two\t2\n', "t.tsv") == [('"one', "1"), ('"two', "2")]
    assert rows(tmp_path, 'a\tb\n1\t"unclosed\n2\tx\n', "t.tsv") == [("1", '"unclosed'), ("2", "x")]


def test_a_tsv_that_can_be_read_both_ways_is_refused_and_names_the_lines(tmp_path):
    with pytest.raises(InputError, match="lines 3 to 4: "):
        rows(tmp_path, 'a\tb\nx\ty\n"one\t1\ntwo"\t2\n', "t.tsv")
    assert rows(tmp_path, 'a\tb\n"one\t1\ntwo"\t"2"\n', "t.tsv") == [("one\t1\ntwo", "2")]


def test_cells_in_quotes_of_a_tsv_may_have_several_lines(tmp_path):
    data = 'id\ttext\n1\t"one\ntwo, ""three"""\n2\t"four"\n'
    assert rows(tmp_path, data, "t.tsv") == [("1", 'one\ntwo, "three"'), ("2", "four")]


def test_a_header_in_quotes_says_that_quotes_hold_cells(tmp_path):
    with pytest.raises(InputError, match="line 2: the row cannot be read"):
        rows(tmp_path, '"a"\t"b"\n"x" y\t2\n', "t.tsv")


def test_broken_rows_come_along_where_they_are_wanted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,2\n3\n"x" y,4\n5,6,7\n8,9\n')
    (batch,) = open_table(path).batches(lenient=True)
    assert batch.rows == [("1", "2"), ("3", ""), ("", ""), ("5", "6"), ("8", "9")]
    assert list(batch.errors) == [1, 2, 3]
    assert batch.errors[1] == "Line 3: 1 cells, but there are 2 columns."
    assert batch.errors[2].startswith("Line 4: the row cannot be read")
    path.write_text('a,b\n1,2\n"never closed,2\n3,4\n')
    with pytest.raises(InputError, match="line 3: "):
        list(open_table(path).batches(lenient=True))
