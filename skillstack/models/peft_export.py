"""Frames as plain PEFT folders, which every tool of that family reads without SkillStack.

The folders lie to each other as in a store, so the model cards' own lines work: ``adapters/<frame>`` as
it is, ``heads/<digest>.safetensors``. For decoders there is also ``seq_cls/<skill>``, an adapter of
PEFT's task type SEQ_CLS with the head in it: ``AutoModelForSequenceClassification`` and
``PeftModel.from_pretrained`` give the logits.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillstack.errors import UsageError
from skillstack.models.adapter_config import tensors_bytes
from skillstack.store import files
from skillstack.store.records import ADAPTER_FILES, FrameRecord, Skill
from skillstack.store.store import Store

if TYPE_CHECKING:
    pass


_BACKTICKS = str.maketrans("|`\n\r", "/'  ")


def readme(stack: str, contents: Sequence[FrameRecord], folders: Sequence[PeftFolders]) -> str:
    """The Markdown.

    :param contents: of the frames, the oldest first.
    :param folders: where their skills went, in the same order.
    """
    base, precision = contents[0].base, contents[0].precision
    lines = [
        f"# {stack}",
        "",
        f"{len(contents)} frames of the SkillStack stack `{stack}`, for PEFT without SkillStack. They belong "
        f"to the base `{_plain(base.name)}`"
        + (f", revision `{_plain(base.revision)}`" if base.revision else "")
        + f", held at {precision} when they were trained; its weights have the fingerprint `{base.weights}`.",
        "",
        "| skill | labels | folder |",
        "|---|---|---|",
    ]
    lines += [f"| {row.skill} | {len(row.labels)} | {_place(row)} |" for row in folders]
    lines += ["", "`frames.json` has each skill's labels in the order of the logits, prompt and length."]
    if any(row.adapter is None for row in folders):
        lines += [
            "",
            "A skill without an adapter has its head alone, in `heads/`: it reads the features of the frozen "
            "base, computed as the card of any adapter shows, without `PeftModel`.",
        ]
    if any(row.adapter for row in folders):
        lines += ["", "Each adapter's `README.md` shows how plain PEFT gives its logits."]
    trained = [row for row in folders if row.seq_cls]
    if trained:
        lines += _sequence_classifiers(trained)
    return "\n".join([*lines, ""])


def _place(row: PeftFolders) -> str:
    if row.adapter is None:
        return f"none: a head on the frozen base, `{row.head}`"
    return f"`{row.adapter}`" + (f", `{row.seq_cls}`" if row.seq_cls else "")


def _sequence_classifiers(folders: Sequence[PeftFolders]) -> list[str]:
    skill = json.dumps(folders[0].skill)
    return [
        "",
        "## As sequence classifiers",
        "",
        "`seq_cls/` has each adapter with its head inside. The last token of the prompt is pooled, so the "
        "model must know which token is padding.",
        "",
        "```python",
        "import json",
        "from pathlib import Path",
        "",
        "import torch",
        "from peft import PeftModel",
        "from transformers import AutoModelForSequenceClassification, AutoTokenizer",
        "",
        "skills = json.loads((Path(FOLDER) / 'frames.json').read_text('utf-8'))['frames']",
        f"skill = next(s for s in skills if s['skill'] == {skill})",
        "tokenizer = AutoTokenizer.from_pretrained(BASE, padding_side='right')",
        "tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token",
        "labels = len(skill['labels'])",
        "model = AutoModelForSequenceClassification.from_pretrained(",
        "    BASE, num_labels=labels, pad_token_id=tokenizer.pad_token_id, dtype=torch.float32",
        ")",
        "model.score = torch.nn.Linear(model.score.in_features, labels, bias=skill['head_bias'])",
        "model = PeftModel.from_pretrained(model, Path(FOLDER) / skill['seq_cls']).eval()",
        "prompts = [skill['prompt'].replace('{text}', text) for text in texts]",
        "logits = model(**tokenizer(prompts, padding=True, return_tensors='pt')).logits",
        "```",
        "",
        "`BASE` is the folder or name of the base model, `FOLDER` this one, `texts` are the texts; a second "
        "text goes to `{text_pair}`. Keep the line that makes `score`: transformers' own has no bias, and "
        "PEFT would leave that of the head out without a word. Texts too long for `max_length` tokens are "
        "cut within the text by SkillStack, and not at all here.",
    ]


def _plain(text: str) -> str:
    return text.translate(_BACKTICKS)


#: The classification layer of transformers' decoders: a linear layer without bias.
SCORE = "score"


@dataclass(frozen=True)
class PeftFolders:
    """Where a skill went.

    :ivar frame: the frame's name.
    :ivar skill: the skill's name.
    :ivar adapter: its adapter folder within the export, or None where only a head was learned.
    :ivar head: its head's file within the export.
    :ivar seq_cls: its SEQ_CLS folder, or None for encoders and frames without an adapter.
    :ivar bias: whether the head has a bias, for which SEQ_CLS models need a line more.
    :ivar labels: label names in the order of the logits.
    """

    frame: str
    skill: str
    adapter: str | None
    head: str
    seq_cls: str | None
    bias: bool
    labels: tuple[str, ...]


def export_peft(store: Store, stack: str, contents: Sequence[FrameRecord], folder: Path) -> list[PeftFolders]:
    """Write frames as plain PEFT folders, wholly or not at all.

    :param contents: of the frames, the oldest first.
    :param folder: a folder that does not exist or is empty.
    :raises UsageError: if there is nothing to export, or the folder holds something.
    :raises IntegrityError: if a file of a frame is missing or altered.
    :raises StoreError: if the disk refuses.
    """
    if not contents:
        raise UsageError(f"The stack {stack!r} has no frames.", "There is nothing to export.")
    if folder.is_symlink():
        raise UsageError(f"{folder} is a link.", "Choose another folder, or name the one behind it.")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty.", "Choose another folder, or move it away.")
    building = folder.absolute().with_name(f"{files.TEMPORARY}{uuid.uuid4().hex}")
    try:
        found = [row for content in contents for row in _frame(store, content, building)]
        rows = [_row(content, skill, found) for content in contents for skill in content.skills]
        record = {"format": 1, "frames": rows, "stack": stack}
        files.write_file(building / "frames.json", _json(record))
        files.write_file(building / "README.md", readme(stack, contents, found).encode("utf-8"))
        if folder.exists():
            folder.rmdir()  # Windows renames onto nothing, not even onto an empty folder
        building.rename(folder)
    except OSError as error:
        raise files.as_store_error(error, folder) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return found


def _frame(store: Store, content: FrameRecord, target: Path) -> list[PeftFolders]:
    adapter = content.adapter
    if adapter is not None:
        digests = (adapter.config, adapter.model, adapter.card)
        for name, digest in zip(ADAPTER_FILES, digests, strict=True):
            relative = f"adapters/{adapter.folder}/{name}"
            files.write_new(target / relative, store.read_checked(relative, digest))
    return [_skill(store, content, skill, target) for skill in content.skills]


def _skill(store: Store, content: FrameRecord, skill: Skill, target: Path) -> PeftFolders:
    digest = skill.head_digest
    head = f"heads/{digest}.safetensors"
    files.write_new(target / head, store.read_checked(head, digest))
    seq_cls = None
    if content.adapter is not None and content.pooling == "last":
        seq_cls = f"seq_cls/{skill.name}"
        _sequence_classifier(store, content, skill, target / seq_cls)
    adapter = content.adapter
    return PeftFolders(
        frame=content.name,
        skill=skill.name,
        adapter=None if adapter is None else f"adapters/{adapter.folder}",
        head=head,
        seq_cls=seq_cls,
        bias="bias" in store.head(digest),
        labels=skill.labels,
    )


def _sequence_classifier(store: Store, content: FrameRecord, skill: Skill, folder: Path) -> None:
    """An adapter with the head under the name that PEFT gives a saved module, ``...score.weight``.

    Decoders' adapters are named ``model.layers...`` in causal models and in classifiers alike.
    """
    from skillstack.models.slot import PREFIX  # brings torch

    assert content.adapter is not None
    config = json.loads(store.adapter_config(content.adapter))
    config |= {"task_type": "SEQ_CLS", "modules_to_save": [SCORE]}
    head = {f"{PREFIX}{SCORE}.{name}": tensor for name, tensor in store.head(skill.head_digest).items()}
    tensors = {**store.adapter_tensors(content.adapter), **head}
    files.write_file(folder / "adapter_model.safetensors", tensors_bytes(tensors))
    files.write_file(folder / "adapter_config.json", _json(config))


def _row(content: FrameRecord, skill: Skill, found: Sequence[PeftFolders]) -> dict[str, object]:
    """What a program needs to use a skill: where it is, what it reads, what its logits mean."""
    place = next(row for row in found if row.skill == skill.name and row.frame == content.name)
    return {
        "adapter": place.adapter,
        "base": {"name": content.base.name, "revision": content.base.revision},
        "frame": content.name,
        "head": place.head,
        "head_bias": place.bias,
        "labels": list(skill.labels),
        "max_length": skill.rendering.max_length,
        "pair": skill.pair,
        "pooling": content.pooling,
        "precision": content.precision,
        "prompt": _prompt(content, skill),
        "seq_cls": place.seq_cls,
        "skill": skill.name,
    }


def _prompt(content: FrameRecord, skill: Skill) -> str:
    """The template that is filled, also where a decoder reads the bare texts."""
    bare = "{text}\n{text_pair}" if skill.pair else "{text}"
    return skill.rendering.prompt or (bare if content.pooling == "last" else "")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")
