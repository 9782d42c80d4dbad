"""Coverage: what a trial walk finds, and that walks get through the networks that they should get through."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.cli.main import main
from cnnfix_core.zoo import architectures, families, survey

# Of torchvision's networks one of each kind; `cnnfix coverage --all` goes through all.
# fmt: off
KINDS = [
    "alexnet", "vgg11", "googlenet", "inception_v3", "resnet18", "resnext50_32x4d", "wide_resnet50_2",
    "densenet121", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "shufflenet_v2_x0_5",
    "efficientnet_b0", "efficientnet_v2_s", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny", "fcn_resnet50",
    "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "r3d_18", "mc3_18", "r2plus1d_18", "s3d",
    "fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large",
]
# fmt: on
SLOW_KINDS = ["retinanet_resnet50_fpn", "fcos_resnet50_fpn"]


class Odd(nn.Module):
    """A small network with an operation that has no rule, on one of two branches."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.odd = Limited()
        self.last = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        both = torch.cat([x.mean((2, 3)), self.odd(x)], 1)
        scores: Tensor = self.last(both)
        return scores


class Limited(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.renorm(x, 2, 0, 1.0).mean((2, 3))


@pytest.fixture
def picture() -> Tensor:
    return torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return Odd()


def test_the_families_are_those_that_the_command_goes_through() -> None:
    assert len(set(families.FAMILIES)) >= 60
    assert set(KINDS) | set(SLOW_KINDS) <= set(families.surveyed())


def test_walks_get_through_timm_families() -> None:
    rows = list(survey.survey(architectures.TIMM + name for name in families.FAMILIES))
    failed = [survey.sentence(row) for row in rows if row.coverage is None or not row.coverage.complete]
    assert len(failed) <= 0.05 * len(rows), "\n".join(failed)


@pytest.mark.parametrize("name", KINDS)
def test_walks_get_through(name: str) -> None:
    (row,) = survey.survey([name])
    assert row.coverage is not None, row.failure
    assert row.coverage.complete, row.coverage.summary()
    assert row.coverage.fixations > 100


def test_a_stop_is_named_with_what_it_loses(network: nn.Module, picture: Tensor) -> None:
    found = cnnfix.coverage(network, picture)
    assert not found.complete
    (stop,) = found.stops
    assert (stop.operation, stop.module) == ("aten.renorm", "odd")
    assert 0 < stop.evidence < 1
    assert 'cnnfix.rule("aten.renorm")' in stop.why
    assert found.summary().startswith("Walks stop at operations without a rule")
    assert "aten.renorm in module 'odd'" in found.summary()
    # The other branch went on.
    assert found.fixations > 0


def test_the_evidence_at_a_stop_is_what_the_walk_brought_there(network: nn.Module, picture: Tensor) -> None:
    tape = cnnfix.record(network, picture)
    weights = network.last.weight.detach()
    cat = next(operation for operation in tape.operations if operation.name == "aten.addmm").args[1].array()[0]
    best = int(tape.output_tensor.argmax())
    shares = (weights[best].numpy() * cat).clip(0)
    (stop,) = cnnfix.coverage(network, picture).stops
    assert stop.evidence == pytest.approx(shares[4:].sum() / shares.sum(), rel=1e-5)


def test_an_operation_without_a_rule_beside_the_way_does_no_harm(picture: Tensor) -> None:
    found = cnnfix.coverage(nn.Sequential(nn.Conv2d(3, 4, 3), Gated()), picture)
    assert found.complete
    assert found.unmet == ("aten.renorm",)


class Gated(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x.relu() * torch.renorm(x, 2, 0, 1.0).mean((2, 3)).sigmoid()[:, :, None, None]).mean((2, 3))


def test_a_walk_that_ends_although_all_operations_have_rules(picture: Tensor) -> None:
    module = nn.Conv2d(3, 1, 3)
    with torch.no_grad():
        module.weight.fill_(-1)
    found = cnnfix.coverage(module, picture)
    assert (found.fixations, found.stops, found.complete) == (0, (), False)
    assert "no input contributes" in found.summary()


def test_counts(picture: Tensor) -> None:
    module = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.Conv2d(3, 3, 3), nn.ReLU())
    found = cnnfix.coverage(module, picture, target=(0, 0, 1, 1))
    counted = {operation.name: (operation.times, operation.met, operation.has_rule) for operation in found.operations}
    assert counted == {"aten.convolution": (2, 2, True), "aten.relu": (2, 2, True)}


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    assert main(["coverage", "squeezenet1_1", "timm/lcnet_050", "--markdown", str(page)]) == 0
    assert capsys.readouterr().out.count("This network works: every step can be followed") == 2
    text = page.read_text("utf-8")
    assert "| squeezenet1_1 |" in text
    assert "Walks get through 2 of 2 networks." in text
    assert "## timm" in text


def test_command_with_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "resnet19"]) == 1
    assert "resnet18" in capsys.readouterr().out


def test_command_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage"]) == 2
    assert "--all" in capsys.readouterr().err


def test_the_table_is_what_the_command_writes_of_all() -> None:
    """The committed page names every network that `--all` goes through."""
    text = (Path(__file__).parents[2] / "docs" / "architectures.md").read_text("utf-8")
    assert [name for name in families.surveyed() if f"| {name} |" not in text] == []
