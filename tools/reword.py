"""Change the words of messages everywhere at once.

    python -m tools.reword OLD NEW [--plural NEW]    one message; its translations become fuzzy
    python -m tools.reword --from FILE.json ...      many, with their French and Arabic

A file is a list of {"old", "new", "old_plural"?, "new_plural"?, "fr", "ar"}. All files are applied
in one pass, because one message's new words may be another's old ones.

In `server` and `pwa/src` a literal changes where it is marked as a message, or where it is a whole
sentence that the catalogs know. In `tests` and `tools` it changes where it equals a message or its
translation, or where it is a message with its placeholders filled. What was left alone is printed:
literals of one word may be data, and parts of a message cannot be told from other text.
"""

import argparse
import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tools import catalogs
from tools.catalogs import ROOT, TRANSLATED, Text

WIDTH = 100
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_JINJA_TEXT = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_JINJA_SUM = rf"{_JINJA_TEXT}(?:\s+{_JINJA_TEXT})*"
_JINJA_CALL = re.compile(
    rf"(?<![\w.])(?:ngettext\(\s*(?P<one>{_JINJA_SUM})\s*,\s*(?P<many>{_JINJA_SUM})"
    rf"|(?:_|gettext)\(\s*(?P<text>{_JINJA_SUM}))"
)
# Words in which a filled placeholder can be told from other text have at least as many letters.
ENOUGH = 8
_LOOKS = re.compile(r"get_by_\w+|click|tap|link|button")


@dataclass(frozen=True)
class Change:
    """A message's old and new words; `texts` is empty where nobody translated the new ones."""

    old: str
    new: str
    old_plural: str | None = None
    new_plural: str | None = None
    texts: Mapping[str, Text] = field(default_factory=dict)


@dataclass
class Edit:
    """New text for a part of a file, in characters."""

    start: int
    end: int
    text: str


@dataclass
class Plan:
    """What is to be said in place of what, and what was seen and left alone."""

    changes: Mapping[str, Change]
    left: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)

    def new(self, old: str) -> str | None:
        """The new words of a message, or None if they stay."""
        change = self.changes.get(old)
        if change is None or change.new == old:
            return None
        self.done.add(old)
        return change.new

    def new_plural(self, one: str, many: str) -> str | None:
        """The new plural of a message, or None if it stays."""
        change = self.changes.get(one)
        return change.new_plural if change and change.new_plural != many else None


# --- Python ---------------------------------------------------------------------------------------


def in_python(text: str, place: str, plan: Plan) -> list[Edit]:
    """Edits for the messages of a module of the server."""
    tree = ast.parse(text)
    at = _positions(text)
    marked: dict[ast.Constant, str | None] = {}
    for nodes in _message_nodes(tree):
        values = [node.value for node in nodes if isinstance(node.value, str)]
        marked[nodes[0]] = plan.new(values[0])
        if len(values) == 2:
            marked[nodes[1]] = plan.new_plural(values[0], values[1])
    for node in _texts(tree):
        if node in marked or node.value not in plan.changes:
            continue
        if not _is_sentence(str(node.value)):
            if plan.changes[str(node.value)].new != node.value:
                plan.left.append(f"{place}:{node.lineno}: {node.value!r}")
            continue
        marked[node] = plan.new(str(node.value))
    return [
        Edit(*at(node), _python_literal(new, _room(text, at(node)[0])))
        for node, new in marked.items()
        if new is not None
    ]


def _message_nodes(tree: ast.AST) -> Iterator[list[ast.Constant]]:
    faults = catalogs._faults_of(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = catalogs._called(node.func)
        if name in ("N_", "_") or name in faults:
            nodes = node.args[:1]
        elif name == "gettext":
            nodes = node.args[1:2]
        elif name == "ngettext":
            nodes = node.args[1:3]
        else:
            continue
        found = [n for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        if found and len(found) == len(nodes):
            yield found


def _texts(tree: ast.AST) -> Iterator[ast.Constant]:
    inside = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant)
    }
    inside |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node


