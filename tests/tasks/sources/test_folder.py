"""What a local data folder may hold, and what is refused, with file and line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from skillstack.data.folder import FolderSource
from skillstack.data.presets import catalogue
from skillstack.errors import InputError, UsageError
from skillstack.store.rows import Row

MakeTask = Callable[..., Path]
# The rows that make_task writes unless it is given others.
ROWS: list[dict[str, object]] = [
    {"text": "The soup was cold.", "label": 0},
    {"text": "Nobody came to our table.", "label": 0},
    {"text": "A wonderful evening.", "label": 1},
    {"text": "Best noodles in town.", "label": 1},
]


def refused(root: Path, name: str = "dinner") -> str:
    with pytest.raises(InputError) as caught:
        FolderSource(root).load(name).test  # noqa: B018
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    return caught.value.message


def test_a_task_that_the_catalogue_does_not_know_is_defined_by_its_folder(make_task: MakeTask) -> None:
    data = FolderSource(make_task({"licence": "CC0", "citation": "us", "source": "our notes"})).load("dinner")
    assert data.task.labels == ("bad", "good")
    assert data.task.family == "sentiment"
    assert [example.row.text for example in data.train] == [row["text"] for row in ROWS]
    assert [example.label for example in data.test] == [0, 0, 1, 1]
    assert (data.source.licence, data.source.citation, data.source.origin) == ("CC0", "us", "our notes")


def test_a_folder_may_bring_prompt_and_label_words(make_task: MakeTask) -> None:
    task = (
        FolderSource(make_task({"prompt": "{text}\nIt was", "label_words": [" bad", " good"]}))
        .load("dinner")
        .task
    )
    assert task.prompt == "{text}\nIt was"
    assert task.label_words == (" bad", " good")


def test_a_family_left_out_is_one_of_its_own(make_task: MakeTask) -> None:
    assert FolderSource(make_task({"family": None})).load("dinner").task.family == "dinner"


def test_pairs_have_a_second_text(make_task: MakeTask) -> None:
    rows = [row | {"text_pair": "Would they come again?"} for row in ROWS]
    data = FolderSource(make_task({"kind": "pair"}, rows, rows)).load("dinner")
    assert data.train[0].row == Row("The soup was cold.", "Would they come again?")


def test_unpacked_files_are_read_as_well_with_and_without_a_byte_order_mark(make_task: MakeTask) -> None:
    root = make_task()
    packed = FolderSource(root).load("dinner")
    file = root / "dinner" / "train.jsonl.gz"
    (root / "dinner" / "train.jsonl").write_bytes(b"\xef\xbb\xbf" + gzip.decompress(file.read_bytes()))
    file.unlink()
    assert FolderSource(root).load("dinner") == packed


def test_the_digest_tells_rows_apart_but_not_their_order(make_task: MakeTask, tmp_path: Path) -> None:
    def digest(rows: list[dict[str, object]]) -> str:
        (tmp_path / "dinner" / "train.jsonl.gz").write_bytes(
            gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
        )
        return FolderSource(tmp_path).load("dinner").source.digest

    make_task()
    assert digest(ROWS) == digest(ROWS[::-1])
    assert digest(ROWS) != digest([*ROWS, {"text": "One more.", "label": 0}])
    assert digest(ROWS) != digest([*ROWS[:-1], ROWS[-1] | {"text": "Worst noodles."}])


def test_no_path_of_this_machine_is_recorded(make_task: MakeTask) -> None:
    root = make_task()
    assert str(root) not in repr(FolderSource(root).load("dinner").source)


def test_a_validation_file_is_read_if_it_is_there(make_task: MakeTask) -> None:
    root = make_task()
    assert FolderSource(root).load("dinner").validation == ()
    (root / "dinner" / "validation.jsonl").write_text('{"text": "Fine.", "label": 1}\n')
    assert [example.row.text for example in FolderSource(root).load("dinner").validation] == ["Fine."]


def test_training_does_not_read_the_test_rows(make_task: MakeTask) -> None:
    root = make_task()
    (root / "dinner" / "test.jsonl.gz").write_bytes(b"broken")
    data = FolderSource(root).load("dinner")
    with pytest.raises(InputError, match="gzip"):
        data.test  # noqa: B018


# --- what is refused


def test_a_missing_data_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        FolderSource(tmp_path / "nowhere")


def test_a_missing_task_folder_with_a_suggestion(make_task: MakeTask) -> None:
    with pytest.raises(InputError, match=r"no task 'diner'.*'dinner'"):
        FolderSource(make_task()).load("diner")


@pytest.mark.parametrize("name", ["../dinner", "a/b", "/etc", "..", "", "dinner\0", "C:\\x", "con"])
def test_task_names_with_path_parts(make_task: MakeTask, name: str) -> None:
    with pytest.raises(UsageError, match="no valid name"):
        FolderSource(make_task()).load(name)


@pytest.mark.parametrize("file", ["task.json", "train.jsonl.gz", "test.jsonl.gz"])
def test_a_missing_file_is_named(make_task: MakeTask, file: str) -> None:
    root = make_task()
    (root / "dinner" / file).unlink()
    assert file in refused(root)


def test_a_folder_in_the_place_of_a_file(make_task: MakeTask) -> None:
    root = make_task()
    (root / "dinner" / "train.jsonl.gz").unlink()
    (root / "dinner" / "train.jsonl.gz").mkdir()
    assert "no train.jsonl.gz" in refused(root)


def test_two_files_for_one_split(make_task: MakeTask) -> None:
    root = make_task()
    (root / "dinner" / "train.jsonl").write_text("")
    assert "train.jsonl.gz and train.jsonl" in refused(root)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"name": "../../etc"}, "its folder is named 'dinner'"),
        ({"name": "lunch"}, "about the task 'lunch'"),
        ({"name": 7}, "about the task '7'"),
        ({"label_names": None}, "0 label names"),
        ({"label_names": []}, "0 label names"),
        ({"label_names": ["bad", "bad"]}, "stands there twice"),
        ({"label_names": ["bad", 1]}, "no list of strings"),
        ({"label_names": "bad good"}, "no list of strings"),
        ({"family": ["sentiment"]}, "family"),
        ({"family": "../x"}, "family"),
        ({"kind": "qa"}, "cannot be classified"),
        ({"kind": ["single"]}, "cannot be classified"),
        ({"truncation": "tail"}, "truncation"),
    ],
)
def test_a_record_that_cannot_be_meant(make_task: MakeTask, record: dict[str, object], message: str) -> None:
    found = refused(make_task(record))
    assert "task.json" in found
    assert message in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no valid JSON"),
        (b"{", "no valid JSON"),
        (b"[" * 100_000, "no valid JSON"),
        (b"[]", "list instead of a JSON object"),
        (b'{"name": "\xff"}', "no UTF-8"),
        (b" " * (2**20 + 1), "larger than"),
    ],
)
def test_a_record_that_cannot_be_read(make_task: MakeTask, content: bytes, message: str) -> None:
    root = make_task()
    (root / "dinner" / "task.json").write_bytes(content)
    assert message in refused(root)


def test_a_known_task_must_have_the_known_labels(make_task: MakeTask) -> None:
    root = make_task({"label_names": ["positive", "negative"]}, name="sst2")
    assert "label_names differs from that of the known task 'sst2'" in refused(root, "sst2")


def test_a_known_task_must_have_the_known_kind_and_family(make_task: MakeTask) -> None:
    labels = list(catalogue()["qqp"].labels)
    root = make_task({"label_names": labels, "family": "paraphrase"}, name="qqp")
    assert "kind differs" in refused(root, "qqp")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "x", "label": 2}, "the label is 2, but the task has 2 classes"),
        ({"text": "x", "label": -1}, "the label is -1"),
        ({"text": "x", "label": 10**400}, "the label is 1000"),
        ({"text": "x", "label": True}, "the label is True"),
        ({"text": "x", "label": 1.0}, "the label is 1.0"),
        ({"text": "x", "label": float("nan")}, "the label is nan"),
        ({"text": "x", "label": "1"}, "the label is '1'"),
        ({"text": "x", "label": None}, "the label is None"),
        ({"text": "x"}, "the label is missing"),
        ({"label": 1}, "the field text is missing"),
        ({"text": "", "label": 1}, "empty"),
        ({"text": " \n", "label": 1}, "empty"),
        ({"text": "a\0b", "label": 1}, "NUL"),
        ({"text": "a\ud800b", "label": 1}, "lone surrogate"),
        ({"text": "x" * 10_000_000, "label": 1}, "10,000,000 characters"),
        ({"text": ["x"], "label": 1}, "list"),
        ({"text": "x", "text_pair": "y", "label": 1}, "text_pair is not expected"),
        ([1], "list instead of a JSON object"),
        ("x", "str instead of a JSON object"),
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_bad_row_is_named_with_its_line(make_task: MakeTask, row: object, message: str, split: str) -> None:
    found = refused(make_task(**{split: [*ROWS, row]}))
    assert f"{split}.jsonl.gz, line 5: " in found
    assert message in found
    assert len(found) < 500


def test_a_pair_task_without_second_texts(make_task: MakeTask) -> None:
    assert "line 1: the field text_pair is missing" in refused(make_task({"kind": "pair"}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no rows"),
        (b'{"text": "x", "label": 0}\n{"text": "x', "line 2: no valid JSON"),
        (b'{"text": "x", "label": 0}\n\n{"text": "y", "label": 1}\n', "line 2: the line is blank"),
        (b'{"text": "x", "label": 0}\n{"text": "caf\xe9", "label": 1}\n', "line 2: byte 14 is no UTF-8"),
        (b"[" * 200_000, "line 1: no valid JSON"),
        (b'{"text": "x", "label": ' + b"1" * 5_000 + b"}", "line 1: no valid JSON"),
        ("{}".encode("utf-16"), "is encoded in UTF-16"),
    ],
)
def test_a_file_of_rows_that_cannot_be_read(make_task: MakeTask, content: bytes, message: str) -> None:
    root = make_task()
    (root / "dinner" / "train.jsonl.gz").write_bytes(gzip.compress(content))
    assert message in refused(root)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-12], lambda data: b"text", lambda data: data + b"rest"]
)
def test_a_damaged_gzip_file(make_task: MakeTask, damage: Callable[[bytes], bytes]) -> None:
    root = make_task()
    file = root / "dinner" / "train.jsonl.gz"
    file.write_bytes(damage(file.read_bytes()))
    assert "no complete gzip file" in refused(root)


def test_no_flipped_bit_in_a_gzip_file_gives_other_rows(make_task: MakeTask) -> None:
    root = make_task()
    file = root / "dinner" / "train.jsonl.gz"
    sound = file.read_bytes()
    expected = FolderSource(root).load("dinner").train
    for position in range(len(sound) * 8):
        altered = bytearray(sound)
        altered[position // 8] ^= 1 << position % 8
        file.write_bytes(altered)
        try:
            found = FolderSource(root).load("dinner").train
        except InputError:
            continue
        # Time stamp, name flags and operating system of the header change no row.
        assert found == expected


@pytest.mark.parametrize("train", [ROWS[:3], ROWS[:2], [*ROWS[:3], ROWS[2]]])
def test_a_class_with_fewer_than_two_different_examples(make_task: MakeTask, train: list[object]) -> None:
    assert "class 1, 'good', has" in refused(make_task(train=train))


def test_folders_without_a_record_are_no_tasks(make_task: MakeTask) -> None:
    root = make_task()
    (root / "documents").mkdir()
    (root / "README.md").write_text("Nothing here.")
    assert FolderSource(root).names() == ("dinner",)


@pytest.mark.parametrize("name", ["imdb", "qnli", "hwu64", "clinc150"])
def test_real_folders_load(shared_data: Path, name: str) -> None:
    data = FolderSource(shared_data).load(name)
    record = json.loads((shared_data / name / "task.json").read_text(encoding="utf-8"))
    assert data.task == catalogue()[name]
    assert (len(data.train), len(data.test)) == (record["n_train"], record["n_test"])
    assert len(data.validation) == record.get("n_validation", 0)
    assert data.source.licence == record["license_if_known"][:1_000]


def test_extractive_question_answering_is_refused(shared_data: Path) -> None:
    assert "'qa' cannot be classified" in refused(shared_data, "squad2")
