"""Nasty input in the form of a policy, tried on the rule that reads it.

That form has 240 fields, and each request of it draws a large page: tests/outside/test_nasty.py
sends a few values in some of them. Here many values are read in each, without a page.
"""

from __future__ import annotations

import pytest

from server.desk.policies import form as editing
from server.errors import Refused
from server.policy.parser import filled, read
from tests.outside import nasty
from tests.outside.test_nasty import SEED, TURNS


@pytest.mark.drawn
def test_a_wrong_value_in_any_field_of_a_policy_is_read_or_refused_by_name() -> None:
    base = filled({})
    fits = editing.typed_of(base)
    wrong, refused = [], set()
    for place, name in enumerate(fits, SEED):
        for number, value in enumerate(nasty.in_form(name)):
            if (number + place) % TURNS:
                continue
            try:
                read(editing.read({**fits, name: value}, base))
            except Refused as fault:
                refused.add(name)
                if not fault.field:
                    wrong.append(f"{name}={value!r:.60}: names no field")
            except Exception as fault:  # A page would be a 500.
                wrong.append(f"{name}={value!r:.60}: {fault!r:.200}")
    assert not wrong, "\n".join(wrong)
    assert len(refused) > len(fits) / 2
