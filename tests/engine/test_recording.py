"""Recording: the right operations, names and values, and a module that is left as it was."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnfix_core.engine.eval_mode import left_alone
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED
from cnnfix_core.engine.recording import go_on, record, record_whole
from cnnfix_core.engine.results import tensors_in
from cnnfix_core.engine.tape import Operation, Tape
from cnnfix_core.engine.walk import unravel
from cnnfix_core.errors import CnnfixError, RecordError, TargetError


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


class Apply(nn.Module):
    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        return self.function(*inputs, **options)


class Block(nn.Module):
    """A residual block that uses one ReLU twice, writes in place, and calls a function that is no module."""

    def __init__(self, channels: int, inplace: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.act = nn.ReLU(inplace=inplace)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm(self.conv(x)))
        if self.inplace:
            y += x
        else:
            y = y + x
        return F.hardtanh(self.act(y))


def network(inplace: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.ReLU(inplace=inplace),
        nn.Conv2d(3, 4, 3),
        Block(4, inplace),
        nn.Dropout(0.5, inplace=inplace),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 5),
    )
    for norm in (child for child in module.modules() if isinstance(child, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight)
        norm.running_mean.normal_()  # type: ignore[union-attr, operator]
    return module


def picture(batch: int = 1) -> Tensor:
    return torch.randn(batch, 3, 8, 8)


def named(tape: Tape, name: str) -> list[Operation]:
    return [operation for operation in tape.operations if operation.name == name]


def state(module: nn.Module) -> dict[str, Any]:
    """All that recording must not change."""
    return {
        "modes": {name: child.training for name, child in module.named_modules()},
        "tensors": {name: tensor.clone() for name, tensor in module.state_dict(keep_vars=False).items()},
        "versions": [tensor._version for tensor in module.parameters()],
        "grads": {name: None if p.grad is None else p.grad.clone() for name, p in module.named_parameters()},
        "requires": {name: p.requires_grad for name, p in module.named_parameters()},
        "inplace": {name: getattr(child, "inplace", None) for name, child in module.named_modules()},
        "hooks": {
            name: (len(child._forward_hooks), len(child._forward_pre_hooks), len(child._backward_hooks))
            for name, child in module.named_modules()
        },
        "attributes": {name: sorted(vars(child)) for name, child in module.named_modules()},
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for key, expected in before.items():
        if key in ("tensors", "grads"):
            assert expected.keys() == after[key].keys()
            for name, tensor in expected.items():
                other = after[key][name]
                assert (tensor is None) == (other is None), name
                assert tensor is None or torch.equal(tensor, other), name
        else:
            assert expected == after[key], key


# --- the result -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inplace", [True, False])
def test_the_result_is_that_of_a_plain_forward_pass(inplace: bool) -> None:
    module, x = network(inplace).eval(), picture(2)
    with torch.no_grad():
        expected = module(x.clone())
    tape = record(module, x)
    assert torch.equal(tape.result, expected)
    assert torch.equal(tape.output_tensor, expected)
    assert tape.output.shape == (2, 5)
    assert not tape.output_tensor.requires_grad


@pytest.mark.parametrize("mode", ["training", "evaluation", "mixed"])
def test_it_runs_in_evaluation_mode_and_puts_the_mode_back(mode: str) -> None:
    module, x = network(), picture()
    with torch.no_grad():
        expected = module.eval()(x.clone())
    module.train(mode != "evaluation")
    if mode == "mixed":
        module[2].norm.eval()
        module[3].eval()
    before = state(module)
    assert torch.equal(record(module, x).result, expected)
    assert_same(before, state(module))


def test_overridden_train_is_not_called() -> None:
    class Stubborn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = nn.Dropout(0.9)
            self.again = self.shared

        def train(self, mode: bool = True) -> Stubborn:
            raise AssertionError("train() does more than set the mode")

        def forward(self, x: Tensor) -> Tensor:
            return self.again(self.shared(x)) * 2

    module, x = Stubborn(), picture()
    assert torch.equal(record(module, x).result, x * 2)
    assert module.training
    assert module.shared.training


def test_gradients_and_frozen_parameters_stay() -> None:
    module, x = network(inplace=False), picture()
    module(x).sum().backward()
    module[1].weight.requires_grad_(False)
    before = state(module)
    tape = record(module, x.requires_grad_())
    assert_same(before, state(module))
    assert x.grad is None
    assert not tape.output_tensor.requires_grad
    assert torch.is_grad_enabled()


def test_the_input_is_not_written_to() -> None:
    module, x = network(), picture()
    before, version = x.clone(), x._version
    tape = record(module, x)
    assert torch.equal(x, before)
    assert x._version == version
    assert tape.inputs[0].shape == (1, 3, 8, 8)
    # What was kept of the input is what came in, not what the in-place ReLU made of it.
    assert np.array_equal(tape.inputs[0].array(), before.numpy())


def test_hooks_fire_and_stay() -> None:
    module, x = network(), picture()
    fired: list[str] = []
    module[1].register_forward_hook(lambda *_: fired.append("after"))
    module[2].register_forward_pre_hook(lambda *_: fired.append("before"))
    before = state(module)
    record(module, x)
    assert fired == ["after", "before"]
    assert_same(before, state(module))


class Counting(nn.Module):
    """Writes to its buffers and to a parameter even in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("average", torch.zeros(2))
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        self.calls += 1
        self.average.mul_(0.9).add_(y.mean((0, 2, 3)), alpha=0.1)
        self.scale[:1].fill_(3.0)
        return y * self.scale.view(-1, 1, 1)


