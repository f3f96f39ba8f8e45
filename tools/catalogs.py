"""Keeping the catalogs: `python -m tools.catalogs extract|compile|check|take|todo|pwa`.

    extract          bring the .po files in line with what the code, the templates and the phone say
    compile          make the .mo files, which are read a little faster
    check            one line for each message that is missing, doubtful or no longer used; exit 1
    take LANG FILE   fill in what is missing from a JSON file {msgid: text or [plural forms]}
    todo LANG        the same kind of file for what is missing, to fill in
    pwa FOLDER       write the same for what the phone uses, one file a language

Where messages come from: Python (`N_`, `gettext`, `ngettext`, and the sentence of an error), Jinja
(`_`, `ngettext`) and TypeScript (`t("…")`, `tn("…", "…", n)`). A message has to be written out
where it is marked: one that is put together cannot be translated, and `check` says so.
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import denormalize, normalize, read_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from server import errors
from server.i18n import LOCALE_FOLDER
from server.i18n.languages import LANGUAGES, TABLE

ROOT = Path(__file__).parent.parent
TRANSLATED: tuple[str, ...] = tuple(language for language in LANGUAGES if language != "en")

# The command line speaks English to operators, and its faults name lines of their files.
ENGLISH_ONLY = frozenset(
    {
        "server/__main__.py",
        "server/demo/loader.py",
        "server/simulation/commands.py",
        "server/simulation/replay.py",
        "server/simulation/worlds/table.py",
    }
)
_PLACEHOLDER = re.compile(r"\{\w+\}")

Text = str | list[str]


@dataclass
class Used:
    """A message as the sources have it."""

    msgid: str
    plural: str | None = None
    places: set[str] = field(default_factory=set)


@dataclass
class Sources:
    """All messages in the sources, and those that cannot be translated as written."""

    used: dict[str, Used] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, place: str, msgid: str, plural: str | None = None) -> None:
        """Add one more place of a message."""
        message = self.used.setdefault(msgid, Used(msgid))
        if plural is not None and message.plural not in (None, plural):
            self.faults.append(f"{place}: “{msgid}” has two plurals")
        message.plural = message.plural or plural
        message.places.add(place)


def sources(root: Path = ROOT) -> Sources:
    """All messages of server and phone."""
    messages = phone_sources(root)
    for file in sorted((root / "server").rglob("*.py")):
        if _name(file, root) not in ENGLISH_ONLY:
            _from_python(file.read_text(encoding="utf-8"), _name(file, root), messages)
    for file in sorted((root / "server").rglob("*")):
        if file.suffix in (".html", ".txt", ".svg") and file.is_file():
            _from_jinja(file.read_text(encoding="utf-8"), _name(file, root), messages)
    return messages


def phone_sources(root: Path = ROOT) -> Sources:
    """The messages that the phone uses."""
    messages = Sources()
    for file in sorted((root / "pwa" / "src").rglob("*.ts*")):
        _from_typescript(file.read_text(encoding="utf-8"), _name(file, root), messages)
    return messages


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _faults_of(tree: ast.AST) -> set[str]:
    """Names of the error classes that this file knows: those of errors.py and its own."""
    names = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.WaymarkError)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and names & {_called(base) for base in node.bases}:
            names.add(node.name)
    return names


def _called(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _from_python(text: str, place: str, messages: Sources) -> None:
    tree = ast.parse(text)
    faults = _faults_of(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = _called(node.func)
        if name in ("N_", "_") or name in faults:
            _take(node.args[:1], place, messages, must=name == "N_")
        elif name == "gettext" and len(node.args) > 1:
            _take(node.args[1:2], place, messages, must=False)
        elif name == "ngettext" and len(node.args) > 3:
            _take(node.args[1:3], place, messages, must=False)


def _take(nodes: Sequence[ast.expr], place: str, messages: Sources, *, must: bool) -> None:
    texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) == len(nodes):
        if strings[0]:
            messages.add(place, *strings)
    elif must or any(isinstance(node, ast.JoinedStr | ast.BinOp) for node in nodes):
        messages.faults.append(f"{place}:{nodes[0].lineno}: a message that is put together")


def _from_jinja(text: str, place: str, messages: Sources) -> None:
    tree = Environment(autoescape=True).parse(text)
    for line, name, message in extract_from_ast(tree, ("_", "gettext", "ngettext")):
        texts = [message] if isinstance(message, str | None) else list(message)
        is_plural = name == "ngettext"
        wanted = texts[: 2 if is_plural else 1]
        strings = [part for part in wanted if isinstance(part, str)]
        if len(strings) != len(wanted):
            if is_plural:
                messages.faults.append(f"{place}:{line}: a message that is put together")
        elif strings[0]:
            messages.add(place, *strings)


_TS_TEXT = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`)"""
_TS_SUM = rf"{_TS_TEXT}(?:\s*\+\s*{_TS_TEXT})*"
_TS_CALL = re.compile(
    rf"(?<![\w$.])(?:(?P<plural>tn)\(\s*(?P<one>{_TS_SUM})\s*,\s*(?P<many>{_TS_SUM})"
    rf"|(?:t|N_|msg)\(\s*(?P<text>{_TS_SUM}))"
)
_TS_PUT_TOGETHER = re.compile(r"(?<![\w$.])tn?\(\s*`[^`]*\$\{")


