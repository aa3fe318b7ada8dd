"""``skillstack completion``."""

from __future__ import annotations

import click

from skillstack.cli import render
from skillstack.cli.command import command

#: What a person does once, by shell.
INSTALL = {
    "bash": "echo 'eval \"$(skillstack completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(skillstack completion zsh)\"' >> ~/.zshrc",
    "fish": "skillstack completion fish > ~/.config/fish/completions/skillstack.fish",
}


@command(
    'eval "$(skillstack completion bash)"       # for this session',
    "skillstack completion bash",
    "skillstack completion zsh",
    "skillstack completion fish > ~/.config/fish/completions/skillstack.fish",
)
@click.argument("shell", type=click.Choice(list(INSTALL)))
def completion(shell: str, store: str | None, stack: str | None, as_json: bool) -> None:
    """Print the script by which a shell completes commands, options and names.

    Its first line says how to install it for good. Names of presets, tasks, stacks and frames are completed.
    """
    script = _script(shell)
    if as_json:
        render.document({"shell": shell, "install": INSTALL[shell], "script": script})
    else:
        render.out(f"# To install: {INSTALL[shell]}\n{script}")


def _script(shell: str) -> str:
    from click.shell_completion import ShellComplete, get_completion_class

    from skillstack.cli.group import PROGRAM, cli

    kind = get_completion_class(shell)
    assert kind is not None
    # Not the class's own `source`: for bash that runs the bash that happens to be here.
    return ShellComplete.source(kind(cli, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")).strip()
