import json

import pytest

from skillstack.cli.sink import open_sink


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "out.jsonl"
    with open_sink(str(path), as_json=False) as sink:
        sink({"row": 1}, lambda: "one")
        assert not path.exists()
    assert json.loads(path.read_text()) == {"schema": 1, "row": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), open_sink(str(path), as_json=True) as sink:
        sink({"row": 1}, lambda: "one")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    with open_sink("/dev/null", as_json=True) as sink:
        sink({"row": 1}, lambda: "one")


@pytest.mark.parametrize("as_json", [True, False])
def test_standard_output_gets_lines_or_words(capsys, as_json):
    with open_sink("-", as_json=as_json) as sink:
        sink({"row": 1}, lambda: "one")
    assert capsys.readouterr().out == ('{"schema": 1, "row": 1}\n' if as_json else "one\n")
