"""With plain PEFT and the card's own lines, a frame's folder gives the frame's logits."""

import dataclasses
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from skillstack.data.sources import load_task
from skillstack.data.task import Task, rendering
from skillstack.models.loading import load_base
from skillstack.models.slot import Slot
from skillstack.models.sources import minilm_folder as builtin_folder
from skillstack.predictor import Predictor
from skillstack.results import Frame
from skillstack.store.records import BaseIdentity, Count
from skillstack.store.rows import Row
from skillstack.store.store import Store
from skillstack.training.card import write_card
from skillstack.training.run import train_stack

from .world import RECIPE, job

TEXTS = ("The soup was cold, and nobody cared.", "Wonderful!", "Is it a film, or only 90 minutes of noise?")
PAIRS = (("Is it cold?", "It is freezing."), ("A", "A long second text, with a comma."))


def logits_by_card(folder: Path, base: Path, row: Row) -> np.ndarray:
    """Runs the card's Python as a reader would, who sets BASE, FOLDER and the texts."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.DOTALL)
    names: dict[str, object] = {"BASE": str(base), "FOLDER": str(folder), "text": row.text}
    if row.text_pair is not None:
        names["text_pair"] = row.text_pair
    with torch.no_grad():
        exec(code, names)
    return names["logits"].numpy()[0]


def logits_here(store: Store, base: str, rows: tuple[Row, ...]) -> list[np.ndarray]:
    """The first frame's answers as `predict` gets them."""
    ((node_id, node),) = store.chain("main")
    content = store.content(node.content)
    frame = Frame(node_id, 0, node.content, content, None, None)
    loaded = Predictor(store, Slot(load_base(base, device="cpu")))
    answers = loaded.answer(rows, [frame] * len(rows), [content.skills[0]] * len(rows))
    assert not any(answer.truncated for answer in answers)
    return [answer.logits for answer in answers]


def check(tmp_path: Path, model: str, folder: Path, data, rows: tuple[Row, ...], **recipe: object) -> None:
    store = Store.create(tmp_path / "store")
    task = dataclasses.replace(
        job((), dataclasses.replace(RECIPE, max_length=120, init="fresh", epochs=1, **recipe)), tasks=(data,)
    )
    train_stack(store, task, lambda: load_base(model, device="cpu"), lambda chain: None, lambda event: None)
    (adapter,) = (store.root / "adapters").iterdir()
    for row, here in zip(rows, logits_here(store, model, rows), strict=True):
        assert np.abs(logits_by_card(adapter, folder, row) - here).max() < 1e-4 * max(1, np.abs(here).max())


@pytest.mark.usefixtures("last_candidate_wins")
@pytest.mark.parametrize("refit", [True, False])
def test_a_real_frame_on_the_built_in_base_answers_alike_with_plain_peft(tmp_path, refit):
    rows = tuple(Row(text) for text in TEXTS)
    data = load_task("imdb_sentences")
    check(tmp_path, "minilm", builtin_folder(), data, rows, top_layers=3, refit=refit)


@pytest.mark.usefixtures("last_candidate_wins")
@pytest.mark.parametrize("refit", [True, False])
def test_a_decoders_frame_answers_alike_with_plain_peft(tmp_path, llama, refit):
    rows = tuple(Row(text) for text in TEXTS)
    check(tmp_path, str(llama), llama, load_task("imdb_sentences"), rows, refit=refit)


@pytest.mark.usefixtures("last_candidate_wins")
@pytest.mark.parametrize("kind", ["bert", "llama"])
def test_pairs_answer_alike_with_plain_peft(tmp_path, kind, request):
    folder = request.getfixturevalue(kind)
    place = tmp_path / "data" / "my-pairs"
    place.mkdir(parents=True)
    record = {"name": "my-pairs", "family": "nli", "kind": "pair", "label_names": ["yes", "no"]}
    (place / "task.json").write_text(json.dumps(record))
    lines = [
        json.dumps({"text": f"Question {i}?", "text_pair": f"It is {i % 7} of {i}.", "label": i % 2})
        for i in range(60)
    ]
    for split in ("train", "test"):
        (place / f"{split}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    rows = tuple(Row(*pair) for pair in PAIRS)
    check(tmp_path, str(folder), folder, load_task("my-pairs", tmp_path / "data"), rows)


def card(make: Callable[[Task], Task] = lambda task: task, **source: str) -> str:
    task = make(load_task("imdb_sentences").task)
    base = BaseIdentity("a" * 64, "b" * 64, "bert", 384, 6, 'a/"base"', "v1")
    return write_card(
        task, base, rendering(task, "encoder", 64), "mean", "c" * 64, Count(9, 12), Count(6, 12), source
    )


def test_it_says_what_the_frame_is_how_good_it_is_and_where_its_rows_came_from():
    text = card(name="starter/imdb_sentences", licence="CC BY 4.0", citation="Somebody, 2015")
    assert text.startswith("---\nlibrary_name: peft\n")
    assert 'base_model: "a/\\"base\\""' in text
    assert "75.0 %" in text
    assert "50.0 %" in text
    assert "12 held-back rows" in text
    assert "CC BY 4.0" in text
    assert "Somebody, 2015" in text
    assert '0 "negative", 1 "positive"' in text


def test_it_says_so_where_the_licence_is_not_known():
    assert "licence: not stated" in card(name="folder/mine")


def test_it_says_how_long_texts_are_cut_here():
    assert "by SkillStack in the middle" in card()
    assert "as by SkillStack" in card(lambda task: dataclasses.replace(task, truncation="head"))
