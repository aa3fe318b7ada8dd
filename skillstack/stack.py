"""A stack of frames: what people's programs and the command line call. It ties all packages together.

It is long because everything that a stack can be asked is a method here, each of a few lines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from skillstack.errors import BusyError, StoreError, UsageError, did_you_mean
from skillstack.process_lock import ProcessLock
from skillstack.results import Agreement, CanaryCheck, Frame, Predicted, Route, frames_from
from skillstack.routers.stack_router import StackRouter
from skillstack.store.files import Patience, no_patience
from skillstack.store.locate import choose_stack, find_store, holding, packaged_store, store_to_add_to
from skillstack.store.records import FrameRecord
from skillstack.store.rows import Row, check_pair, check_rows
from skillstack.store.store import MAIN, REFERENCE, Store
from skillstack.store.walk import walk
from skillstack.training.options import RunOptions
from skillstack.wording import html_table, many, percent

if TYPE_CHECKING:
    from skillstack.compression.ablation import Ablation
    from skillstack.compression.request import Guarding
    from skillstack.compression.results import Compressed
    from skillstack.compression.workspace import Snapshot
    from skillstack.data.memory import TableOptions
    from skillstack.data.own_table import TableReport
    from skillstack.evaluation.probes.registry import Probed
    from skillstack.evaluation.questions import Asked, EvaluatedStack
    from skillstack.evaluation.result import Evaluation
    from skillstack.learning import Change, HeldOutResult, TakenTexts
    from skillstack.models.peft_export import PeftFolders
    from skillstack.predictor import Predictor
    from skillstack.reports.report import WrittenReport
    from skillstack.routers.registry import Routing
    from skillstack.skills.ngrams import NgramHead
    from skillstack.store.bundle_writer import Exported
    from skillstack.store.history import History, Transaction
    from skillstack.store.own_tables import OwnTables
    from skillstack.store.verify import Verification
    from skillstack.training.recipe import Recipe
    from skillstack.training.resolve import PreparedTraining

Text = str | Row


@dataclass(frozen=True, repr=False)
class Trained:
    """What a training did.

    :ivar stack: the stack.
    :ivar trained: names of the frames it added.
    :ivar kept: names of the frames that were there already, with the same plan.
    :ivar tip: id of the newest frame.
    :ivar complete: whether all is done; False where the time limit came first. The same call goes on.
    """

    stack: Stack
    trained: tuple[str, ...]
    kept: tuple[str, ...]
    tip: str | None
    complete: bool = True

    def __repr__(self) -> str:
        unfinished = "" if self.complete else ", unfinished"
        return f"Trained({self.stack.name!r}: {many(len(self.trained), 'new frame')}{unfinished})"


@dataclass(frozen=True, repr=False)
class Learned:
    """What was learned.

    :ivar stack: the stack that has it.
    :ivar name: the skill's name.
    :ivar frame: that has it: a new one, or one that others of its family are on as well; None where the time
        limit came first.
    :ivar table: what was done with the rows.
    :ivar change: what became of the stack: the frame was ``learned``, has ``replaced`` an older one, was
        ``brought back`` after an undo without training, was there already (``nothing``), or is not done yet
        (``unfinished``): the same call goes on.
    :ivar copied: whether the stack is a copy of the reference stack, made just before.
    :ivar test: what the held-back rows tell; None where none were, or there is no frame to ask.
    :ivar lost: of other tasks, sample texts that go to the new skill, each by a router that did not see it;
        None where there are too few to tell, or there is no frame.
    """

    stack: Stack
    name: str
    frame: Frame | None
    table: TableReport
    change: Change
    copied: bool = False
    test: HeldOutResult | None = None
    lost: tuple[TakenTexts, ...] | None = None

    @property
    def complete(self) -> bool:
        """Whether the frame is there; False where the time limit came first."""
        return self.frame is not None

    def to_json(self) -> dict[str, Any]:
        """As `learn --json` shows it."""
        return {
            "stack": self.stack.name,
            "complete": self.complete,
            "change": self.change,
            "copied": self.copied,
            "skill": self.name,
            "frame": None if self.frame is None else self.frame.to_json(),
            "table": self.table.to_json(),
            "test": None if self.test is None else self.test.to_json(),
            "lost": None if self.lost is None else [dataclasses.asdict(taken) for taken in self.lost],
        }

    def __repr__(self) -> str:
        tested = "" if self.test is None else f", {self.test.frame.correct} of {self.test.frame.n} right"
        return f"Learned({self.name!r} in {self.stack.name!r}: {self.change}{tested})"


class Stack:
    """A stack of frames: open it, add to it, ask it, look at it.

    >>> stack = Stack.open()
    >>> stack.route("please block my card").task
    'banking'
    >>> [frame.name for frame in stack][-1]
    'imdb_sentences'

    It is safe from threads: its base is loaded once, one thread at a time passes through the model, and each
    gets the answers that it would get alone. A copy or an unpickled stack opens the same store anew and loads
    the base when it is asked. So does a forked process, in which torch keeps to one thread; where the base is
    on a GPU, start processes by spawn.

    :ivar store: the store that it lies in; a store that is still to be made is made by what adds a frame.
    :ivar name: its name.
    :ivar packaged: whether the copy inside the package is used, as there is no store here or it was named.
    :ivar model: where the base is; None for where the frames expect it, or for the built-in one.
    :ivar precision: at which the base is held; None for that of the frames, or the rules' choice.
    :ivar device: ``auto``, ``cpu`` or ``cuda``.
    :param folder: how the store was named when it was looked for; None where it was not.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        *,
        packaged: bool = False,
        model: str | None = None,
        precision: str | None = None,
        device: str = "auto",
        folder: str | None = None,
    ) -> None:
        self.store, self.name, self.packaged = store, name, packaged
        self.model, self.precision, self.device = model, precision, device
        self._folder = folder
        self._frames: tuple[str | None, tuple[Frame, ...]] | None = None
        self._predictor: Predictor | None = None
        self._ngram_heads: dict[str, NgramHead] = {}
        self._router = StackRouter(store, name)
        self._lock = ProcessLock()

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process may stand in another folder.
        root, routers = self.store.root.absolute(), self.store.routers.absolute()
        store = dataclasses.replace(self.store, root=root, routers=routers)
        return partial(type(self), packaged=self.packaged, **self._where), (store, self.name)

    @property
    def _where(self) -> dict[str, Any]:
        """Where things run, as a stack is opened with it."""
        return {"model": self.model, "precision": self.precision, "device": self.device}

    @classmethod
    def open(
        cls,
        store: str | Path | None = None,
        stack: str | None = None,
        *,
        model: str | None = None,
        precision: str | None = None,
        device: str = "auto",
        create: bool = False,
    ) -> Stack:
        """Open a stack. What is said here of the base and the device holds for all that it does.

        :param store: its folder; by default ``SKILLSTACK_STORE``, the nearest ``frames/`` here or above, or
            the reference stack inside the package.
        :param stack: its name; by default ``SKILLSTACK_STACK``, the current one, or ``reference``. That one
            is found inside the package where the store has none.
        :param model: where the base is, if not under the name that the frames remember; it must be the same.
            Of a stack without frames, the base: ``minilm`` (default), ``smollm2``, a folder, or a model of
            the hub.
        :param precision: ``fp32``, ``bf16``, ``fp16`` or ``nf4``: at which the base is held, if not that of
            the frames; `agreement` says how many labels stay.
        :param device: ``auto``, ``cpu`` or ``cuda``.
        :param create: whether the stack is opened to be added to, so that neither it nor the store need be
            there. Nothing is written yet. Without a name, a store without a stack gets ``main``.
        :raises StoreError: if there is no such store.
        :raises UsageError: if there is no such stack.
        """
        folder = str(store) if store is not None else None
        where: dict[str, Any] = {"model": model, "precision": precision, "device": device, "folder": folder}
        if create:
            to = store_to_add_to(folder)
            chosen = choose_stack(to, stack)
            # A store without any stack may have been made this moment by another program, which goes on to
            # copy the reference stack into it: it is treated as if there were none yet.
            empty = folder is None and not to.stacks() and packaged_store() is not None
            untouched = empty or _packaged(folder)
            if chosen == REFERENCE and stack is None and to.tip(REFERENCE) is None and not untouched:
                chosen = MAIN
            if chosen != REFERENCE:
                return cls(to, chosen, **where)
        found = find_store(folder)
        if stack is not None or create:
            found = holding(found, stack if stack is not None else REFERENCE)
        name = found.store.check_stack(choose_stack(found.store, stack))
        return cls(found.store, name, packaged=found.packaged, **where)

    # adding -------------------------------------------------------------------------------------------

    def train(
        self,
        preset: str | None = None,
        *,
        tasks: Sequence[str] = (),
        data_dir: str | Path | None = None,
        recipe: Recipe | None = None,
        keep_texts: bool = True,
        run: RunOptions | None = None,
    ) -> Trained:
        """Train the stack, or what it lacks of its tasks; the store is made where there is none.

        Started by `accelerate launch` in several processes, all of them train together and one writes.

        :param preset: a named sequence of tasks with a recipe.
        :param tasks: names of tasks, instead of a preset.
        :param data_dir: folder with one folder per task, for tasks that do not ship with the package.
        :param recipe: what differs from the recipe of base and preset.
        :param keep_texts: whether the store keeps the router's sample texts, or hashed features alone.
        :raises SkillStackError: one of its kinds, if anything cannot be done; what is finished stays.
        """
        from skillstack.models.loading import pick_device
        from skillstack.training.execution import RunState, join_processes
        from skillstack.training.progress import Deadline
        from skillstack.training.resolve import prepare
        from skillstack.training.run import train_stack

        run = run if run is not None else RunOptions()
        deadline, processes = Deadline(run.time_limit), join_processes(pick_device(self.device))

        def resolve() -> PreparedTraining:
            return prepare(
                preset=preset,
                tasks=tasks,
                data_dir=Path(data_dir) if data_dir is not None else None,
                stack=self.name,
                overrides=recipe.changes if recipe is not None else None,
                keep_texts=keep_texts,
                **self._where,
            )

        # The first of several processes downloads and makes what is missing, the others find it.
        prepared = processes.first(resolve) or resolve()
        to = processes.first(self.made) or self.made()
        job = dataclasses.replace(prepared.job, merges=run.merging is not None)
        settle = None
        if run.merging is not None:
            from skillstack.compression.growing import AutoCompress
            from skillstack.compression.request import GuardConfig

            config = GuardConfig.merging(run.merging, data_dir)
            settle = AutoCompress(to, self.name, job.transaction, config, run.on_event)
        state = RunState.of(run, deadline, processes)
        fit = StackRouter(to, self.name).fit
        result = train_stack(to, job, prepared.load, fit, run.on_event, state, settle)
        if processes.is_first and to.head_stack() != self.name and result.tip is not None:
            to.set_head_stack(self.name)
        return Trained(self, result.trained, result.kept, result.tip, result.complete)

    def learn(
        self,
        name: str,
        data: Any,
        labels: Any = None,
        *,
        family: str | None = None,
        table: TableOptions | None = None,
        replace: bool = False,
        recipe: Recipe | None = None,
        run: RunOptions | None = None,
    ) -> Learned:
        """Learn one skill from labelled rows of one's own.

        On the reference stack, which is for reading only, it starts a copy called ``main``; where a model was
        named, an empty stack of that name. The result has the stack that learned.

        :param name: of the skill and its frame.
        :param data: the path of a table (CSV, TSV, JSON lines or Parquet), a pandas or polars data frame, an
            Arrow table, a data set, or a list of texts.
        :param labels: of a list of texts, the label of each.
        :param family: of skills that it belongs to; by default one of its own.
        :param table: which columns are meant, and how many rows are held back.
        :param replace: have it take the place of the frame of this name, at the tip.
        :param recipe: what differs from the recipe of the base.
        :raises InputError: if the rows cannot be used.
        :raises UsageError: if the columns are not clear, or the name is taken.
        :raises SkillStackError: one of its kinds, if anything else cannot be done.
        """
        from skillstack.data.memory import TableOptions, load_rows
        from skillstack.store.own_tables import TablePlace, remember_table
        from skillstack.training.progress import Deadline

        run, table = run if run is not None else RunOptions(), table if table is not None else TableOptions()
        deadline = Deadline(run.time_limit)
        place = TablePlace.of(data) if labels is None and isinstance(data, (str, Path)) else None
        rows = load_rows(name, family or name, data, labels, table)
        run.on_table(rows.report)
        from skillstack.learning import Learning, check, request_of

        to, copied = self.to_add_to()
        lesson = request_of(to.name, rows, table, replace, recipe, run, deadline, **self._where)
        check(lesson)
        if copied:
            copied = self.copied_to(to, lambda: not deadline.over)
        store = to.made()
        learning = Learning(store, lesson)
        result, change = learning.run(run.on_event)
        if not result.complete:
            return Learned(to, name, None, rows.report, change, copied)
        if store.head_stack() != to.name:
            store.set_head_stack(to.name)
        learned = to.frame(name).skill(name).learned
        if place is not None and learned is not None:
            remember_table(store, learned, place)
        return Learned(
            stack=to,
            name=name,
            frame=to.frame(name),
            table=rows.report,
            change=change,
            copied=copied,
            test=learning.test(to.frame(name), result, to.route) if rows.data.test else None,
            lost=learning.lost(name) if len(to) > 1 else (),
        )

    def to_add_to(self) -> tuple[Stack, bool]:
        """The stack that a skill is added to, and whether it is made first, as a copy of this one."""
        if self.name != REFERENCE:
            return self, False
        store = store_to_add_to(self._folder) if self.packaged else self.store
        copied = store.tip(MAIN) is None and self.model is None and len(self) > 0
        return type(self)(store, MAIN, folder=self._folder, **self._where), copied

    def copied_to(self, to: Stack, patience: Patience = no_patience) -> bool:
        """Copy this stack; whether it was this that did it, and not another program that was faster."""
        from skillstack.library import Library

        try:
            Library(self._folder or (None if self.packaged else to.store.root)).copy(
                self.name, to.name, patience=patience
            )
        except (BusyError, UsageError):
            if to.store.tip(to.name) is None:
                raise
            return False
        return True

    def made(self) -> Store:
        """The store, which is made where there is none."""
        return Store.create(self.store.root)

    # looking ------------------------------------------------------------------------------------------

    def frames(self) -> tuple[Frame, ...]:
        """All frames, the newest first.

        :raises IntegrityError: if a record is missing or damaged.
        """
        tip, known = self.store.tip(self.name), self._frames
        if known is None or known[0] != tip:
            # Tip and frames change together, so that no other thread sees one without the other.
            self._frames = known = tip, frames_from(self.store, tip)
        return known[1]

    def __iter__(self) -> Iterator[Frame]:
        """From the newest frame to the oldest."""
        return iter(self.frames())

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.frames())

    def __getitem__(self, name_or_id: str) -> Frame:
        """The frame of this name, as `frame` finds it."""
        return self.frame(name_or_id)

    def __contains__(self, frame: object) -> bool:
        """Whether it has this frame, or one of this name."""
        return any(frame in (one, one.name) for one in self.frames())

    def __repr__(self) -> str:
        return f"Stack({self.name!r}, {str(self.store.root)!r})"

    def _repr_html_(self) -> str:
        """As a notebook shows it: its frames, the newest first."""
        rows = []
        for frame in self.frames():
            for skill in frame.skills:
                dev = skill.metrics.get("dev")
                accuracy = "-" if dev is None else percent(dev.accuracy)
                rows.append([f"{frame.position + 1}", frame.name, skill.name, skill.family, accuracy])
        title = f"{self.name}: {many(len(self), 'frame')}"
        return html_table(title, ["#", "frame", "skill", "family", "dev accuracy"], rows)

    def frame(self, name_or_id: str) -> Frame:
        """The frame of this name, of this skill, or of an id that begins so (six digits or more).

        :raises UsageError: if there is none, or several.
        """
        frames, name_or_id = self.frames(), str(name_or_id)
        for frame in frames:
            if name_or_id in (frame.name, frame.id) or name_or_id in {s.name for s in frame.skills}:
                return frame
        if len(name_or_id) >= 6:
            found = [frame for frame in frames if frame.id.startswith(name_or_id.lower())]
            if len(found) == 1:
                return found[0]
        raise UsageError(
            f"The stack {self.name!r} has no frame {name_or_id[:80]!r}.",
            did_you_mean(name_or_id, [frame.name for frame in frames]),
        )

    def card(self, name: str) -> str:
        """The model card of a frame's adapter folder.

        :param name: of the frame, as `frame` takes it.
        :raises UsageError: if there is no such frame, or it has no adapter.
        :raises IntegrityError: if the card was altered.
        """
        frame = self.frame(name)
        adapter = frame.content.adapter
        if adapter is None:
            raise UsageError(
                f"The frame {frame.name!r} has no adapter, so it has no card.",
                "Its head on the frozen base was as good.",
            )
        data = self.store.read_checked(f"adapters/{adapter.folder}/README.md", adapter.card)
        return data.decode("utf-8")

    def history(self) -> History:
        """What happened to this stack."""
        from skillstack.store.history import read_history

        return read_history(self.store, self.name)

    # asking -------------------------------------------------------------------------------------------

    @overload
    def route(self, rows: Text, **routing: Unpack[Routing]) -> Route: ...
    @overload
    def route(self, rows: Any, **routing: Unpack[Routing]) -> list[Route]: ...
    def route(self, rows: Any, **routing: Unpack[Routing]) -> Route | list[Route]:
        """Which skill answers a text, or each of several.

        :param rows: a text, a `Row`, or several: a list, or a column of a data frame.
        :param routing: ``router``, ``threshold`` and ``depth``; see `Routing`.
        :raises InputError: if it is none of these, or a text is empty or cannot be read.
        :raises UsageError: if the stack is empty, or there is no such router.
        """
        checked, single = check_rows(rows)
        found = self._routed(self.frames(), checked, **routing)
        return found[0] if single else found

    @overload
    def predict(
        self,
        rows: Text,
        *,
        frame: str | None = ...,
        min_probability: float | None = ...,
        **routing: Unpack[Routing],
    ) -> Predicted: ...
    @overload
    def predict(
        self,
        rows: Any,
        *,
        frame: str | None = ...,
        min_probability: float | None = ...,
        **routing: Unpack[Routing],
    ) -> list[Predicted]: ...
    @overload
    def predict(
        self,
        rows: Any,
        *,
        text_column: str,
        pair_column: str | None = ...,
        frame: str | None = ...,
        min_probability: float | None = ...,
        **routing: Unpack[Routing],
    ) -> Any: ...
    def predict(
        self,
        rows: Any,
        *,
        text_column: str | None = None,
        pair_column: str | None = None,
        frame: str | None = None,
        min_probability: float | None = None,
        **routing: Unpack[Routing],
    ) -> Any:
        """The chosen frame's answer to a text, or to each of several, in their order.

        With ``text_column``, a data frame of pandas or polars comes back with ``label``, ``probability``,
        ``task``, ``route_confidence`` and ``error`` beside its columns; a data set or an Arrow table gives a
        list.

        :param rows: as `route` takes them, or a table.
        :param text_column: of a table, the column of the texts; likewise ``pair_column``, of second texts.
        :param frame: ask this frame, whatever the router says.
        :param min_probability: least probability, 0 to 1, of an answer; one below it has no label, and
            `nearest` is the label that it would have been. None for every answer.
        :param routing: as `route` takes it.
        :raises UsageError: if the least probability is none.
        :raises InputError: if it is no text, or a text is empty or cannot be read.
        :raises UsageError: if the table has no such column.
        :raises MismatchError: if the base here is not the one that the frames were trained on.
        """
        if min_probability is not None and not 0 <= min_probability <= 1:
            raise UsageError(f"Invalid minimum probability {min_probability}: must be between 0 and 1.")
        if text_column is not None:
            from skillstack.data.answered import predict_table

            def ask(rows: list[Row]) -> list[Predicted]:
                return self.predict(rows, frame=frame, min_probability=min_probability, **routing)

            return predict_table(rows, text_column, pair_column, ask)
        checked, single = check_rows(rows)
        known = self.frames()  # as they are now, whoever changes them
        if frame is None:
            routes = self._routed(known, checked, **routing)
        else:
            known = (self.frame(frame),)
            routes = [Route.to_frame(known[0], frame)] * len(checked)
        found = [Predicted(choice, None, None, {}) for choice in routes]
        places = [place for place, choice in enumerate(routes) if not choice.rejected]
        if places:
            frames = {f.id: f for f in known}
            chosen = [frames[str(routes[place].frame_id)] for place in places]
            skills = [f.skill(str(routes[place].skill)) for f, place in zip(chosen, places, strict=True)]
            readable = [checked[place] for place in places]
            for row, skill in zip(readable, skills, strict=True):
                check_pair(row, skill)
            taken = [routes[place] for place in places]
            from skillstack.skills.answers import without_base

            answers = without_base(self.store, readable, skills, taken, self._ngram_heads)
            if answers is None:
                answers = self.loaded().predict(readable, chosen, skills, taken)
            for place, answer in zip(places, answers, strict=True):
                found[place] = answer if min_probability is None else answer.if_sure(min_probability)
        return found[0] if single else found

    def evaluate(
        self,
        *,
        matrix: bool = False,
        on_answers: Callable[[int, int], None] = lambda done, of: None,
        routing: Routing | None = None,
        **asked: Unpack[Asked],
    ) -> Evaluation:
        """How good the stack is on its tasks' test rows, how sure that is, and what would do instead.

        Answers are kept beside the store, so that a second call asks the model nothing.

        :param matrix: ask every frame about every task.
        :param on_answers: called with answers that the model gave, and those that it has to give.
        :param routing: as `route` takes it.
        :param asked: which rows; see `Asked`.
        :raises InputError: if there are no test rows, or they have labels that a skill does not know.
        :raises SkillStackError: one of its kinds, if anything else cannot be done.
        """
        from skillstack.evaluation.questions import EvaluationConfig
        from skillstack.evaluation.stack import evaluate

        config = EvaluationConfig.of(**asked, matrix=matrix)
        return evaluate(self._subject(routing or {}, self.own_tables().paths), config, on_answers)

    def probe(
        self,
        name: str,
        *,
        seed: int = 0,
        texts: int | None = None,
        orders: int = 3,
        threshold: float | None = None,
        depth: int | None = None,
        on_answers: Callable[[int, int], None] = lambda done, of: None,
        **asked: Unpack[Asked],
    ) -> Probed:
        """Ask a question about the stack that its tasks' accuracies do not answer.

        :param name: ``generalization``, ``order`` or ``redundancy``.
        :param seed: of what is drawn: texts, their halves, orders.
        :param texts: texts of each task at most, for ``generalization``.
        :param orders: random orders, for ``order``.
        :param threshold: as in `Routing`; likewise ``depth``.
        :param on_answers: called with answers that the model gave, and those that it has to give.
        :param asked: which rows; see `Asked`.
        :raises UsageError: if there is no such probe.
        :raises SkillStackError: one of its kinds, if it cannot be answered.
        """
        from skillstack.evaluation.probes.probing import Probing
        from skillstack.evaluation.probes.registry import check_name, run
        from skillstack.evaluation.questions import EvaluationConfig

        check_name(name)
        probing = Probing(
            stack=self._subject({"threshold": threshold, "depth": depth}),
            config=EvaluationConfig.of(**asked),
            scores=lambda rows: self._router.scores(self._chain(), rows, threshold=threshold),
            seed=seed,
            texts=texts,
            orders=orders,
            depth=depth,
            tell=on_answers,
        )
        return run(name, probing)

    def report(
        self,
        folder: str | Path,
        *,
        matrix: bool = True,
        bench_cells: str | Path | None = None,
        router: str = "hybrid_chain",
        on_answers: Callable[[int, int], None] = lambda done, of: None,
        **asked: Unpack[Asked],
    ) -> WrittenReport:
        """Evaluate, and write what was found as a page, as Markdown and JSON, and as tables and plots.

        The same stack and texts give the same bytes. An older report in the folder makes room.

        :param folder: that the report is to be; it is made.
        :param bench_cells: the folder in which `skillstack bench` kept its results, to show them as well.
        :param asked: as in `evaluate`; likewise what is not named here.
        :raises UsageError: if something that is no report lies in the folder.
        :raises SkillStackError: one of its kinds, if anything else cannot be done.
        """
        from skillstack.evaluation.questions import EvaluationConfig
        from skillstack.reports.report import make_report

        return make_report(
            self._subject({"router": router}, self.own_tables().paths),
            EvaluationConfig.of(**asked, matrix=matrix),
            self.store,
            Path(folder),
            bench_cells=Path(bench_cells) if bench_cells is not None else None,
            precision_change=self.precision,
            on_answers=on_answers,
        )

    def agreement(self) -> Agreement | None:
        """How well the frames agree with themselves at this precision; None where it is their own.

        :raises MismatchError: if the base here is not the one of the frames.
        """
        return self.loaded().agreement(self.frames())

    def loaded(self) -> Predictor:
        """The base in memory, with its slot; loaded once.

        :raises MismatchError: if the base here is not the one that the frames were trained on.
        """
        tip, *below = [frame.content for frame in self._some_frames()]
        with self._lock:
            from skillstack.predictor import load_predictor

            if self._predictor is None or not self._predictor.is_of_this_process:
                self._predictor = load_predictor(self.store, tip, **self._where, below=below)
            return self._predictor

    # making it smaller --------------------------------------------------------------------------------

    def compress(
        self,
        family: str | None = None,
        *,
        without: Sequence[str] = (),
        target_bytes: float | None = None,
        method: str = "auto",
        candidates: str = "few",
        apply: bool = False,
        candidate: str | None = None,
        on_candidate: Callable[[str], None] = lambda name: None,
        **guards: Unpack[Guarding],
    ) -> Compressed:
        """Say what would become of frames if they were merged or cut; with ``apply`` do it.

        Candidates are chosen on dev rows. Before anything is changed, the chosen one is tested once on guard
        rows, which nothing else ever reads; if it does not pass, nothing happens. What is returned without
        ``apply`` is a plan, and its own `apply` does it later.

        :param family: of the frames; None where ``target_bytes`` says what the whole stack may have.
        :param without: frames of the family that stay as they are.
        :param target_bytes: bytes that all adapters may have together, or below 1 a share of today's.
        :param method: ``anchor``, ``merge``, ``rank`` or ``joint``, or several with commas between them; by
            default all. Beside others ``joint`` is used only where none of them should pass.
        :param candidates: ``few`` for those that are worth most, or ``all``; of a method that is
            named, all are compared.
        :param candidate: name of the one to take; by default the smallest that should pass.
        :param on_candidate: called with the name of each candidate before it is tried.
        :param guards: ``margin``, ``level``, ``data_dir`` and ``tables``; see `Guarding`.
        :raises UsageError: if there is no such family, method or candidate, or nothing to do.
        :raises InputError: if rows of an affected skill cannot be had.
        :raises StoreError: if the stack cannot be changed.
        """
        from skillstack.compression.pipeline import compress
        from skillstack.compression.request import CompressionRequest, GuardConfig

        config = GuardConfig.of(**guards)
        request = CompressionRequest(
            family, method, target_bytes, candidate, config, tuple(without), candidates
        )
        if apply:
            self.check_changeable()
        return compress(self._snapshot(), request, apply=apply, tell=on_candidate)

    def ablate(
        self,
        frames: Sequence[str] = (),
        *,
        family: str | None = None,
        apply: bool = False,
        on_task: Callable[[int, int], None] = lambda done, of: None,
        **guards: Unpack[Guarding],
    ) -> Ablation:
        """Say what the stack would lose with each of its frames; with ``apply`` prune one.

        Each frame is removed by itself, and the router picks among the skills that are left. What is said is
        of dev rows. With ``apply`` the router is fitted without the frame and every task is tested once on
        guard rows; if one may lose the margin or more, nothing happens.

        :param frames: as `frame` takes them; by default all. A frame goes with all of its skills.
        :param family: remove the frames with a skill of this family instead.
        :param on_task: called with the number of tasks done, and of all.
        :param guards: ``margin``, ``level``, ``data_dir`` and ``tables``; see `Guarding`.
        :raises UsageError: if there is no such frame or family, nothing would be left, or several are to be
            pruned at once.
        :raises InputError: if rows cannot be had: those of named frames, and with ``apply`` of all tasks.
        :raises StoreError: if the stack cannot be changed.
        """
        from skillstack.compression.ablation import ablate
        from skillstack.compression.request import GuardConfig

        if apply:
            self.check_changeable()
        named = [self.frame(name) for name in frames]
        return ablate(self._snapshot(), named, family, GuardConfig.of(**guards), apply=apply, tell=on_task)

    def own_tables(self) -> OwnTables:
        """Where the tables lie that the skills were learned from.

        `evaluate`, `report`, `compress` and `ablate` read them where no other rows are given: of each the
        rows that were not learned from.
        """
        from skillstack.store.own_tables import own_tables

        return own_tables(self.store, (skill for frame in self.frames() for skill in frame.skills))

    # trusting, changing, carrying ---------------------------------------------------------------------

    def verify(self, *, deep: bool = False) -> tuple[Verification, tuple[CanaryCheck, ...]]:
        """Check every file of the store, and with ``deep`` that each frame of this stack answers as ever.

        :raises MismatchError: with ``deep``, if the base here is not the one of the frames.
        """
        from skillstack.library import verify_files

        checked = verify_files(self.store)
        return checked, self.loaded().check_canaries(self.frames()) if deep and checked.ok else ()

    def check_changeable(self) -> None:
        """See that the stack may be changed, before that has cost anything.

        :raises StoreError: if it may not; its hint says how to come by one that may.
        """
        from skillstack.store.transactions import check_changeable

        try:
            check_changeable(self.store, self.name)
        except StoreError as error:
            if self.packaged or self.name == REFERENCE:
                copying = f"`skillstack stacks copy {self.name} NAME` makes one that can be changed"
                error.hint = f"{copying}; name it with --stack."
            raise

    def undo(self, *, dry_run: bool = False) -> Transaction:
        """Revert the latest change; returns it.

        :raises UsageError: if there is none.
        :raises StoreError: if a garbage collection took what it would bring back, or the stack is read-only.
        """
        from skillstack.store.stacks import revert

        return revert(self.store, self.name, "undo", dry_run=dry_run)

    def redo(self, *, dry_run: bool = False) -> Transaction:
        """Restore what was undone last; returns it.

        :raises UsageError: if there is nothing.
        :raises StoreError: if a garbage collection took it, or the stack is read-only.
        """
        from skillstack.store.stacks import revert

        return revert(self.store, self.name, "redo", dry_run=dry_run)

    def export(self, path: str | Path, *, with_texts: bool = False) -> Exported:
        """Write the stack into one file, as `Library.export_stack` does, with the same errors."""
        from skillstack.library import export_from

        return export_from(self.store, self.name, path, with_texts=with_texts)

    def export_peft(self, folder: str | Path) -> list[PeftFolders]:
        """Write the frames as plain PEFT folders, which other tools read; the oldest frame first.

        :raises UsageError: if the stack is empty, or the folder holds something.
        :raises IntegrityError: if a file of a frame is missing or altered.
        :raises StoreError: if the disk refuses.
        """
        from skillstack.models.peft_export import export_peft

        return export_peft(self.store, self.name, [content for _, content in self._chain()], Path(folder))

    # inside -------------------------------------------------------------------------------------------

    def _subject(self, routing: Routing, tables: Mapping[str, Path] | None = None) -> EvaluatedStack:
        """The stack, to be evaluated.

        :param tables: by skill, the table that it learned from.
        """
        from skillstack.evaluation.questions import EvaluatedStack
        from skillstack.models.identity import check_device, check_model
        from skillstack.store.learned import learned_by

        frames = tuple(reversed(self._some_frames()))
        # Where every answer is known the base is not loaded, and these are looked at all the same.
        check_device(self.device)
        if self.model is not None:
            check_model(frames[-1].content.base, self.model)
        return EvaluatedStack(
            name=self.name,
            frames=frames,
            route=lambda rows: self.route(rows, **routing),
            load=self.loaded,
            precision=self.precision or frames[-1].content.precision,
            derived=self._derived(),
            router=routing.get("router", "hybrid_chain"),
            learned=lambda skill: learned_by(self.store, skill),
            tables=tables or {},
        )

    def _derived(self) -> Path:
        """The folder of files that can be made again; a store for reading only has it elsewhere."""
        from skillstack.hub import cache_dir
        from skillstack.store.derived import FOLDER

        return (cache_dir() if self.store.read_only else self.store.root) / FOLDER

    def _snapshot(self) -> Snapshot:
        """The stack as it is, to be compressed or ablated."""
        from skillstack.compression.workspace import Snapshot

        frames = tuple(reversed(self.frames()))
        load, tables = self.loaded, self.own_tables().paths
        return Snapshot(self.store, self.name, frames, load, derived=self._derived(), tables=tables)

    def router_folder(self) -> Path:
        """The folder of the router state that fits this stack now."""
        return self._router.folder(self._chain())

    def _some_frames(self) -> tuple[Frame, ...]:
        """All frames, the newest first.

        :raises UsageError: if there are none.
        """
        frames = self.frames()
        if not frames:
            raise UsageError(f"The stack {self.name!r} has no frames.", "Train something first.")
        return frames

    def _chain(self) -> tuple[tuple[str, FrameRecord], ...]:
        """Contents with their ids, the oldest first."""
        return tuple((frame.content_id, frame.content) for frame in reversed(self.frames()))

    def _routed(
        self, frames: Sequence[Frame], rows: Sequence[Row], *, router: str = "hybrid_chain", **options: Any
    ) -> list[Route]:
        """The route of each row, with the frame, task and family.

        :param frames: the newest first.
        :param options: as `route` takes them.
        :raises UsageError: if there are no frames, or there is no such router or option.
        """
        if not frames:
            raise UsageError(f"The stack {self.name!r} has no frames.", "Train something first.")
        chain = [(frame.content_id, frame.content) for frame in reversed(frames)]
        known = {skill.name: (frame, skill) for frame in frames for skill in frame.skills}
        tasks = [stop.skill.task for stop in walk(content for _, content in chain)]
        found = self._router.route(chain, rows, router=router, **options)
        return [one if one.skill is None else one.placed(*known[one.skill], tasks) for one in found]


def _packaged(folder: str | None) -> bool:
    """Whether there is no store, so that the copy inside the package is read."""
    try:
        return find_store(folder).packaged
    except StoreError:
        return False
