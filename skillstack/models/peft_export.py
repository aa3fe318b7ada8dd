"""Frames as plain PEFT folders, which every tool of that family reads without SkillStack.

The folders lie to each other as in a store, so the model cards' own lines work: ``adapters/<frame>`` as it
is, ``heads/<digest>.safetensors``. For decoders there is also ``seq_cls/<skill>``, an adapter of PEFT's task
type SEQ_CLS with the head in it: ``AutoModelForSequenceClassification`` and ``PeftModel.from_pretrained``
give the logits.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstack.errors import UsageError
from skillstack.frames import atomic
from skillstack.frames.records import ADAPTER_FILES, Content, Skill
from skillstack.frames.store import Store
from skillstack.models.adapter_config import tensors_bytes
from skillstack.models.peft_readme import readme

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


def export_peft(store: Store, stack: str, contents: Sequence[Content], folder: Path) -> list[PeftFolders]:
    """Write frames as plain PEFT folders, wholly or not at all.

    :param contents: of the frames, the oldest first.
    :param folder: a folder that does not exist or is empty.
    :raises UsageError: if there is nothing to export, or the folder holds something.
    :raises IntegrityError: if a file of a frame is missing or altered.
    :raises StoreError: if the disk refuses.
    """
    if not contents:
        raise UsageError(f"The stack {stack!r} has no frames.", "There is nothing to export.")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty.", "Choose another folder, or move it away.")
    building = folder.absolute().with_name(f"{atomic.TEMPORARY}{uuid.uuid4().hex}")
    try:
        found = [row for content in contents for row in _frame(store, content, building)]
        rows = [_row(content, skill, found) for content in contents for skill in content.skills]
        record = {"format": 1, "frames": rows, "stack": stack}
        atomic.write_file(building / "frames.json", _json(record))
        atomic.write_file(building / "README.md", readme(stack, contents, found).encode("utf-8"))
        if folder.exists():
            folder.rmdir()  # Windows renames onto nothing, not even onto an empty folder
        building.rename(folder)
    except OSError as error:
        raise atomic.as_store_error(error, folder) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return found


def _frame(store: Store, content: Content, target: Path) -> list[PeftFolders]:
    adapter = content.adapter
    if adapter is not None:
        digests = (adapter.config, adapter.model, adapter.card)
        for name, digest in zip(ADAPTER_FILES, digests, strict=True):
            relative = f"adapters/{adapter.folder}/{name}"
            atomic.write_new(target / relative, store.read_checked(relative, digest))
    return [_skill(store, content, skill, target) for skill in content.skills]


def _skill(store: Store, content: Content, skill: Skill, target: Path) -> PeftFolders:
    head = f"heads/{skill.head}.safetensors"
    atomic.write_new(target / head, store.read_checked(head, skill.head))
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
        bias="bias" in store.head(skill.head),
        labels=skill.labels,
    )


def _sequence_classifier(store: Store, content: Content, skill: Skill, folder: Path) -> None:
    """An adapter with the head under the name that PEFT gives a saved module, ``...score.weight``.

    Decoders' adapters are named ``model.layers...`` in causal models and in classifiers alike.
    """
    from skillstack.models.targets import PREFIX  # brings torch

    assert content.adapter is not None
    config = json.loads(store.adapter_config(content.adapter))
    config |= {"task_type": "SEQ_CLS", "modules_to_save": [SCORE]}
    head = {f"{PREFIX}{SCORE}.{name}": tensor for name, tensor in store.head(skill.head).items()}
    tensors = {**store.adapter_tensors(content.adapter), **head}
    atomic.write_file(folder / "adapter_model.safetensors", tensors_bytes(tensors))
    atomic.write_file(folder / "adapter_config.json", _json(config))


def _row(content: Content, skill: Skill, found: Sequence[PeftFolders]) -> dict[str, object]:
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


def _prompt(content: Content, skill: Skill) -> str:
    """The template that is filled, also where a decoder reads the bare texts."""
    bare = "{text}\n{text_pair}" if skill.pair else "{text}"
    return skill.rendering.prompt or (bare if content.pooling == "last" else "")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")
