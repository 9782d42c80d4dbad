"""Blocks in words: a name that people understand without the code of the network, and what kind of block it is."""

from __future__ import annotations

from cnnfix_core.backtrack.path import Block, Path
from cnnfix_core.backtrack.step_texts import kind
from cnnfix_core.engine import known_as

_ADDS, _JOINS = {"aten.add", "aten.add_"}, {"aten.cat"}
_WEIGHS = {"aten.convolution": "convolution", "aten.addmm": "fully connected layer", "aten.mm": "fully connected layer"}


def block_name(path: Path, block: Block) -> str:
    """The block's name: "Picture", "Score" or "Head" without a map, "Block 3" counted from the picture."""
    if path.steps[block.first].operation is None:
        return "Picture"
    if not path.stages[block.stage].size:
        return "Head" if block.first else "Score"
    nearer = [one for one in path.blocks if one.first > block.first and path.steps[one.first].operation is not None]
    return f"Block {len(nearer) + 1}"


def block_kind(path: Path, block: Block) -> str:
    """What the block is: "residual block", "2 convolutions"; the kind of its output where it is none of these."""
    steps = path.steps[block.first : block.last + 1]
    operations = [step.operation for step in steps if step.operation is not None]
    if any(known_as(one) in _ADDS and len(one.activations()) > 1 for one in operations):
        return "residual block"
    if any(known_as(one) in _JOINS for one in operations):
        return "block of several ways, joined"
    weighing = [_WEIGHS[name] for one in operations if (name := known_as(one)) in _WEIGHS]
    if weighing:
        return f"{len(weighing)} {weighing[0]}s" if len(weighing) > 1 else weighing[0]
    return _lower(kind(operations[0])) if operations else ""


def _lower(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
