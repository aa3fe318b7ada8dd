from skillstack.data.batches import BatchBuilder


def test_a_batch_is_full_by_rows_or_by_characters():
    gathered = BatchBuilder(("a",), 2)
    assert not gathered.add(("x",), 2)
    assert gathered.add(("y",), 3)
    assert gathered.batch().rows == [("x",), ("y",)]
    assert gathered.add(("z" * BatchBuilder.HEAVY,), 4)


def test_empty_rows_have_a_number_and_no_place():
    gathered = BatchBuilder(("a", "b"), 9)
    for line, row in enumerate([("", " "), (), ("x", ""), ("", "")], 2):
        gathered.add(row, line)
    (batch,) = gathered.rest()
    assert (batch.rows, batch.numbers, batch.lines, batch.empty) == ([("x", "")], [3], [4], 3)
    assert list(gathered.rest()) == []
