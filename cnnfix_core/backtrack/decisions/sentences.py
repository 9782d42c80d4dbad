"""Sentences: what decided a hop, in one or two sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from cnnfix_core.backtrack.decisions.decision import Decision, Position, Term
from cnnfix_core.backtrack.places import place_name
from cnnfix_core.engine import Preset, Value
from cnnfix_core.utils import percent

Named = Callable[[Value, Position], str]

_NOT_KEPT = "It is not among the strongest elements that the walk keeps."


def element_name(value_shape: Sequence[int], position: Sequence[int]) -> str:
    """Name an element by its position: "channel 83 at row 12, column 7" in a map, "unit 12" in a vector.

    Maps are (batch, channel, ...). The batch dimension is named only if it is larger than 1.
    """
    if not position:
        return "the number"
    if len(position) == 1:
        return f"unit {position[0]}"
    item, channel, *place = position
    if not place:
        name = f"unit {channel}"
    else:
        alone = math.prod(value_shape[2:]) == 1
        name = f"channel {channel}" if alone else f"channel {channel} at {place_name(place)}"
    return name if value_shape[0] == 1 else f"{name} of item {item}"


def number(value: float) -> str:
    """Format a number: three significant digits and a real minus sign; whole numbers in full."""
    size = abs(value)
    if 0 < size < 5e-7:
        return "almost 0"
    sign = "−" if value < 0 else ""
    if size >= 999.5 or size == int(size):
        return f"{sign}{size:,.0f}"
    power = int(f"{size:.2e}".partition("e")[2])
    return f"{sign}{size:.{min(2 - power, 7)}f}"


# --- linear forms -----------------------------------------------------------------------------------------------------


def weighted(factor: str = "") -> Callable[[Decision, Preset, Named], str]:
    """Describe a sum of inputs times coefficients; factor: what to call a coefficient, such as "the weight "."""

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        first = _first_followed(decision)
        if first is None:
            return f"{_not_followed(decision)}{_total(decision)}"
        product = f"its activation {number(first.activation)} times {factor}{number(first.coefficient or 0)}"
        name = named(first.value, first.position)
        if not preset.spread and sum(term.share > 0 for term in decision.terms) == 1:
            lead = f"The published walk follows {name}, whose product is the largest: {product}"
        else:
            lead = f"{_capital(name)} receives {_share(first)} of the evidence: {product}"
        return f"{lead} is {number(first.product)}{_turn(decision, first, preset)}.{_total(decision)}"

    return words


def pooled(decision: Decision, preset: Preset, named: Named) -> str:
    """Describe an average, where the published walk follows the largest activation."""
    first = _first_followed(decision)
    if preset.spread or first is None:
        return weighted()(decision, preset, named)
    name = named(first.value, first.position)
    lead = f"The published walk follows {name}, which has the largest activation, {number(first.activation)}."
    return f"{lead}{_total(decision)}"


_PLACES = {
    "centre": "the centre of the window",
    "product": "the largest product in it",
    "activation": "the largest activation in it",
}


def by_channel(channels: int, channel: int, summed: float, location: str) -> Callable[[Decision, Preset, Named], str]:
    """Describe a convolution under the published rules, which choose a channel first, then a place in it.

    channels: how many there are. channel: the chosen one. summed: the sum of its products. location: the preset's.
    """

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        reason = f"whose sum over the window is the largest ({number(summed)})" if channels > 1 else "the only channel"
        lead = f"The published walk follows channel {channel}, {reason}, and takes {_PLACES[location]}"
        first = _first_followed(decision)
        if first is None:
            ends = "lies in the padding, so its evidence is lost" if preset.beam is None else "the walk does not keep"
            return f"{lead}, which {ends}.{_total(decision)}"
        return f"{lead}{_turn(decision, first, preset)}.{_total(decision)}"

    return words


def _total(decision: Decision) -> str:
    """The sum of all products and the bias, if there is more than one summand."""
    value, bias = number(decision.value), decision.bias
    if not decision.inputs:
        return f" It has no inputs; its value is {value}."
    if decision.inputs == 1:
        return "" if bias is None else f" Adding the bias {number(bias)} gives {value}."
    added = "" if bias is None else f" and the bias {number(bias)}"
    return f" All {decision.inputs:,} products{added} add up to {value}."


# --- merges -----------------------------------------------------------------------------------------------------------


def added(decision: Decision, preset: Preset, named: Named) -> str:
    """Describe a sum of branches."""
    if len(decision.terms) == 1:
        (term,) = decision.terms
        constant = "" if decision.bias is None else f" plus the constant {number(decision.bias)}"
        total = f"{number(term.product)}{_origin(term)}{constant} is {number(decision.value)}"
        return f"{total}{_turn(decision, term, preset, 'sign')}.{_dropped(decision)}"
    first = _first_followed(decision)
    listed = " and ".join(f"{number(term.product)}{_origin(term)}" for term in decision.terms)
    total = f"{listed} add up to {number(decision.value)}."
    if first is None:
        return f"{total} {_not_followed(decision)}"
    if not preset.spread:
        return f"{total} The published walk follows the larger, {number(first.product)}."
    others = [term for term in decision.terms[1:] if term.share > 0]
    rest = "".join(f", {number(term.product)} receives {_share(term)}" for term in others)
    turn = _turn(decision, first, preset, "sign")
    return f"{total} {number(first.product)} receives {_share(first)} of the evidence{rest}{turn}."


def joined(number_of: int, tensors: int) -> Callable[[Decision, Preset, Named], str]:
    """Describe a concatenation; number_of: which of the tensors the element came from, counted from 1."""

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        (term,) = decision.terms
        name = named(term.value, term.position)
        lead = f"{number(decision.value)} comes from tensor {number_of} of the {tensors} joined here"
        return f"{lead}, where it is {name}.{_dropped(decision)}"

    return words


def gated(verb: str = "times") -> Callable[[Decision, Preset, Named], str]:
    """Describe a product of a feature and a gate or constant; verb: "times" or "divided by"."""

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        first, *others = decision.terms
        if not others:
            factor = first.coefficient or 0
            lead = f"{number(first.activation)} times {number(factor)} is {number(decision.value)}"
            return f"{lead}{_turn(decision, first, preset, 'factor')}.{_dropped(decision)}"
        product = f"{number(first.activation)} {verb} {{}}{number(others[0].activation)} is {number(decision.value)}"
        if others[0].coefficient is not None:
            rule = "each receives half of the evidence" if preset.spread else "the published walk follows the larger"
            return f"Two features are multiplied: {product.format('')}; {rule}.{_dropped(decision)}"
        turn = _turn(decision, first, preset, "gate")
        return f"The feature {product.format('its gate ')}{turn}. The gate receives no evidence.{_dropped(decision)}"

    return words


def reciprocal(dividend: float) -> Callable[[Decision, Preset, Named], str]:
    """Describe a constant divided by an activation."""

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        (term,) = decision.terms
        turn = f"; the larger the divisor, the smaller this is, so we now ask why the divisor is {_asked(term)}"
        turn = turn if preset.signed else ""
        return f"{number(dividend)} divided by {number(term.activation)} is {number(decision.value)}{turn}."

    return words


# --- one input --------------------------------------------------------------------------------------------------------


def normalised(mean: float, deviation: float, scale: float, shift: float) -> Callable[[Decision, Preset, Named], str]:
    """Describe (activation - mean) / deviation * scale + shift."""

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        (term,) = decision.terms
        centred = f"{number(term.activation)} minus the mean {number(mean)}"
        divided = f"divided by the standard deviation {number(deviation)}"
        scaled = f"times the scale {number(scale)}, plus the shift {number(shift)}, is {number(decision.value)}"
        return f"{centred}, {divided}, {scaled}{_turn(decision, term, preset, 'scale')}.{_dropped(decision)}"

    return words


def function(name: str) -> Callable[[Decision, Preset, Named], str]:
    """Describe a function of one number; name: what to call the function."""

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        (term,) = decision.terms
        before, after = number(term.activation), number(decision.value)
        if term.activation == decision.value:
            lead = f"{name} lets {before} through"
        else:
            lead = f"{name} turns {before} into {after}"
        falls = preset.signed and term.share > 0 and term.sign != decision.sign
        turn = f"; the function decreases here, so we now ask why its input is {_asked(term)}" if falls else ""
        return f"{lead}{turn}.{_dropped(decision)}"

    return words


def set_apart(decision: Decision, preset: Preset, named: Named) -> str:
    """Describe a contrast at the last feature map."""
    lead = f"{number(decision.value)} stays as it is"
    return f"{lead}. Only the evidence beyond what other classes have at this place goes on.{_dropped(decision)}"


def moved(decision: Decision, preset: Preset, named: Named) -> str:
    """Describe a number that was only moved to another place."""
    if not decision.terms:
        return f"{number(decision.value)} was filled in here, like padding: it does not come from the input."
    (term,) = decision.terms
    name = named(term.value, term.position)
    return f"{number(decision.value)} was only moved: before this operation it was {name}.{_dropped(decision)}"


def taken(how: str) -> Callable[[Decision, Preset, Named], str]:
    """Describe a selector; how: "the largest" or "the smallest", "" for any other rank."""

    def words(decision: Decision, preset: Preset, named: Named) -> str:
        term = next((term for term in decision.terms if term.product == decision.value), None)
        if term is None:
            return f"{_not_followed(decision)} It is {number(decision.value)}."
        name = _capital(named(term.value, term.position))
        what = f"is {how} of {decision.inputs:,} numbers" if how else f"is one of {decision.inputs:,} numbers"
        return f"{name} is chosen: its value {number(term.activation)} {what}.{_dropped(decision)}"

    return words


def unexplained(decision: Decision, preset: Preset, named: Named) -> str:
    """Describe an operation that has no explainer."""
    assert decision.operation is not None
    first = _first_followed(decision)
    lead = f"How {decision.operation.name.rpartition('.')[2]} computes this value is not shown"
    if first is None:
        return f"{lead}. {_not_followed(decision)}"
    return f"{lead}; {named(first.value, first.position)} receives {_share(first)} of the evidence."


def of_the_input(decision: Decision, preset: Preset, named: Named) -> str:
    """Describe an element of the input, where a walk ends."""
    return f"This is an element of the input with the value {number(decision.value)}. The walk ends here."


# --- pieces -----------------------------------------------------------------------------------------------------------


def _first_followed(decision: Decision) -> Term | None:
    return next((term for term in decision.terms if term.share > 0), None)


def _not_followed(decision: Decision) -> str:
    """Why the walk stops at this element."""
    if any(decision.sign * term.product > 0 for term in decision.terms):
        return "The inputs that contribute to it are not among the strongest elements that the walk keeps."
    return "No input contributes to it, so the walk stops here."


def _dropped(decision: Decision) -> str:
    return "" if _first_followed(decision) else f" {_NOT_KEPT}"


def _share(term: Term) -> str:
    return "all" if term.share > 0.9995 else percent(term.share)


def _asked(term: Term) -> str:
    return "high" if term.sign > 0 else "low"


def _turn(decision: Decision, term: Term, preset: Preset, factor: str = "weight") -> str:
    """What the question becomes where a negative factor turns it around; "" where it stays the same."""
    if not preset.signed or term.share == 0 or term.sign == decision.sign:
        return ""
    return f", with a negative {factor}: a high input lowers this, so we now ask why it is {_asked(term)}"


def _origin(term: Term) -> str:
    """Say which module computed the input: " from layer1.0.conv2"; "" if it has no name."""
    producer = term.value.producer
    return f" from {producer.module}" if producer and producer.module else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
