"""What is drawn of an object is kept as long as the object lives, and no longer."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

Owner = TypeVar("Owner")
P = ParamSpec("P")
Result = TypeVar("Result")


def kept_with_first(make: Callable[Concatenate[Owner, P], Result]) -> Callable[Concatenate[Owner, P], Result]:
    """Let a function keep its results for as long as its first argument lives.

    Unlike a cache of the last results, this keeps no visitor's picture after the visitor has left.

    Args:
        make: of an object that allows weak references and must not change, and of hashable values.
    """
    kept: dict[int, dict[object, Result]] = {}

    @wraps(make)
    def found(owner: Owner, /, *args: P.args, **options: P.kwargs) -> Result:
        made = kept.get(id(owner))
        if made is None:
            made = kept.setdefault(id(owner), {})
            weakref.finalize(owner, kept.pop, id(owner), None).atexit = False
        key = args, *options.items()
        if key not in made:
            made[key] = make(owner, *args, **options)
        return made[key]

    return found
