"""skillstack export: into one file, or as plain PEFT folders."""

from __future__ import annotations

from skillstack.store.canonical import sha256_file
from skillstack.store.rows import Row
from skillstack.store.samples import TextSamples
from skillstack.store.transactions import push

from .conftest import frame


def with_texts(made):
    """One more frame on the stack, with three sample texts."""
    import dataclasses

    content = frame(made.store, "notes", 7)
    samples = made.store.put_samples(TextSamples(tuple(Row(f"note {i}") for i in range(3))))
    content = dataclasses.replace(content, skills=(dataclasses.replace(content.skills[0], samples=samples),))
    push(made.store, "mine", content, transaction="t", note="learn notes", expected=made.nodes[-1])


def test_it_says_how_many_frames_and_texts_go_out(command, made, tmp_path):
    ran = command("export", "mine", "mine.zip")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("mine.zip: 3 frames of mine ")
    assert "It includes no texts" in ran.out
    assert f"sha256 {sha256_file(tmp_path / 'mine.zip')}" in ran.out
    with_texts(made)
    assert "It leaves out 3 texts of the router's samples" in command("export", "mine", "mine.zip").out
    ran = command("export", "mine", "mine.zip", "--with-texts")
    assert "It includes 3 texts of the router's samples" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def test_the_current_stack_goes_where_none_is_named(command, made, tmp_path):
    assert command("export", "a.zip").status == 0
    assert command("export", "b.zip", "--stack", "mine").status == 0
    assert command("export", "mine", "c.zip", "--stack", "mine").status == 0
    assert len({(tmp_path / f"{name}.zip").read_bytes() for name in "abc"}) == 1


def test_as_json_it_is_one_document(command, made, tmp_path):
    with_texts(made)
    found = command("export", "mine", "mine.zip", "--json").json
    assert (found["schema"], found["stack"], found["frames"]) == (1, "mine", 4)
    assert found["bytes"] == (tmp_path / "mine.zip").stat().st_size
    assert found["sha256"] == sha256_file(tmp_path / "mine.zip")
    assert (found["texts"], found["texts_kept_back"], found["router"]) == (0, 3, False)


def test_what_cannot_be_meant_is_refused(command, made):
    for arguments, status in (
        (("export",), 2),
        (("export", "a", "b", "c"), 2),
        (("export", "mine", "a.zip", "--stack", "other"), 2),
        (("export", "mien", "a.zip"), 2),
        (("export", "a", "--format", "peft", "--with-texts"), 2),
        (("export", "mine", "."), 2),
        (("export", "mine", "frames/store.json"), 3),
    ):
        ran = command(*arguments)
        assert ran.status == status, arguments
        assert len(ran.err.splitlines()) >= 2, arguments


def test_a_stack_without_a_path_is_refused_with_the_right_command(command, made, tmp_path):
    for more, wanted in (
        ((), "skillstack export mine mine.zip"),
        (("--format", "peft"), "skillstack export --format peft mine mine-peft"),
    ):
        ran = command("export", "mine", *more)
        assert (ran.status, ran.out) == (2, "")
        assert wanted in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]
    assert command("export", "./mine").status == 0
    assert (tmp_path / "mine").is_file()


def test_peft_folders_are_named(command, made, tmp_path):
    ran = command("export", "--format", "peft", "folders")
    assert ran.status == 0
    assert "3 skills of mine; README.md says how to load them." in ran.out
    assert (tmp_path / "folders" / "README.md").is_file()
    found = command("export", "mine", "others", "--format", "peft", "--json").json
    assert [skill["skill"] for skill in found["skills"]] == ["films", "cards", "trips"]
    assert (tmp_path / "others" / found["skills"][0]["adapter"] / "adapter_model.safetensors").is_file()
    assert command("export", "--format", "peft", "folders").status == 2


def test_neither_loads_what_takes_long(shell, made):
    code = "import sys; from skillstack.cli.group import run; status = run(sys.argv[1:]); "
    code += (
        "print([m for m in ('torch', 'transformers', 'sklearn', 'scipy') if m in sys.modules]); exit(status)"
    )
    import subprocess
    import sys

    from .conftest import PYTHONPATH

    for arguments in (
        ["export", "mine", "a.zip"],
        ["import", "a.zip", "--as", "b"],
        ["stacks", "copy", "b", "c"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=shell.folder,
            env={"PYTHONPATH": PYTHONPATH},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"
