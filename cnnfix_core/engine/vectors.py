"""Vector instructions for the inner loops, written as LLVM vectors: Numba compiles them for the processor it runs on.

A vector has 16 lanes of floats or doubles; LLVM splits it if the processor's registers are smaller. A block is four
vectors, or 64 numbers. Addresses are integers, as in `array.ctypes.data`, and are not checked. `sign`, `least`: numbers
of the same type as those at the addresses. Comparisons with NaN are false.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK = 64
LANES = 16
_VECTORS = BLOCK // LANES
_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


def _int32(number: int) -> Any:
    return ir.Constant(_INT32, number)


def _int64(number: int) -> Any:
    return ir.Constant(_INT64, number)


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

    def address(self, start: Any, count: Any) -> Any:
        """The address `count` numbers after another."""
        return self.builder.add(start, self.builder.mul(count, ir.Constant(start.type, self.size)))

    def load(self, address: Any, count: Any = None) -> Any:
        return self.builder.load(self._pointer(address, count), align=self.size)

    def store(self, vector: Any, address: Any, count: Any = None) -> None:
        self.builder.store(vector, self._pointer(address, count), align=self.size)

    def _pointer(self, address: Any, count: Any) -> Any:
        address = address if count is None else self.address(address, count)
        return self.builder.inttoptr(address, self.type.as_pointer())

    def splat(self, value: Any) -> Any:
        """The value in every lane."""
        one = self.builder.insert_element(ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined), value, _int32(0))
        return self.builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES))

    def max(self, a: Any, b: Any) -> Any:
        """The elementwise maximum; b where a is NaN."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def largest(self, vector: Any) -> Any:
        """The largest lane, found by halving the vector."""
        lanes = LANES
        while lanes > 1:
            lanes //= 2
            halves = (ir.Constant(ir.VectorType(_INT32, lanes), [*range(s, s + lanes)]) for s in (0, lanes))
            vector = self.max(*(self.builder.shuffle_vector(vector, vector, half) for half in halves))
        return self.builder.extract_element(vector, _int32(0))

    def bits(self, mask: Any) -> Any:
        """One bit per lane of a comparison, in a 64-bit integer."""
        return self.builder.zext(self.builder.bitcast(mask, ir.IntType(LANES)), _INT64)

    def places_of(self, wanted: Any, vectors: Sequence[Any]) -> Any:
        """One bit per lane of up to four vectors that equals the wanted vector's, in a 64-bit integer."""
        found = _int64(0)
        for number, vector in enumerate(vectors):
            here = self.bits(self.builder.fcmp_ordered("==", vector, wanted))
            found = self.builder.or_(found, self.builder.shl(here, _int64(number * LANES)))
        return found

    def where(self, bits: Any, vector: Any, other: Any) -> Any:
        """The vector's lanes that have a bit among the lowest 16, the other's elsewhere."""
        mask = self.builder.bitcast(self.builder.trunc(bits, ir.IntType(LANES)), ir.VectorType(ir.IntType(1), LANES))
        return self.builder.select(mask, vector, other)

    def products(self, w: Any, x: Any, sign: Any | None, vectors: int) -> list[Any]:
        """The products w * x * sign from two addresses on, by 16; sign: None for 1."""
        at = [ir.Constant(w.type, vector * LANES) for vector in range(vectors)]
        pairs = [self.builder.fmul(self.load(w, first), self.load(x, first)) for first in at]
        if sign is None:
            return pairs
        direction = self.splat(sign)
        return [self.builder.fmul(product, direction) for product in pairs]

    def largest_of(self, vectors: Sequence[Any]) -> Any:
        """The elementwise maximum, NaN left out."""
        found = self.lowest
        for vector in vectors:
            found = self.max(vector, found)
        return found

    def largest_of_each(self, vectors: Sequence[Callable[[], Any]]) -> Any:
        """The largest lane of each of 16 vectors: the first vector's in the first lane, and so on."""
        if len(vectors) == 1:
            return vectors[0]()
        middle = len(vectors) // 2
        a, b = self.largest_of_each(vectors[:middle]), self.largest_of_each(vectors[middle:])
        lanes = LANES // len(vectors)  # that each vector has in the result, and half of what it has in a or b
        halves = ([lane for lane in range(2 * LANES) if lane // lanes % 2 == which] for which in (0, 1))
        masks = (ir.Constant(ir.VectorType(_INT32, LANES), half) for half in halves)
        return self.max(*(self.builder.shuffle_vector(a, b, mask) for mask in masks))

    def either(self, condition: Any, work: Callable[[bool], None]) -> None:
        """Emit both branches of a condition."""
        with self.builder.if_else(condition) as branches:
            for branch, holds in zip(branches, (True, False), strict=True):
                with branch:
                    work(holds)


@_instruction
def number(typing: Any, values: Any, at: Any, kind: Any) -> Signature:
    """The number at a place after an address. kind: any number of its type."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer_to(context, builder, kind, args[0], args[1]))

    return kind(types.intp, types.int64, kind), write


@_instruction
def put(typing: Any, values: Any, at: Any, value: Any) -> Signature:
    """Write a number to a place after an address."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer_to(context, builder, value, args[0], args[1]))
        return context.get_dummy_value()

    return types.void(types.intp, types.int64, value), write


def _pointer_to(context: Any, builder: Any, kind: Any, values: Any, at: Any) -> Any:
    number = context.get_value_type(kind)
    size = context.get_abi_sizeof(number)
    address = builder.add(values, builder.mul(at, ir.Constant(at.type, size)))
    return builder.inttoptr(address, number.as_pointer())


@_instruction
def fill(typing: Any, values: Any, vectors: Any, value: Any) -> Signature:
    """Write a number to all lanes of `vectors` vectors from an address on."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, count, value = args
        vectors = _Vectors.of(builder, signature.args[2])
        with cgutils.for_range(builder, count, intp=values.type) as loop:
            vectors.store(vectors.splat(value), values, builder.mul(loop.index, ir.Constant(values.type, LANES)))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, value), write


@_instruction
def block_maxima(  # noqa: PLR0913  # Numba allows no other
    typing: Any, w: Any, x: Any, sign: Any, positive: Any, blocks: Any, maxima: Any, kind: Any
) -> Signature:
    """Write the largest w * x * sign in each block of 16 outputs, to maxima[block * 16 + output].

    w, x, sign: where 16 addresses of filters, 16 of windows and 16 numbers like `kind` are. positive: all signs are 1.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        w, x, sign, positive, blocks, maxima, _ = args
        vectors = _Vectors.of(builder, signature.args[6])

        def item(start: Any, kind: Any, output: int) -> Any:
            return builder.load(_pointer_to(context, builder, kind, start, _int64(output)))

        def work(plain: bool) -> None:
            with cgutils.for_range(builder, blocks, intp=w.type) as loop:
                first = builder.mul(loop.index, ir.Constant(w.type, BLOCK))

                def of(output: int) -> Any:
                    w_at, x_at = (vectors.address(item(start, types.intp, output), first) for start in (w, x))
                    direction = None if plain else item(sign, signature.args[6], output)
                    return vectors.largest_of(vectors.products(w_at, x_at, direction, _VECTORS))

                found = vectors.largest_of_each([partial(of, output) for output in range(LANES)])
                vectors.store(found, maxima, builder.mul(loop.index, ir.Constant(w.type, LANES)))

        vectors.either(positive, work)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.boolean, types.intp, types.intp, kind), write


@_instruction
def largest_of_rows(typing: Any, square: Any, to: Any, kind: Any) -> Signature:
    """Write the largest of each row of 16 by 16 numbers to to[row]. kind: any of them."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        square, to, _ = args
        vectors = _Vectors.of(builder, signature.args[2])
        places = (ir.Constant(square.type, row * LANES) for row in range(LANES))
        vectors.store(vectors.largest_of_each([partial(vectors.load, square, place) for place in places]), to)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, kind), write


@_instruction
def choose(typing: Any, maxima: Any, blocks: Any, value: Any, chosen: Any, left: Any, kind: Any) -> Signature:
    """Of each lane's numbers, maxima[block * 16 + lane], write the largest to value[lane], its first block to chosen.

    Before, left[lane] replaces the number of the block that was chosen last (-1: none). All are addresses, of numbers
    like `kind`; chosen: of 32-bit integers.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        maxima, blocks, value, chosen, left, _ = args
        vectors = _Vectors.of(builder, signature.args[5])
        numbers = ir.VectorType(_INT32, LANES)
        chosen = builder.inttoptr(chosen, numbers.as_pointer())
        last, left = builder.load(chosen, align=4), vectors.load(left)
        largest = cgutils.alloca_once(builder, vectors.type)  # type: ignore[no-untyped-call]
        block = cgutils.alloca_once(builder, numbers)  # type: ignore[no-untyped-call]
        builder.store(vectors.lowest, largest)
        builder.store(ir.Constant(numbers, [0] * LANES), block)
        with cgutils.for_range(builder, blocks, intp=maxima.type) as loop:
            here = vectors.splat(builder.trunc(loop.index, _INT32))
            place = builder.mul(loop.index, ir.Constant(maxima.type, LANES))
            number = builder.select(builder.icmp_signed("==", here, last), left, vectors.load(maxima, place))
            vectors.store(number, maxima, place)
            more = builder.fcmp_ordered(">", number, builder.load(largest))
            builder.store(builder.select(more, number, builder.load(largest)), largest)
            builder.store(builder.select(more, here, builder.load(block)), block)
        vectors.store(builder.load(largest), value)
        builder.store(builder.load(block), chosen, align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, types.intp, kind), write


@_instruction
def take(typing: Any, w: Any, x: Any, sign: Any, value: Any, after: Any, highest: Any) -> Signature:
    """The first product of a block, from place `after` on, that equals `value`, the largest not taken yet.

    Writes the largest of what is left in each lane to `highest`. w, x, highest: addresses.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        w, x, sign, value, after, highest = args
        vectors = _Vectors.of(builder, signature.args[2])
        products, wanted = vectors.products(w, x, sign, _VECTORS), vectors.splat(value)
        smaller = vectors.lowest
        for product in products:
            less = builder.fcmp_ordered("<", product, wanted)
            smaller = builder.select(less, vectors.max(product, smaller), smaller)
        equal = builder.and_(vectors.places_of(wanted, products), builder.shl(_int64(-1), after))
        first = builder.cttz(equal, ir.Constant(ir.IntType(1), 1))
        left = equal = builder.and_(equal, builder.sub(equal, _int64(1)))
        for place in range(1, _VECTORS):
            left = builder.or_(left, builder.lshr(equal, _int64(place * LANES)))
        vectors.store(vectors.where(left, wanted, smaller), highest)
        return first

    return types.int64(types.intp, types.intp, sign, value, types.int64, types.intp), write


@_instruction
def take_all(  # noqa: PLR0913  # Numba allows no other
    typing: Any,
    w: Any,
    x: Any,
    sign: Any,
    floor: Any,
    k: Any,
    narrow: Any,
    offsets: Any,
    origin: Any,
    at: Any,
    product: Any,
    negative: Any,
) -> Signature:
    """Write the k largest products of a block above `floor`, largest first, the first on ties, in one go.

    To `at` goes where each x lies, `origin` plus one of the 64 `offsets`, to `product` the product, to `negative`
    whether x is negative: -1, 0 and False for those that are not there. narrow: the block is one vector.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        w, x, sign, floor, k, narrow, offsets, origin, at, product, negative = args
        vectors = _Vectors.of(builder, signature.args[2])
        zero = ir.Constant(vectors.number, 0.0)
        left = [cgutils.alloca_once(builder, vectors.type) for _ in range(_VECTORS)]  # type: ignore[no-untyped-call]

        def item(address: Any, type_: Any, bytes_: int, number: Any) -> Any:
            place = builder.add(address, builder.mul(number, ir.Constant(number.type, bytes_)))
            return builder.inttoptr(place, type_.as_pointer())

        def among(is_narrow: bool) -> None:
            kept = left[: 1 if is_narrow else _VECTORS]
            for vector, one in zip(vectors.products(w, x, sign, len(kept)), kept, strict=True):
                builder.store(vectors.max(vector, vectors.lowest), one)  # without NaN
            with cgutils.for_range(builder, k, intp=w.type) as loop:
                products = [builder.load(one) for one in kept]
                value = vectors.largest(vectors.largest_of(products))
                equal = vectors.places_of(vectors.splat(value), products)
                first = builder.cttz(equal, ir.Constant(ir.IntType(1), 1))
                counts = builder.fcmp_ordered(">", value, floor)
                place = builder.add(builder.load(item(offsets, _INT64, 8, first)), origin)
                below = builder.fcmp_ordered("<", builder.load(item(x, vectors.number, vectors.size, first)), zero)
                below = builder.zext(builder.and_(counts, below), ir.IntType(8))
                builder.store(builder.select(counts, place, _int64(-1)), item(at, _INT64, 8, loop.index))
                taken = builder.select(counts, value, zero)
                builder.store(taken, item(product, vectors.number, vectors.size, loop.index))
                builder.store(below, item(negative, ir.IntType(8), 1, loop.index))
                equal = builder.and_(equal, builder.neg(equal))
                for number, (vector, one) in enumerate(zip(products, kept, strict=True)):
                    here = builder.lshr(equal, _int64(number * LANES))
                    builder.store(vectors.where(here, vectors.lowest, vector), one)

        vectors.either(narrow, among)
        return context.get_dummy_value()

    addresses = types.intp, types.int64, types.intp, types.intp, types.intp
    return types.void(types.intp, types.intp, sign, sign, types.intp, types.boolean, *addresses), write


@_instruction
def copy_lanes(typing: Any, to: Any, values: Any, low: Any, high: Any, wide: Any, kind: Any) -> Signature:
    """Copy those of 4 numbers (8 if `wide`) from lane `low` to before lane `high`.

    Of the others none is read: they become NaN, and so do their products, which nothing takes.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to, values, low, high, wide, _ = args
        vectors = _Vectors.of(builder, signature.args[5])

        def copy(is_wide: bool) -> None:
            lanes = 8 if is_wide else 4
            bits = ir.IntType(64)
            one = ir.Constant(bits, 1)
            mask = builder.sub(builder.shl(one, high), builder.shl(one, low))
            mask = builder.bitcast(builder.trunc(mask, ir.IntType(lanes)), ir.VectorType(ir.IntType(1), lanes))
            row = ir.VectorType(vectors.number, lanes)
            load = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
                builder.module,
                ir.FunctionType(row, [row.as_pointer(), _INT32, mask.type, row]),
                f"llvm.masked.load.v{lanes}f{8 * vectors.size}.p0",
            )
            others = ir.Constant(row, [float("nan")] * lanes)
            found = builder.call(load, [builder.inttoptr(values, row.as_pointer()), _int32(vectors.size), mask, others])
            builder.store(found, builder.inttoptr(to, row.as_pointer()), align=vectors.size)

        vectors.either(wide, copy)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.int64, types.int64, types.boolean, kind), write


@_instruction
def copy_run(typing: Any, to: Any, values: Any, lanes: Any, kind: Any) -> Signature:
    """Copy 4 numbers from one address to another, or 8 if `lanes` is more than 4."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to, values, lanes, _ = args
        vectors = _Vectors.of(builder, signature.args[3])

        def copy(short: bool) -> None:
            pointer = ir.VectorType(vectors.number, 4 if short else 8).as_pointer()
            run = builder.load(builder.inttoptr(values, pointer), align=vectors.size)
            builder.store(run, builder.inttoptr(to, pointer), align=vectors.size)

        vectors.either(builder.icmp_signed("<=", lanes, ir.Constant(lanes.type, 4)), copy)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, kind), write