def _is_sentence(text: str) -> bool:
    return " " in text and text[-1:] in ".?!…:" and text[:1].isupper()


def _positions(text: str) -> Callable[[ast.expr], tuple[int, int]]:
    """Where a node stands, in characters (the parser counts bytes of UTF-8)."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def char(line: int, byte: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:byte].decode())

    def at(node: ast.expr) -> tuple[int, int]:
        start = char(node.lineno, node.col_offset)
        return start, char(node.end_lineno or 0, node.end_col_offset or 0)

    return at


def _room(text: str, start: int) -> int:
    """Columns for a literal that stands on a line of its own, one step further in."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    indent = len(line) - len(line.lstrip())
    return WIDTH - indent - 10


def _python_literal(text: str, room: int) -> str:
    """The text as a literal, in parts with a leading space where it is long."""
    parts: list[str] = []
    for word in re.findall(r"\s*\S+|\s+$", text):
        if parts and len(parts[-1]) + len(word) <= room:
            parts[-1] += word
        else:
            parts.append(word)
    return "\n".join(_quoted(part) for part in parts or [""])


def _quoted(text: str, quote: str = '"') -> str:
    if quote in text:
        other = "'" if quote == '"' else '"'
        quote = quote if other in text else other
    plain = text.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n")
    return f"{quote}{plain}{quote}"


# --- Templates and the phone ----------------------------------------------------------------------


def in_template(text: str, place: str, plan: Plan) -> list[Edit]:
    """Edits for the messages of a template."""
    return _called_edits(text, _JINJA_CALL, _jinja_value, plan)


def in_typescript(text: str, place: str, plan: Plan) -> list[Edit]:
    """Edits for the messages of a module of the phone."""
    return _called_edits(text, catalogs._TS_CALL, catalogs._ts_text, plan)


def _jinja_value(literals: str) -> str:
    return "".join(str(ast.literal_eval(part)) for part in re.findall(_JINJA_TEXT, literals))


def _called_edits(
    text: str, calls: re.Pattern[str], value: Callable[[str], str], plan: Plan
) -> list[Edit]:
    edits = []
    for call in calls.finditer(text):
        group = "text" if call["text"] else "one"
        one = value(call[group])
        wanted = [(group, plan.new(one))]
        if group == "one":
            wanted.append(("many", plan.new_plural(one, value(call["many"]))))
        for name, new in wanted:
            if new is not None:
                edits.append(Edit(*call.span(name), _quoted(new, call[name][0])))
    return edits


# --- Tests ----------------------------------------------------------------------------------------


@dataclass
class Filled:
    """Messages with placeholders, in every language, to be found again with those filled."""

    patterns: list[tuple[re.Pattern[str], str, str]]

    def new(self, text: str) -> str | None:
        """The new words, with the placeholders filled as they were; None where that is unclear."""
        found = {
            (len(old), _fill(new, match.groupdict()))
            for pattern, old, new in self.patterns
            if (match := pattern.fullmatch(text)) and _is_plain(match)
        }
        longest = {filled for size, filled in found if size == max(s for s, _ in found)}
        return longest.pop() if len(longest) == 1 else None


def _is_plain(match: re.Match[str]) -> bool:
    """Whether what comes first is a name, a number or the message itself, and no other text."""
    at_start = [name for name in match.groupdict() if match.start(name) == 0]
    return not at_start or bool(re.fullmatch(r"SLOT\d+\.|\d+|[A-Z][\w ]*", match[at_start[0]]))


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _pattern(text: str) -> re.Pattern[str]:
    seen: set[str] = set()
    parts = []
    for number, part in enumerate(_PLACEHOLDER.split(text)):
        if number % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(rf"(?P={part})" if part in seen else rf"(?P<{part}>.+?)")
            seen.add(part)
    return re.compile("".join(parts), re.DOTALL)


