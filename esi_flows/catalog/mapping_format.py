"""JSON Schema of mappings, for editors.

The compiler's parser is what decides: it can tell where in a mapping something is wrong. This says
the same as far as a schema can; what it refuses, the parser refuses too.
"""

from __future__ import annotations

from typing import Any

REFERENCE: dict[str, Any] = {"$ref": "#/$defs/mapping"}

_NAME = {"type": "string", "minLength": 1}
_OBJECT = {"$ref": "#/$defs/object_mapping"}
_PATH = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/hop"}}

_TEXT_FORMS = "|".join(
    (
        r"C[\s\S]*",
        r"P[\s\S]+",
        r"Vauto_filled",
        r"O[^:]+(:[^:]+)*",
        r"F([^:+]+\+[^:]+:)+[^:]+",
        r"M[^:]+:[^:]+:[^:]+",
        r"A[\s\S]+",
    )
)


def _form(description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


_JOIN = _form(
    "The parts as text, joined; a text is itself.",
    ["concatenate"],
    concatenate={
        "type": "array",
        "minItems": 1,
        "items": {"anyOf": [{"type": "string"}, _OBJECT]},
    },
)

_OPERANDS = {
    "type": "array",
    "minItems": 2,
    "maxItems": 2,
    "items": {"anyOf": [{"type": ["string", "number", "boolean", "null"]}, _OBJECT]},
}

_FORMS = [
    _form("A constant: any JSON.", ["constant"], constant={}),
    _form("The version of the configuration.", ["version"], version={"const": "auto_filled"}),
    _form(
        "A field of the body, or of the resource at the end of the path.",
        ["field"],
        field=_NAME,
        path=_PATH,
        ignore_missing={
            "description": "An empty text where the path leads nowhere.",
            "type": "boolean",
        },
    ),
    _form(
        "An output of the resource's own stack, or of the one at the end of the path.",
        ["output_key"],
        output_key=_NAME,
        path=_PATH,
    ),
    _form(
        "A value inside the body.",
        ["nested"],
        nested={"type": "array", "minItems": 1, "items": _NAME},
    ),
    _JOIN,
    _form(
        "One mapping or the other.",
        ["if_mapping", "then_mapping", "else_mapping"],
        if_mapping={
            "oneOf": [
                _form("Whether both are the same JSON.", ["equal"], equal=_OPERANDS),
                _form(
                    "Whether the pattern matches at the start of the text.",
                    ["regexp"],
                    regexp=_OPERANDS,
                ),
            ]
        },
        then_mapping=REFERENCE,
        else_mapping=REFERENCE,
    ),
    _form(
        "One value for each item of a list.",
        ["for_field", "for_mapping"],
        for_field={"anyOf": [_NAME, _OBJECT]},
        for_mapping=REFERENCE,
    ),
]

DEFINITIONS: dict[str, Any] = {
    "mapping": {
        "description": "Where a value comes from, as a text or as an object.",
        "anyOf": [{"type": "string", "pattern": f"^({_TEXT_FORMS})$"}, _OBJECT],
    },
    "object_mapping": {"oneOf": _FORMS},
    "hop": {
        "description": "A step to another resource.",
        "anyOf": [
            {"description": "A relation field.", **_NAME},
            _form(
                'A type, and the field that holds the id; "" is the item of a loop.',
                ["type", "id"],
                type=_NAME,
                id={"type": "string"},
            ),
            _JOIN,
        ],
    },
}
"""What a schema with :data:`REFERENCE` in it needs as its ``$defs``."""
