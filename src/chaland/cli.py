"""The ``chaland`` command. Each subcommand imports what it needs when it runs."""

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "audit": "chaland.audit:audit",
    "charter": "chaland.charter:charter",
    "demo": "chaland.demo:demo",
    "hub": "chaland.hub.site.commands:hub",
    "outreach": "chaland.hub.site.commands:outreach",
    "sensor": "chaland.sensor.commands:sensor",
    "replay": "chaland.replay:replay",
    "simulate": "chaland.simulate.commands:simulate",
}
"""Name of a subcommand to ``module:attribute``; one line each."""


class LazyGroup(click.Group):
    """A group whose subcommands are imported when they are asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is not a command")
        return command


@click.group(cls=LazyGroup)
@click.version_option(package_name="chaland")
def main() -> None:
    """Footfall without knowing anyone, loyalty with consent: see README.md."""


if __name__ == "__main__":
    main()
