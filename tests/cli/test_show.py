from skillstack.cli.show import frame_json, frame_words, init_name

from .answers import frames_of


def test_place_and_lineage_are_told_apart(made):
    frames = frames_of(made.store, "mine")
    text = "\n".join(frame_words("mine", frames[0], made.store, init_name(made.store, frames[0], frames)))
    assert f"parent        cards {made.nodes[1][:8]}" in text
    assert f"started from  cards {frames[1].content_id[:8]}" in text
    assert "labels             2: no, yes" in text
    assert "92.0 % of 100" in text
    assert frames[0].id in text


def test_an_origin_off_the_stack_or_out_of_the_store_is_said(made):
    newest, _, oldest = frames_of(made.store, "mine")
    assert init_name(made.store, newest, []).endswith("which is not on this stack")
    (made.store.root / "contents" / f"{newest.content.init_from}.json").unlink()
    assert init_name(made.store, newest, []).endswith("which is not in this store")
    assert init_name(made.store, oldest, []) == "a fresh adapter"


def test_json_holds_the_record_and_the_files_with_their_sizes(made):
    frame = frames_of(made.store, "mine")[0]
    value = frame_json(made.store, frame)
    assert value["content"]["recipe"] == {"epochs": 3, "learning_rate": "0.0002", "targets": ["query"]}
    assert value["parent_name"] == "cards"
    assert {entry["path"] for entry in value["files"]} == set(frame.content.files)
    assert all(entry["bytes"] > 0 for entry in value["files"])


def test_a_missing_file_is_called_so(made):
    frame = frames_of(made.store, "mine")[0]
    (made.store.root / frame.content.files[0]).unlink()
    assert "missing  adapters/" in "\n".join(frame_words("mine", frame, made.store, "nothing"))
