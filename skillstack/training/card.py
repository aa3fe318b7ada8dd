"""The model card of an adapter folder: what the frame is, and its answers with plain PEFT."""

from __future__ import annotations

import json

from skillstack.data.task import Task
from skillstack.models.features import FEATURE_SCALE
from skillstack.store.records import BaseIdentity, Count, Rendering


def write_card(
    task: Task,
    base: BaseIdentity,
    rendering: Rendering,
    pooling: str,
    head: str,
    dev: Count,
    frozen: Count,
    source: dict[str, str],
) -> str:
    """The card's Markdown, for a folder ``adapters/<name>`` of a store.

    :param head: digest of the head.
    """
    lines = [
        *front_matter(base),
        "",
        f"# {task.name}",
        "",
        f"A SkillStack frame: a LoRA adapter for the {task.family} task `{task.name}`, "
        f"{len(task.labels)} labels.",
        "",
        f"- base: `{base.name}`" + (f", revision `{base.revision}`" if base.revision else ""),
        f"- weights: `{base.weights}`",
        f"- accuracy on {dev.n} held-back rows: {100 * dev.accuracy:.1f} % "
        f"(linear head on the frozen base: {100 * frozen.accuracy:.1f} %)",
        f"- data: {source.get('name') or 'unknown'}, licence: {source.get('licence') or 'not stated'}",
    ]
    if source.get("citation"):
        lines.append(f"- citation: {source['citation']}")
    labels = ", ".join(
        f"{index} {json.dumps(name, ensure_ascii=False)}" for index, name in enumerate(task.labels)
    )
    lines += [f"- labels: {labels}", "", *usage(rendering, pooling, head, pair=task.pair)]
    return "\n".join(lines)


def front_matter(base: BaseIdentity) -> list[str]:
    """The lines that a model hub reads."""
    return [
        "---",
        "library_name: peft",
        f"base_model: {json.dumps(base.name)}",
        "pipeline_tag: text-classification",
        "tags: [lora, skillstack]",
        "---",
    ]


def usage(rendering: Rendering, pooling: str, head: str, *, pair: bool) -> list[str]:
    """How plain PEFT gives a skill's logits.

    :param head: digest of the head.
    :param pair: whether a row has a second text.
    """
    decoder = pooling == "last"
    lines = ["## With plain PEFT", "", "```python"]
    auto = "AutoModelForCausalLM" if decoder else "AutoModel"
    lines += [
        "import torch",
        "from peft import PeftModel",
        "from safetensors.torch import load_file",
        f"from transformers import {auto}, AutoTokenizer",
        "",
        f"model = PeftModel.from_pretrained({auto}.from_pretrained(BASE), FOLDER).eval()",
    ]
    tokenizer = f"truncation=True, max_length={rendering.max_length}, return_tensors='pt')"
    if decoder:
        prompt = json.dumps(rendering.prompt, ensure_ascii=False)
        fields = "text=text, text_pair=text_pair" if pair else "text=text"
        lines += [
            f"batch = AutoTokenizer.from_pretrained(BASE)({prompt}.format({fields}), {tokenizer}",
            "features = model(**batch, output_hidden_states=True).hidden_states[-1][:, -1].float()",
        ]
    else:
        texts = "text, text_pair" if pair else "text"
        lines += [
            f"batch = AutoTokenizer.from_pretrained(BASE)({texts}, {tokenizer}",
            "hidden = model(**batch).last_hidden_state.mean(1)  # one text; mask the padding of a batch",
            f"features = {FEATURE_SCALE:g} * torch.nn.functional.normalize(hidden, dim=-1)",
        ]
    lines += [
        f"head = load_file(f'{{FOLDER}}/../../heads/{head}.safetensors')",
        "logits = features @ head['weight'].T + head.get('bias', 0.0)",
        "```",
        "",
        f"`BASE` is the folder of the base model, `FOLDER` this one. Texts of more than "
        f"{rendering.max_length} tokens are cut here at the end"
        + (", by SkillStack in the middle." if rendering.truncation == "head_tail" else " as by SkillStack."),
        "",
    ]
    return lines
