"""The sensor's reference page names every command, option, file, field, state and reason."""

import dataclasses
from pathlib import Path

import click
import pytest

from chaland.sensor import config
from chaland.sensor.capture.tools import FILTER
from chaland.sensor.commands import sensor
from chaland.sensor.drops import Drop
from chaland.sensor.uplink.reasons import UplinkDrop
from chaland.wire.summary import State

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "sensor.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", [*Drop, *UplinkDrop])
def test_every_reason_is_explained(reason: str) -> None:
    assert f"| `{reason}` | " in PAGE


@pytest.mark.parametrize("state", State)
def test_every_state_is_named(state: State) -> None:
    assert f"`{state}`" in PAGE


def test_every_command_and_option_is_named() -> None:
    for name, command in sensor.commands.items():
        assert f"chaland sensor {name}" in PAGE
        options = [p for p in command.params if isinstance(p, click.Option)]
        assert not [o.opts[0] for o in options if f"`{o.opts[0]}" not in PAGE]


def test_every_file_and_editable_field_is_named() -> None:
    for name in (config.KEY_NAME, config.NEW_KEY_NAME, config.CONFIG_NAME, config.STATUS_NAME):
        assert f"`{name}`" in PAGE
    editable = [f for f in dataclasses.fields(config.SensorConfig) if f.name not in
                {"hub", "sensor", "shop", "timezone", "simulated"}]  # fmt: skip
    for field in editable:
        shown = f"`{field.default}`" if isinstance(field.default, str) else f"{field.default}"
        assert f"| `{field.name}` | {shown} |" in PAGE


def test_the_guide_for_an_access_point_captures_what_the_sensor_reads_and_no_more() -> None:
    guide = (DOCS / "how-to" / "install-a-sensor.md").read_text(encoding="utf-8")
    assert f"FILTER='{FILTER}'" in " ".join(guide.split())
    assert guide.count("tcpdump -i") == guide.count("-w - '$FILTER'") == 1
