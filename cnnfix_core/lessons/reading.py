"""Reading a lesson file. All its faults are found at once, each with its line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cnnfix_core.errors import Fault, LessonError, did_you_mean, need
from cnnfix_core.lessons.glossary import terms
from cnnfix_core.lessons.lesson import Lesson, Question, Screen, Step
from cnnfix_core.lessons.prose import read_prose, words
from cnnfix_core.lessons.questions import Option, QuestionError, question_of
from cnnfix_core.lessons.screens import parse_screen

MAX_BYTES, MAX_STEPS, MAX_WORDS, MAX_MINUTES = 64_000, 40, 60, 240
NAME = re.compile("[a-z0-9][a-z0-9-]{0,59}")
# The lines of the head of a file, and of the head of a step, with the most characters that each may have.
_OF_A_LESSON = {"title": 80, "goal": 200, "minutes": 3, "age": 40}
_OF_A_STEP = {"screen": 1500, "ask": 300, "answer": 200, "right": 40, "hint": 400, "reveal": 500, "notes": 1500}
_TITLE = 80
_PROSE = ("hint", "reveal", "notes")
_FIELD = re.compile(r"([A-Za-z_-]+)\s*:\s*(.*)")
_OPTION = re.compile(r"\s*[-*] \[([ xX])\]\s+(.*)")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class _Value:
    line: int
    text: str


@dataclass
class _Section:
    """The lines of a step below its title, and the faults of the whole file. first: number of the first line."""

    title: _Value
    first: int
    lines: list[str] = field(default_factory=list)


def read_lesson(content: str | bytes, name: str) -> Lesson:
    """Read a lesson file.

    Args:
        content: The text of the file, or its bytes in UTF-8.
        name: What the lesson is called in addresses: lower-case letters, digits and hyphens.

    Returns:
        The lesson.

    Raises:
        LessonError: It has faults; `faults` lists them all.
        MissingPackageError: markdown-it-py is not installed.
    """
    need("markdown_it")
    reader = _Reader()
    lesson = reader.read(content, name)
    if lesson is None or reader.faults:
        faults = sorted(dict.fromkeys(reader.faults), key=lambda fault: fault.line)
        raise LessonError("The lesson cannot be used:", faults)
    return lesson


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def read(self, content: str | bytes, name: str) -> Lesson | None:
        lines = self._lines(content)
        if lines is None:
            return None
        if not NAME.fullmatch(name):
            self._fault(1, "The file's name may have lower-case letters, digits and hyphens, and at most 60 of them.")
        head, after = self._front(lines)
        sections = list(self._sections(lines, after))
        steps = [self._step(section) for section in sections]
        if not steps:
            self._fault(len(lines) or 1, "There is no step: begin each with a line such as “## Where do you look?”.")
        if len(steps) > MAX_STEPS:
            self._fault(sections[MAX_STEPS].title.line, f"A lesson has at most {MAX_STEPS} steps.")
        said = self._said(head, _OF_A_LESSON, 1, "the lesson")
        return Lesson(name, said["title"], said["goal"], self._minutes(head), said["age"], tuple(steps))

    def _fault(self, line: int, what: str) -> None:
        self.faults.append(Fault(line, what))

    def _lines(self, content: str | bytes) -> list[str] | None:
        written = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        if len(written) > MAX_BYTES:
            self._fault(1, f"A lesson has at most {MAX_BYTES // 1000} kB.")
            return None
        try:
            text = written.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._fault(
                written[: error.start].count(b"\n") + 1,
                "This is not text in UTF-8: save the file as plain text with that encoding.",
            )
            return None
        lines = text.replace("\r\n", "\n").split("\n")
        for number, line in enumerate(lines, 1):
            if _INVISIBLE.search(line) or any(unicodedata.category(sign) == "Cc" and sign != "\t" for sign in line):
                self._fault(number, "There is an invisible character in this line: type it again.")
        return lines

    def _front(self, lines: Sequence[str]) -> tuple[Mapping[str, _Value], int]:
        """The fields between the two lines of hyphens, and the index of the line after them."""
        start = next((n for n, line in enumerate(lines) if line.strip()), 0)
        end = next((n for n in range(start + 1, len(lines)) if lines[n].strip() == "---"), None)
        if not lines or lines[start].strip() != "---" or end is None:
            self._fault(start + 1, "A lesson begins with title, goal, minutes and age, between two lines of “---”.")
            return {}, next((n for n, line in enumerate(lines) if line.startswith("## ")), len(lines))
        found = self._fields(lines[start + 1 : end], start + 2, _OF_A_LESSON)
        for name in _OF_A_LESSON:
            if name not in found:
                self._fault(start + 1, f"The lesson has no {name}: add a line “{name}: …” before the second “---”.")
        return found, end + 1

    def _fields(self, lines: Sequence[str], first: int, known: Mapping[str, int]) -> dict[str, _Value]:
        """Fields of one line each; lines that begin with a space continue the one above."""
        found: dict[str, _Value] = {}
        last = ""
        for number, line in enumerate(lines, first):
            if not line.strip():
                continue
            if line[0] in " \t" and last:
                found[last] = _Value(found[last].line, f"{found[last].text} {line.strip()}".strip())
                continue
            last = self._field(line, number, known, found)
        return found

    def _field(self, line: str, number: int, known: Mapping[str, int], found: dict[str, _Value]) -> str:
        """Add the line's field, and return its name; "" if it has none."""
        match = _FIELD.fullmatch(line.strip())
        if match is None:
            self._fault(number, "Here stands “name: value” in each line; an empty line ends that part.")
            return ""
        name = match[1].lower()
        if name not in known:
            hint = did_you_mean(name, known, f"There are {', '.join(known)}.")
            self._fault(number, f"There is no field {match[1]!r}. {hint}")
            return ""
        if name in found:
            self._fault(number, f"There is another {name} in line {found[name].line}: leave one.")
            return ""
        found[name] = _Value(number, match[2].strip())
        return name

    def _sections(self, lines: Sequence[str], after: int) -> Iterator[_Section]:
        section: _Section | None = None
        for number, line in enumerate(lines[after:], after + 1):
            if line.startswith("## "):
                if section:
                    yield section
                section = _Section(_Value(number, line[3:].strip()), number + 1)
            elif section:
                section.lines.append(line)
            elif line.strip():
                self._fault(number, "This stands before the first step: begin a step with “## ” and its title.")
                break
        if section:
            yield section

    def _said(self, found: Mapping[str, _Value], known: Mapping[str, int], line: int, of: str) -> dict[str, str]:
        """The text of each field, "" for those that are missing."""
        for name, value in found.items():
            if len(value.text) > known[name]:
                self._fault(value.line, f"The {name} of {of} has {len(value.text)} characters; at most {known[name]}.")
            if not value.text:
                self._fault(value.line, f"The {name} is empty: write it after the colon, or leave the line out.")
        return {name: found[name].text if name in found else "" for name in known}

    def _minutes(self, head: Mapping[str, _Value]) -> int:
        value = head.get("minutes")
        if value is None:
            return 0
        minutes = int(value.text) if re.fullmatch("[0-9]{1,3}", value.text) else 0
        if not 1 <= minutes <= MAX_MINUTES:
            self._fault(value.line, f"The minutes are a whole number from 1 to {MAX_MINUTES}, not {value.text!r}.")
        return minutes

    def _step(self, section: _Section) -> Step:
        title = section.title
        if not 0 < len(title.text) <= _TITLE:
            self._fault(title.line, f"The title of a step has 1 to {_TITLE} characters.")
        head, rest, first = self._parts(section)
        said = self._said(head, _OF_A_STEP, title.line, "the step")
        options, text = self._options(rest, first)
        for name in _PROSE:
            self._check_prose(said[name], head[name].line if name in head else title.line, oneline=True)
        self._check_prose(text, first)
        screen = self._screen(head, title.line)
        question = self._question(screen, said, options, {name: value.line for name, value in head.items()})
        return Step(
            title.text, text.strip(), screen, said["ask"], question, said["hint"], said["reveal"], said["notes"]
        )

    def _parts(self, section: _Section) -> tuple[dict[str, _Value], list[str], int]:
        """The fields below the title; then the other lines, and the number of the first of them."""
        lines = section.lines
        start = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
        if start == len(lines) or not _FIELD.fullmatch(lines[start].strip()):
            return {}, lines, section.first
        end = next((n for n in range(start, len(lines)) if not lines[n].strip()), len(lines))
        return self._fields(lines[start:end], section.first + start, _OF_A_STEP), lines[end:], section.first + end

    def _options(self, lines: Sequence[str], first: int) -> tuple[list[Option], str]:
        """The answers to choose from, and the text without them, line by line."""
        options, others = [], []
        for number, line in enumerate(lines, first):
            match = _OPTION.fullmatch(line)
            if match:
                options.append(Option(number, match[2].strip(), match[1] != " "))
            others.append("" if match else line)
        return options, "\n".join(others)

    def _check_prose(self, text: str, first: int, oneline: bool = False) -> None:
        if not text.strip():
            return
        first += len(text[: len(text) - len(text.lstrip())].splitlines())
        prose, refused = read_prose(text.strip())
        for one in refused:
            self._fault(
                first + (0 if oneline else one.line),
                f"A text cannot have {one.what}: only bold, italics, code, lists, and links to web pages or terms.",
            )
        for link in {span.link for paragraph in prose for span in paragraph.spans if span.link.startswith("#")}:
            if link[1:] not in terms():
                hint = did_you_mean(link[1:], terms(), "See the glossary.")
                self._fault(first, f"The glossary has no term {link[1:]!r}. {hint}")
        if not oneline and words(prose) > MAX_WORDS:
            self._fault(first, f"The text of a step has at most {MAX_WORDS} words; this one has {words(prose)}.")

    def _screen(self, head: Mapping[str, _Value], line: int) -> Screen:
        if "screen" not in head:
            self._fault(line, "The step has no screen: write “screen: /explore?picture=cat” below its title.")
            return Screen("explore", {})
        try:
            return parse_screen(head["screen"].text)
        except ValueError as error:
            self._fault(head["screen"].line, str(error))
            return Screen("explore", {})

    def _question(
        self, screen: Screen, said: Mapping[str, str], options: Sequence[Option], lines: dict[str, int]
    ) -> Question | None:
        try:
            return question_of(screen, said, options)
        except QuestionError as error:
            at = lines | {"options": options[0].line} if options else lines
            self._fault(at[error.field] if error.field in at else lines["answer"], str(error))
            return None
