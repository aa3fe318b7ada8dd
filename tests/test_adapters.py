"""An adapter that PEFT trained becomes a frame of a stack, answers as PEFT does, and can be undone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModel, LlamaConfig, LlamaForCausalLM

from skillstack.adapters import import_adapter
from skillstack.cli.group import run
from skillstack.data.sources import load_task
from skillstack.errors import InputError, MismatchError, UsageError
from skillstack.stack import Stack
from skillstack.store.samples import FeatureSamples
from skillstack.training.recipe import Recipe

from .models.test_peft_import import TEXTS, classifier, logits_of, saved
from .models.tiny import byte_tokenizer, decoder_sizes, save
from .tiny import copied, store_of, tiny_bert

LABELS = ("bad", "so", "good")


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "llama"
    return save(folder, LlamaForCausalLM(LlamaConfig(**decoder_sizes())), byte_tokenizer())


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="module")
def reviews(llama, tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A decoder's classifier as PEFT saves it, and its logits on the texts."""
    folder = tmp_path_factory.mktemp("peft") / "reviews"
    model = saved(classifier(llama), folder, target_modules=["q_proj", "v_proj"], task_type="SEQ_CLS")
    return folder, logits_of(model, llama)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder with texts and a table of three labels."""
    for name in ("SKILLSTACK_STORE", "SKILLSTACK_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    task = load_task("banking")
    examples = [example for example in task.train if example.label < 3]
    (tmp_path / "texts.txt").write_text("\n".join(example.row.text for example in examples[:40]) + "\n")
    for name, most in (("table.csv", len(examples)), ("few.csv", 60)):
        with (tmp_path / name).open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["body", "queue"])
            table.writerows([example.row.text, LABELS[example.label]] for example in examples[:most])
    return tmp_path


def sound(stack: Stack, base: Path) -> bool:
    """Whether all files are whole and each frame proves that its adapter acts."""
    opened = Stack.open(stack.store.root, stack.name, model=str(base), device="cpu")
    checked, canaries = opened.verify(deep=True)
    return checked.ok and bool(canaries) and all(canary.ok for canary in canaries)


def test_a_classifier_answers_with_pefts_logits_and_the_stack_is_whole(llama, reviews):
    folder, wanted = reviews
    done = import_adapter(folder, labels=LABELS, texts="texts.txt", model=str(llama), stack="mine")
    assert (done.stack, done.name, done.head, done.dev, done.left_out) == (
        "mine",
        "reviews",
        "folder",
        None,
        (),
    )
    stack = Stack.open()
    assert (stack.name, [frame.id for frame in stack]) == ("mine", [done.frame])
    found = Stack.open(model=str(llama), device="cpu").predict(list(TEXTS), frame="reviews")
    shares = torch.softmax(torch.from_numpy(wanted), dim=1).numpy()
    for answer, share in zip(found, shares, strict=True):
        np.testing.assert_allclose([answer.probabilities[label] for label in LABELS], share, atol=1e-5)
    assert sound(stack, llama)
    assert stack.undo().note == "import reviews"
    assert len(Stack.open(stack="mine")) == 0
    stack.redo()
    assert [frame.id for frame in Stack.open(stack="mine")] == [done.frame]


def test_labelled_rows_measure_a_head_that_came_along_whatever_order_they_name_labels_in(llama, reviews):
    folder, _ = reviews
    done = import_adapter(folder, labels=LABELS, table="few.csv", model=str(llama), stack="mine")
    assert (done.head, done.labels) == ("folder", LABELS)
    assert done.dev is not None and done.frozen_linear_dev is not None and done.dev.n > 5
    skill = Stack.open().frame("reviews").content.skills[0]
    head = Stack.open().store.head(skill.head)
    own = load_file(folder / "adapter_model.safetensors")["base_model.model.score.weight"]
    np.testing.assert_array_equal(head["weight"], own)
    # Each row is answered rightly under one of the three ways to name the logits in a circle.
    turned = [
        import_adapter(
            folder, labels=LABELS[n:] + LABELS[:n], table="few.csv", model=str(llama), stack=f"s{n}"
        )
        for n in (1, 2)
    ]
    assert sum(one.dev.correct for one in (done, *turned) if one.dev) == done.dev.n


def test_without_a_head_one_is_fitted_on_the_adapters_features(bert, here):
    saved(
        AutoModel.from_pretrained(bert, dtype=torch.float32), here / "lora", target_modules=["query", "dense"]
    )
    done = import_adapter(
        "lora", name="queues", family="support", table="table.csv", model=str(bert), keep_texts=False
    )
    assert (done.stack, done.head, done.copied) == ("main", "fitted", False)
    assert set(done.labels) == set(LABELS) and done.dev is not None and done.frozen_linear_dev is not None
    assert done.dev.correct > done.dev.n / 2
    assert done.left_out == ("pooler.dense",)
    stack = Stack.open()
    skill = stack.frame("queues").content.skills[0]
    assert isinstance(stack.store.samples(str(skill.samples)), FeatureSamples)
    assert sound(stack, bert)
    # The frozen baseline that an evaluation compares with is kept, and another skill can follow.
    assert list((stack.store.root / "derived").glob("frozen-linear-*/*"))
    opened = Stack.open(model=str(bert))
    learned = opened.learn("more", "table.csv", recipe=Recipe(epochs=1, samples_per_class=8, max_length=64))
    assert learned.frame is not None and len(Stack.open()) == 2


def test_a_stack_takes_an_adapter_of_its_own_base_and_no_other(bert, llama, reviews, here, tmp_path):
    root = store_of(tmp_path / "made", ["banking"], {"epochs": 1, "samples_per_class": 4, "max_length": 64})
    stack = copied(root, tmp_path)
    base = tmp_path / "tiny-bert"
    saved(AutoModel.from_pretrained(base, dtype=torch.float32), here / "lora", target_modules=["query"])
    before = stack.store.tip("main")
    with pytest.raises(UsageError, match="already"):
        import_adapter("lora", name="banking", table="table.csv", model=str(base))
    with pytest.raises(MismatchError):
        import_adapter("lora", name="queues", table="table.csv", model=str(tiny_bert(tmp_path / "other", 1)))
    with pytest.raises(UsageError, match="held at fp32"):
        import_adapter("lora", table="table.csv", model=str(base), precision="bf16")
    assert stack.store.tip("main") == before
    done = import_adapter("lora", name="queues", table="table.csv", model=str(base))
    node = stack.store.node(done.frame)
    assert (node.parent, [frame.name for frame in Stack.open()]) == (before, ["queues", "banking"])
    routed = Stack.open().route(["please block my card", "how do i get my money back"])
    assert {route.skill for route in routed} <= {"queues", "banking"}


def test_what_is_missing_is_asked_for_and_nothing_is_left_behind(bert, llama, reviews, here):
    folder, _ = reviews
    saved(AutoModel.from_pretrained(bert, dtype=torch.float32), here / "bare", target_modules=["query"])
    saved(classifier(bert), here / "Encoder", target_modules=["query"], task_type="SEQ_CLS")
    for arguments, says in (
        ((folder, {"texts": "texts.txt", "model": llama}), "what its head's logits mean"),
        ((folder, {"labels": LABELS, "model": llama}), "the router cannot tell"),
        ((folder, {"labels": LABELS, "texts": "texts.txt", "stack": "mine"}), "Name the model"),
        ((folder, {"labels": LABELS, "texts": "texts.txt", "table": "table.csv"}), "both given"),
        (("bare", {"labels": LABELS, "texts": "texts.txt", "model": bert}), "no classification head"),
        (("Encoder", {"table": "table.csv", "model": bert}), "cannot be a frame's"),
        (("Encoder", {"name": "e", "texts": "texts.txt", "model": bert}), "mean of all tokens"),
        (("bare", {"table": "table.csv", "model": bert, "prompt": "{text}?"}), "without a prompt"),
    ):
        where, options = arguments
        with pytest.raises(UsageError, match=says):
            import_adapter(where, **{key: str(v) if isinstance(v, Path) else v for key, v in options.items()})
    assert not (here / "frames").exists()


def test_labels_that_do_not_fit_the_head_or_the_rows_are_refused(llama, reviews, here):
    folder, _ = reviews
    for labels, says in ((LABELS[:2], "3 logits"), (("a", "b", "c"), "rows labelled")):
        rows = {"texts": "texts.txt"} if len(labels) == 2 else {"table": "table.csv"}
        with pytest.raises(InputError, match=says):
            import_adapter(folder, labels=labels, model=str(llama), stack="mine", **rows)
    assert not (here / "frames").exists()


def test_what_export_writes_comes_back_with_equal_answers(llama, reviews, here):
    folder, _ = reviews
    options = {"labels": LABELS, "texts": "texts.txt", "model": str(llama)}
    import_adapter(folder, **options, stack="mine", prompt="Review: {text}\nIt is")
    first = Stack.open(stack="mine", model=str(llama))
    first.export_peft(here / "out")
    again = import_adapter(
        here / "out" / "seq_cls" / "reviews", **options, stack="twin", prompt="Review: {text}\nIt is"
    )
    second = Stack.open(stack=again.stack, model=str(llama))
    one, other = (
        [answer.probabilities for answer in stack.predict(list(TEXTS), frame="reviews")]
        for stack in (first, second)
    )
    assert one == other
    assert first.frame("reviews").content.adapter.model == second.frame("reviews").content.adapter.model
    with pytest.raises(UsageError, match="several PEFT folders"):
        import_adapter(here / "out", **options)


def test_the_commands_show_check_and_undo_it(llama, reviews, here, capsys):
    folder, _ = reviews

    def command(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return run(words), *capsys.readouterr()

    status, out, err = command(
        "import", str(folder), "--labels", "bad,so,good", "--texts", "texts.txt", "--model", str(llama)
    )
    assert (status, err) == (0, "")
    assert out.startswith("Imported reviews as the newest frame of main, ") and "came with the adapter" in out
    status, out, _ = command("show", "reviews", "--json")
    assert status == 0 and "reviews" in out
    status, out, _ = command("show", "reviews")
    assert status == 0 and "an adapter that was imported" in out and "epochs" not in out
    assert "came with the adapter" in command("show", "reviews", "--card")[1]
    status, out, _ = command("log", "--json")
    assert status == 0 and [frame["name"] for frame in json.loads(out)["frames"]] == ["reviews"]
    assert "import reviews" in command("log", "--history")[1]
    assert command("verify", "--deep", "--model", str(llama))[0] == 0
    assert command("predict", "a great movie", "--model", str(llama))[0] == 0
    assert command("undo")[0] == 0
    status, out, _ = command(
        *("import", str(folder), "--labels", "bad,so,good", "--table", "few.csv", "--model", str(llama)),
        *("--name", "films", "--family", "sentiment", "--json"),
    )
    found = json.loads(out)
    assert (status, found["schema"], found["name"], found["head"]) == (0, 1, "films", "folder")
    assert found["dev"]["n"] > 0 and found["labels"] == list(LABELS)


def test_options_of_the_other_form_are_refused(reviews, here, capsys):
    assert run(["import", str(reviews[0]), "--as", "twin"]) == 2
    assert "Name the frame with --name." in capsys.readouterr().err
    assert run(["import", "some.zip", "--label-column", "queue"]) == 2
    assert "--label-column is for PEFT folders" in capsys.readouterr().err
    (here / "empty").mkdir()
    assert run(["import", "empty"]) == 2
    assert "no PEFT folder" in capsys.readouterr().err
