"""The API that the command line and people's programs call; the one place that ties all packages together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from skillstack import asked
from skillstack.asked import Text
from skillstack.errors import BusyError, StoreError, UsageError, did_you_mean, require_extra
from skillstack.library import copy, stack_to_add_to
from skillstack.process_lock import ProcessLock
from skillstack.results import Agreement, CanaryCheck, Frame, Predicted, Routed, Trained, frames_from
from skillstack.routers.stack_router import StackRouter, needed_states, router_file_check, unneeded_states
from skillstack.store import derived, gc
from skillstack.store.history import History, Transaction, read_history
from skillstack.store.locate import choose_stack, find_store, holding
from skillstack.store.records import FrameRecord
from skillstack.store.rows import Row
from skillstack.store.stacks import revert
from skillstack.store.store import REFERENCE, Store
from skillstack.store.verify import Verification, verify
from skillstack.store.walk import walk

if TYPE_CHECKING:
    from skillstack.compression.ablation import Ablation
    from skillstack.compression.results import Compressed
    from skillstack.compression.workspace import Snapshot
    from skillstack.data.own_table import TableReport
    from skillstack.data.task import Example
    from skillstack.evaluation.probes.registry import Probed
    from skillstack.evaluation.questions import EvaluatedStack
    from skillstack.evaluation.result import Evaluation
    from skillstack.learning import Learned
    from skillstack.models.peft_export import PeftFolders
    from skillstack.predictor import Predictor
    from skillstack.reports.report import WrittenReport
    from skillstack.store.bundle_writer import Exported
    from skillstack.training.progress import Listener
    from skillstack.training.resolve import PreparedTraining


class Stack:
    """A stack of frames: open it, ask it, look at it.

    >>> stack = Stack.open()
    >>> stack.route("please block my card").task
    'banking'
    >>> [frame.name for frame in stack][-1]
    'imdb_sentences'

    It is safe from threads: its base is loaded once, one thread at a time passes through the model, and each
    gets the answers that it would get alone. A copy or an unpickled stack opens the same store anew and loads
    the base when it is asked. So does a forked process, in which torch keeps to one thread; where the base is
    on a GPU, start processes by spawn.

    :ivar store: the store that it lies in.
    :ivar name: its name.
    :ivar packaged: whether the copy inside the package is used, as there is no store here or it was named.
    """

    def __init__(self, store: Store, name: str, *, packaged: bool = False) -> None:
        self.store = store
        self.name = name
        self.packaged = packaged
        self._frames: tuple[str | None, tuple[Frame, ...]] | None = None
        self._predictors: dict[str, Predictor] = {}
        self._router = StackRouter(store, name)
        self._lock = ProcessLock()

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process may stand in another folder.
        root, routers = self.store.root.absolute(), self.store.routers.absolute()
        store = dataclasses.replace(self.store, root=root, routers=routers)
        return partial(type(self), packaged=self.packaged), (store, self.name)

    @classmethod
    def open(cls, store: str | Path | None = None, stack: str | None = None) -> Stack:
        """Open a stack that exists.

        :param store: its folder; by default ``SKILLSTACK_STORE``, the nearest ``frames/`` here or above, or
            the reference stack inside the package.
        :param stack: its name; by default ``SKILLSTACK_STACK``, the current one, or ``reference``. That one
            is found inside the package where the store has none.
        :raises StoreError: if there is no such store.
        :raises UsageError: if there is no such stack.
        """
        found = find_store(str(store) if store is not None else None)
        if stack is not None:
            found = holding(found, stack)
        name = found.store.check_stack(choose_stack(found.store, stack))
        return cls(found.store, name, packaged=found.packaged)

    @classmethod
    def train(
        cls,
        preset: str | None = None,
        *,
        tasks: Sequence[str] = (),
        data_dir: str | Path | None = None,
        store: str | Path | None = None,
        stack: str | None = None,
        model: str | None = None,
        precision: str | None = None,
        device: str = "auto",
        recipe: Mapping[str, Any] | None = None,
        keep_texts: bool = True,
        time_limit: float | None = None,
        micro_batch: int = 0,
        accumulate: int = 1,
        gradient_checkpointing: bool | None = None,
        auto_compress: bool = False,
        compress_margin: float = 0.02,
        on_event: Listener | None = None,
    ) -> Trained:
        """Train a stack, or what it lacks of one; the store is made where there is none.

        Started by `accelerate launch` in several processes, all of them train together and one writes.

        :param preset: a named sequence of tasks with a recipe.
        :param tasks: names of tasks, instead of a preset.
        :param data_dir: folder with one folder per task, for tasks that do not ship with the package.
        :param stack: its name; by default the preset's.
        :param model: the base: ``minilm`` (default), ``smollm2``, a folder, or a model of the hub.
        :param precision: ``fp32``, ``bf16``, ``fp16`` or ``nf4``; by default fp32 on a CPU, and on a GPU nf4
            for language models.
        :param device: ``auto``, ``cpu`` or ``cuda``.
        :param recipe: what differs from the recipe of base and preset; see `Recipe`.
        :param keep_texts: whether the store keeps the router's sample texts, or hashed features alone.
        :param time_limit: seconds after which it stops at a checkpoint; the same call goes on from there.
        :param micro_batch: most rows that pass through the model at once; 0 starts with a whole batch. A step
            learns from the recipe's ``batch_size`` rows in any case.
        :param accumulate: least number of parts in which a batch passes.
        :param gradient_checkpointing: compute layers' states again instead of keeping them; by default on a
            GPU for bases of a billion parameters and more.
        :param auto_compress: after each frame try to merge it with the others of its family, under the guard
            of `compress`.
        :param compress_margin: accuracy that a task may lose then, as a share.
        :param on_event: called with each `Event`.
        :raises SkillStackError: one of its kinds, if anything cannot be done; what is finished stays.
        """
        from skillstack.models.loading import pick_device
        from skillstack.training.execution import RunOptions, join_processes
        from skillstack.training.progress import Deadline, nobody
        from skillstack.training.resolve import prepare
        from skillstack.training.run import train_stack

        deadline = Deadline(time_limit)
        processes = join_processes(pick_device(device))
        execution = RunOptions(micro_batch, accumulate, gradient_checkpointing, deadline, processes)

        def resolve() -> PreparedTraining:
            return prepare(
                preset=preset,
                tasks=tasks,
                data_dir=Path(data_dir) if data_dir is not None else None,
                stack=stack,
                model=model,
                precision=precision,
                device=device,
                overrides=recipe,
                keep_texts=keep_texts,
            )

        def find() -> Store:
            return find_store(str(store) if store is not None else None, create=True).store

        # The first of several processes downloads and makes what is missing, the others find it.
        prepared = processes.first(resolve) or resolve()
        to = processes.first(find) or find()
        name = prepared.job.stack
        job, listen = dataclasses.replace(prepared.job, merges=auto_compress), on_event or nobody
        settle = None
        if auto_compress:
            from skillstack.compression.growing import AutoCompress
            from skillstack.compression.request import GuardConfig

            config = GuardConfig.of(compress_margin, data_dir=data_dir)
            settle = AutoCompress(to, name, job.transaction, config, listen)
        fit = StackRouter(to, name).fit
        result = train_stack(to, job, prepared.load, fit, listen, execution, settle)
        if processes.is_first and to.head_stack() != name and result.tip is not None:
            to.set_head_stack(name)
        return Trained(name, result.trained, result.kept, result.tip, result.complete)

    @classmethod
    def learn(
        cls,
        name: str,
        file: str | Path,
        *,
        family: str | None = None,
        text_column: str | None = None,
        pair_column: str | None = None,
        label_column: str | None = None,
        test_size: float = 0.2,
        max_per_class: int | None = None,
        replace: bool = False,
        store: str | Path | None = None,
        stack: str | None = None,
        model: str | None = None,
        precision: str | None = None,
        device: str = "auto",
        recipe: Mapping[str, Any] | None = None,
        keep_texts: bool = True,
        time_limit: float | None = None,
        micro_batch: int = 0,
        accumulate: int = 1,
        gradient_checkpointing: bool | None = None,
        auto_compress: bool = False,
        compress_margin: float = 0.02,
        data_dir: str | Path | None = None,
        tables: Mapping[str, str | Path] | None = None,
        on_event: Listener | None = None,
        on_table: Callable[[TableReport], None] = lambda report: None,
    ) -> Learned:
        """Learn one skill from a table: CSV, TSV, JSON lines or Parquet.

        On the reference stack, which is for reading only, it starts a copy called ``main``; where a model is
        named, an empty stack of that name.

        :param name: of the skill and its frame.
        :param family: of skills that it belongs to; by default one of its own.
        :param text_column: by default found, or an error that says why not; likewise the label's.
        :param pair_column: of second texts; none unless it is named.
        :param test_size: share of the rows that is held back to test with.
        :param max_per_class: training rows per class; by default 200.
        :param replace: have it take the place of the frame of this name, at the tip.
        :param time_limit: seconds after which the training stops at a checkpoint; what is learned has no
            frame then, and the same call goes on from there. Asking the rows held back comes after it.
        :param micro_batch: as in `train`; likewise ``accumulate`` and ``gradient_checkpointing``.
        :param auto_compress: as in `train`; likewise ``compress_margin``.
        :param data_dir: where rows of other skills are, to merge with them; likewise ``tables``, by skill.
        :param on_table: called with what was found in the table, before anything is trained.
        :raises InputError: if the table cannot be used.
        :raises UsageError: if its columns are not clear, or the name is taken.
        :raises SkillStackError: one of its kinds, if anything else cannot be done.
        """
        from skillstack.data.own_table import load_table
        from skillstack.training.progress import Deadline

        deadline = Deadline(time_limit)
        table = load_table(
            Path(file),
            name,
            family or name,
            text=text_column,
            pair=pair_column,
            label=label_column,
            test_size=test_size,
            max_per_class=max_per_class,
        )
        on_table(table.report)
        from skillstack.compression.request import GuardConfig
        from skillstack.learning import Learned, Learning, LearnRequest, check
        from skillstack.training.execution import RunOptions
        from skillstack.training.progress import nobody

        execution = RunOptions(micro_batch, accumulate, gradient_checkpointing, deadline)
        chosen, copied = stack_to_add_to(store, stack, own_base=model is not None)
        settings = {**({"samples_per_class": max_per_class} if max_per_class else {}), **(recipe or {})}
        merging = GuardConfig.of(compress_margin, data_dir=data_dir, tables=tables) if auto_compress else None
        lesson = LearnRequest(
            table, chosen, replace, model, precision, device, settings, keep_texts, execution, merging
        )
        check(lesson)
        if copied:
            try:
                copy(REFERENCE, chosen, store, patience=lambda: not deadline.over)
            except (BusyError, UsageError):
                # Another command that learns may have been faster; then there is a stack to add to.
                if stack_to_add_to(store, stack, own_base=model is not None) != (chosen, False):
                    raise
                copied = False
        to = find_store(str(store) if store is not None else None, create=True).store
        learning = Learning(to, lesson)
        result, change = learning.run(on_event or nobody)
        if not result.complete:
            return Learned(chosen, name, None, table.report, change, copied, test=None, lost=None)
        if to.head_stack() != chosen:
            to.set_head_stack(chosen)
        opened = cls(to, chosen)
        frame = opened.frame(name)

        def route(rows: list[Example]) -> list[str | None]:
            return [routed.task for routed in opened.route([example.row for example in rows])]

        return Learned(
            stack=chosen,
            name=name,
            frame=frame,
            table=table.report,
            change=change,
            copied=copied,
            test=learning.test(frame, result, route) if table.data.test else None,
            lost=learning.lost(name) if len(opened) > 1 else (),
        )

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

    def frame(self, name_or_id: str) -> Frame:
        """The frame of this name, of this skill, or of an id that begins so (six digits or more).

        :raises UsageError: if there is none, or several.
        """
        frames = self.frames()
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

    def card(self, frame: Frame) -> str:
        """The model card of a frame's adapter folder.

        :raises UsageError: if the frame has no adapter.
        :raises IntegrityError: if the card was altered.
        """
        adapter = frame.content.adapter
        if adapter is None:
            raise UsageError(
                f"The frame {frame.name!r} has no adapter, so it has no card.",
                "Its head on the frozen base was as good.",
            )
        data = self.store.read_checked(f"adapters/{adapter.folder}/README.md", adapter.card)
        return data.decode("utf-8")

    # asking -------------------------------------------------------------------------------------------

    @overload
    def route(  # type: ignore[overload-overlap]  # a str is a sequence of str as well
        self, rows: Text, *, router: str = ..., threshold: float | None = ..., depth: int | None = ...
    ) -> Routed: ...
    @overload
    def route(
        self,
        rows: Sequence[Text],
        *,
        router: str = ...,
        threshold: float | None = ...,
        depth: int | None = ...,
    ) -> list[Routed]: ...
    def route(
        self,
        rows: Text | Sequence[Text],
        *,
        router: str = "hybrid_chain",
        threshold: float | None = None,
        depth: int | None = None,
    ) -> Routed | list[Routed]:
        """Which skill answers a text, or each of several.

        :param rows: a text, a `Row`, or several.
        :param router: ``hybrid_chain`` or ``hybrid_svm``.
        :param threshold: score from which the chain accepts; None for the calibrated one.
        :param depth: frames that the chain looks at; None for all.
        :raises InputError: if a text is empty or cannot be read.
        :raises UsageError: if the stack is empty, or there is no such router.
        """
        checked, single = asked.checked_rows(rows)
        routed = self._routed(self.frames(), checked, router=router, threshold=threshold, depth=depth)
        return routed[0] if single else routed

    @overload
    def predict(  # type: ignore[overload-overlap]
        self,
        rows: Text,
        *,
        frame: str | None = ...,
        router: str = ...,
        threshold: float | None = ...,
        depth: int | None = ...,
        model: str | None = ...,
        device: str = ...,
        precision_change: str | None = ...,
    ) -> Predicted: ...
    @overload
    def predict(
        self,
        rows: Sequence[Text],
        *,
        frame: str | None = ...,
        router: str = ...,
        threshold: float | None = ...,
        depth: int | None = ...,
        model: str | None = ...,
        device: str = ...,
        precision_change: str | None = ...,
    ) -> list[Predicted]: ...
    def predict(
        self,
        rows: Text | Sequence[Text],
        *,
        frame: str | None = None,
        router: str = "hybrid_chain",
        threshold: float | None = None,
        depth: int | None = None,
        model: str | None = None,
        device: str = "auto",
        precision_change: str | None = None,
    ) -> Predicted | list[Predicted]:
        """The chosen frame's answer to a text, or to each of several.

        :param frame: ask this frame, whatever the router says.
        :param model: where the base is, if not under the name that the frames remember; it must be the same.
        :param device: ``auto``, ``cpu`` or ``cuda``.
        :param precision_change: hold the base at another precision than the frames were trained at.
        :raises InputError: if a text is empty or cannot be read.
        :raises MismatchError: if the base here is not the one that the frames were trained on.
        """
        checked, single = asked.checked_rows(rows)
        known = self.frames()  # as they are now, whoever changes them
        if frame is None:
            routed = self._routed(known, checked, router=router, threshold=threshold, depth=depth)
        else:
            known = (self.frame(frame),)
            routed = [asked.named_route(known[0], frame)] * len(checked)
        found = [Predicted(choice, None, None, {}) for choice in routed]
        places = [place for place, choice in enumerate(routed) if choice.skill is not None]
        if places:
            frames = {f.id: f for f in known}
            chosen = [frames[str(routed[place].frame_id)] for place in places]
            skills = [f.skill(str(routed[place].skill)) for f, place in zip(chosen, places, strict=True)]
            readable = [checked[place] for place in places]
            for row, skill in zip(readable, skills, strict=True):
                asked.check_pair(row, skill)
            predictor = self._load(model, device, precision_change)
            answers = predictor.answer(readable, chosen, skills)
            held = predictor.base.precision
            for place, f, skill, answer in zip(places, chosen, skills, answers, strict=True):
                changed = held if held != f.content.precision else None
                found[place] = asked.predicted(routed[place], skill, answer, changed)
        return found[0] if single else found

    def evaluate(
        self,
        *,
        per_class: int | None = 64,
        data_dir: str | Path | None = None,
        tables: Mapping[str, str | Path] | None = None,
        only: Sequence[str] = (),
        matrix: bool = False,
        router: str = "hybrid_chain",
        threshold: float | None = None,
        depth: int | None = None,
        model: str | None = None,
        device: str = "auto",
        precision_change: str | None = None,
        on_answers: Callable[[int, int], None] = lambda done, of: None,
    ) -> Evaluation:
        """How good the stack is on its tasks' test rows, how sure that is, and what would do instead.

        Answers are kept beside the store, so that a second call asks the model nothing.

        :param per_class: test rows of each class at most; None for all.
        :param data_dir: folder with one folder per task, for tasks that do not ship with the package.
        :param tables: by skill, a table of labelled rows instead of the task's own test rows.
        :param only: tasks or skills to evaluate; by default all that have test rows here.
        :param matrix: ask every frame about every task.
        :param router: as in `route`; likewise ``threshold`` and ``depth``.
        :param model: as in `predict`; likewise ``device`` and ``precision_change``.
        :param on_answers: called with answers that the model gave, and those that it has to give.
        :raises InputError: if there are no test rows, or they have labels that a skill does not know.
        :raises SkillStackError: one of its kinds, if anything else cannot be done.
        """
        from skillstack.evaluation.questions import EvaluationConfig
        from skillstack.evaluation.stack import evaluate

        routing = {"router": router, "threshold": threshold, "depth": depth}
        subject = self._subject(routing, (model, device, precision_change))
        return evaluate(
            subject, EvaluationConfig.of(per_class, data_dir, tables, only, matrix=matrix), on_answers
        )

    def probe(
        self,
        name: str,
        *,
        per_class: int | None = 64,
        data_dir: str | Path | None = None,
        tables: Mapping[str, str | Path] | None = None,
        only: Sequence[str] = (),
        seed: int = 0,
        texts: int | None = None,
        orders: int = 3,
        threshold: float | None = None,
        depth: int | None = None,
        model: str | None = None,
        device: str = "auto",
        precision_change: str | None = None,
        on_answers: Callable[[int, int], None] = lambda done, of: None,
    ) -> Probed:
        """Ask a question about the stack that its tasks' accuracies do not answer.

        :param name: ``generalization``, ``order`` or ``redundancy``.
        :param per_class: as in `evaluate`; likewise ``data_dir``, ``tables`` and ``only``.
        :param seed: of what is drawn: texts, their halves, orders.
        :param texts: texts of each task at most, for ``generalization``.
        :param orders: random orders, for ``order``.
        :param threshold: as in `route`; likewise ``depth``.
        :param model: as in `predict`; likewise ``device`` and ``precision_change``.
        :param on_answers: called with answers that the model gave, and those that it has to give.
        :raises UsageError: if there is no such probe.
        :raises SkillStackError: one of its kinds, if it cannot be answered.
        """
        from skillstack.evaluation.probes.probing import Probing
        from skillstack.evaluation.probes.registry import check_name, run
        from skillstack.evaluation.questions import EvaluationConfig

        check_name(name)
        routing = {"threshold": threshold, "depth": depth}
        probing = Probing(
            stack=self._subject(routing, (model, device, precision_change)),
            config=EvaluationConfig.of(per_class, data_dir, tables, only),
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
        per_class: int | None = 64,
        data_dir: str | Path | None = None,
        tables: Mapping[str, str | Path] | None = None,
        only: Sequence[str] = (),
        matrix: bool = True,
        bench_cells: str | Path | None = None,
        router: str = "hybrid_chain",
        model: str | None = None,
        device: str = "auto",
        precision_change: str | None = None,
        on_answers: Callable[[int, int], None] = lambda done, of: None,
    ) -> WrittenReport:
        """Evaluate, and write what was found as a page, as Markdown and JSON, and as tables and plots.

        The same stack and texts give the same bytes. An older report in the folder makes room.

        :param folder: that the report is to be; it is made.
        :param per_class: as in `evaluate`; likewise what is not named here.
        :param bench_cells: the folder in which `skillstack bench` kept its results, to show them as well.
        :raises UsageError: if something that is no report lies in the folder.
        :raises SkillStackError: one of its kinds, if anything else cannot be done.
        """
        from skillstack.reports.folder import check_folder
        from skillstack.reports.material import Material, frame_facts, read_bench
        from skillstack.reports.provenance import report_command, versions
        from skillstack.reports.report import write_report

        require_extra("report", "A report", "matplotlib", "jinja2")
        check_folder(Path(folder))
        bench = read_bench(Path(bench_cells)) if bench_cells is not None else None
        found = self.evaluate(
            per_class=per_class,
            data_dir=data_dir,
            tables=tables,
            only=only,
            matrix=matrix,
            router=router,
            model=model,
            device=device,
            precision_change=precision_change,
            on_answers=on_answers,
        )
        frames = tuple(reversed(self.frames()))
        command = report_command(
            self.name,
            per_class=per_class,
            data_dir=data_dir,
            tables=tables,
            only=only,
            matrix=matrix,
            bench_cells=bench_cells,
            router=router,
            precision_change=precision_change,
        )
        facts, base = frame_facts(self.store, frames), frames[-1].content.base
        material = Material(found, facts, base, command, versions(), bench)
        return write_report(material, Path(folder))

    # making it smaller --------------------------------------------------------------------------------

    def compress(
        self,
        family: str | None = None,
        *,
        without: Sequence[str] = (),
        target_bytes: float | None = None,
        method: str = "auto",
        candidates: str = "few",
        margin: float = 0.01,
        level: float = 0.05,
        apply: bool = False,
        candidate: str | None = None,
        data_dir: str | Path | None = None,
        tables: Mapping[str, str | Path] | None = None,
        model: str | None = None,
        device: str = "auto",
        on_candidate: Callable[[str], None] = lambda name: None,
    ) -> Compressed:
        """Say what would become of frames if they were merged or cut; with ``apply`` do it.

        Candidates are chosen on dev rows. Before anything is changed, the chosen one is tested once on guard
        rows, which nothing else ever reads; if it does not pass, nothing happens.

        :param family: of the frames; None where ``target_bytes`` says what the whole stack may have.
        :param without: frames of the family that stay as they are.
        :param target_bytes: bytes that all adapters may have together, or below 1 a share of today's.
        :param method: ``anchor``, ``merge``, ``rank`` or ``joint``, or several with commas between them; by
            default all. Beside others ``joint`` is used only where none of them should pass.
        :param candidates: ``few`` for those that are worth most, or ``all``; of a method that is
            named, all are compared.
        :param margin: accuracy that a task may lose, as a share.
        :param level: chance, at most, that a change passes by which a task loses more.
        :param candidate: name of the one to take; by default the smallest that should pass.
        :param tables: as in `evaluate`; likewise ``data_dir``.
        :param on_candidate: called with the name of each candidate before it is tried.
        :raises UsageError: if there is no such family, method or candidate, or nothing to do.
        :raises InputError: if rows of an affected skill cannot be had.
        :raises StoreError: if the stack cannot be changed.
        """
        from skillstack.compression.pipeline import compress
        from skillstack.compression.request import CompressionRequest, GuardConfig

        config = GuardConfig.of(margin, level, data_dir, tables)
        request = CompressionRequest(
            family, method, target_bytes, candidate, config, tuple(without), candidates
        )
        if apply:
            self.check_changeable()
        return compress(self._snapshot(model, device), request, apply=apply, tell=on_candidate)

    def ablate(
        self,
        frames: Sequence[str] = (),
        *,
        family: str | None = None,
        margin: float = 0.01,
        level: float = 0.05,
        apply: bool = False,
        data_dir: str | Path | None = None,
        tables: Mapping[str, str | Path] | None = None,
        model: str | None = None,
        device: str = "auto",
        on_task: Callable[[int, int], None] = lambda done, of: None,
    ) -> Ablation:
        """Say what the stack would lose with each of its frames; with ``apply`` prune one.

        Each frame is removed by itself, and the router picks among the skills that are left. What is said is
        of dev rows. With ``apply`` the router is fitted without the frame and every task is tested once on
        guard rows; if one may lose the margin or more, nothing happens.

        :param frames: as `frame` takes them; by default all. A frame goes with all of its skills.
        :param family: remove the frames with a skill of this family instead.
        :param margin: accuracy that a task may lose, as a share.
        :param level: chance, at most, that a frame is pruned without which a task loses more.
        :param tables: as in `evaluate`; likewise ``data_dir``.
        :param on_task: called with the number of tasks done, and of all.
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
        config = GuardConfig.of(margin, level, data_dir, tables)
        return ablate(self._snapshot(model, device), named, family, config, apply=apply, tell=on_task)

    # trusting and changing ----------------------------------------------------------------------------

    def verify(
        self,
        *,
        deep: bool = False,
        model: str | None = None,
        device: str = "auto",
        precision_change: str | None = None,
    ) -> tuple[Verification, tuple[CanaryCheck, ...]]:
        """Check every file of the store, and with ``deep`` that each frame of this stack answers as ever.

        :param precision_change: hold the base at another precision than in training; `agreement` says how
            many labels stay.
        :raises MismatchError: with ``deep``, if the base here is not the one of the frames.
        """
        try:
            needed = needed_states(self.store)
        except StoreError:
            needed = None  # verify says what is damaged
        checked = verify(self.store, other_files=router_file_check(needed))
        if not deep or not checked.ok:
            return checked, ()
        return checked, self._load(model, device, precision_change).check_canaries(self.frames())

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

    def history(self) -> History:
        """What happened to this stack."""
        return read_history(self.store, self.name)

    def undo(self, *, dry_run: bool = False) -> Transaction:
        """Revert the latest change; returns it.

        :raises UsageError: if there is none.
        :raises StoreError: if a garbage collection took what it would bring back, or the stack is read-only.
        """
        return revert(self.store, self.name, "undo", dry_run=dry_run)

    def redo(self, *, dry_run: bool = False) -> Transaction:
        """Restore what was undone last; returns it.

        :raises UsageError: if there is nothing.
        :raises StoreError: if a garbage collection took it, or the stack is read-only.
        """
        return revert(self.store, self.name, "redo", dry_run=dry_run)

    def gc(self, *, dry_run: bool = True, expire_now: bool = False) -> gc.Garbage:
        """Find, and unless ``dry_run`` remove, what no stack of the store needs.

        :param expire_now: do not keep two weeks of undo.
        """
        return gc.collect(
            self.store, dry_run=dry_run, expire_now=expire_now, rebuildable=unneeded_states(self.store)
        )

    # carrying -----------------------------------------------------------------------------------------

    def export(self, path: str | Path, *, with_texts: bool = False) -> Exported:
        """Write the stack into one file, which `import_stack` reads; the same stack gives the same bytes.

        :param with_texts: whether the router's sample texts go along. Without them the router routes as it
            is, and cannot be fitted anew on the other side.
        :raises UsageError: if the stack is empty.
        :raises IntegrityError: if one of its files is missing or altered.
        :raises StoreError: if the disk refuses, or something else lies at the path.
        """
        from skillstack.store.bundle_writer import export

        files = self._router.files(self._chain()) if len(self) else {}
        router = {file.name: data for file, data in files.items()}
        return export(self.store, self.name, Path(path), with_texts=with_texts, router=router)

    def export_peft(self, folder: str | Path) -> list[PeftFolders]:
        """Write the frames as plain PEFT folders, which other tools read; the oldest frame first.

        :raises UsageError: if the stack is empty, or the folder holds something.
        :raises IntegrityError: if a file of a frame is missing or altered.
        :raises StoreError: if the disk refuses.
        """
        from skillstack.models.peft_export import export_peft

        return export_peft(self.store, self.name, [content for _, content in self._chain()], Path(folder))

    # inside -------------------------------------------------------------------------------------------

    def _subject(
        self, routing: Mapping[str, Any], base: tuple[str | None, str, str | None]
    ) -> EvaluatedStack:
        """The stack, to be evaluated.

        :param routing: options of `route`.
        :param base: model, device and change of precision, as `predict` takes them.
        """
        from skillstack.evaluation.questions import EvaluatedStack
        from skillstack.models.identity import check_device, check_model

        frames = tuple(reversed(self.frames()))
        if not frames:
            raise UsageError(f"The stack {self.name!r} has no frames.", "Train something first.")
        # Where every answer is known the base is not loaded, and these are looked at all the same.
        check_device(base[1])
        if base[0] is not None:
            check_model(frames[-1].content.base, base[0])
        return EvaluatedStack(
            name=self.name,
            frames=frames,
            route=lambda rows: self.route(rows, **routing),
            load=lambda: self._load(*base),
            precision=base[-1] or frames[-1].content.precision,
            derived=self._derived(),
            router=str(routing.get("router", "hybrid_chain")),
        )

    def _derived(self) -> Path:
        """The folder of files that can be made again; a store for reading only has it elsewhere."""
        from skillstack.hub import cache_dir

        return (cache_dir() if self.store.read_only else self.store.root) / derived.FOLDER

    def _snapshot(self, model: str | None, device: str) -> Snapshot:
        """The stack as it is, to be compressed or ablated.

        :param model: as `predict` takes it; likewise ``device``.
        """
        from skillstack.compression.workspace import Snapshot

        return Snapshot(
            store=self.store,
            name=self.name,
            frames=tuple(reversed(self.frames())),
            load=lambda: self.loaded(model=model, device=device),
            derived=self._derived(),
        )

    def router_folder(self) -> Path:
        """The folder of the router state that fits this stack now."""
        return self._router.folder(self._chain())

    def _chain(self) -> tuple[tuple[str, FrameRecord], ...]:
        """Contents with their ids, the oldest first."""
        return _chain_of(self.frames())

    def _routed(self, frames: Sequence[Frame], rows: Sequence[Row], **options: Any) -> list[Routed]:
        """Routes as people see them: by frame, task and family.

        :param frames: the newest first.
        :param options: as `route` takes them.
        :raises UsageError: if there are no frames, or there is no such router or option.
        """
        chain = _chain_of(frames)
        if not chain:
            raise UsageError(f"The stack {self.name!r} has no frames.", "Train something first.")
        known = {skill.name: (frame, skill) for frame in frames for skill in frame.skills}
        tasks = [stop.skill.task for stop in walk(content for _, content in chain)]
        nobody = None, None
        found = self._router.route(chain, rows, **options)
        return [asked.routed(one, tasks, *known.get(one.skill or "", nobody)) for one in found]

    def agreement(
        self, precision_change: str, *, model: str | None = None, device: str = "auto"
    ) -> Agreement | None:
        """How well the frames agree with themselves at another precision; None where it is their own.

        :raises MismatchError: if the base here is not the one of the frames.
        """
        return self._load(model, device, precision_change).agreement(self.frames())

    def loaded(self, *, model: str | None = None, device: str = "auto") -> Predictor:
        """The base in memory, with its slot; loaded once.

        :raises MismatchError: if the base here is not the one that the frames were trained on.
        """
        return self._load(model, device, None)

    def _load(self, model: str | None, device: str, precision_change: str | None) -> Predictor:
        frames = self.frames()
        if not frames:
            raise UsageError(f"The stack {self.name!r} has no frames.", "Train something first.")
        key = f"{model}:{device}:{precision_change}"
        with self._lock:
            from skillstack.predictor import load_predictor

            found = self._predictors.get(key)
            if found is None or not found.is_of_this_process:
                tip, *below = [frame.content for frame in frames]
                found = load_predictor(self.store, tip, model, device, precision_change, below)
                self._predictors[key] = found
            return found


def _chain_of(frames: Sequence[Frame]) -> tuple[tuple[str, FrameRecord], ...]:
    """Contents with their ids, the oldest first.

    :param frames: the newest first.
    """
    return tuple((frame.content_id, frame.content) for frame in reversed(frames))
