"""Find what decided one element of a walk, with numbers from the tape and shares from the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.backtrack.decisions import explainers
from cnnfix_core.backtrack.decisions.decision import Decision, Grid, Position, Term
from cnnfix_core.backtrack.decisions.explainers import Account, ElementQuery, Followed, Named, Part
from cnnfix_core.backtrack.decisions.explainers.parts import numbers, place_of
from cnnfix_core.backtrack.decisions.sentences import element_name, of_the_input, unexplained
from cnnfix_core.engine import Trace, Value

_LISTED = 12


def _plain_name(value: Value, position: Position) -> str:
    return element_name(value.shape, position)


def decide(trace: Trace, value: Value, row: int, named: Named = _plain_name) -> Decision:
    """Find what decided one element: how its value was computed, and where its evidence went.

    value, row: a row of `trace.selection(value)`; the tape must have been recorded with `record_whole`.
    named: gives the name of an element in the sentence, from its tensor and position.
    Raises RuntimeError if the tape did not keep the numbers, IndexError if there is no such row.
    """
    selection = trace.selection(value)
    index, sign, evidence = (column[row].item() for column in (selection.index, selection.sign, selection.evidence))
    if value.producer is None:
        number = float(numbers(value, np.array([index]))[0])
        made = Decision("input", None, place_of(value, index), number, sign, evidence, (), 0, 0.0, None, None, "")
        return replace(made, sentence=of_the_input(made, trace.preset, named))
    ways = _followed(trace, value, row)
    asked = ElementQuery(trace.tape, trace.preset, value.producer, value, index, sign, evidence, ways)
    explainer = explainers.EXPLAINERS.find(value.producer)
    account = explainer(asked) if explainer else _only_edges(asked)
    return _decision(asked, account, named)


def _followed(trace: Trace, value: Value, row: int) -> tuple[Followed, ...]:
    """Which inputs the evidence of one element went to, as fractions of all that went on, read from the hops."""
    given = [(trace.selection(hop.input), hop.input, *hop.of(row)) for hop in trace.hops if hop.output is value]
    went_on = sum(float(evidence.sum()) for *_, evidence in given)
    return tuple(
        Followed(reached, selection.index[child], selection.sign[child], evidence / went_on)
        for selection, reached, child, evidence in given
        if len(child)
    )


def _only_edges(asked: ElementQuery) -> Account:
    """The account for an operation without an explainer: its inputs are those that received evidence."""
    parts = []
    for way in asked.followed:
        index = np.unique(way.index)
        nothing = np.zeros(len(index))
        kept = numbers(way.value, index) if way.value.readable else np.full(len(index), np.nan)
        parts.append(Part(way.value, index, kept, None, nothing))
    return Account("other", tuple(parts), unexplained)


class _Ledger(NamedTuple):
    """One part with the engine's shares and signs, (N,) each, in the order of its inputs."""

    part: Part
    share: Floats
    sign: Signs


def _ledger(asked: ElementQuery, part: Part) -> _Ledger:
    share = np.zeros(len(part.index))
    sign = np.full(len(part.index), asked.sign if asked.preset.signed else 1, np.int8)
    if part.coefficients is not None and asked.preset.signed:
        sign = np.where(part.activations < 0, -1, 1).astype(np.int8)
    order = np.argsort(part.index, kind="stable")
    for way in asked.followed:
        if way.value is part.value and len(part.index):
            at = order[np.searchsorted(part.index, way.index, sorter=order).clip(max=len(order) - 1)]
            here = part.index[at] == way.index
            np.add.at(share, at[here], way.share[here])
            sign[at[here]] = way.sign[here]
    return _Ledger(part, share, sign)


def _decision(asked: ElementQuery, account: Account, named: Named) -> Decision:
    ledgers = [_ledger(asked, part) for part in explainers.united(account.parts)]
    terms, others = _terms(ledgers, asked.sign)
    made = Decision(
        kind=account.kind,
        operation=asked.operation,
        position=asked.position,
        value=asked.number,
        sign=asked.sign,
        evidence=asked.evidence,
        terms=terms,
        inputs=sum(len(ledger.part.index) for ledger in ledgers),
        others=others,
        bias=account.bias,
        grid=_grid(asked, account, ledgers),
        sentence="",
    )
    return replace(made, sentence=account.words(made, asked.preset, named))


def _terms(ledgers: Sequence[_Ledger], asked: int) -> tuple[tuple[Term, ...], float]:
    """The inputs to list, and the sum of all other products."""
    if not ledgers:
        return (), 0.0
    share = np.concatenate([ledger.share for ledger in ledgers])
    products = np.concatenate([ledger.part.products for ledger in ledgers])
    rank = np.concatenate([_rank(ledger.part, asked) for ledger in ledgers])
    order: Ints = np.lexsort((-rank, -share))
    starts = np.cumsum([0, *(len(ledger.share) for ledger in ledgers)])
    listed = []
    for n in order[:_LISTED].tolist():
        which = int(np.searchsorted(starts, n, side="right")) - 1
        listed.append(_term(ledgers[which], n - int(starts[which])))
    return tuple(listed), float(products[order[_LISTED:]].sum())


def _rank(part: Part, asked: int) -> Floats:
    return asked * part.products if part.rank is None else part.rank


def _term(ledger: _Ledger, n: int) -> Term:
    part = ledger.part
    return Term(
        value=part.value,
        position=place_of(part.value, int(part.index[n])),
        activation=float(part.activations[n]),
        coefficient=None if part.coefficients is None else float(part.coefficients[n]),
        product=float(part.products[n]),
        share=float(ledger.share[n]),
        sign=int(ledger.sign[n]),
    )


def _grid(asked: ElementQuery, account: Account, ledgers: Sequence[_Ledger]) -> Grid | None:
    if account.window is None:
        return None
    (ledger,) = ledgers
    return account.window.grid(ledger.part, ledger.share, asked.sign)
