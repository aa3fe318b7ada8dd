"""The offline folder and its manifest: what is believed of it, and what is not."""

import json
from pathlib import Path

import pytest

from skillstack import fetch
from skillstack.data.hub import HubSource
from skillstack.errors import IntegrityError, SkillStackError, StoreError, UsageError
from skillstack.fetch import FetchedFile, copy_files, is_whole
from skillstack.models import sources
from skillstack.models import sources as builtin


def test_a_packaged_model_is_copied_and_is_the_same_there(tmp_path):
    from skillstack.models.identity import weights_fingerprint

    fetched = fetch.fetch(model="minilm", output=tmp_path / "offline")
    (item,) = fetched.items
    assert (item.kind, item.licence) == ("model", "apache-2.0")
    assert item.path == "models/sentence-transformers--all-MiniLM-L6-v2"
    assert weights_fingerprint(fetched.folder / item.path) == builtin.FINGERPRINT
    assert fetched.bytes == sum(file.stat().st_size for file in (fetched.folder / item.path).iterdir())
    assert fetch.fetch(model="minilm", output=tmp_path / "offline").new == ()
    assert fetch.check_folder(fetched.folder) == ()
    (fetched.folder / item.path / "config.json").write_text("{}")
    assert fetch.check_folder(fetched.folder) == (item,)


def test_starter_tasks_ship_and_name_their_licence(tmp_path):
    fetched = fetch.fetch("starter8", output=tmp_path / "offline")
    assert all(item.shipped and item.licence for item in fetched.items)
    assert not (tmp_path / "offline").exists()


def test_a_task_that_the_hub_must_not_be_asked_for_stops_it_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTACK_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SkillStackError, match="skillstack fetch"):
        fetch.fetch("hard5", model="minilm", output=tmp_path / "offline")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "raised"),
    [
        ({"path": "../elsewhere"}, IntegrityError),
        ({"path": "tasks/.."}, IntegrityError),
        ({"path": "elsewhere/imdb"}, IntegrityError),
        ({"path": "/tasks"}, IntegrityError),
        ({"files": [{"name": "../x", "bytes": 1, "sha256": ""}]}, IntegrityError),
        ({"files": [{"name": "x", "bytes": "many", "sha256": ""}]}, IntegrityError),
        ({"files": None}, IntegrityError),
    ],
)
def test_a_manifest_that_leads_elsewhere_is_refused(change, raised, tmp_path):
    item = {"kind": "task", "name": "imdb", "path": "tasks/imdb", "licence": "", "origin": "", "files": []}
    text = json.dumps({"format": fetch.FORMAT, "items": [item | change]})
    (tmp_path / fetch.MANIFEST).write_text(text)
    with pytest.raises(raised) as caught:
        fetch.read_manifest(tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1, "items": 3}', "\x00"])
def test_a_damaged_manifest_is_said(text, tmp_path):
    (tmp_path / fetch.MANIFEST).write_text(text)
    with pytest.raises(IntegrityError, match="damaged"):
        fetch.read_manifest(tmp_path)


