"""Results of a long run, written to disk row by row, together with the settings of the run."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils.csv_cells import from_one_line, one_line
from cnnfix_core.utils.files import cannot_write, remove_drafts_left, replacing


class Keyed(Protocol):
    """A frozen dataclass whose fields are str, int or float (NaN: not applicable)."""

    @property
    def key(self) -> Any:
        """Identifies the row; unique within a file."""


RowT = TypeVar("RowT", bound=Keyed)


class Journal(Generic[RowT]):
    """A CSV file to which rows are appended; they survive even if the process is killed or the disk is full.

    Each row is one line, whatever its texts contain; its last cell is a check sum. An incomplete row at the end is
    removed when the file is opened again; a damaged line is passed over, so that its row is computed again. Of several
    rows with one key the last counts.

    Raises:
        CnnfixError: The file has other columns, or cannot be written.
    """

    def __init__(self, file: Path, kind: type[RowT]) -> None:
        self._file, self._kind = file, kind
        self._columns = {field.name: _READ[str(field.type)] for field in fields(kind)}  # type: ignore[arg-type]
        header = _cells([*self._columns, "check"]) + b"\n"
        self._seed = zlib.crc32(header)  # so that no row of other columns fits
        if file.exists():
            if not self._is_ours(header):
                raise CnnfixError(f"{file} is not a results file of this command: choose another --out.")
            _drop_incomplete_row(file)
        if not file.exists() or not file.stat().st_size:
            _append(file, header, "ab")
        self._starts = {row.key: start for start, row in self._read()}  # of their lines, in bytes

    @property
    def keys(self) -> Set[Any]:
        """The keys of all rows."""
        return self._starts.keys()

    def add(self, rows: Iterable[RowT]) -> None:
        """Append rows to the file: all of them, or none if it cannot be written. Raises CnnfixError."""
        new = {row.key: self._line(row) for row in rows}
        start = _append(self._file, b"".join(new.values()))
        for key, line in new.items():
            self._starts[key] = start
            start += len(line)

    @property
    def rows(self) -> list[RowT]:
        """All rows, in the order in which they were added."""
        return list(self)

    def __iter__(self) -> Iterator[RowT]:
        """Read row by row, in the order in which they were added."""
        return (row for start, row in self._read() if self._starts.get(row.key) == start)

    def _is_ours(self, header: bytes) -> bool:
        with self._file.open("rb") as content:
            first = content.read(len(header)).rstrip(b"\0")  # a power cut may leave zeros
        return header.startswith(first) or any(self._read())

    def _read(self) -> Iterator[tuple[int, RowT]]:
        start = 0
        with self._file.open("rb") as lines:
            for line in lines:
                with suppress(ValueError, csv.Error):  # the header, or a damaged line
                    yield start, self._row(line)
                start += len(line)

    def _line(self, row: RowT) -> bytes:
        cells = _cells(map(_text, astuple(row)))  # type: ignore[call-overload]
        return b"%b,%08x\n" % (cells, zlib.crc32(cells, self._seed))

    def _row(self, line: bytes) -> RowT:
        cells, _, check = line.rpartition(b",")
        if check != b"%08x\n" % zlib.crc32(cells, self._seed):
            raise ValueError
        texts = next(csv.reader([cells.decode("utf-8", _ANY_TEXT)], strict=True))
        pairs = zip(self._columns.items(), texts, strict=True)
        return self._kind(**{name: read(text) for (name, read), text in pairs})


def in_order(
    rows: Iterable[RowT], keys: Iterable[Hashable], key: Callable[[RowT], Hashable] = lambda row: row.key
) -> list[RowT]:
    """The rows with one of these keys, in the order of the keys; of the same key, as they came."""
    places = {one: place for place, one in enumerate(dict.fromkeys(keys))}
    return sorted((row for row in rows if key(row) in places), key=lambda row: places[key(row)])


@contextmanager
def only_run_in(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if need be: two runs at once would compute all twice, and cut each other's rows.

    It is free again however this process ends. What a killed run left half written is removed. On Windows, and where
    a file system knows no locks, nothing is checked.

    Raises CnnfixError: another run holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    held = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CnnfixError(f"Another run writes to {folder}: wait for its end, or choose another --out.") from error
        except OSError:
            pass  # no locks here
        remove_drafts_left(folder)
        yield
    finally:
        os.close(held)


def keep_settings(folder: Path, settings: Any, results: str) -> None:
    """Save the settings of a run in its folder, or check that they equal those saved there.

    Args:
        folder: Created if it does not exist.
        settings: A dataclass.
        results: Name of the results file in the folder.

    Raises:
        CnnfixError: The settings differ from the saved ones, there are results without settings, or they cannot be
            written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "settings.json"
    wanted = json.loads(json.dumps(asdict(settings)))
    if file.exists():
        _compare(_read_settings(file), wanted, folder)
    elif (folder / results).exists():
        raise CnnfixError(f"{folder} has results without settings: choose another --out.")
    else:
        with replacing(file) as draft:
            draft.write_text(json.dumps(wanted, indent=1) + "\n", "utf-8")


def _read_settings(file: Path) -> dict[str, Any]:
    try:
        saved = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError):
        saved = None
    if not isinstance(saved, dict):
        raise CnnfixError(f"{file} cannot be read: choose another --out.")
    return saved


def _compare(saved: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    different = [name for name in wanted if saved.get(name) != wanted[name]]
    if different:
        raise CnnfixError(
            f"The results in {folder} were made with different {' and '.join(different)}: "
            "use the same settings, or choose another --out."
        )


def _append(file: Path, content: bytes, mode: Literal["rb+", "ab"] = "rb+") -> int:
    """Append all of it and wait for the disk; if that fails, the file is as it was before. Raises CnnfixError.

    mode: "rb+" does not make a file: one that is gone lacks its earlier rows.

    Returns where the content begins, in bytes.
    """
    try:
        with file.open(mode, buffering=0) as out:
            before, rest = out.seek(0, os.SEEK_END), memoryview(content)
            try:
                while rest:
                    rest = rest[out.write(rest) :]  # a disk that is nearly full takes a part, without an error
                os.fsync(out.fileno())
            except BaseException:
                out.truncate(before)
                raise
            return before
    except OSError as error:
        raise cannot_write(file, error) from error


def _drop_incomplete_row(file: Path) -> None:
    with file.open("rb+") as content:
        end = content.seek(0, os.SEEK_END)
        complete = 0
        while end and not complete:  # backwards, in parts
            start = content.seek(max(0, end - (1 << 20)))
            complete = content.read(end - start).rfind(b"\n") + 1
            complete, end = complete and start + complete, start
        content.truncate(complete)


def _number(text: str) -> float:
    return float(text or "nan")


_READ: dict[str, Callable[[str], Any]] = {"str": from_one_line, "int": int, "float": _number}
_ANY_TEXT = "surrogatepass"  # names of files may contain bytes that are no text, which Python keeps as surrogates


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return one_line(value)
    return str(value) if isinstance(value, int) else "" if math.isnan(value) else f"{value:.9g}"


def _cells(values: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue().encode("utf-8", _ANY_TEXT)
