"""A form that is refused says so where one is: in the title, at the field, and for readers."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from tests.browser.every import whole_stage
from tests.cast import Cast

VOID = {"input", "img", "br", "hr", "meta", "link", "wbr", "source"}


@dataclass
class Form:
    """A form that is sent, with what is hidden in it and nothing else."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    asks: bool = False


class Read(HTMLParser):
    """What a page has in forms, and how it tells of a fault."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.errors: list[str | None] = []
        self.described: set[str] = set()
        self.is_marked = False
        self.takes_focus = False
        self.title = ""
        self._form: Form | None = None
        self._is_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self._is_title = tag == "title" and not self.title
        self.takes_focus |= "autofocus" in has
        self.is_marked |= has.get("aria-invalid") == "true"
        self.described |= set((has.get("aria-describedby") or "").split())
        if "error" in (has.get("class") or "").split() and "hidden" not in has:
            self.errors.append(has.get("id"))
        if tag == "form" and has.get("method") == "post" and "enctype" not in has:
            self._form = Form(has.get("action") or "")
            self.forms.append(self._form)
        elif self._form and tag in ("input", "textarea", "select") and has.get("name"):
            self._take(tag, has)

    def _take(self, tag: str, has: dict[str, str | None]) -> None:
        assert self._form
        name, kind = has["name"] or "", has.get("type") or "text"
        is_hidden = kind == "hidden" or "hidden" in has
        self._form.asks |= not is_hidden
        if kind not in ("radio", "checkbox"):
            self._form.fields.append((name, (has.get("value") or "") if is_hidden else ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_title = False
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += data


def wrong_with(page: Read) -> list[str]:
    """What somebody who hears the page instead of seeing it would miss."""
    wrong = []
    if not page.errors:
        return ["no fault is told"]
    if not page.title.startswith(("Error: ", "Erreur")):
        wrong.append(f"the title does not tell: {page.title}")
    if not page.takes_focus:
        wrong.append("nothing takes the focus")
    ids = [id_ for id_ in page.errors if id_]
    wrong += [f"no field is described by {id_}" for id_ in ids if id_ not in page.described]
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_a_form_sent_without_what_it_needs_tells_everyone_what_is_missing(
    cast: Cast,
) -> None:
    pages, found, tried = await whole_stage(cast), {}, 0
    for name, (who, path) in pages.items():
        if who in cast.persons:
            await cast.new_token(who)
        async with cast.browser_as(who) if who in cast.persons else cast.client() as browser:
            answer = await browser.get(path)
            forms = Read(answer.text).forms if answer.status_code == 200 else []
            for form in (form for form in forms if form.asks):
                sent = await browser.post(form.action or path, data=dict(form.fields))
                # Some forms need nothing, and are taken.
                if sent.status_code not in (400, 401, 422):
                    continue
                tried += 1
                if wrong := wrong_with(Read(sent.text)):
                    found[f"{name}: {form.action}"] = wrong
    assert found == {}
    assert tried > 30