def test_a_newer_manifest_and_a_file_for_a_folder_are_refused(tmp_path):
    (tmp_path / fetch.MANIFEST).write_text('{"format": 2}')
    with pytest.raises(StoreError, match="another version"):
        fetch.read_manifest(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        fetch.read_manifest(tmp_path / fetch.MANIFEST)


def test_pickles_and_code_beside_a_model_are_not_copied(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("config.json", "model.py", "pytorch_model.bin", ".hidden.json"):
        (source / name).write_text(name)
    files = copy_files(source, tmp_path / "target")
    assert [file.name for file in files] == ["config.json"]
    assert is_whole(tmp_path / "target", files)
    (tmp_path / "target" / "more.json").write_text("{}")
    assert not is_whole(tmp_path / "target", files)
    assert not is_whole(tmp_path / "nowhere", (FetchedFile("a", 1, ""),))


def test_a_full_disk_leaves_the_old_folder(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "config.json").write_text("new")
    target.mkdir()
    (target / "config.json").write_text("old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skillstack.fetch.sync", full)
    with pytest.raises(StoreError, match="disk is full"):
        copy_files(source, target, earlier=(FetchedFile("config.json", 3, ""),))
    assert (target / "config.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


@pytest.mark.parametrize("linked", ["offline/models", "offline/models/mine", "offline/models/.fetch-mine"])
def test_what_lies_behind_a_link_is_not_replaced(tmp_path, linked):
    source, foreign = tmp_path / "source", tmp_path / "foreign"
    target = tmp_path / "offline" / "models" / "mine"
    folders = [source, foreign, foreign / "mine"] if linked == "offline/models" else [source, foreign]
    for folder in folders:
        folder.mkdir()
        (folder / "config.json").write_text(str(folder))
    (tmp_path / linked).parent.mkdir(parents=True)
    (tmp_path / linked).symlink_to(foreign, target_is_directory=True)
    with pytest.raises(StoreError, match="is a link"):
        copy_files(source, target, earlier=(FetchedFile("config.json", 3, ""),))
    for folder in folders:
        assert (folder / "config.json").read_text() == str(folder)


@pytest.mark.parametrize("strange", ["notes.txt", "config.json/notes.txt"])
def test_a_folder_that_holds_more_than_an_earlier_fetch_wrote_is_not_replaced(tmp_path, strange):
    source, target = tmp_path / "source", tmp_path / "offline" / "models" / "mine"
    source.mkdir()
    (source / "config.json").write_text("new")
    (target / strange).parent.mkdir(parents=True)
    (target / strange).write_text("somebody's own")
    with pytest.raises(StoreError, match="holds other files"):
        copy_files(source, target, earlier=(FetchedFile("config.json", 3, ""),))
    assert (target / strange).read_text() == "somebody's own"


def test_an_unknown_task_of_the_hub_gets_a_suggestion():
    with pytest.raises(UsageError, match="'agnews'"):
        HubSource().check("agnew")


def a_model(folder, content):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "of": content}))
    return folder


def test_two_models_of_one_name_are_never_taken_for_each_other(tmp_path):
    one, other = a_model(tmp_path / "a" / "Base", "a"), a_model(tmp_path / "b" / "Base", "b")
    folder = tmp_path / "offline"
    first = fetch.fetch(model=str(one), output=folder).items[0]
    with pytest.raises(StoreError, match="another model") as caught:
        fetch.fetch(model=str(other), output=folder)
    assert "--output" in caught.value.hint
    assert json.loads((folder / first.path / "config.json").read_text())["of"] == "a"
    assert fetch.fetch(model=str(one), output=folder).new == ()
    assert str(tmp_path) not in (folder / fetch.MANIFEST).read_text().replace(str(one), "")


def test_models_of_one_name_and_two_owners_lie_apart(tmp_path, monkeypatch):
    found = {
        f"{owner}/Base": sources.Source(f"{owner}/Base", "0" * 40, a_model(tmp_path / owner, owner))
        for owner in ("one", "two")
    }
    monkeypatch.setattr(sources, "find", found.__getitem__)
    for name in found:
        fetch.fetch(model=name, output=tmp_path / "offline")
    assert [item.path for item in fetch.read_manifest(tmp_path / "offline")] == [
        "models/one--Base",
        "models/two--Base",
    ]
    assert fetch.check_folder(tmp_path / "offline") == ()


def test_the_page_on_offline_work_names_only_sampled_sets_as_sampled():
    page = (Path(__file__).parents[1] / "docs" / "offline.md").read_text(encoding="utf-8")
    sentence = (
        page.replace("\n", " ").partition("sampled as it streams by: of ")[2].partition(" only a small")[0]
    )
    named = {name.split()[0].lower() for name in sentence.replace(" or ", ", ").split(", ")}
    sampled = {name.partition("_")[0] for name, known in HubSource().sets.items() if known.scan}
    assert named == sampled


@pytest.mark.parametrize("page", ["docs/offline.md", "notebooks/kaggle_hard8.ipynb"])
def test_a_fetched_model_is_looked_for_where_it_lies(page):
    text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
    assert "offline/models/Qwen--Qwen2.5-1.5B-Instruct" in text or r"MODEL.replace(\"/\", \"--\")" in text
