"""Sentences, plurals and times in three languages; the catalogs are complete."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import i18n
from server.i18n import LANGUAGES
from tools import catalogs

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 25, 18, 5, tzinfo=UTC)


def test_the_catalogs_are_complete() -> None:
    assert list(catalogs.check(catalogs.sources())) == []


def test_a_sentence_is_in_the_readers_language() -> None:
    assert i18n.gettext("fr", "tomorrow") == "demain"
    assert i18n.gettext("ar", "tomorrow") == "غدًا"
    assert i18n.gettext("en", "tomorrow") == "tomorrow"
    assert i18n.gettext("tlh", "tomorrow") == "tomorrow"
    assert i18n.gettext("fr", "nobody ever says this") == "nobody ever says this"
    assert i18n.gettext("fr", "") == ""


def test_placeholders_are_names_and_nothing_more() -> None:
    assert i18n.fill("en", "{a} {b} {c.x} {0}", {"a": 1, "c": 2}) == "1 {b} {c.x} {0}"
    assert i18n.fill("en", "{a}", {"a": "{b}", "b": "no"}) == "{b}"


def test_a_value_does_not_disturb_the_direction_of_an_arabic_sentence() -> None:
    assert i18n.fill("ar", "{name}.", {"name": "Tom"}) == "\u2068Tom\u2069."
    assert i18n.fill("ar", "{phone}.", {"phone": "+33 6"}) == "\u2068+33 6\u2069."
    assert i18n.fill("ar", "{name}.", {"name": "نور"}) == "نور."
    assert i18n.fill("en", "{name}.", {"name": "Tom"}) == "Tom."
    url = "https://planner.example.org/a"
    assert i18n.fill("ar", "{url}", {"url": url}) == url


def test_one_full_stop_ends_a_value_and_its_sentence() -> None:
    sentence = "Ask {name}."
    for name, shown in (
        ("Amira A.", "Ask Amira A."),
        ("jeu. 2 avr.", "Ask jeu. 2 avr."),
        ("Mia", "Ask Mia."),
        ("Mia ..", "Ask Mia ..."),
        (".", "Ask ."),
    ):
        assert i18n.gettext("en", sentence, name=name) == shown
    assert i18n.gettext("en", "{name}: asked …", name="Amira A.") == "Amira A.: asked …"
    assert i18n.gettext("en", "{name}...", name="Amira A.") == "Amira A...."


def test_direction() -> None:
    assert [i18n.direction(language) for language in LANGUAGES] == ["ltr", "ltr", "rtl"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr", "fr"),
        ("de;q=0.9, ar-EG;q=0.8, fr;q=0.7", "ar"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("", "en"),
        (None, "en"),
        ("ar;q=2", "en"),
        (";;,=,q=1", "en"),
    ],
)
def test_the_browser_chooses_among_ours(header: str | None, language: str) -> None:
    assert i18n.negotiate(header) == language


@given(st.text())
def test_any_header_is_survived(header: str) -> None:
    assert i18n.negotiate(header) in LANGUAGES


def test_times_are_in_the_readers_zone() -> None:
    assert i18n.format_time("en", NOW, PARIS) == "19:05"
    assert i18n.format_time("fr", NOW, PARIS) == "19:05"
    assert i18n.format_time("ar", NOW, PARIS) == "7:05 م"
    assert i18n.format_moment("en", NOW, PARIS) == "Wed, 25 Nov 2026, 19:05"
    assert i18n.format_moment("fr", NOW, PARIS) == "mer. 25 nov. 2026, 19:05"
    assert i18n.format_date("en", date(2026, 11, 25)) == "Wednesday, 25 November 2026"


def test_near_days_have_names() -> None:
    days = [i18n.format_day("en", NOW + timedelta(days=n), PARIS, NOW) for n in (-1, 0, 1, 3)]
    assert days == ["yesterday", "today", "tomorrow", "Sat 28 Nov"]
    assert i18n.format_moment("fr", NOW + timedelta(days=1), PARIS, NOW) == "demain, 19:05"
    assert i18n.format_day("en", NOW + timedelta(days=60), PARIS, NOW) == "Sun, 24 Jan 2027"


def test_a_day_is_counted_in_the_readers_zone() -> None:
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert i18n.format_day("en", late, PARIS, NOW) == "tomorrow"
    assert i18n.format_day("en", late, ZoneInfo("UTC"), NOW) == "today"


def test_how_long_ago_is_never_rounded_up() -> None:
    def ago(**parts: float) -> str:
        return i18n.format_ago("en", timedelta(**parts))

    assert ago(minutes=119) == "1 hour ago"
    assert ago(hours=47) == "1 day ago"
    assert ago(days=20) == "20 days ago"
    assert ago(seconds=59) == "just now"
    assert ago(minutes=-3) == "in 3 minutes"
    assert ago(seconds=-30) == "now"
    assert i18n.format_ago("ar", timedelta(hours=2)) == "قبل ساعتين"


def test_spans_are_short() -> None:
    assert i18n.format_span("en", timedelta(hours=2, minutes=10, seconds=59)) == "2 hrs 10 mins"
    assert i18n.format_span("en", timedelta(days=1, hours=1, minutes=9)) == "1 day 1 hr"
    assert i18n.format_span("en", timedelta(0)) == "0 mins"


def test_numbers_have_the_digits_that_a_browser_gives_the_language() -> None:
    shown = [i18n.format_number(language, 1234.5) for language in LANGUAGES]
    assert shown == ["1,234.5", "1\u202f234,5", "1,234.5"]


def test_lists_are_joined() -> None:
    assert i18n.format_list("fr", ["Tom", "Ines"]) == "Tom et Ines"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree of sources, and catalogs of its own."""
    monkeypatch.setattr(catalogs, "LOCALE_FOLDER", tmp_path / "locale")
    (tmp_path / "server" / "room" / "templates").mkdir(parents=True)
    (tmp_path / "pwa" / "src").mkdir(parents=True)
    (tmp_path / "server" / "room" / "rules.py").write_text(
        "class Own(Refused): ...\n"
        'N_("marked"); Own("own error"); errors.NotFound("qualified")\n'
        'gettext(language, "said"); gettext(language, variable)\n'
        'ngettext(language, "{n} day", "{n} days", n)\n'
        'Denied("joined "\n"text")\n'
    )
    (tmp_path / "server" / "room" / "templates" / "a.html").write_text(
        '{{ _("on a page", x=1) }}{{ ngettext("{n} child", "{n} children", n) }}{{ _(later) }}'
    )
    (tmp_path / "pwa" / "src" / "a.tsx").write_text(
        "<p>{t(\"I'm here\")} it's {tn('{n} word', \"{n} words\", n)}</p>;"
        't("long " +\n "one"); set("not this"); t("marked")'
    )
    return tmp_path


