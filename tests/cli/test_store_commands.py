"""log, show, stacks, use, undo, redo, gc and verify on a store."""

import pytest

NAMES = ("trips", "cards", "films")


def names(ran):
    return tuple(frame["name"] for frame in ran.json["frames"])


def test_log_draws_the_current_stack(command, made):
    ran = command("log")
    assert (ran.status, ran.err) == (0, "")
    assert [line.split()[1] for line in ran.out.splitlines()[3:6]] == list(NAMES)
    assert "\x1b" not in ran.out


def test_log_as_json_is_one_document(command, made):
    ran = command("log", "--json")
    assert ran.json["schema"] == 1
    assert ran.json["stack"] == "mine"
    assert names(ran) == NAMES
    assert set(ran.json["frames"][0]) >= {"id", "name", "skills", "parent", "init_from", "adapter_bytes"}
    assert ran.json["frames"][0]["metrics"]["trips"]["dev"] == {"correct": 92, "n": 100, "accuracy": 0.92}


def test_the_store_is_found_from_a_folder_inside_the_project(shell, made):
    inside = shell.folder / "a" / "b"
    inside.mkdir(parents=True)
    elsewhere = type(shell)(inside)
    assert names(elsewhere("log", "--json")) == NAMES
    assert names(shell("log", "--json", "--store", str(made.store.root), "--stack", "mine")) == NAMES
    assert names(shell("log", "--json", SKILLSTACK_STORE=str(shell.folder), SKILLSTACK_STACK="mine")) == NAMES


def test_an_unknown_store_stack_or_frame_is_a_clear_error(command, made):
    ran = command("log", "--store", "nowhere")
    assert (ran.status, ran.err.splitlines()[0]) == (3, "error: There is no store in nowhere.")
    ran = command("log", "--stack", "mini", "--json")
    assert (ran.status, ran.json["error"]["hint"]) == (2, "Did you mean 'mine'?")
    ran = command("show", "card")
    assert (ran.status, ran.err.splitlines()[1]) == (2, "Did you mean 'cards'?")
    assert command("log", "--stack", "../mine").status == 2


def test_show_tells_all_about_the_newest_or_the_named_frame(command, made):
    assert command("show").out.startswith("trips: frame 3 of the stack mine\n")
    assert command("show", made.nodes[0][:6]).out.startswith("films: frame 1")
    assert command("show", "cards", "--json").json["frame"]["content"]["name"] == "cards"
    assert command("show", "cards", "--card").out == "# cards\n\nA card.\n"


def test_stacks_marks_the_current_one(command, made):
    assert command("stacks").out.split()[:3] == ["*", "mine", "3"]
    (info,) = command("stacks", "--json").json["stacks"]
    assert (info["name"], info["frames"], info["tip"], info["current"]) == ("mine", 3, made.nodes[2], True)
    assert command("stacks", "--stack", "mini").status == 2


def test_use_chooses_the_current_stack(command, made):
    from skillstack.store.transactions import move

    move(made.store, "other", "push", made.nodes[0], expected=None, transaction="t", note="a branch")
    ran = command("use", "other", "--json")
    assert (ran.status, ran.json) == (0, {"schema": 1, "stack": "other"})
    assert names(command("log", "--json")) == ("films",)
    assert command("use", "othr").err.splitlines()[1] == "Did you mean 'other'?"
    assert command("use").status == 2


def test_undo_and_redo_say_what_they_change(command, made):
    ran = command("undo", "--dry-run")
    assert "would remove 1 frame: trips" in ran.out
    assert names(command("log", "--json")) == NAMES
    assert "removed 1 frame: trips" in command("undo").out
    assert names(command("log", "--json")) == NAMES[1:]
    assert "(undone) train trips" in command("log", "--history").out
    assert command("redo", "--json").json["restored"] == ["trips"]
    assert names(command("log", "--json")) == NAMES
    ran = command("redo")
    assert (ran.status, ran.out) == (2, "")
    assert "nothing to redo" in ran.err


def test_the_history_is_a_document_too(command, made):
    found = command("log", "--history", "--json").json["transactions"]
    assert [entry["id"] for entry in found] == ["second", "first"]


def test_gc_removes_nothing_until_it_is_told_to(command, made):
    command("undo")
    would = command("gc", "--expire-now")
    assert would.out.startswith("Would free ")
    assert "--apply" in would.out
    found = command("gc", "--expire-now", "--json").json
    assert found["applied"] is False
    assert all((made.store.root / path).exists() for path in found["files"])
    assert command("gc", "--apply").out == "There is nothing to free.\n"
    assert command("gc", "--apply", "--expire-now").out.startswith("Freed ")
    assert not any((made.store.root / path).exists() for path in found["files"])
    assert command("redo").status == 3
    assert command("verify").status == 0


def test_gc_names_linked_folders_and_leaves_alone_what_is_behind_them(command, made, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / f"{'a' * 64}-test.json").write_text("mine")
    (made.store.root / "evaluations").symlink_to(tmp_path / "mine", target_is_directory=True)
    for options in ((), ("--apply",)):
        ran = command("gc", "--expire-now", *options)
        assert ran.status == 0
        assert "evaluations is a link: what lies behind it is left alone." in ran.err
    assert command("gc", "--json").json["links"] == ["evaluations"]
    assert [path.read_text() for path in (tmp_path / "mine").iterdir()] == ["mine"]


def test_verify_names_the_damaged_file_and_gives_status_1(command, made):
    assert command("verify").status == 0
    path = next((made.store.root / "heads").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    ran = command("verify")
    assert ran.status == 1
    assert path.name in ran.out
    ran = command("verify", "--json")
    assert (ran.status, ran.json["ok"]) == (1, False)
    assert ran.json["problems"][0]["path"] == f"heads/{path.name}"


@pytest.mark.parametrize("file", ["HEAD", "store.json", "stacks/mine", "history/mine.jsonl"])
def test_verify_names_a_file_that_opening_needs(command, made, file):
    path = made.store.root / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    ran = command("verify", "--json")
    assert ran.status == 1
    assert any(problem["path"].endswith(file) for problem in ran.json["problems"])


def test_a_store_of_a_newer_format_is_refused_with_what_to_do(command, made):
    (made.store.root / "store.json").write_bytes(b'{"format":99,"routers":"../routers"}')
    ran = command("log")
    assert (ran.status, ran.out) == (3, "")
    assert "format 99" in ran.err
    assert "Update skillstack." in ran.err
