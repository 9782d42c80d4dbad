"""Vector instructions for the inner loops, written as LLVM vectors: Numba compiles them for the processor it runs on.

A vector has 16 lanes of floats or doubles; LLVM splits it if the processor's registers are smaller. A block is four
vectors, or 64 numbers. Addresses are integers, as in `array.ctypes.data`, and are not checked. `sign`, `least`: numbers
of the same type as those at the addresses. Comparisons with NaN are false.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK = 64
LANES = 16
_VECTORS = BLOCK // LANES
_INT32, _INT64 = ir.IntType(32), ir.IntType(64)

Signature = tuple[Any, Callable[..., Any]]


def _instruction(function: Callable[..., Signature]) -> Callable[..., Any]:
    """Make a function that compiled code can call; Numba passes the first argument, `typing`, itself."""
    return cast("Callable[..., Any]", intrinsic(function))


@dataclass(frozen=True)
class _Vectors:
    """Emits vector instructions. number: the type of a lane."""

    builder: Any
    number: Any

    @classmethod
    def of(cls, builder: Any, numba_type: Any) -> _Vectors:
        return cls(builder, ir.FloatType() if numba_type == types.float32 else ir.DoubleType())

    @property
    def type(self) -> Any:
        return ir.VectorType(self.number, LANES)

    @property
    def size(self) -> int:
        """Bytes of a lane."""
        return 4 if isinstance(self.number, ir.FloatType) else 8

    @property
    def lowest(self) -> Any:
        return ir.Constant(self.type, [float("-inf")] * LANES)

    def pointer(self, address: Any, count: Any = None) -> Any:
        """A pointer to the vector that starts `count` numbers after the address."""
        if count is not None:
            address = self.builder.add(address, self.builder.mul(count, ir.Constant(address.type, self.size)))
        return self.builder.inttoptr(address, self.type.as_pointer())

    def load(self, address: Any, count: Any = None) -> Any:
        return self.builder.load(self.pointer(address, count), align=self.size)

    def store(self, vector: Any, address: Any, count: Any = None) -> None:
        self.builder.store(vector, self.pointer(address, count), align=self.size)

    def splat(self, value: Any) -> Any:
        """The value in every lane."""
        undefined = ir.Constant(self.type, ir.Undefined)
        one = self.builder.insert_element(undefined, value, ir.Constant(_INT32, 0))
        return self.builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES))

    def max(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def largest(self, vector: Any) -> Any:
        """The largest lane, found by halving the vector."""
        lanes = LANES
        while lanes > 1:
            lanes //= 2
            halves = (ir.Constant(ir.VectorType(_INT32, lanes), [*range(s, s + lanes)]) for s in (0, lanes))
            undefined = ir.Constant(vector.type, ir.Undefined)
            vector = self.max(*(self.builder.shuffle_vector(vector, undefined, half) for half in halves))
        return self.builder.extract_element(vector, ir.Constant(_INT32, 0))

    def reaches(self, vector: Any, bound: Any) -> Any:
        """One bit per lane, set if the lane is at least the bound's, in a 64-bit integer."""
        mask = self.builder.fcmp_ordered(">=", vector, bound)
        return self.builder.zext(self.builder.bitcast(mask, ir.IntType(LANES)), _INT64)

    def products(self, w: Any, x: Any, first: Any, direction: Any) -> list[Any]:
        """The four vectors of w * x * direction of the block that starts `first` numbers after both addresses."""
        found = []
        for vector in range(_VECTORS):
            at = self.builder.add(first, ir.Constant(first.type, vector * LANES))
            product = self.builder.fmul(self.load(w, at), self.load(x, at))
            found.append(self.builder.fmul(product, direction))
        return found