def test_messages_are_found_where_they_are_written(sources: Path) -> None:
    found = catalogs.sources(sources)
    assert found.faults == []
    assert set(found.used) == {
        "I'm here",
        "joined text",
        "long one",
        "marked",
        "on a page",
        "own error",
        "qualified",
        "said",
        "{n} child",
        "{n} day",
        "{n} word",
    }
    assert found.used["{n} day"].plural == "{n} days"
    assert found.used["marked"].places == {"server/room/rules.py", "pwa/src/a.tsx"}
    assert set(catalogs.phone_sources(sources).used) == {
        "I'm here",
        "long one",
        "marked",
        "{n} word",
    }


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("server/room/bad.py", 'N_(f"put {together}")'),
        ("server/room/bad.py", 'Refused("put " + together)'),
        ("pwa/src/bad.ts", "t(`put ${together}`)"),
    ],
)
def test_a_message_that_is_put_together_is_a_fault(sources: Path, file: str, text: str) -> None:
    (sources / file).write_text(text)
    assert len(catalogs.sources(sources).faults) == 1


def test_the_walk_of_a_translation(sources: Path) -> None:
    found = catalogs.sources(sources)
    catalogs.write("fr", found.used, catalogs.Kept())
    catalogs.write("ar", found.used, catalogs.Kept())
    assert len(list(catalogs.check(found))) == 22
    todo = catalogs.todo("fr", found)
    assert todo["said"] == ""
    assert todo["{n} day"] == ["{n} days", ""]

    given: dict[str, catalogs.Text] = {
        "said": "dit “ceci”\nà la ligne",
        "{n} day": ["un jour", "{n} jours"],
        "{n} child": ["{m} enfant", "{n} enfants"],
        "unknown": "inconnu",
    }
    assert catalogs.take("fr", given, found, over=False) == 2
    assert catalogs.take("fr", given, found, over=False) == 0
    assert catalogs.read("fr").texts["said"] == given["said"]
    faults = [line for line in catalogs.check(found) if line.startswith("fr")]
    assert len(faults) == 9

    catalogs.take("fr", {"said": "redit"}, found, over=False)
    assert catalogs.read("fr").texts["said"] == given["said"]
    catalogs.take("fr", {"said": "redit"}, found, over=True)
    assert catalogs.read("fr").texts["said"] == "redit"

    del found.used["said"]
    catalogs.write("fr", found.used, catalogs.read("fr"))
    assert any("no longer used" in line for line in catalogs.check(found))
    assert catalogs.read("fr").texts["said"] == "redit"
    catalogs.write("fr", found.used, catalogs.read("fr"), keeps_old=False)
    assert "said" not in catalogs.read("fr").texts


