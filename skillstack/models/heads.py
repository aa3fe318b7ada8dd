"""Linear classification heads over feature vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from skillstack.errors import InputError, MismatchError
from skillstack.models.base import Base
from skillstack.store.records import FrameRecord, Skill
from skillstack.store.store import Store

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Head:
    """``logits = features @ weight.T + bias``.

    :ivar weight: ``[labels, hidden_size]``, float32.
    :ivar bias: ``[labels]``, float32, or None.
    """

    weight: Floats
    bias: Floats | None = None

    @property
    def labels(self) -> int:
        """Number of labels."""
        return int(self.weight.shape[0])

    def logits(self, features: Floats) -> Floats:
        """Logits ``[rows, labels]`` of features ``[rows, hidden_size]``.

        :raises MismatchError: if the features have another width.
        """
        if features.ndim != 2 or features.shape[1] != self.weight.shape[1]:
            raise MismatchError(
                f"A head for features of width {self.weight.shape[1]} met some of shape {features.shape}.",
                "The head belongs to another base.",
            )
        products = features.astype(np.float32, copy=False) @ self.weight.T
        found: Floats = products if self.bias is None else products + self.bias
        return found

    def scaled(self, factor: float) -> Head:
        """The head whose logits are multiplied by a factor."""
        by = np.float32(factor)
        return Head(self.weight * by, None if self.bias is None else self.bias * by)

    def tensors(self) -> dict[str, Floats]:
        """What a file of this head holds: ``weight`` and, where there is one, ``bias``."""
        return {"weight": self.weight} if self.bias is None else {"bias": self.bias, "weight": self.weight}

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[np.generic]], *, hidden_size: int, labels: int
    ) -> Head:
        """A head from a file's tensors.

        :raises MismatchError: if a tensor is missing, unexpected, or of another shape or dtype.
        """
        shapes: dict[str, tuple[int, ...]] = {"weight": (labels, hidden_size), "bias": (labels,)}
        if set(tensors) not in ({"weight"}, {"weight", "bias"}):
            raise MismatchError(
                f"A head holds weight and maybe bias, this one {', '.join(sorted(tensors)) or 'nothing'}.",
                "The file is of another kind.",
            )
        for name, tensor in tensors.items():
            if tensor.shape != shapes[name] or tensor.dtype != np.float32:
                raise MismatchError(
                    f"The head's {name} is {tensor.dtype} {tensor.shape}, not float32 {shapes[name]}.",
                    "It belongs to another base or another set of labels.",
                )
        bias = tensors.get("bias")
        return cls(tensors["weight"].astype(np.float32), None if bias is None else bias.astype(np.float32))

    def module(self, device: torch.device | str = "cpu") -> torch.nn.Linear:
        """A trainable copy."""
        linear = torch.nn.Linear(self.weight.shape[1], self.labels, bias=self.bias is not None)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(self.weight.copy()))
            if self.bias is not None:
                linear.bias.copy_(torch.from_numpy(self.bias.copy()))
        return linear.to(device)

    @classmethod
    def from_module(cls, linear: torch.nn.Linear) -> Head:
        """The head that a training arrived at."""
        bias: torch.Tensor | None = linear.bias
        return cls(_numpy(linear.weight), None if bias is None else _numpy(bias))


def stored_head(store: Store, content: FrameRecord, skill: Skill) -> Head:
    """The head of a skill of a frame.

    :raises IntegrityError: if its file is missing or altered.
    :raises MismatchError: if the skill has none, or one of another shape.
    """
    digest = skill.head if skill.head is not None else skill.head_digest
    return Head.from_tensors(
        store.head(digest), hidden_size=content.base.hidden_size, labels=len(skill.labels)
    )


def fit_logistic(
    features: Floats,
    labels: Sequence[int],
    n_classes: int,
    C: float = 1.0,  # noqa: N803 - scikit-learn's name
    seed: int = 0,
    *,
    standardise: bool = False,
) -> Head:
    """The logistic regression on features, as a head with a bias.

    :param features: ``[rows, hidden_size]``.
    :param labels: one class number per row; every class needs a row.
    :param standardise: fit on features of zero mean and unit variance, and fold both into the head;
        for decoders, whose features differ in scale by orders of magnitude.
    :raises InputError: if a class has no row.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    wanted = np.asarray(labels, dtype=np.int64)
    if len(wanted) != len(features) or set(wanted.tolist()) != set(range(n_classes)):
        raise InputError(
            f"A head for {n_classes} classes needs a row of each, and {len(features)} labels in all.",
            "Check the labels of the training rows.",
        )
    rows = features.astype(np.float64)
    centre = rows.mean(0) if standardise else np.zeros(rows.shape[1])
    scale = rows.std(0) if standardise else np.ones(rows.shape[1])
    scale[scale < 1e-12] = 1.0
    model = LogisticRegression(C=C, solver="lbfgs", max_iter=2000, tol=1e-4, random_state=seed)
    # Its products are so small that waking other threads costs more than they do; beside a busy process it
    # is the difference between a second and a minute. One thread also gives the same sums everywhere.
    with threadpool_limits(limits=1):
        model.fit((rows - centre) / scale, wanted)
    weight, bias = model.coef_ / scale, model.intercept_.copy()
    bias -= weight @ centre
    if n_classes == 2:
        # One row of coefficients says how far class 1 is ahead; a softmax over two halves says the same.
        weight, bias = np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return Head(weight.astype(np.float32), bias.astype(np.float32))


def label_word_head(base: Base, label_words: Sequence[str]) -> Head:
    """The language-model head's rows of the label words' first tokens: zero-shot classification.

    The words are read as they stand in running text, after a space. There is no bias.

    :raises MismatchError: if the base has no language-model head, or two words begin with the same token.
    """
    table = base.output_embeddings
    if table is None:
        raise MismatchError(
            f"{base.identity.name} has no language-model head, so label words mean nothing to it.",
            "Use a causal language model, or leave the label words out.",
        )
    tokens = [_first_token(base, word) for word in label_words]
    if len(set(tokens)) < len(tokens):
        raise MismatchError(
            f"Two of the label words {', '.join(label_words)} begin with the same token.",
            "Choose words that differ in their first syllable.",
        )
    rows = table.detach()[torch.tensor(tokens, device=table.device)]
    return Head(_numpy(rows))


def centred(head: Head, features: Floats) -> Head:
    """The head with the bias that makes its mean logit on these rows 0 for every label.

    Label words differ in how likely they are whatever the text says; on rows of every label alike this takes
    that out (after Zhao et al. 2021, https://arxiv.org/abs/2102.09690).
    """
    bias = -head.logits(features).mean(axis=0)
    return Head(head.weight, bias if head.bias is None else head.bias + bias)


def _first_token(base: Base, word: str) -> int:
    ids = base.tokenizer(f" {word.strip()}", add_special_tokens=False, verbose=False)["input_ids"]
    # Some tokenizers give the space a token of its own.
    return next((int(i) for i in ids if base.tokenizer.decode([i]).strip()), int(ids[0]))


def _numpy(tensor: torch.Tensor) -> Floats:
    found: Floats = tensor.detach().float().cpu().numpy().copy()
    return found
