"""Puts the reference stack, which lies at the top of the repository, into the built package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithReference(build_py):
    """`build_py`, and then a copy of `frames/` and `routers/` as tracked files only."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if self.editable_mode:
            return  # an installation that points at the repository finds them there
        here = Path(__file__).parent
        listed = here / "scripts" / "reference_files.txt"
        if not listed.is_file():
            return
        target = Path(self.build_lib) / "skillstack" / "reference"
        for name in listed.read_text(encoding="utf-8").split():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here / name, target / name)


setup(cmdclass={"build_py": BuildWithReference})