@_instruction
def block_maxima(typing: Any, w: Any, x: Any, blocks: Any, sign: Any, highest: Any) -> Signature:
    """Write the largest sign * w * x of each lane of each block to highest[block * 16 + lane].

    The largest over all blocks goes to highest[blocks * 16 + lane]. w, x, highest: addresses.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        w, x, blocks, sign, highest = args
        vectors = _Vectors.of(builder, signature.args[3])
        total = cgutils.alloca_once_value(builder, vectors.lowest)  # type: ignore[no-untyped-call]
        direction = vectors.splat(sign)
        with cgutils.for_range(builder, blocks, intp=w.type) as loop:
            a, b, c, d = vectors.products(w, x, builder.mul(loop.index, ir.Constant(w.type, BLOCK)), direction)
            found = vectors.max(vectors.max(a, b), vectors.max(c, d))
            vectors.store(found, highest, builder.mul(loop.index, ir.Constant(w.type, LANES)))
            builder.store(vectors.max(builder.load(total), found), total)
        vectors.store(builder.load(total), highest, builder.mul(blocks, ir.Constant(w.type, LANES)))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, sign, types.intp), write


@_instruction
def any_reaches(typing: Any, values: Any, least: Any) -> Signature:
    """Which of the 16 numbers at an address are at least `least`: one bit each."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = _Vectors.of(builder, signature.args[1])
        return vectors.reaches(vectors.load(args[0]), vectors.splat(args[1]))

    return types.uint64(types.intp, least), write


@_instruction
def products_reach(typing: Any, w: Any, x: Any, sign: Any, least: Any) -> Signature:
    """Which of the 64 products sign * w * x at two addresses are at least `least`: one bit each."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        w, x, sign, least = args
        vectors = _Vectors.of(builder, signature.args[2])
        bound, bits = vectors.splat(least), ir.Constant(_INT64, 0)
        for number, product in enumerate(vectors.products(w, x, ir.Constant(w.type, 0), vectors.splat(sign))):
            shifted = builder.shl(vectors.reaches(product, bound), ir.Constant(_INT64, number * LANES))
            bits = builder.or_(bits, shifted)
        return bits

    return types.uint64(types.intp, types.intp, sign, sign), write


@_instruction
def bound_of_lanes(typing: Any, values: Any, k: Any, least: Any) -> Signature:
    """A bound that at least k of the 16 numbers at an address reach, or `least` if that is larger.

    It is the k-th largest, or smaller if several are equal.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, k, least = args
        vectors = _Vectors.of(builder, signature.args[2])
        left = cgutils.alloca_once_value(builder, vectors.lowest)  # type: ignore[no-untyped-call]
        bound = cgutils.alloca_once_value(builder, least)  # type: ignore[no-untyped-call]
        builder.store(
            vectors.load(values), left
        )  # initialised here, because the code may run in a loop, and the allocations above run once
        builder.store(least, bound)
        with cgutils.for_range(builder, k, intp=k.type):
            now = builder.load(left)
            largest = vectors.largest(now)
            builder.store(largest, bound)
            taken = builder.fcmp_ordered("==", now, vectors.splat(largest))
            builder.store(builder.select(taken, vectors.lowest, now), left)
        found = builder.load(bound)
        return builder.select(builder.fcmp_ordered(">", found, least), found, least)

    return least(types.intp, types.int64, least), write


@_instruction
def larger_lanes(typing: Any, values: Any, others: Any, sign: Any) -> Signature:
    """Write the elementwise maximum of the 16 numbers at two addresses to the first."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = _Vectors.of(builder, signature.args[2])
        vectors.store(vectors.max(vectors.load(args[0]), vectors.load(args[1])), args[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, sign), write


@_instruction
def copy_lanes(typing: Any, to: Any, values: Any, sign: Any) -> Signature:
    """Copy 16 numbers from one address to another."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = _Vectors.of(builder, signature.args[2])
        vectors.store(vectors.load(args[1]), args[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, sign), write


@_instruction
def trailing_zeros(typing: Any, bits: Any) -> Signature:
    """The index of the lowest set bit; at least one must be set."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), write


@_instruction
def set_bits(typing: Any, bits: Any) -> Signature:
    """The number of set bits."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), write
