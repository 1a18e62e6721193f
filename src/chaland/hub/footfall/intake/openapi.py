"""What the OpenAPI document says of the sensors' two addresses (their bodies are read raw)."""

from typing import Any

from chaland.wire import answers, enrolment, summary
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
)
_ANSWER = _object(
    {
        "format": {"const": answers.FORMAT},
        "code": {"enum": [code.value for code in answers.Code]},
        "message": {"type": "string", "description": "says what to do"},
        "last_sequence": {"type": "integer", "description": "0 until the sender is known"},
    }
)


def _answers() -> dict[int, Any]:
    codes: dict[int, list[str]] = {}
    for code in answers.Code:
        codes.setdefault(answers.status_of(code), []).append(code.value)
    return {
        status: {"description": ", ".join(names), "content": _json(_ANSWER)}
        for status, names in sorted(codes.items())
    }


SUMMARIES: dict[str, Any] = {
    "parameters": [
        _header(SENSOR_HEADER, "The sensor's name.", _TEXT),
        _header(SEQUENCE_HEADER, "As in the body.", _INTEGER),
        _header(TIME_HEADER, "When it is sent, UTC.", {"type": "string", "format": "date-time"}),
        _header(SIGNATURE_HEADER, "Ed25519, base64; see docs/reference/wire.md.", _TEXT),
    ],
    "requestBody": {
        "required": True,
        "description": f"One summary of at most {summary.MAX_BYTES} bytes, in its one spelling.",
        "content": _json(_SUMMARY),
    },
    "responses": _answers(),
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
