"""The screens that a lesson can show: the app's pages, with the names of their settings in the address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import get_args
from urllib.parse import parse_qsl, urlencode, urlsplit

from cnnfix_core.engine import FOCUS, PRESETS, Depth, Preset, depth_of, get_preset
from cnnfix_core.errors import CnnfixError, did_you_mean
from cnnfix_core.images import Crops, list_samples
from cnnfix_core.lessons.lesson import Screen
from cnnfix_core.methods import METHODS
from cnnfix_core.zoo import DEFAULT, model_info

_PICTURED = ("model", "picture", "class", "than", "preset", "focus", "sees")
_WALKED = ("class", "than", "focus", "show", "depth", "opacity")

# Each page with the settings of its address. A test compares them with the pages' own.
PAGES: Mapping[str, tuple[str, ...]] = {
    "explore": (*_PICTURED, "show", "opacity", "depth", "at", "ask"),
    "backtrack": (*_PICTURED, "both", "step", "chosen", "unit"),
    "compare": (
        *(name for name in _PICTURED if name != "preset"),
        *("methods", "rows", "pins", "boxes", "view", "scale", "opacity", "points", "cuts"),
        *("curves", "road", "sensitivity"),
    ),
    "sketch": ("sheet", *_WALKED),
    "captions": ("picture", "boxes", "box", "caption", "word", "instead", "map", *(name for name in _WALKED[2:])),
    "signals": (
        *("kind", "series", "row", "clip", "network", "frame"),
        *(name for name in _WALKED if name != "depth"),
    ),
    "batch": (
        *("model", "preset", "focus", "sees", "order", "samples", "class", "than", "unit"),
        *("words", "confidence", "spread", "border", "disagreement"),
    ),
    "models": (),
}
# Names of earlier versions, which the pages still read.
_OLDER: Mapping[str, tuple[str, ...]] = {"explore": ("look", "hide", "cut", "propose")}
# The pages whose question is a class of a network on a picture: people can be asked about it, too.
ASKABLE = ("explore", "backtrack", "compare")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a screen of an `ASKABLE` page asks.

    Attributes:
        model: Name of the network.
        picture: Name of the sample.
        target: A class, a contrast, or None for the predicted class.
        preset: Of the walk.
        depth: At which its map is shown; None for that of the preset.
    """

    model: str
    picture: str
    target: int | tuple[int | None, int] | None
    preset: Preset
    depth: Depth | None


def parse_screen(text: str) -> Screen:
    """A screen from its address, with or without the server's. Raises ValueError with a sentence.

    Settings that are a word, a number or a switch are checked here. What depends on the picture or the network, such as
    a box, a drawing or a word of a caption, the page checks when it opens, and falls back to its default.
    """
    parts = urlsplit(text)
    if not text.startswith(("/", "http://", "https://")):
        raise ValueError("A screen is an address of the app, such as /explore?picture=cat.")
    page = parts.path.strip("/") or "explore"
    if page not in PAGES:
        hint = did_you_mean(page, PAGES, f"Choose one of {', '.join(PAGES)}.")
        raise ValueError(f"There is no page {page!r}. {hint}")
    settings = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in settings.items():
        _check(page, name, value)
    return Screen(page, settings)


def address_of(screen: Screen) -> str:
    """The address of a screen, as in a lesson file."""
    query = urlencode(screen.settings, safe=":,;")
    return f"/{screen.page}" + (f"?{query}" if query else "")


def asked_by(screen: Screen) -> Asked | None:
    """What the screen asks; None if its page, or its network, has no such question."""
    said = screen.settings.get
    model, picture = said("model", DEFAULT), said("picture", list_samples()[0].name)
    info = model_info(model)
    if screen.page not in ASKABLE or info is None or info.task != "classification":
        return None
    preset = said("preset", "evidence")
    walk = get_preset(preset, said("focus") if preset == "evidence" else None)
    target = _target(said("class", ""), said("than", ""))
    depth = depth_of(said("depth", "")) if said("depth") else None
    return Asked(model, picture, target, _with_crops(walk, said("sees", "preset")), depth)


def _target(wanted: str, than: str) -> int | tuple[int | None, int] | None:
    target = int(wanted) if wanted else None
    return (target, int(than)) if than else target


def _with_crops(preset: Preset, crops: str) -> Preset:
    return replace(preset, crops=crops) if crops in get_args(Crops) else preset  # type: ignore[arg-type]  # one of them


def _check(page: str, name: str, value: str) -> None:
    if name not in (*PAGES[page], *_OLDER.get(page, ())):
        hint = did_you_mean(name, PAGES[page], f"It has {', '.join(PAGES[page]) or 'none'}.")
        raise ValueError(f"The page {page!r} has no setting {name!r}. {hint}")
    if name in _CHECKS and (problem := _CHECKS[name](value)):
        raise ValueError(problem)


def _picture(value: str) -> str:
    names = [sample.name for sample in list_samples()]
    if value in names:
        return ""
    if value == "own":
        return "A lesson cannot hold a picture of your own: choose a sample."
    hint = did_you_mean(value, names, f"There are {', '.join(names)}.")
    return f"There is no sample picture {value!r}. {hint}"


def _model(value: str) -> str:
    if value == "own":
        return "A lesson cannot hold a network of your own: choose one from `cnnfix models`."
    return "" if model_info(value) else f"There is no network {value!r}: see `cnnfix models`."


def _number(value: str) -> str:
    fits = re.fullmatch("[0-9]{1,6}", value)
    return "" if fits else f"A class in an address is a number, not {value!r}: copy the address from the browser."


def _depth(value: str) -> str:
    try:
        depth_of(value)
    except CnnfixError as error:
        return str(error)
    return ""


def _opacity(value: str) -> str:
    strengths = range(10, 101, 5)
    return "" if value in map(str, strengths) else f"The strength of the colours is 10, 15 … 100, not {value!r}."


def _methods(value: str) -> str:
    unknown = next((name for name in value.split(",") if name not in METHODS), None)
    if unknown is None:
        return ""
    return f"There is no method {unknown!r}. {did_you_mean(unknown, METHODS, 'The page of methods lists them.')}"


def _one_of(*words: str) -> Callable[[str], str]:
    return lambda value: "" if value in words else f"{value!r} is none of {', '.join(words)}."


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "picture": _picture,
    "model": _model,
    "class": _number,
    "than": _number,
    "preset": _one_of(*PRESETS),
    "focus": _one_of(*FOCUS),
    "sees": _one_of("preset", *get_args(Crops)),
    "depth": _depth,
    "opacity": _opacity,
    "methods": _methods,
    "step": _number,
    "show": _one_of("both", "points", "density"),
    "map": _one_of("whole", "apart"),
    "view": _one_of("maps", "difference", "slider"),
    "scale": _one_of("area", "density", "own"),
    "kind": _one_of("series", "clip"),
    "order": _one_of("sent", "confidence", "spread", "border", "disagreement", "score"),
    **dict.fromkeys(("both", "points", "samples", "cuts", "curves", "road", "sensitivity"), _one_of("False", "True")),
}
