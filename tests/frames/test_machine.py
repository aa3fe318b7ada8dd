"""Pushes, rebases, undos, redos and collections in any order, against a model in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from skillstack.errors import StoreError, UsageError
from skillstack.store import gc, transactions
from skillstack.store.history import read_history
from skillstack.store.store import Store
from skillstack.store.verify import verify

from .builders import chain, push, rebase
from .strategies import EXAMPLES

STACKS = ("one", "two")
RAM = Path("/dev/shm")
NAMES = ("alpha", "beta", "gamma", "delta")
Chain = tuple[str, ...]  # node ids, oldest first


@dataclass
class Move:
    """A transaction: the chains before and after it."""

    transaction: str
    before: Chain
    after: Chain


@dataclass
class Model:
    """A stack as people think of it."""

    chain: Chain = ()
    done: list[Move] = field(default_factory=list)
    undone: list[Move] = field(default_factory=list)

    def move(self, transaction: str, after: Chain) -> None:
        self.undone.clear()
        if self.done and self.done[-1].transaction == transaction:
            self.done[-1].after = after
        else:
            self.done.append(Move(transaction, self.chain, after))
        self.chain = after


class StoreMachine(RuleBasedStateMachine):
    """The store beside its model."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=RAM if os.access(RAM, os.W_OK) else None))
        self.store = Store.create(self.folder / "frames")
        self.models = {stack: Model() for stack in STACKS}
        self.contents: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.kept: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @rule(
        stack=st.sampled_from(STACKS),
        name=st.sampled_from(NAMES),
        transaction=st.sampled_from(["t", "u", "v"]),
    )
    def push(self, stack: str, name: str, transaction: str) -> None:
        model = self.models[stack]
        if name in [self.names[node] for node in model.chain]:
            with pytest.raises(UsageError, match="already"):
                push(self.store, stack, name, transaction=transaction)
            return
        node = push(self.store, stack, name, transaction=transaction)
        self.names[node] = name
        self.contents[node] = self.store.node(node).content
        self.kept.add(node)
        model.move(transaction, (*model.chain, node))

    @precondition(lambda self: any(len(model.chain) > 1 for model in self.models.values()))
    @rule(data=st.data())
    def rebase_without_one_frame(self, data: st.DataObject) -> None:
        stack = data.draw(st.sampled_from([s for s in STACKS if len(self.models[s].chain) > 1]))
        model = self.models[stack]
        out = data.draw(st.integers(0, len(model.chain) - 1))
        rest = [node for index, node in enumerate(model.chain) if index != out]
        rebase(self.store, stack, [self.contents[node] for node in rest], transaction="rebase")
        after = tuple(reversed(chain(self.store, stack)))
        for old, new in zip(rest, after, strict=True):
            self.names[new], self.contents[new] = self.names[old], self.contents[old]
            self.kept.add(new)
        model.move("rebase", after)

    def _revert(self, stack: str, action: str) -> None:
        model = self.models[stack]
        source, target = (model.done, model.undone) if action == "undo" else (model.undone, model.done)
        run = getattr(transactions, action)
        if not source:
            with pytest.raises(UsageError):
                run(self.store, stack)
            return
        move = source[-1]
        after = move.before if action == "undo" else move.after
        contents = {self.contents[node] for node in self.kept}
        if not all(node in self.kept and self.contents[node] in contents for node in after):
            for dry_run in (True, False):
                with pytest.raises(StoreError, match=rf"Cannot {action} .* is missing"):
                    run(self.store, stack, dry_run=dry_run)
            return
        shown = run(self.store, stack, dry_run=True)
        assert run(self.store, stack) == shown
        assert shown.id == move.transaction
        target.append(source.pop())
        model.chain = after

    @rule(stack=st.sampled_from(STACKS))
    def undo(self, stack: str) -> None:
        self._revert(stack, "undo")

    @rule(stack=st.sampled_from(STACKS))
    def redo(self, stack: str) -> None:
        self._revert(stack, "redo")

    @rule()
    def collect_within_the_grace(self) -> None:
        assert gc.collect(self.store, dry_run=False).files == ()

    @rule()
    def collect_at_once(self) -> None:
        shown = gc.collect(self.store, expire_now=True)
        assert gc.collect(self.store, dry_run=False, expire_now=True) == shown
        self.kept = {node for model in self.models.values() for node in model.chain}
        assert gc.collect(self.store, expire_now=True).files == ()
        assert {path.stem for path in (self.store.root / "nodes").glob("*")} == self.kept

    @invariant()
    def the_store_is_whole(self) -> None:
        if hasattr(self, "store"):
            assert verify(self.store).problems == ()

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        for stack, model in getattr(self, "models", {}).items():
            assert tuple(reversed(chain(self.store, stack))) == model.chain
            history = read_history(self.store, stack)
            ends = [[(t.id, t.before, t.after) for t in side] for side in (history.done, history.undone)]
            for found, expected in zip(ends, (model.done, model.undone), strict=True):
                assert found == [
                    (m.transaction, m.before[-1] if m.before else None, m.after[-1] if m.after else None)
                    for m in expected
                ]


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    EXAMPLES, max_examples=EXAMPLES.max_examples // 3, stateful_step_count=20
)
