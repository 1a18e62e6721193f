"""The signature covers device, sequence, time and body, and nothing else verifies."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chaland.wire.signature import (
    Envelope,
    sensor_identifier,
    sign,
    signed_text,
    verifies,
)

KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
AT = datetime(2026, 3, 14, 12, 0, 5, tzinfo=UTC)


def test_golden_signed_text_and_signature() -> None:
    envelope = sign(KEY, 1207, AT, b"{}")
    assert envelope.sensor == sensor_identifier(PUBLIC) == "kzdvvj2umnduyauf"
    assert signed_text(envelope.sensor, 1207, envelope.time, b"{}") == (
        b"chaland.signature/1\nkzdvvj2umnduyauf\n1207\n2026-03-14T12:00:05Z\n"
        b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n"
    )
    assert envelope.headers() == {
        "Chaland-Sensor": "kzdvvj2umnduyauf",
        "Chaland-Sequence": "1207",
        "Chaland-Time": "2026-03-14T12:00:05Z",
        "Chaland-Signature": envelope.signature,
    }
    assert verifies(envelope, PUBLIC, b"{}")


@given(st.binary(max_size=600), st.integers(1, 2**53 - 1))
def test_a_signature_verifies_for_its_own_message_only(body: bytes, sequence: int) -> None:
    envelope = sign(KEY, sequence, AT, body)
    assert verifies(envelope, PUBLIC, body)
    assert not verifies(envelope, PUBLIC, body + b" ")
    assert not verifies(replace(envelope, sequence=sequence + 1), PUBLIC, body)
    assert not verifies(replace(envelope, time="2026-03-14T12:00:06Z"), PUBLIC, body)
    assert not verifies(replace(envelope, sensor="a" * 16), PUBLIC, body)
    assert not verifies(envelope, bytes(SigningKey.generate().verify_key), body)


@pytest.mark.parametrize("signature", ["", "AAAA", "é", "!" * 88, "A" * 86 + "==", "A" * 5000])
def test_what_is_no_signature_is_refused_without_an_error(signature: str) -> None:
    assert not verifies(Envelope("a" * 16, 1, "2026", signature), PUBLIC, b"{}")


def test_a_header_that_is_not_ascii_is_refused_without_an_error() -> None:
    envelope = sign(KEY, 1, AT, b"{}")
    assert not verifies(replace(envelope, time="é"), PUBLIC, b"{}")
