"""What the app offers an adult is never a field of the child's own."""

from __future__ import annotations

import re
from pathlib import Path

from server.plan.owners import CHILDS_OWN

PHONE = Path(__file__).resolve().parents[2] / "pwa" / "src" / "plan" / "owners.ts"


def test_the_phone_knows_the_same_fields_as_the_childs_as_the_server() -> None:
    (listed,) = re.findall(r"CHILDS_OWN.*?new Set\(\[(.*?)\]\)", PHONE.read_text("utf-8"), re.S)
    assert {tuple(name.split()) for name in re.findall(r'"([^"]+)"', listed)} == CHILDS_OWN
