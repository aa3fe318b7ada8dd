"""The README of an export of plain PEFT folders: what is in it, and how it is loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from skillstack.frames.records import Content

if TYPE_CHECKING:
    from skillstack.models.peft_export import PeftFolders

_BACKTICKS = str.maketrans("|`\n\r", "/'  ")


def readme(stack: str, contents: Sequence[Content], folders: Sequence[PeftFolders]) -> str:
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
