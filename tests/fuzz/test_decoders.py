"""Whatever comes in, a decoder reads it or refuses it in words, soon and in little memory.

The examples are the same each time. `make fuzz` draws new ones, for SECONDS each decoder.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.changing import changed
from tests.fuzz.decoders import BY_NAME, DECODERS, Decoder
from tests.fuzz.found import FOUND
from tests.fuzz.trying import Grows, Hangs, attempt

each = pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)


@each
def test_what_is_good_is_read(decoder: Decoder) -> None:
    for seed in decoder.seeds():
        attempt(decoder, seed)


@each
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_changed_is_read_or_refused(decoder: Decoder, data: st.DataObject) -> None:
    attempt(decoder, data.draw(changed(decoder.seeds())))


@pytest.mark.parametrize(
    ("name", "example"), [(name, one) for name, many in FOUND.items() for one in many]
)
def test_what_was_found_once_stays_mended(name: str, example: bytes) -> None:
    attempt(BY_NAME[name], example)


def _wrong(_: bytes) -> None:
    raise KeyError("a fault of ours")


def _stands_still(_: bytes) -> None:
    while True:
        pass


def _eats(_: bytes) -> None:
    bytearray(900_000_000)[::4096] = b"x" * len(range(0, 900_000_000, 4096))


@pytest.mark.parametrize(
    ("read", "fault"), [(_wrong, KeyError), (_stands_still, Hangs), (_eats, Grows)]
)
def test_a_fault_a_loop_and_a_hunger_are_noticed(read, fault, monkeypatch) -> None:
    monkeypatch.setattr("tests.fuzz.trying.SECONDS", 0.2)
    with pytest.raises(fault):
        attempt(Decoder("bad", read, (), lambda: [b"x"]), b"x")


def test_a_finding_is_printed_ready_to_pin_and_ends_with_1(monkeypatch, capsys) -> None:
    bad = Decoder("bad", _wrong, (), lambda: [b"x"])
    monkeypatch.setattr("tests.fuzz.__main__.DECODERS", [bad])
    assert main(["--seconds", "5"]) == 1
    assert "bad: KeyError('a fault of ours')" in (told := capsys.readouterr().out)
    assert '    "bad": [b' in told


def test_the_time_that_is_given_is_kept(monkeypatch, capsys) -> None:
    monkeypatch.setattr("tests.fuzz.__main__.DECODERS", [BY_NAME["signature"]])
    began = time.monotonic()
    assert main(["--seconds", "0.5"]) == 0
    assert time.monotonic() - began < 20
    assert "signature" in capsys.readouterr().out