@pytest.mark.parametrize("frozen", [False, True])
def test_buffers_and_parameters_that_the_module_writes_are_restored(frozen: bool) -> None:
    module = Counting().requires_grad_(not frozen)
    before = state(module)
    tape = record(module, picture())
    after = state(module)
    before.pop("versions"), after.pop("versions")
    assert_same(before, after)
    # The walk sees the parameter as it was used.
    assert unravel(tape, (0, 0, 2, 2)).fixations.evidence.sum() > 0


@pytest.mark.parametrize(
    "function",
    [
        lambda self, x: F.batch_norm(x, self.norm.running_mean, self.norm.running_var, training=True),
        lambda self, x: self.norm.train()(x),
    ],
    ids=["functional", "module"],
)
def test_running_statistics_stay_even_if_forward_asks_for_training(function: Callable[..., Tensor]) -> None:
    class Willful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            return function(self, x)

    module = Willful()
    before = state(module)
    record(module, picture(2))
    assert_same(before, state(module))


class Own(nn.Module):
    """A module with a function that may write to its own tensors."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 2, 3), nn.BatchNorm2d(3)
        self.register_buffer("memory", torch.ones(1, 3, 8, 8))
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def _limited(self: Any, x: Tensor) -> Tensor:
    self.conv.weight.data = torch.renorm(self.conv.weight.data, 2, 0, maxnorm=0.5)
    return self.conv(x)  # type: ignore[no-any-return]


def _replaced(self: Any, x: Tensor) -> Tensor:
    self.conv.weight = nn.Parameter(self.conv.weight * -2)
    return self.conv(x)  # type: ignore[no-any-return]


def _shared(self: Any, x: Tensor) -> Tensor:
    torch._foreach_mul_(list(self.conv.parameters()), -2.0)
    return self.conv(x)  # type: ignore[no-any-return]


WRITES: dict[str, Callable[[Any, Tensor], Any]] = {
    "weight in place": lambda self, x: (self.conv.weight.data.mul_(-2), self.conv(x))[1],
    "weight anew": lambda self, x: (nn.init.ones_(self.conv.weight), self.conv(x))[1],
    "weight given other memory": _limited,
    "other weight": _replaced,
    "several weights at once": _shared,
    "memory as a factor": lambda self, x: self.conv(x * self.memory.mul_(-2)),
    "memory of activations": lambda self, x: self.conv(self.memory.copy_(x)),
    "memory returned": lambda self, x: self.memory.copy_(x * 2),
    "memory among the results": lambda self, x: {"scores": self.conv(x), "memory": self.memory.copy_(x * 2)},
}


@pytest.mark.parametrize("recording", [record, record_whole])
@pytest.mark.parametrize("name", WRITES)
def test_what_a_module_writes_to_its_own_is_on_the_tape_as_it_was_used(name: str, recording: Any) -> None:
    """It is restored afterwards, but what the tape has kept of it is not."""
    module, twin = Own(WRITES[name]), Own(WRITES[name])
    twin.load_state_dict(module.state_dict())
    x, before, parameters = picture(), state(module), dict(module.named_parameters())
    with torch.no_grad():
        expected = tensors_in(twin.eval()(x))
    tape = recording(module, x)
    after = state(module)
    before.pop("versions"), after.pop("versions")
    assert_same(before, after)
    assert all(parameter is parameters[at] for at, parameter in module.named_parameters())
    for value, tensor in zip(tape.outputs, expected, strict=True):
        assert value.kept is not None
        assert torch.allclose(value.kept, tensor)
    for operation in named(tape, "aten.convolution"):
        weight, memory = (operation.args[at].kept for at in (1, 0))
        assert torch.equal(weight, twin.conv.weight)
        assert not torch.equal(memory, twin.memory) or torch.equal(memory, x)


def test_a_module_whose_weights_get_other_memory_is_left_alone() -> None:
    module, x = Own(_limited), picture()
    before, address = state(module), module.conv.weight.data_ptr()
    with left_alone(module):
        module(x)
    assert_same(before, state(module))
    assert module.conv.weight.data_ptr() == address


def test_a_tensor_that_gets_the_memory_of_another() -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 3
        square = y * y
        y.data = x + 1
        return square + y * x

    tape = record(Apply(function), torch.tensor([[2.0, 3.0]]))
    assert tape.output_tensor.tolist() == [[42, 93]]
    first, second = (operation.args[0].array().tolist() for operation in named(tape, "aten.mul")[1:])
    assert (first, second) == ([[6, 9]], [[3, 4]])
    assert [value.producer.name for value in tape.operations[-1].args[:2]] == ["aten.mul"] * 2
    assert "aten.add" in {operation.name for operation in tape.operations[:-1]}


# --- failures ---------------------------------------------------------------------------------------------------------


def failing() -> nn.Sequential:
    def fail(x: Tensor) -> Tensor:
        x.add_(1)
        raise ValueError("the fuse has blown")

    return nn.Sequential(Counting(), nn.BatchNorm2d(2), nn.ReLU(inplace=True), Apply(fail))


def test_a_module_that_fails_half_way_is_left_as_it_was() -> None:
    module, x = failing(), picture()
    module[1].eval()
    before, x_before = state(module), x.clone()
    with pytest.raises(RecordError, match="the fuse has blown") as caught:
        record(module, x)
    assert isinstance(caught.value.__cause__, ValueError)
    after = state(module)
    before.pop("versions"), after.pop("versions")
    assert_same(before, after)
    assert torch.equal(x, x_before)
    assert torch.is_grad_enabled()
    # And it can be tried again.
    with pytest.raises(RecordError, match="the fuse has blown"):
        record(module, x)


def test_an_input_of_the_wrong_shape() -> None:
    with pytest.raises(RecordError, match=r"\(1, 4, 8, 8\)"):
        record(network(), torch.randn(1, 4, 8, 8))


@pytest.mark.parametrize(
    ("module", "inputs", "said"),
    [
        (torch.relu, (torch.ones(1, 3),), "an object of type builtin_function_or_method"),
        (nn.ReLU, (torch.ones(1, 3),), "the class ReLU"),
        (nn.ReLU(), (np.ones((1, 3)),), "an object of type ndarray"),
        (nn.ReLU(), (torch.ones(1, 3, dtype=torch.uint8),), "a tensor of torch.uint8"),
        (nn.ModuleDict(), (torch.ones(1),), "failed on inputs"),
    ],
)
@pytest.mark.parametrize("recording", [record, record_whole])
def test_what_cannot_be_recorded(module: Any, inputs: tuple[Any, ...], said: str, recording: Any) -> None:
    with pytest.raises(RecordError, match=said):
        recording(module, *inputs)


def test_a_network_without_numbers() -> None:
    with pytest.raises(RecordError, match="meta, which holds no numbers"):
        unravel(record(nn.Linear(3, 2, device="meta"), torch.ones(1, 3, device="meta")), (0, 1))


def test_an_error_without_words_has_its_name() -> None:
    class Looks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return {"a": x}["b"]

    with pytest.raises(RecordError, match="KeyError: 'b'"):
        record(Looks(), torch.ones(1))


def test_a_recording_says_that_it_cannot_be_pickled() -> None:
    tape = record(nn.ReLU(), torch.ones(1, 3))
    for one in (tape, unravel(tape, (0, 1))):
        with pytest.raises(CnnfixError, match="cannot be pickled"):
            pickle.dumps(one)
    assert copy.deepcopy(tape) is copy.copy(tape) is tape


@pytest.mark.parametrize(
    "target", [1, 1.5, None, "cat", (0, 1.5), (0, None), ("a", "b"), ((0, 1), None), torch.ones(())]
)
def test_a_target_that_is_no_position(target: Any) -> None:
    with pytest.raises(CnnfixError, match="is no position in the output, whose shape is"):
        unravel(record(nn.ReLU(), torch.ones(1, 3)), target)


@pytest.mark.parametrize("inputs", [(), (3,), (torch.ones(1, 3, 8, 8, dtype=torch.int64),)])
def test_an_input_without_a_floating_point_tensor(inputs: tuple[Any, ...]) -> None:
    with pytest.raises(RecordError, match="floating-point input"):
        record(Apply(lambda *x: torch.ones(1)), *inputs)


def test_an_output_that_does_not_depend_on_the_input() -> None:
    with pytest.raises(RecordError, match="does not depend on the input"):
        record(Apply(lambda x: torch.ones(3)), picture())


@pytest.mark.parametrize("result", [lambda x: None, lambda x: {}, lambda x: x.shape[0], lambda x: x.numpy()])
def test_an_output_without_a_tensor(result: Callable[..., Any]) -> None:
    with pytest.raises(RecordError, match="which holds no tensor"):
        record(Apply(result), picture())


def test_an_output_that_is_the_input() -> None:
    """Nothing is computed: either the walk ends at once, at the target, or one is told."""
    try:
        tape = record(nn.Identity(), picture())
    except CnnfixError:
        return
    fixations = unravel(tape, (0, 1, 2, 3)).fixations
    assert fixations.index.tolist() == [[0, 1, 2, 3]]


# --- names ------------------------------------------------------------------------------------------------------------


def test_operations_name_the_module_that_they_ran_in() -> None:
    tape = record(network(), picture())
    found = [(operation.name, operation.module) for operation in tape.operations]
    assert found == [
        ("aten.relu", "0"),
        ("aten.convolution", "1"),
        ("aten.convolution", "2.conv"),
        ("aten.native_batch_norm", "2.norm"),
        ("aten.relu", "2.act"),
        ("aten.add", "2"),
        ("aten.relu", "2.act"),
        ("aten.hardtanh", "2"),
        ("aten.max_pool2d_with_indices", "4"),
        ("aten.view", "5"),
        ("aten.addmm", "6"),
    ]
    indices = [operation.index for operation in tape.operations]
    assert indices == sorted(indices)
    assert "'aten.convolution' in module '2.conv'" in tape.operations[2].place()


def test_a_function_in_the_outermost_module() -> None:
    tape = record(Apply(F.relu), picture())
    assert [operation.module for operation in tape.operations] == [""]
    assert tape.operations[0].place() == "'aten.relu' in the outermost module"


def test_a_module_that_is_used_twice_goes_by_its_first_name() -> None:
    shared = nn.Conv2d(3, 3, 1)
    tape = record(nn.Sequential(shared, nn.ReLU(), shared), picture())
    assert [operation.module for operation in named(tape, "aten.convolution")] == ["0", "0"]


def test_a_module_from_outside_counts_as_its_caller() -> None:
    outside = nn.ReLU()
    tape = record(nn.Sequential(Apply(lambda x: F.relu(outside(x)))), picture())
    assert [operation.module for operation in tape.operations] == ["0", "0"]


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [2, 6])
def test_several_threads_may_record_one_module_at_once(threads: int) -> None:
    module = network()
    names = [(operation.name, operation.module) for operation in record(module, picture()).operations]
    pictures = [picture() for _ in range(threads)]
    with torch.no_grad():
        expected = [module.eval()(x.clone()) for x in pictures]
    module.train()
    module[2].norm.eval()
    before = state(module)
    barrier = threading.Barrier(threads)

    def work(number: int) -> list[Tape]:
        barrier.wait()
        return [record(module, pictures[number]) for _ in range(8)]

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(work, range(threads)))
    for tapes, scores in zip(results, expected, strict=True):
        for tape in tapes:
            assert torch.equal(tape.result, scores)
            assert [(operation.name, operation.module) for operation in tape.operations] == names
    assert_same(before, state(module))


def test_the_mode_is_put_back_by_the_last_of_overlapping_recordings() -> None:
    """One recording starts before the other and ends before it, which must not switch the other to training mode."""
    entered, go_on = threading.Event(), threading.Event()

    def wait(x: Tensor) -> Tensor:
        if threading.current_thread().name == "slow":
            entered.set()
            assert go_on.wait(20)
        return x * 2

    module, x = nn.Sequential(Apply(wait), nn.Dropout(0.5)), picture()
    results: list[Tensor] = []
    slow = threading.Thread(target=lambda: results.append(record(module, x).result), name="slow")
    slow.start()
    assert entered.wait(20)
    assert torch.equal(record(module, x).result, x * 2)
    go_on.set()
    slow.join()
    assert torch.equal(results[0], x * 2)
    assert all(child.training for child in module.modules())


# --- writing in place -------------------------------------------------------------------------------------------------


def test_values_are_kept_as_they_were_before_they_were_overwritten() -> None:
    conv, x = nn.Conv2d(3, 3, 1), picture()

    def function(x: Tensor) -> Tensor:
        y = conv(x)
        z = F.conv2d(y, torch.ones(2, 3, 1, 1))
        y.add_(1).mul_(0)
        return z + F.conv2d(y, torch.ones(2, 3, 1, 1))

    tape = record(Apply(function), x)
    with torch.no_grad():
        expected = conv(x)
    kept = named(tape, "aten.convolution")[1].args[0]
    assert np.array_equal(kept.array(), expected.numpy())


def _slices(x: Tensor) -> Tensor:
    z = x.clone()
    z[:, :1] = x[:, 2:] * -2
    z[:, 1:, ::2] += x[:, :2, 1::2]
    z[:, :, 3].neg_()
    return z


def _slices_apart(x: Tensor) -> Tensor:
    first = torch.cat([x[:, 2:] * -2, x[:, 1:]], 1)
    rows = []
    for y in range(x.shape[2]):
        row = first[:, :, y]
        if y % 2 == 0:
            row = torch.cat([row[:, :1], row[:, 1:] + x[:, :2, y + 1]], 1)
        rows.append(-row if y == 3 else row)
    return torch.stack(rows, 2)


def _fresh(x: Tensor) -> Tensor:
    z = torch.zeros(1, 6, 8, 8)
    z[:, :3] = x
    z[:, 3:].copy_(x.flip(3))
    return z


def _fresh_like(x: Tensor) -> Tensor:
    z = torch.zeros_like(x)
    z[:, :2] = x[:, 1:]
    return z


def _views(x: Tensor) -> Tensor:
    y = x * 1.5
    flat = y.view(1, -1)
    flat[:, ::3] *= -1
    turned = y.permute(0, 2, 3, 1)
    turned[..., 0].add_(turned[..., 1])
    return flat.view_as(x)


def _views_apart(x: Tensor) -> Tensor:
    y = (x * 1.5).flatten()
    third = torch.arange(len(y)) % 3 == 0
    y = (y * torch.where(third, -1.0, 1.0)).view_as(x)
    return torch.cat([y[:, :1] + y[:, 1:2], y[:, 1:]], 1)


def _circular(x: Tensor) -> Tensor:
    x = torch.cat([x[..., -1:], x, x[..., :1]], 3)
    return torch.cat([x[:, :, -1:], x, x[:, :, :1]], 2)


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
@pytest.mark.parametrize(
    ("written", "apart", "channels"),
    [
        (_slices, _slices_apart, 3),
        (_views, _views_apart, 3),
        (_fresh, lambda x: torch.cat([x, x.flip(3)], 1), 6),
        (_fresh_like, lambda x: F.pad(x[:, 1:], (0, 0, 0, 0, 0, 1)), 3),
        (lambda x: F.pad(x, (1, 1, 1, 1), mode="circular"), _circular, 3),
        (lambda x: F.relu_(x * 2).sub_(0.5), lambda x: F.relu(x * 2) - 0.5, 3),
    ],
    ids=["slices", "views", "fresh", "fresh like", "circular", "chain"],
)
def test_a_network_that_writes_in_place_walks_like_its_twin(
    written: Callable[..., Tensor], apart: Callable[..., Tensor], channels: int, preset: Any
) -> None:
    convs = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(channels, 4, 3)
    x = picture()
    walks = []
    for function in (written, apart):
        tape = record(nn.Sequential(convs[0], Apply(function), convs[1]), x)
        walks.append((tape.output_tensor, unravel(tape, (0, 1, 2, 2), preset)))
    (score, walk), (twin_score, twin) = walks
    assert torch.allclose(score, twin_score)
    assert walk.fixations.index.tolist() == twin.fixations.index.tolist()
    assert walk.fixations.sign.tolist() == twin.fixations.sign.tolist()
    assert walk.fixations.evidence == pytest.approx(twin.fixations.evidence)
    assert sum(walk.left.values()) == pytest.approx(sum(twin.left.values()))


OUT: dict[str, tuple[Callable[[Tensor, Tensor], Any], Callable[[Tensor], Tensor]]] = {
    "sum": (lambda x, out: torch.add(x, x.flip(1), out=out), lambda x: x + x.flip(1)),
    "power": (lambda x, out: torch.pow(x, 2, out=out), lambda x: x**2),
    "joined": (
        lambda x, out: torch.cat([x[:, 2:], x[:, :2]], 1, out=out),
        lambda x: torch.cat([x[:, 2:], x[:, :2]], 1),
    ),
    "constants": (
        lambda x, out: torch.add(torch.ones(1, 4), torch.ones(1, 4), out=out),
        lambda x: torch.ones(1, 4) * 2,
    ),
}


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
@pytest.mark.parametrize("name", OUT)
def test_what_is_written_to_out_walks_like_what_is_returned(name: str, preset: Any) -> None:
    """Nothing comes from what was there before."""
    written, apart = OUT[name]

    def function(x: Tensor) -> Tensor:
        out = x * 7
        written(x, out)
        return out * 3 + x

    x = torch.tensor([[-1.0, 2.0, 3.0, -4.0]])
    tapes = [record(Apply(one), x) for one in (function, lambda x: apart(x) * 3 + x)]
    assert torch.equal(*(tape.output_tensor for tape in tapes))
    walks = [unravel(tape, (0, 2), preset).fixations for tape in tapes]
    assert walks[0].index.tolist() == walks[1].index.tolist()
    assert walks[0].evidence == pytest.approx(walks[1].evidence)


def test_parts_that_lie_side_by_side_are_left_alone() -> None:
    """What is written into one part of a tensor does not reach another, nor make another operation of it."""

    def function(x: Tensor) -> Tensor:
        first, second = (x * 1).unsafe_chunk(2, 1)
        return first.sigmoid_() * second.tanh_()

    tape = record(Apply(function), torch.randn(3, 4))
    assert [operation.name for operation in tape.operations] == [
        "aten.mul", "aten.unsafe_split", "aten.sigmoid", "aten.tanh", "aten.mul",
    ]  # fmt: skip
    # So the gate is seen to be one.
    assert unravel(tape, (2, 1)).fixations.index.tolist() == [[2, 3]]


def test_an_expanded_tensor_whose_memory_is_written() -> None:
    def function(x: Tensor) -> Tensor:
        once = x * 1
        wide = once.expand(4, 3)
        once[:, 0] += once[:, 2]
        return wide

    tape = record(Apply(function), torch.ones(1, 3))
    assert tape.result.tolist() == [[2, 1, 1]] * 4
    assert unravel(tape, (2, 0)).fixations.index.tolist() == [[0, 0], [0, 2]]
    assert unravel(tape, (3, 1)).fixations.index.tolist() == [[0, 1]]


def test_memory_that_is_written_through_an_expanded_tensor() -> None:
    def function(x: Tensor) -> Tensor:
        once = x * 1
        once.expand(4, 3)[:, 0].zero_()
        return once

    tape = record(Apply(function), torch.ones(1, 3))
    assert tape.result.tolist() == [[0, 1, 1]]
    assert unravel(tape, (0, 1)).fixations.index.tolist() == [[0, 1]]


def test_in_place_modules_walk_like_their_twin() -> None:
    x = picture(2)
    for preset in (EVIDENCE, PUBLISHED):
        walk, twin = (unravel(record(network(inplace), x), (1, 3), preset).fixations for inplace in (True, False))
        assert len(walk) > 0
        assert walk.index.tolist() == twin.index.tolist()
        assert walk.evidence == pytest.approx(twin.evidence)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * torch.ones_like(x),
        lambda x: x + torch.zeros_like(x),
        lambda x: x * torch.full_like(x, 2),
        lambda x: x * x.new_ones(3, 1, 1),
        lambda x: x / x.new_tensor(2.0),
    ],
)
def test_tensors_made_like_an_activation_are_constants(function: Callable[..., Tensor]) -> None:
    fixations = unravel(record(Apply(function), picture()), (0, 1, 2, 3)).fixations
    assert fixations.index.tolist() == [[0, 1, 2, 3]]


# --- inputs and outputs of any kind -----------------------------------------------------------------------------------


def test_an_exported_program_records() -> None:
    module, x = network(inplace=False).eval(), picture()
    program = torch.export.export(module, (x,)).module()
    tape = record(program, x)
    expected = record(module, x)
    assert torch.allclose(tape.result, expected.result)
    walk, twin = (unravel(one, (0, 2)).fixations for one in (tape, expected))
    assert walk.index.tolist() == twin.index.tolist()
    assert walk.evidence == pytest.approx(twin.evidence)


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
@pytest.mark.parametrize("kind", ["traced", "scripted", "frozen"])
@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_traced_or_scripted_module_walks_like_the_eager_one(kind: str, preset: Any) -> None:
    """Their inner modules cannot be seen, so operations bear no names of modules; all else is the same."""
    module, x = network(inplace=False).append(nn.Unflatten(1, (5, 1, 1))).append(nn.ConvTranspose2d(5, 4, 1)), picture()
    module = module.eval()
    made = {
        "traced": lambda: torch.jit.trace(module, x),
        "scripted": lambda: torch.jit.script(module),
        "frozen": lambda: torch.jit.freeze(torch.jit.script(module)),
    }[kind]()
    expected = record(module, x)
    target = tuple(int(n) for n in torch.unravel_index(expected.result.argmax(), expected.result.shape))
    twin = unravel(expected, target, preset).fixations
    for _ in range(3):  # scripts are rewritten after their first runs
        tape = record(made, x)
        assert torch.allclose(tape.result, expected.result, atol=1e-6)
        walk = unravel(tape, target, preset).fixations
        assert walk.index.tolist() == twin.index.tolist()
        assert walk.sign.tolist() == twin.sign.tolist()
        assert walk.evidence == pytest.approx(twin.evidence, rel=1e-4)


def test_all_tensors_of_the_result_are_outputs_and_the_first_is_the_output() -> None:
    def function(x: Tensor) -> Any:
        return {"count": 3, "b": x * 2, "a": [torch.ones(2), F.relu(x)], "again": x}

    x = torch.rand(1, 3)
    tape = record(Apply(function), x)
    assert [value.shape for value in tape.outputs] == [(1, 3), (2,), (1, 3), (1, 3)]
    assert [value.depends for value in tape.outputs] == [True, False, True, True]
    assert tape.output is tape.outputs[0]
    assert tape.outputs[3] is tape.inputs[0]
    assert torch.equal(tape.output_tensor, x * 2)
    assert np.array_equal(tape.outputs[2].array(), x.numpy())
    # What leads to any of them is on the tape.
    assert [operation.name for operation in tape.operations] == ["aten.mul", "aten.relu"]


def test_going_on_from_a_result() -> None:
    module, x = network(), picture()
    tape = record(module, x)
    longer = go_on(tape, lambda scores: {"best": scores[0].max(), "all": scores})
    assert longer.operations[: len(tape.operations)] == tape.operations
    assert [operation.name for operation in longer.operations[len(tape.operations) :]] == ["aten.select", "aten.max"]
    indices = [operation.index for operation in longer.operations]
    assert indices == sorted(set(indices))
    assert longer.inputs is tape.inputs
    assert longer.outputs[1] is tape.output
    assert longer.result["best"] == tape.result.max()
    # What the new result does not need is not on its tape.
    assert len(go_on(tape, lambda scores: scores * 2).operations) == len(tape.operations) + 1


def test_going_on_may_fail() -> None:
    tape = record(network(), picture())
    with pytest.raises(TargetError, match="failed: the fuse has blown") as caught:
        go_on(tape, failing_target)
    assert isinstance(caught.value.__cause__, ValueError)
    for constant in (lambda scores: torch.ones(1), lambda scores: 1.0, lambda scores: None):
        with pytest.raises(TargetError, match="must return a tensor that depends on the input"):
            go_on(tape, constant)


def failing_target(scores: Tensor) -> Tensor:
    raise ValueError("the fuse has blown")


@pytest.mark.parametrize(
    "pack", [lambda x: {"scores": x, "twice": x * 2}, lambda x: (x, x * 2), lambda x: [[x], {"a": x * 2}]]
)
def test_a_packed_output(pack: Callable[[Tensor], Any]) -> None:
    module, x = network(), picture()
    plain = record(module, x)
    tape = record(nn.Sequential(module, Apply(pack)), x)
    assert type(tape.result) is type(pack(x))
    assert torch.equal(tape.output_tensor, plain.output_tensor)
    fixations = unravel(tape, (0, 1)).fixations
    assert fixations.index.tolist() == unravel(plain, (0, 1)).fixations.index.tolist()


def test_several_inputs_of_several_kinds() -> None:
    def function(a: Tensor, pair: tuple[Tensor, int], *, scale: Tensor, extra: dict[str, Tensor]) -> Tensor:
        return torch.cat([a, pair[0] * pair[1], scale * 2, extra["b"]], 1)

    tensors = [torch.rand(1, 2) for _ in range(4)]
    a, b, c, d = tensors
    tape = record(Apply(function), a, (b, 3), scale=c, extra={"b": d})
    assert [value.shape for value in tape.inputs] == [(1, 2)] * 4
    for column in range(8):
        trace = unravel(tape, (0, column))
        arrived = [len(trace.fixations_of(n)) for n in range(4)]
        assert arrived == [int(n == column // 2) for n in range(4)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype) -> None:
    module, x = network().to(dtype), picture().to(dtype)
    tape = record(module, x)
    assert tape.output_tensor.dtype == dtype
    trace = unravel(tape, (0, 2))
    assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1)


# --- memory -----------------------------------------------------------------------------------------------------------


def kept_values(tape: Tape) -> Iterator[str]:
    for operation in tape.operations:
        if any(value.data is not None for value in operation.outputs):
            yield operation.name


class Labelled(Tensor):
    """A tensor of another class, as those that carry labels or metadata."""


def _labelled_weight(convolution: nn.Conv2d) -> nn.Conv2d:
    convolution.weight = nn.Parameter(convolution.weight.detach().as_subclass(Labelled))
    return convolution


@pytest.mark.parametrize("recording", [record, record_whole])
@pytest.mark.parametrize(
    ("function", "disguise"),
    [
        (lambda conv, x: conv(x).relu(), True),
        (lambda conv, x: torch.cat(conv(x).chunk(2, 1)[::-1], 1).relu(), True),
        (lambda conv, x: conv(x.as_subclass(Tensor)).relu(), True),
        (lambda conv, x: conv(x.as_subclass(Labelled)).relu(), False),
        (lambda conv, x: _labelled_weight(conv)(x).relu(), False),
    ],
    ids=["input", "parts", "undone", "inside", "weight"],
)
def test_tensors_of_other_classes_are_followed(function: Callable[..., Tensor], disguise: bool, recording: Any) -> None:
    conv, x = nn.Conv2d(3, 4, 3), picture()
    plain = nn.Sequential(copy.deepcopy(conv), nn.ReLU())
    tape = recording(Apply(lambda x: function(conv, x)), x.as_subclass(Labelled) if disguise else x)  # type: ignore[no-untyped-call]
    best = np.unravel_index(int(tape.output_tensor.argmax()), tape.output.shape)
    channel = int(best[1] + 2) % 4 if "aten.cat" in {one.name for one in tape.operations} else int(best[1])
    walk = unravel(tape, tuple(map(int, best))).fixations
    expected = unravel(record(plain, x), (0, channel, *map(int, best[2:]))).fixations
    assert walk.index.tolist() == expected.index.tolist()
    assert walk.evidence == pytest.approx(expected.evidence)


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
@pytest.mark.parametrize(
    ("sparse", "dense"),
    [
        (torch.mm, torch.mm),
        (torch.mv, torch.mv),
        (torch.sparse.mm, torch.mm),
        (lambda a, x: torch.addmm(torch.ones(5, 3), a, x), lambda a, x: torch.addmm(torch.ones(5, 3), a, x)),
        (lambda a, x: torch.sparse.addmm(torch.ones(5, 3), a, x), lambda a, x: torch.addmm(torch.ones(5, 3), a, x)),
    ],
    ids=["product", "vector", "sparse product", "sum", "sparse sum"],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_a_sparse_matrix_is_walked_like_a_dense_one(
    sparse: Callable[..., Tensor], dense: Callable[..., Tensor], layout: torch.layout
) -> None:
    """As between the nodes of a graph."""
    matrix, x = torch.randn(5, 5).relu(), torch.randn(5) if dense is torch.mv else torch.randn(5, 3)
    held = matrix.to_sparse(layout=layout)
    for preset in (EVIDENCE, PUBLISHED):
        walks = [
            unravel(record(Apply(lambda x, one=one: one(x).sum()), x), (), preset).fixations
            for one in (lambda x: sparse(held, x), lambda x: dense(matrix, x))
        ]
        assert walks[0].index.tolist() == walks[1].index.tolist()
        assert walks[0].evidence == pytest.approx(walks[1].evidence, rel=1e-5)


def test_only_what_rules_read_is_kept() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Sigmoid(), nn.ReLU(), nn.Conv2d(4, 2, 1)
    )
    tape = record(module, picture())
    # Of the pooling only where the maxima lay; of the last ReLU what the next convolution reads; and the result.
    assert list(kept_values(tape)) == ["aten.max_pool2d_with_indices", "aten.relu", "aten.convolution"]
    pool = named(tape, "aten.max_pool2d_with_indices")[0]
    assert [value.data is not None for value in pool.outputs] == [False, True]
    with pytest.raises(RuntimeError, match="must name them in `reads`"):
        named(tape, "aten.native_batch_norm")[0].outputs[0].array()


def test_what_the_output_did_not_come_from_is_let_go() -> None:
    seen: list[weakref.ref[Tensor]] = []

    def function(x: Tensor) -> Tensor:
        aside = F.conv2d(x, torch.ones(2, 3, 1, 1))
        seen.append(weakref.ref(aside))
        F.conv2d(aside, torch.ones(2, 2, 1, 1))
        return x * 2

    tape = record(Apply(function), picture())
    assert [operation.name for operation in tape.operations] == ["aten.mul"]
    gc.collect()
    assert seen[0]() is None


def test_the_tape_is_freed_when_it_is_dropped() -> None:
    kept: list[weakref.ref[Tensor]] = []

    def remember(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        kept.append(weakref.ref(output))

    module = network()
    module[1].register_forward_hook(remember)
    tape = record(module, picture())
    reference = weakref.ref(tape.output_tensor)
    assert kept[0]() is not None
    trace = unravel(tape, (0, 1))
    del tape, trace
    gc.collect()
    assert reference() is None
    assert kept[0]() is None


# --- surroundings -----------------------------------------------------------------------------------------------------


def test_recording_within_inference_mode() -> None:
    """There PyTorch hands composite operations on whole; the tape must not depend on where record() was called."""
    module, x = network(), picture()
    expected = record(module, x)
    with torch.inference_mode():
        tape = record(module, x)
    assert [operation.name for operation in tape.operations] == [operation.name for operation in expected.operations]
    assert unravel(tape, (0, 2)).fixations.index.tolist() == unravel(expected, (0, 2)).fixations.index.tolist()


def test_a_module_that_was_made_in_inference_mode() -> None:
    with torch.inference_mode():
        module, x = network(), picture()
    assert len(unravel(record(module, x), (0, 2)).fixations) > 0


def test_a_constant_that_is_written_between_two_uses() -> None:
    def function(x: Tensor) -> Tensor:
        scale = torch.ones(1, dtype=x.dtype)
        x = x * scale
        scale.mul_(-1)
        return x * scale

    tape = record(Apply(function), torch.tensor([[-2.0]], dtype=torch.float64))
    first, second = (operation.args[1].array().tolist() for operation in tape.operations)
    assert (first, second) == ([1], [-1])
    assert unravel(tape, (0, 0)).fixations.sign.tolist() == [-1]


def test_a_buffer_that_is_first_only_joined_and_then_written_through_a_view() -> None:
    class Memory(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("held", torch.zeros(1, 2, dtype=torch.float64))

        def forward(self, x: Tensor) -> Tensor:
            before = torch.cat([x, self.held], 1)
            self.held[:, :1] = x
            return torch.cat([before, self.held], 1)

    module = Memory()
    tape = record(module, torch.tensor([[3.0]], dtype=torch.float64))
    assert tape.output_tensor.tolist() == [[3, 0, 0, 3, 0]]
    assert module.held.tolist() == [[0, 0]]
    assert len(unravel(tape, (0, 3)).fixations) == 1


def test_a_constant_that_is_written_through_one_of_several_views() -> None:
    def function(x: Tensor) -> Tensor:
        held = torch.zeros_like(x)
        first, _ = held.unbind(1)
        first.copy_(x[:, 1])
        return held * 2

    tape = record(Apply(function), torch.tensor([[5.0, 7.0]], dtype=torch.float64))
    assert tape.output_tensor.tolist() == [[14, 0]]
    assert unravel(tape, (0, 0)).fixations.index.tolist() == [[0, 1]]