def pairs(plan: Plan, kept: Mapping[str, catalogs.Kept]) -> dict[str, str]:
    """Each old text, in every language, with its new one; those with two new ones are left out."""
    found: dict[str, set[str]] = {}
    for change in plan.changes.values():
        found.setdefault(change.old, set()).add(change.new)
        if change.old_plural and change.new_plural:
            found.setdefault(change.old_plural, set()).add(change.new_plural)
        for language, new in change.texts.items():
            old = kept[language].texts.get(change.old, "")
            if isinstance(old, str) and isinstance(new, str) and old:
                found.setdefault(old, set()).add(catalogs._typeset(language, new))
    return {old: new.pop() for old, new in found.items() if len(new) == 1}


def filled(texts: Mapping[str, str]) -> Filled:
    """What finds messages whose placeholders are filled."""
    return _filled(tuple(texts.items()))


@cache
def _filled(texts: tuple[tuple[str, str], ...]) -> Filled:
    return Filled(
        [
            (_pattern(old), old, new)
            for old, new in texts
            if _PLACEHOLDER.search(old)
            and "} {" not in old
            and set(_PLACEHOLDER.findall(old)) >= set(_PLACEHOLDER.findall(new))
            and len(re.sub(r"[\W\d_]", "", _PLACEHOLDER.sub("", old))) >= ENOUGH
        ]
    )


def in_test(text: str, place: str, texts: Mapping[str, str], plan: Plan) -> list[Edit]:
    """Edits for the messages that a test expects."""
    tree = ast.parse(text)
    at = _positions(text)
    patterns = filled(texts)
    shown = _shown(tree)
    edits = []
    for node in _texts(tree):
        value = str(node.value)
        new = texts.get(value, patterns.new(value) if " " in value else None)
        if new is None or new == value:
            continue
        start, end = at(node)
        if text[start] in "rbRB" or (" " not in value and node not in shown):
            plan.left.append(f"{place}:{node.lineno}: {value!r}")
            continue
        edits.append(Edit(start, end, _python_literal(new, _room(text, start))))
    for joined in ast.walk(tree):
        if isinstance(joined, ast.JoinedStr) and (edit := _joined(joined, text, at, patterns)):
            edits.append(edit)
    return edits


def _shown(tree: ast.AST) -> set[ast.expr]:
    """What is given to a call that looks for a text on a screen."""
    return {
        value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _LOOKS.fullmatch(catalogs._called(node.func))
        for value in [*node.args, *(keyword.value for keyword in node.keywords)]
    }


def _joined(
    node: ast.JoinedStr, text: str, at: Callable[[ast.expr], tuple[int, int]], patterns: Filled
) -> Edit | None:
    """An f-string that is a message with its placeholders as expressions."""
    start, end = at(node)
    slots: dict[str, str] = {}
    said = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            first, last = at(part.value)
            # Before 3.12 the parser knows only where the expression stands, and that not always.
            if text[first - 1] != "{" or text[last : last + 1] != "}":
                return None
            name = f"SLOT{len(slots)}."
            slots[name] = text[first - 1 : last + 1]
            said += name
        elif isinstance(part, ast.Constant):
            said += str(part.value)
    new = patterns.new(said)
    if not slots or new is None or new == said or text[start : start + 2] != 'f"':
        return None
    literal = _quoted(new.replace("{", "{{").replace("}", "}}"))
    for name, expression in slots.items():
        literal = literal.replace(name, expression)
    return Edit(start, end, f"f{literal}")


# --- The whole ------------------------------------------------------------------------------------


def apply(changes: Sequence[Change]) -> Plan:
    """Change sources, tests and catalogs; returns what was done and what was left alone."""
    plan = Plan({change.old: change for change in changes})
    kept = {language: catalogs.read(language) for language in TRANSLATED}
    texts = {old: new for old, new in pairs(plan, kept).items() if old != new}
    written = []
    for file, edits in _all_edits(plan, texts):
        if edits:
            _write(file, edits)
            written.append(file)
    _tidy([file for file in written if file.suffix == ".py"])
    found = catalogs.sources()
    for language in TRANSLATED:
        catalogs.write(language, found.used, _moved(kept[language], plan, language))
    return plan


