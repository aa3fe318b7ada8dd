"""``skillstack completion``: the script by which a shell completes commands, options and names."""

from __future__ import annotations

import click

from skillstack.cli.command import Invocation, command

#: What a person runs once, by shell.
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
def completion(call: Invocation, shell: str) -> None:
    """Print the script by which a shell completes commands, options and names.

    Its first line is the command that installs it. Names of presets, tasks, stacks and frames are completed.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from skillstack.cli.group import PROGRAM, cli

    kind = get_completion_class(shell)
    assert kind is not None
    # Not the class's own `source`: for bash that runs the bash that happens to be here.
    script = ShellComplete.source(kind(cli, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE")).strip()
    call.answer(
        lambda: {"shell": shell, "install": INSTALL[shell], "script": script},
        lambda: f"# To install: {INSTALL[shell]}\n{script}",
    )
