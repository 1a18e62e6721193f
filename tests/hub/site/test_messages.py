"""French is whole, and written as French is."""

import importlib.util
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

TOOL = Path(__file__).parents[3] / "tools" / "messages.py"
spec = importlib.util.spec_from_file_location("messages_tool", TOOL)
assert spec is not None
assert spec.loader is not None
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


FRENCH: list[Message] = [message for message in tool.load("fr") if message.id]


def test_no_text_lacks_its_french() -> None:
    assert tool.missing("fr") == []


def test_french_typography() -> None:
    bad = []
    for message in FRENCH:
        for text in strings(message):
            plain = re.sub(r"<[^>]+>|https?://\S+|%\(\w+\)\w", "", text)
            if re.search(r" [:;!?»]|« |\w'\w|\"|\.\.\.", plain):
                bad.append(text)
    assert bad == []


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|%[sd]", text))


def test_placeholders_survive_translation() -> None:
    for message in FRENCH:
        source = message.id if isinstance(message.id, tuple) else (message.id,)
        translated = strings(message)
        assert placeholders(translated[-1]) == placeholders(source[-1]), message.id
        assert placeholders(translated[0]) <= placeholders(source[-1]), message.id


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ('{% translate "Hello" %}', ["Hello"]),
        ("{% trans 'It’s 5 %' as x %}", ["It’s 5 %%"]),
        ('{% include "a.html" with b=_("Word") %}', ["Word"]),
        ("{% blocktranslate with a=b %}Up {{ a }} %{% endblocktranslate %}", ["Up %(a)s %%"]),
        (
            "{% blocktranslate count n=x %}{{ n }} shop{% plural %}{{ n }} shops"
            "{% endblocktranslate %}",
            [("%(n)s shop", "%(n)s shops")],
        ),
        ("{% blocktranslate trimmed %}\n one\n two\n{% endblocktranslate %}", ["one two"]),
        ('{# {% translate "Commented" %} #}', []),
    ],
)
def test_templates_are_read_as_django_reads_them(template: str, found: list[object]) -> None:
    assert [message for _line, message, _context in tool.from_template(template)] == found
