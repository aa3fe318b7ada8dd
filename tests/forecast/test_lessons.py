"""What is known of a task before its rows are read."""

import json

from skillstack.forecast.lessons import lesson, reached


def test_a_starter_task_ships_along():
    found = lesson("banking", None)
    assert (found.source, found.download, found.trouble) == ("starter", 0, None)
    assert found.labels > 10
    assert 10 < found.characters < 200
    assert found.licence.startswith("CC BY")


def test_a_folder_comes_first_and_counts_what_it_can(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    record = {"label_names": ["bad", "good"], "family": "sentiment", "n_train": 40}
    (folder / "task.json").write_text(json.dumps(record))
    (folder / "train.jsonl").write_text('{"text": "dull", "label": 0}\n{"text": "lovely", "label": 1}\n')
    found = lesson("films", tmp_path)
    assert (found.source, found.labels, found.rows, found.characters) == ("folder", 2, 40, 5.0)


def test_a_broken_folder_is_trouble_and_no_crash(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    assert lesson("films", tmp_path).trouble is not None
    (folder / "task.json").write_text('{"label_names": ["bad", "good"]}')
    (folder / "train.jsonl.gz").write_bytes(b"\x1f\x8b\x08no")
    assert "training rows" in lesson("films", tmp_path).trouble.message


def test_a_task_of_the_hub_without_a_network_is_trouble(monkeypatch, tmp_path):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path))
    found = lesson("dbpedia", None)
    assert found.labels == 14
    assert "skillstack fetch --task dbpedia" in found.trouble.hint


def test_a_misspelt_task_gets_a_suggestion():
    assert "agnews" in lesson("agnewz", None).trouble.hint


def test_a_hub_that_does_not_answer_is_trouble_for_all_that_must_come_from_it(monkeypatch, tmp_path):
    import huggingface_hub.constants
    import huggingface_hub.hf_api

    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    found = [lesson(name, None) for name in ("banking", "agnews", "imdb")]
    assert [one.trouble for one in found] == [None] * 3
    banking, agnews, imdb = reached(found)
    assert banking.trouble is None
    assert "cannot be reached" in agnews.trouble.message
    assert "skillstack fetch --task imdb" in imdb.trouble.hint