def _from_typescript(text: str, place: str, messages: Sources) -> None:
    for call in _TS_CALL.finditer(text):
        if call["plural"]:
            messages.add(place, _ts_text(call["one"]), _ts_text(call["many"]))
        else:
            messages.add(place, _ts_text(call["text"]))
    for call in _TS_PUT_TOGETHER.finditer(text):
        line = text.count("\n", 0, call.start()) + 1
        messages.faults.append(f"{place}:{line}: a message that is put together")


def _ts_text(literals: str) -> str:
    return "".join(_ts_literal(part) for part in re.findall(_TS_TEXT, literals))


def _ts_literal(literal: str) -> str:
    inner = literal[1:-1]
    if literal[0] != '"':
        inner = inner.replace("\\'", "'").replace("\\`", "`").replace('"', '\\"')
    return str(json.loads(f'"{inner}"'.replace("\n", "\\n")))


def po_file(language: str) -> Path:
    """The catalog of a language."""
    return LOCALE_FOLDER / language / "LC_MESSAGES" / "waymark.po"


@dataclass
class Kept:
    """What a catalog holds: translations, the doubtful ones, and those no longer used."""

    texts: dict[str, Text] = field(default_factory=dict)
    fuzzy: set[str] = field(default_factory=set)
    obsolete: set[str] = field(default_factory=set)


def read(language: str) -> Kept:
    """The catalog as it is on disk."""
    kept = Kept()
    file = po_file(language)
    if not file.exists():
        return kept
    with file.open("rb") as source:
        catalog = read_po(source, locale=language)
    for message in [*catalog.obsolete.values(), *catalog]:
        msgid = message.id if isinstance(message.id, str) else message.id[0]
        if not msgid:
            continue
        is_plural = isinstance(message.string, list | tuple)
        kept.texts[msgid] = list(message.string) if is_plural else str(message.string or "")
        if message.fuzzy:
            kept.fuzzy.add(msgid)
    live = {m.id if isinstance(m.id, str) else m.id[0] for m in catalog}
    kept.obsolete = {msgid for msgid in kept.texts if msgid not in live}
    return kept


