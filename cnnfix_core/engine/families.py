"""Families of operations, and tables of what the parts of the program know about each.

A family is all operations that one rule function serves: `pooling.max_pool` serves max pooling in one to three
dimensions. A walk needs no more than the rule. Other parts need to know more about an operation: which places of its
input it sees (`backtrack.receptive_field_of`), how to explain one of its elements (`backtrack.explains`), what to call
it (`backtrack.called`), how excitation backpropagation passes it (`methods.excites`). Each of these is a
`FamilyTable`, filled by its decorator under rule functions, or under the name of a single operation where that differs
from its family. A rule of your own joins all tables at once if it says which operation it is like,
`cnnfix.rule("mylib.double_relu", like="aten.relu")`; where it is like none, register its function in each table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from cnnfix_core.engine.rules import registry
from cnnfix_core.engine.rules.registry import HopFunction
from cnnfix_core.engine.tape import Operation
from cnnfix_core.errors import CnnfixError

T = TypeVar("T")


class FamilyTable(Generic[T]):
    """What one part of the program knows about families. what: that in words, "explanation"."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._known: dict[HopFunction | str, T] = {}

    def register(self, *members: HopFunction | str, replace: bool = False) -> Callable[[T], T]:
        """Decorate what is known about these members: rule functions, or names of single operations.

        Raises CnnfixError where one is known already, unless `replace`.
        """

        def registered(known: T) -> T:
            for member in members:
                if member in self._known and not replace:
                    name = member if isinstance(member, str) else member.__name__
                    raise CnnfixError(f"The {self._what} of {name!r} is known already: replace=True replaces it.")
            self._known.update(dict.fromkeys(members, known))
            registry.note_change()
            return known

        return registered

    def find(self, operation: Operation) -> T | None:
        """What is known about the operation: by its name, by its rule, or by those of the operation that it is like."""
        rule = registry.find(operation.name)
        keys = (operation.name, *((rule.hop, rule.like, rule.family) if rule else ()))
        return next((self._known[key] for key in keys if key in self._known), None)


def family_of(operation: Operation) -> HopFunction | None:
    """The rule function that the operation's family is known by; None for an operation without a rule."""
    rule = registry.find(operation.name)
    return rule.family if rule else None