@_instruction
def transpose(typing: Any, to: Any, to_step: Any, values: Any, step: Any, kind: Any) -> Signature:
    """Copy a square of 16 by 16 numbers and turn it; the steps from row to row are in bytes."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to, to_step, values, step, _ = args
        vectors = _Vectors.of(builder, signature.args[4])

        def row(start: Any, step: Any, number: int) -> Any:
            return builder.add(start, builder.mul(step, ir.Constant(step.type, number)))

        rows = [vectors.load(row(values, step, number)) for number in range(LANES)]
        # Four times, row i of the first half and row i of the second become rows 2 i and 2 i + 1, lane by lane.
        half = LANES // 2
        turns = [[lane // 2 + LANES * (lane % 2) + first for lane in range(LANES)] for first in (0, half)]
        masks = [ir.Constant(ir.VectorType(_INT32, LANES), turn) for turn in turns]
        for _ in range(4):
            pairs = zip(rows[:half], rows[half:], strict=True)
            rows = [builder.shuffle_vector(a, b, mask) for a, b in pairs for mask in masks]
        for number, vector in enumerate(rows):
            vectors.store(vector, row(to, to_step, number))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp, kind), write


@_instruction
def set_bits(typing: Any, bits: Any) -> Signature:
    """The number of set bits."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), write
