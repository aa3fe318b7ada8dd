"""What a training did, frame by frame, and what to try next."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass, field
from typing import Any

from skillstack.answers import Trained
from skillstack.cli.watching import UNFINISHED
from skillstack.cli.words import accuracy, columns
from skillstack.store.records import Count
from skillstack.training.progress import Event, FamilySettled, FrameDone
from skillstack.wording import many, percent, seconds


@dataclass
class Summary:
    """Collects the frames that were finished.

    :ivar done: their last events, in order.
    :ivar settled: what became of families that new frames were tried against.
    """

    done: list[FrameDone] = field(default_factory=list)
    settled: list[FamilySettled] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Listen to a training."""
        if isinstance(event, FrameDone):
            self.done.append(event)
        elif isinstance(event, FamilySettled):
            self.settled.append(event)

    def to_json(self, trained: Trained) -> dict[str, Any]:
        """As `train --json` shows it."""
        return {
            "stack": trained.stack,
            "tip": trained.tip,
            "complete": trained.complete,
            "trained": list(trained.trained),
            "kept": list(trained.kept),
            "frames": [
                {
                    "name": frame.name,
                    "id": frame.frame_id,
                    "dev": _count(frame.dev),
                    "frozen_linear_dev": _count(frame.frozen_linear),
                    "chosen": frame.chosen,
                    "seconds": round(frame.seconds, 3),
                }
                for frame in self.done
            ],
            "settled": [dataclasses.asdict(one) for one in self.settled],
        }

    def words(self, trained: Trained, store: str | None) -> list[str]:
        """A table of the frames, and the next commands to try."""
        if not trained.complete and not trained.trained:
            kept = f"{many(len(trained.kept), 'frame')} of {trained.stack} are there" if trained.kept else ""
            return [*([kept + "."] if kept else []), *UNFINISHED]
        if not trained.trained:
            done = f"Nothing to do: {many(len(trained.kept), 'frame')} of {trained.stack} are there already."
            return [done, *_next(trained, store)]
        lines = [f"{trained.stack}: {many(len(trained.trained), 'frame')} trained"]
        if trained.kept:
            lines[0] += f", {len(trained.kept):,} there already"
        table = [
            ["FRAME", "DEV ACCURACY", "FROZEN LINEAR", "CHOSEN", "TIME"],
            *[
                [f.name, accuracy(f.dev), percent(f.frozen_linear.accuracy), f.chosen, seconds(f.seconds)]
                for f in self.done
            ],
        ]
        if len(self.done) > 1:
            table.append(
                [
                    "mean",
                    percent(sum(f.dev.accuracy for f in self.done) / len(self.done)),
                    percent(sum(f.frozen_linear.accuracy for f in self.done) / len(self.done)),
                    "",
                    seconds(sum(f.seconds for f in self.done)),
                ]
            )
        merged = [one for one in self.settled if one.merged is not None]
        if merged:
            again = f"{many(len(self.settled), 'time')} tried, {len(merged)} of them merged"
            lines.append(f"Families: {again}; `skillstack log` shows the frames that there are now.")
        after = _next(trained, store) if trained.complete else ["", *UNFINISHED]
        return [*lines, "", *columns(table, right=(4,)), *after]


def _next(trained: Trained, store: str | None) -> list[str]:
    frames = {*trained.trained, *trained.kept}
    text = "please block my card" if "banking" in frames else "a text of yours"
    where = f" --store {shlex.quote(store)}" if store else ""
    return [
        "",
        "Try",
        f'  skillstack route "{text}"{where}',
        f'  skillstack predict "{text}"{where}',
        f"  skillstack log{where}",
    ]


def _count(count: Count) -> dict[str, Any]:
    return {"correct": count.correct, "n": count.n, "accuracy": round(count.accuracy, 6)}
