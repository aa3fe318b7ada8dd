"""Build the stack that ships with the package: starter8 on the built-in base, in `frames/` and `routers/`.

    python scripts/build_reference.py

Trains (or goes on, or does nothing where it is finished), checks the result, and writes the list of files
that the built package carries.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "scripts" / "reference_files.txt"
LIMIT = 10_000_000


def main() -> int:
    from skillstack.routers.stack_router import StackRouter
    from skillstack.stack import Stack
    from skillstack.store.store import REFERENCE, Store
    from skillstack.training.resolve import prepare
    from skillstack.training.run import train_stack

    store = Store.create(ROOT / "frames")
    prepared = prepare(preset="starter8", stack=REFERENCE, device="cpu", reference=True)
    result = train_stack(store, prepared.job, prepared.load, StackRouter(store, REFERENCE).fit, _tell)
    print(f"trained {len(result.trained)}, kept {len(result.kept)}, tip {result.tip}")
    stack = Stack.open(store.root, REFERENCE)
    checked, canaries = stack.verify(deep=True)
    if not checked.ok or not all(canary.ok for canary in canaries):
        print(checked.problems, canaries)
        return 1
    files = _files(stack)
    size = sum(path.stat().st_size for path in files)
    LIST.write_text("".join(f"{path.relative_to(ROOT).as_posix()}\n" for path in files), encoding="utf-8")
    print(f"{len(files)} files, {size / 1e6:.2f} MB")
    # Both folders are ignored, so that what people train stays theirs; the reference stack is tracked.
    subprocess.run(["git", "-C", ROOT, "add", "-f", "--", *map(str, [*files, LIST])], check=True)
    return 0 if size <= LIMIT else 1


def _tell(event: object) -> None:
    if type(event).__name__.startswith("Frame"):
        print(event, file=sys.stderr)


def _files(stack: object) -> list[Path]:
    from skillstack.stack import Stack

    assert isinstance(stack, Stack)
    store = stack.store
    names = {"store.json", f"stacks/{stack.name}", f"history/{stack.name}.jsonl"}
    for frame in stack:
        names |= {f"nodes/{frame.id}.json", f"contents/{frame.content_id}.json", *frame.content.files}
        for skill in frame.skills:
            names.add(f"evaluations/{frame.content.behaviour(skill)}-training.json")
    state = stack.router_folder()
    return sorted({*(store.root / name for name in names), *(p for p in state.iterdir() if p.is_file())})


if __name__ == "__main__":
    sys.exit(main())
