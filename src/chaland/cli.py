"""The ``chaland`` command. Each subcommand imports what it needs when it runs."""

import click


@click.group()
@click.version_option(package_name="chaland")
def main() -> None:
    """Footfall without knowing anyone, loyalty with consent: see README.md."""


if __name__ == "__main__":
    main()
