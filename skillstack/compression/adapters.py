"""Adapters as files would hold them, whether a store has them or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skillstack.errors import UsageError
from skillstack.models import adapter_config
from skillstack.models.lora import LoraSpec
from skillstack.store import canonical
from skillstack.store.canonical import sha256
from skillstack.store.records import FrameRecord
from skillstack.store.store import Store


@dataclass(frozen=True, eq=False)
class Adapter:
    """An adapter.

    :ivar tensors: by PEFT's names.
    :ivar spec: its shape.
    """

    tensors: Mapping[str, NDArray[np.generic]]
    spec: LoraSpec

    @cached_property
    def file(self) -> bytes:
        """What ``adapter_model.safetensors`` holds."""
        return adapter_config.tensors_bytes(self.tensors)

    @property
    def bytes(self) -> int:
        """Size of that file."""
        return len(self.file)

    @cached_property
    def key(self) -> str:
        """SHA-256 of tensors and scaling."""
        return sha256(canonical.dumps({"model": sha256(self.file), "scaling": f"{self.spec.scaling:.17g}"}))

    @property
    def is_zero(self) -> bool:
        """Whether it changes nothing."""
        return all(not tensor.any() for name, tensor in self.tensors.items() if "lora_B" in name)


def stored(store: Store, content: FrameRecord) -> Adapter:
    """A frame's adapter.

    :raises UsageError: if it has none.
    :raises IntegrityError: if it is missing or was altered, or a number in it is not finite.
    """
    if content.adapter is None:
        raise UsageError(f"The frame {content.name!r} has no adapter.", "There is nothing to compress in it.")
    spec = adapter_config.parse(store.adapter_config(content.adapter)).spec
    return Adapter(store.adapter_tensors(content.adapter), spec)
