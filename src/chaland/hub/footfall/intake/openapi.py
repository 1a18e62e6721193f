"""What the OpenAPI document says of the sensors' addresses (their bodies are read raw)."""

from collections.abc import Iterable
from typing import Any

from chaland.wire import answers, charter, enrolment, exchange, sketch, summary
from chaland.wire.signature import (
    SENSOR_HEADER,
    SEQUENCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
)

_INTEGER = {"type": "integer"}
_TEXT = {"type": "string"}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
    }


_COUNT = _object(
    {
        "row": {"type": "string", "description": "row of the estimand table"},
        "value": {"type": "integer", "description": "with noise; may be negative"},
        "bound": {"type": "integer", "minimum": 1, "maximum": summary.MAX_BOUND},
        "epsilon": {"type": "string", "example": "0.5"},
    }
)
_DWELL = _object(
    {
        "row": {"const": summary.DWELL_ROW},
        "day": {"type": "string", "format": "date"},
        "edges_s": {"type": "array", "items": _INTEGER},
        "counts": {"type": "array", "items": _INTEGER},
        "bound": _INTEGER,
        "epsilon": _TEXT,
    }
)
_HEX8 = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_BASE64 = {"type": "string", "format": "byte"}
_SKETCH = _object(
    {
        "row": {"const": sketch.SKETCH_ROW},
        "day": {"type": "string", "format": "date"},
        "since": {"type": "string", "format": "date-time"},
        "key": _HEX8,
        "epsilon": _TEXT,
        "bits": _INTEGER,
        "ordered": _INTEGER,
        "places": _BASE64,
    }
)
_SUMMARY = _object(
    {
        "format": {"const": summary.FORMAT},
        "sensor": {"type": "string", "pattern": f"^{summary.SENSOR_PATTERN.pattern}$"},
        "sequence": {"type": "integer", "minimum": 1, "maximum": summary.MAX_SEQUENCE},
        "made_at": {"type": "string", "format": "date-time"},
        "simulated": {"type": "boolean"},
        "start": {"type": "string", "format": "date-time"},
        "windows": {"type": "integer", "minimum": 0, "maximum": 3},
        "state": {"enum": [state.value for state in summary.State]},
        "mode": {"enum": [mode.value for mode in summary.Mode]},
        "counts": {
            "type": "object",
            "properties": dict.fromkeys(summary.COUNT_ROWS, _COUNT),
            "additionalProperties": False,
        },
    },
    dwell=_DWELL,
    sketch=_SKETCH,
)
_ANSWER = _object(
    {
        "format": {"const": answers.FORMAT},
        "code": {"enum": [code.value for code in answers.Code]},
        "message": {"type": "string", "description": "says what to do"},
        "last_sequence": {"type": "integer", "description": "0 until the sender is known"},
    }
)


def _answers(of: Iterable[answers.Code] = answers.Code) -> dict[int, Any]:
    codes: dict[int, list[str]] = {}
    for code in of:
        codes.setdefault(answers.status_of(code), []).append(code.value)
    return {
        status: {"description": ", ".join(names), "content": _json(_ANSWER)}
        for status, names in sorted(codes.items())
    }


def _envelope(sequence: str) -> list[dict[str, Any]]:
    return [
        _header(SENSOR_HEADER, "The sensor's name.", _TEXT),
        _header(SEQUENCE_HEADER, sequence, _INTEGER),
        _header(TIME_HEADER, "When it is sent, UTC.", {"type": "string", "format": "date-time"}),
        _header(SIGNATURE_HEADER, "Ed25519, base64; see docs/reference/wire.md.", _TEXT),
    ]


SUMMARIES: dict[str, Any] = {
    "parameters": _envelope("As in the body."),
    "requestBody": {
        "required": True,
        "description": f"One summary of at most {summary.MAX_BYTES} bytes, in its one spelling.",
        "content": _json(_SUMMARY),
    },
    "responses": _answers(),
}

_DAY_KEY = _object({"sensor": _TEXT, "public_key": _TEXT, "signature": _BASE64})
_COPY = _object(
    {
        "maker": _TEXT,
        "recipient": _TEXT,
        "recipient_key": _TEXT,
        "key": _HEX8,
        "box": _BASE64,
        "signature": _BASE64,
    }
)
_EXCHANGE = _object(
    {
        "format": {"const": exchange.FORMAT},
        "sensor": _TEXT,
        "day": {"type": "string", "format": "date"},
        "day_key": {"type": "string", "description": "X25519, hexadecimal; empty if none"},
        "day_key_signature": _BASE64,
        "holds": _TEXT,
        "offers": _TEXT,
        "copies": {"type": "array", "items": _COPY, "maxItems": exchange.MAX_COPIES},
        "objected": {"type": "array", "items": _INTEGER, "maxItems": exchange.MAX_OBJECTED},
        "charter_version": _INTEGER,
        "filter_version": _INTEGER,
    }
)
_EXCHANGED = _object(
    {
        "format": {"const": exchange.ANSWER_FORMAT},
        "day": {"type": "string", "format": "date"},
        "key": {"type": "string", "description": "name of the current key; empty if none"},
        "copy": {"type": "array", "items": _COPY, "maxItems": 1},
        "wanting": {"type": "array", "items": _DAY_KEY, "maxItems": exchange.MAX_COPIES},
        "charter": {"type": "string", "description": f"{charter.FORMAT}, if newer, else empty"},
        "filter_version": _INTEGER,
        "filter": _BASE64,
    }
)
_EXCHANGE_REFUSALS = (
    answers.Code.MALFORMED,
    answers.Code.CLOCK_JUMP,
    answers.Code.FORGED_SIGNATURE,
    answers.Code.UNKNOWN_SENSOR,
    answers.Code.REVOKED_SENSOR,
    answers.Code.OVERSIZED,
    answers.Code.SEQUENCE_REPLAYED,
)

EXCHANGE: dict[str, Any] = {
    "parameters": _envelope("Always 0."),
    "requestBody": {
        "required": True,
        "description": f"At most {exchange.MAX_BYTES} bytes.",
        "content": _json(_EXCHANGE),
    },
    "responses": {200: {"description": "taken", "content": _json(_EXCHANGED)}}
    | _answers(_EXCHANGE_REFUSALS),
}

_REFUSAL = _object({"format": {"const": enrolment.REFUSAL_FORMAT}, "code": _TEXT, "message": _TEXT})
_REFUSALS = {
    400: "malformed, proof-wrong",
    404: "code-unknown",
    409: "code-used, key-known",
    410: "code-expired, shop-gone",
    429: "too-many",
}

ENROL: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": _json(
            _object(
                {
                    "format": {"const": enrolment.FORMAT},
                    "code": {"type": "string", "example": "ABCDEFGHJKLM"},
                    "public_key": {"type": "string", "description": "Ed25519, hexadecimal"},
                    "proof": {"type": "string", "description": "signature, base64"},
                }
            )
        ),
    },
    "responses": {
        201: {
            "description": "enrolled; the same code with the same key is answered the same",
            "content": _json(
                _object(
                    {
                        "format": {"const": enrolment.ENROLLED_FORMAT},
                        "sensor": _TEXT,
                        "shop": _TEXT,
                        "timezone": _TEXT,
                        "simulated": {"type": "boolean"},
                    }
                )
            ),
        }
    }
    | {
        status: {"description": names, "content": _json(_REFUSAL)}
        for status, names in _REFUSALS.items()
    },
}
