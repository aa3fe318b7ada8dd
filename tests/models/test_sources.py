"""Names of models: what is meant, and what to do when nothing is."""

import shutil

import pytest

from skillstack.errors import MismatchError, MissingError, SkillStackError, UsageError
from skillstack.models import sources
from skillstack.models import sources as builtin
from skillstack.models.loading import load_base

from .tiny import rewrite_config


def test_the_default_is_the_built_in_base_under_both_its_names():
    assert sources.find("minilm") == sources.find("sentence-transformers/all-MiniLM-L6-v2")
    assert sources.find("minilm").folder == builtin.minilm_folder()


@pytest.mark.parametrize("name", ["minlm", "MiniLM-L6", "smollm", "SmolLM2"])
def test_a_near_name_is_answered_with_the_right_one(name):
    with pytest.raises(UsageError, match=r"Did you mean '(minilm|smollm2)'"):
        sources.find(name)


def test_a_folder_is_a_source_and_its_path_stays_out_of_the_identity(folders):
    found = sources.find(str(folders.bert))
    assert found.folder == folders.bert
    assert found.name == "bert"


@pytest.mark.parametrize(
    "name", ["./nowhere", "/no/such/place", "a b", "x" * 5000, "no\0name", "~nobody-here/model", ""]
)
def test_what_is_neither_folder_nor_hub_name_is_refused(name):
    with pytest.raises(SkillStackError) as caught:
        sources.find(name)
    assert caught.value.hint
    assert len(str(caught.value)) < 600


def test_a_hub_model_that_is_not_here_says_so_when_offline():
    with pytest.raises(MissingError, match="not in the local cache"):
        sources.find("nobody-at-all/no-such-model")


def test_a_hub_model_in_the_local_cache_is_found_with_its_commit(folders, monkeypatch, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    model = tmp_path / "models--some--model"
    shutil.copytree(folders.llama, model / "snapshots" / commit)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    found = sources.find("some/model")
    assert (found.name, found.revision) == ("some/model", commit)
    base = load_base("some/model", device="cpu")
    assert base.identity.same_as(load_base(str(folders.llama), device="cpu").identity)
    assert base.identity.revision == commit


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(MissingError, match=r"config\.json"):
        sources.find(str(tmp_path))


def test_a_broken_config_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(MissingError, match="no JSON"):
        sources.find(str(tmp_path))


def test_a_model_that_is_quantised_already_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    rewrite_config(tmp_path, quantization_config={"quant_method": "bitsandbytes"})
    with pytest.raises(MismatchError, match="--precision nf4"):
        sources.find(str(tmp_path))


def test_a_revision_is_part_of_a_name_or_of_a_record(folders, monkeypatch, tmp_path):
    old, new = "1" * 40, "2" * 40
    model = tmp_path / "models--some--model"
    for commit in (old, new):
        shutil.copytree(folders.bert, model / "snapshots" / commit)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(new)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert sources.find("some/model").revision == new
    assert sources.find(f"some/model@{old}").revision == old
    assert sources.find("some/model", old).revision == old
    assert sources.find(f"some/model@{new}", old).revision == new
    assert sources.find(f"some/model@{old}").name == "some/model"
    # A record may say anything; what is no commit is not looked up.
    assert sources.find("some/model", "../../elsewhere").revision == new
    assert load_base("some/model", device="cpu", revision=old).identity.revision == old


@pytest.mark.parametrize("name", ["some/model@", "some/model@../main", "some/model@a b", "minilm@main"])
def test_a_revision_that_cannot_be_meant_is_refused(name):
    with pytest.raises(UsageError) as caught:
        sources.find(name)
    assert caught.value.hint