def write(language: str, used: Mapping[str, Used], kept: Kept, *, keeps_old: bool = True) -> None:
    """Write the catalog, in an order that changes little: by message, files without lines."""
    lines = [
        'msgid ""',
        'msgstr ""',
        r'"Content-Type: text/plain; charset=utf-8\n"',
        rf'"Language: {language}\n"',
        rf'"Plural-Forms: {TABLE[language].plurals[1]}\n"',
    ]
    for msgid in sorted(used):
        lines += ["", *(f"#: {place}" for place in sorted(used[msgid].places))]
        if msgid in kept.fuzzy:
            lines.append("#, fuzzy")
        lines += _entry(language, msgid, used[msgid].plural, kept.texts.get(msgid, ""))
    for msgid in sorted(set(kept.texts) - set(used)) if keeps_old else ():
        text = kept.texts[msgid]
        if _is_filled(text):
            entry = _entry(language, msgid, msgid if isinstance(text, list) else None, text)
            lines += ["", *(f"#~ {part}" for line in entry for part in line.split("\n"))]
    file = po_file(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


# French parts these from the word by a space, at which no line may break.
_FRENCH_SPACE = re.compile(r" (?=[?!;:»])|(?<=«) ")


def _typeset(language: str, text: str) -> str:
    return _FRENCH_SPACE.sub("\u00a0", text) if language == "fr" else text


def _entry(language: str, msgid: str, plural: str | None, text: Text) -> list[str]:
    if plural is None:
        msgstr = text if isinstance(text, str) else ""
        return [f"msgid {_quoted(msgid)}", f"msgstr {_quoted(_typeset(language, msgstr))}"]
    count = TABLE[language].plurals[0]
    forms = text if isinstance(text, list) and len(text) == count else [""] * count
    return [
        f"msgid {_quoted(msgid)}",
        f"msgid_plural {_quoted(plural)}",
        *(
            f"msgstr[{number}] {_quoted(_typeset(language, form))}"
            for number, form in enumerate(forms)
        ),
    ]


def _quoted(text: str) -> str:
    quoted = normalize(text, width=100)
    if denormalize(quoted) != text:
        raise AssertionError(f"cannot be quoted: {text!r}")
    return quoted


def _is_filled(text: Text) -> bool:
    return all(text) and bool(text)


def check(messages: Sources) -> Iterator[str]:
    """One line for each thing that is wrong with the catalogs."""
    yield from messages.faults
    for language in TRANSLATED:
        kept = read(language)
        for msgid, used in sorted(messages.used.items()):
            for fault in _faults(language, used, kept):
                yield f"{language}: “{msgid}” {fault} ({min(used.places)})"
        for msgid in sorted(set(kept.texts) - set(messages.used)):
            yield f"{language}: “{msgid}” is no longer used"


def _faults(language: str, used: Used, kept: Kept) -> Iterator[str]:
    text = kept.texts.get(used.msgid)
    if text is None or used.msgid in kept.obsolete or not _is_filled(text):
        yield "is not translated"
        return
    if used.msgid in kept.fuzzy:
        yield "is fuzzy"
    if isinstance(text, list) != (used.plural is not None):
        yield "has another number of forms"
        return
    wanted = set(_PLACEHOLDER.findall(used.plural or used.msgid))
    for form in [text] if isinstance(text, str) else text:
        given = set(_PLACEHOLDER.findall(form))
        # "One child" needs no number.
        optional = {"{n}"} if isinstance(text, list) else set()
        if not wanted - optional <= given <= wanted:
            yield f"has other placeholders: {form}"
        if form != form.strip() and used.msgid == used.msgid.strip():
            yield "has a space at its edge"


def take(language: str, given: Mapping[str, Text], messages: Sources, *, over: bool) -> int:
    """Fill what is missing (with `over`: replace what is there). Returns how many were taken."""
    kept = read(language)
    taken = 0
    for msgid, text in given.items():
        used = messages.used.get(msgid)
        if used is None or not _is_filled(text):
            continue
        current = kept.texts.get(msgid, "")
        if (_is_filled(current) and not over and _fits(language, used, current)) or (
            current == text
        ):
            continue
        if list(_faults(language, used, Kept(texts={msgid: text}))):
            sys.stderr.write(f"{language}: “{msgid}” does not fit and was not taken\n")
            continue
        kept.texts[msgid] = text
        kept.fuzzy.discard(msgid)
        taken += 1
    write(language, messages.used, kept)
    return taken


def _fits(language: str, used: Used, text: Text) -> bool:
    return isinstance(text, list) == (used.plural is not None)


def todo(language: str, messages: Sources) -> dict[str, Text]:
    """What is missing, with its plural in the first form to show it."""
    kept = read(language)
    count = TABLE[language].plurals[0]
    missing: dict[str, Text] = {}
    for msgid, used in sorted(messages.used.items()):
        if list(_faults(language, used, kept)):
            missing[msgid] = "" if used.plural is None else [used.plural] + [""] * (count - 1)
    return missing


def for_phone(language: str, messages: Sources) -> dict[str, Text]:
    """What the phone needs of a language."""
    texts = read(language).texts
    return {
        msgid: texts[msgid] for msgid in sorted(messages.used) if _is_filled(texts.get(msgid, ""))
    }


def compile_all() -> None:
    """Make the .mo files."""
    for language in TRANSLATED:
        with po_file(language).open("rb") as source:
            catalog = read_po(source, locale=language)
        with po_file(language).with_suffix(".mo").open("wb") as target:
            write_mo(target, catalog)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = _options(arguments)
    say = sys.stdout.write
    if options.command == "pwa":
        options.folder.mkdir(parents=True, exist_ok=True)
        phone = phone_sources()
        for language in TRANSLATED:
            _write_json(options.folder / f"{language}.json", for_phone(language, phone))
        return 0
    if options.command == "compile":
        compile_all()
        return 0
    texts = sources()
    if options.command == "extract":
        for language in TRANSLATED:
            kept = read(language)
            write(language, texts.used, kept, keeps_old=not options.drop)
            say(f"{language}: {len(texts.used)} messages, {len(todo(language, texts))} to do\n")
        return 0
    if options.command == "take":
        given = json.loads(options.file.read_text(encoding="utf-8"))
        say(f"{take(options.language, given, texts, over=options.over)} taken\n")
        return 0
    if options.command == "todo":
        say(json.dumps(todo(options.language, texts), ensure_ascii=False, indent=1) + "\n")
        return 0
    faults = list(check(texts))
    for fault in faults:
        say(f"{fault}\n")
    return 1 if faults else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.catalogs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    extract = commands.add_parser("extract")
    extract.add_argument("--drop", action="store_true", help="drop what is no longer used")
    commands.add_parser("compile")
    commands.add_parser("check")
    taking = commands.add_parser("take")
    taking.add_argument("language", choices=TRANSLATED)
    taking.add_argument("file", type=Path)
    taking.add_argument("--over", action="store_true", help="replace what is there")
    commands.add_parser("todo").add_argument("language", choices=TRANSLATED)
    commands.add_parser("pwa").add_argument("folder", type=Path)
    return parser.parse_args(arguments)


def _write_json(file: Path, texts: Mapping[str, Text]) -> None:
    text = json.dumps(texts, ensure_ascii=False, indent=1) + "\n"
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
