"""What several requests of the watch have in common."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

Words = Annotated[str, msgspec.Meta(max_length=20_000)]
Place = Annotated[str, msgspec.Meta(max_length=500)]
Zone = Annotated[str, msgspec.Meta(max_length=64)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

# Read by rhythm.read, which names what is wrong; here is what the document says about it.
_AT = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_TIME = {"type": "string", "pattern": _AT}
_RRULE = {"type": "string", "maxLength": 200, "example": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"}
_RHYTHM = {
    "properties": {
        "at": {"type": "array", "items": _TIME, "minItems": 1, "maxItems": 12},
        "days": {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": 6},
            "minItems": 1,
        },
        # The end of a free window, one of `at`: its beginning.
        "from": {
            "type": "object",
            "patternProperties": {_AT: _TIME},
            "additionalProperties": False,
            "maxProperties": 12,
        },
        # How often all times come (RFC 5545), or these of them; the others come on `days`.
        "rrule": {
            "oneOf": [
                _RRULE,
                {
                    "type": "object",
                    "patternProperties": {_AT: _RRULE},
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 12,
                },
            ]
        },
        "every_s": {"type": "integer", "minimum": 10, "maximum": 86_400},
    },
    "additionalProperties": False,
}
RhythmIn = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_RHYTHM)]