def _all_edits(plan: Plan, texts: Mapping[str, str]) -> Iterator[tuple[Path, list[Edit]]]:
    readers: dict[str, Callable[[str, str, Plan], list[Edit]]] = {
        ".py": in_python,
        ".html": in_template,
        ".txt": in_template,
        ".svg": in_template,
        ".ts": in_typescript,
        ".tsx": in_typescript,
    }
    for folder in ("server", "pwa/src"):
        for file in sorted((ROOT / folder).rglob("*")):
            place = file.relative_to(ROOT).as_posix()
            if file.is_file() and file.suffix in readers:
                yield file, readers[file.suffix](file.read_text(encoding="utf-8"), place, plan)
    for folder in ("tests", "tools"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file != Path(__file__):
                place = file.relative_to(ROOT).as_posix()
                yield file, in_test(file.read_text(encoding="utf-8"), place, texts, plan)


def _write(file: Path, edits: Sequence[Edit]) -> None:
    text = file.read_text(encoding="utf-8")
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    file.write_text(text, encoding="utf-8")


def _tidy(files: Sequence[Path]) -> None:
    if files:
        subprocess.run(
            [sys.executable, "-m", "ruff", "format", "--quiet", *map(str, files)],
            cwd=ROOT,
            check=True,
        )


def _moved(kept: catalogs.Kept, plan: Plan, language: str) -> catalogs.Kept:
    moved = catalogs.Kept()
    for msgid, text in kept.texts.items():
        change = plan.changes.get(msgid)
        if change is None:
            # A message that stays wins over none, but not over one that was given new words.
            moved.texts.setdefault(msgid, text)
            if msgid in kept.fuzzy:
                moved.fuzzy.add(msgid)
    for change in plan.changes.values():
        given = change.texts.get(language)
        moved.texts[change.new] = given or kept.texts.get(change.old, "")
        moved.fuzzy.discard(change.new)
        if given is None:
            moved.fuzzy.add(change.new)
    return moved


def read_changes(files: Sequence[Path]) -> list[Change]:
    """The changes of files, in their order."""
    return [
        Change(
            entry["old"],
            entry["new"],
            entry.get("old_plural"),
            entry.get("new_plural"),
            {language: entry[language] for language in TRANSLATED},
        )
        for file in files
        for entry in json.loads(file.read_text(encoding="utf-8"))
    ]


def faults(changes: Sequence[Change], used: Mapping[str, catalogs.Used]) -> Iterator[str]:
    """What forbids a start: unknown or doubled messages, and one text with two translations."""
    seen: set[str] = set()
    texts: dict[str, Mapping[str, Text]] = {}
    for change in changes:
        if change.old not in used:
            yield f"“{change.old}” is no message"
        elif used[change.old].plural != change.old_plural:
            yield f"“{change.old}” has another plural"
        if change.old in seen:
            yield f"“{change.old}” is given twice"
        if texts.setdefault(change.new, change.texts) != change.texts:
            yield f"“{change.new}” has two translations"
        seen.add(change.old)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.reword", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("words", nargs="*", metavar="OLD NEW")
    parser.add_argument("--plural", help="the new plural, where the message has one")
    parser.add_argument("--from", dest="files", nargs="+", type=Path, default=[])
    options = parser.parse_args(arguments)
    used = catalogs.sources().used
    changes = read_changes(options.files)
    if options.words:
        if len(options.words) != 2:
            parser.error("give the old words and the new ones")
        old, new = options.words
        plural = used[old].plural if old in used else None
        if bool(plural) != bool(options.plural):
            parser.error("this message has a plural" if plural else "this message has no plural")
        changes.append(Change(old, new, plural, options.plural))
    wrong = list(faults(changes, used))
    if wrong or not changes:
        print(*(wrong or ["Nothing to change."]), sep="\n")
        return 1
    plan = apply(changes)
    missed = sorted(c.old for c in changes if c.new != c.old and c.old not in plan.done)
    for line in [f"left alone: {place}" for place in plan.left]:
        print(line)
    for old in missed:
        print(f"not found: {old!r}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