def test_french_marks_are_never_parted_from_their_word(sources: Path) -> None:
    used = {"Who?": catalogs.Used("Who?", None, {"a.py"})}
    catalogs.write("fr", used, catalogs.Kept(texts={"Who?": "Qui : « moi » ?"}))
    assert catalogs.read("fr").texts["Who?"] == "Qui\u00a0: «\u00a0moi\u00a0»\u00a0?"


def test_other_placeholders_and_fuzzy_ones_are_faults(sources: Path) -> None:
    used = {"Hello {name}": catalogs.Used("Hello {name}", None, {"a.py"})}
    kept = catalogs.Kept(texts={"Hello {name}": "Salut {nom}"}, fuzzy={"Hello {name}"})
    for language in catalogs.TRANSLATED:
        catalogs.write(language, used, kept)
    faults = list(catalogs.check(catalogs.Sources(used=used)))
    assert len(faults) == 4
    assert any("fuzzy" in line for line in faults)
    assert any("placeholders" in line for line in faults)


def test_the_phone_gets_only_the_texts_it_uses(tmp_path: Path) -> None:
    assert catalogs.main(["pwa", str(tmp_path)]) == 0
    used = set(catalogs.phone_sources().used)
    for language in catalogs.TRANSLATED:
        texts = json.loads((tmp_path / f"{language}.json").read_text(encoding="utf-8"))
        assert set(texts) <= used


def test_arabic_has_six_forms_in_the_order_that_browsers_use() -> None:
    from babel.messages.plurals import get_plural

    assert get_plural("ar").num_plurals == i18n.TABLE["ar"].plurals[0]
    catalog = i18n._catalog("ar")
    order = [catalog.plural(n) for n in (0, 1, 2, 3, 11, 100)]  # type: ignore[attr-defined]
    assert order == [0, 1, 2, 3, 4, 5]


def test_the_phone_offers_the_languages_of_the_server_under_the_same_names() -> None:
    source = (catalogs.ROOT / "pwa" / "src" / "i18n.ts").read_text(encoding="utf-8")
    [listed] = re.findall(r"const NAMES\b[^=]*= \{([^}]*)\}", source)
    assert dict(re.findall(r'(\w+): "([^"]*)"', listed)) == i18n.NAMES
    [right_to_left] = re.findall(r"const direction = [^\[]*\[([^\]]*)\]", source)
    assert [i18n.direction(language) for language in LANGUAGES] == [
        "rtl" if f'"{language}"' in right_to_left else "ltr" for language in LANGUAGES
    ]
