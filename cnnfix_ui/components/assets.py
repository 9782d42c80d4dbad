"""Scripts and style sheets of components, without a build step.

The scripts are ES modules, but Streamlit takes one script for each component. So `script` joins an entry module and all
that it imports into one text. To keep this simple, all modules are written in one way, which ESLint checks too:
`import { name, name } from "./module.js";` and `export` before a declaration; only the entry has an `export default`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n+', re.MULTILINE)
_DECLARATION = re.compile(r"^(export )?((?:async )?function\*?|const|let|class) (\w+)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)
_UNREAD = re.compile(r"^(?:import\b|export (?!default )).*", re.MULTILINE)


class ScriptError(ValueError):
    """A component's scripts cannot be joined."""


def sheets(folder: Path, *names: str) -> str:
    """Style sheets of a folder, joined in this order."""
    return "\n".join((folder / name).read_text("utf-8") for name in names)


def script(entry: Path) -> str:
    """An entry module and all that it imports, joined into one module.

    Args:
        entry: the module whose default export Streamlit runs.

    Returns:
        The text of each module once, after those that it imports, without imports and named exports.

    Raises:
        ScriptError: a module is missing, imports itself through others, or lacks a name that is imported from it; two
            modules have the same name at their top level; or an import or export is written in another way.
    """
    modules: dict[Path, _Module] = {}
    _collect(entry.resolve(), (), modules)
    _check_one_scope(modules.values())
    *others, last = modules.values()
    if not _DEFAULT.search(last.text):
        raise ScriptError(f"{last.name} needs a default export: the function that Streamlit runs.")
    for module in others:
        if _DEFAULT.search(module.text):
            raise ScriptError(f"{module.name} has a default export, which only the entry {last.name} may have.")
    return "\n".join(module.text for module in modules.values())


@dataclass(frozen=True)
class _Module:
    """A script. text: without its imports and named exports. names: declared at its top level."""

    name: str
    text: str
    names: tuple[str, ...]
    exports: frozenset[str]
    imports: dict[str, list[str]]


def _read(path: Path) -> _Module:
    source = path.read_text("utf-8")
    imports = {where: re.findall(r"[^\s,][^,]*(?<!\s)", names) for names, where in _IMPORT.findall(source)}
    declared = _DECLARATION.findall(source)
    text = _DECLARATION.sub(r"\2 \3", _IMPORT.sub("", source))
    if unread := _UNREAD.search(text):
        raise ScriptError(f"{path.name} has an import or export in a form that is not supported: {unread[0]}")
    exports = frozenset(name for exported, _, name in declared if exported)
    return _Module(path.name, text, tuple(name for _, _, name in declared), exports, imports)


def _collect(path: Path, importers: tuple[Path, ...], modules: dict[Path, _Module]) -> None:
    """Add a module to `modules`, after all that it imports. importers: from the entry down to this one."""
    if path in importers:
        circle = " -> ".join(one.name for one in (*importers[importers.index(path) :], path))
        raise ScriptError(f"Scripts import each other in a circle: {circle}.")
    if path in modules:
        return
    if not path.is_file():
        raise ScriptError(f"The script {path} is missing{f'; {importers[-1].name} imports it' if importers else ''}.")
    module = _read(path)
    for where, names in module.imports.items():
        imported = (path.parent / where).resolve()
        _collect(imported, (*importers, path), modules)
        for name in names:
            if name not in modules[imported].exports:
                raise ScriptError(f"{module.name} imports “{name}”, which {imported.name} does not export.")
    modules[path] = module


def _check_one_scope(modules: Iterable[_Module]) -> None:
    homes: dict[str, str] = {}
    for module in modules:
        for name in module.names:
            if name in homes:
                raise ScriptError(f"Both {homes[name]} and {module.name} have “{name}” at their top level.")
            homes[name] = module.name
