import pytest

from skillstack.data.batches import Format, format_of, known_format
from skillstack.errors import InputError


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.csv", Format("csv")),
        ("A.TSV", Format("tsv")),
        ("a.json", Format("jsonl")),
        ("a.b.jsonl.gz", Format("jsonl", packed=True)),
        ("folder.csv/a.parquet", Format("parquet")),
        ("a.parquet.gz", None),
        ("a.txt", None),
        ("csv", None),
        ("-", None),
        ("a.gz", None),
        ("", None),
    ],
)
def test_the_ending_tells_the_format(name, found):
    assert format_of(name) == found


def test_an_unknown_ending_is_an_error_that_names_the_known_ones():
    with pytest.raises(InputError, match=r"\.parquet"):
        known_format("a.doc")
