"""Where a network's scores are in what it returns, what they mean, and that every caller finds the same."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.batch.batching import BatchExplainer, BatchResult
from cnnfix_core.engine import EVIDENCE
from cnnfix_core.errors import ModelError
from cnnfix_core.explanations import classes
from cnnfix_core.metrics import curves
from cnnfix_core.perturbations import add_adversarial_noise, randomised
from cnnfix_core.zoo import Labels, Model, Preprocessing

SIZE = Preprocessing((32, 32))
LABELS = Labels.of(("no", "yes"))


def body(classes: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes))
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), *pooled).eval()


class Gives(nn.Module):
    """Returns the scores of its body in some form."""

    def __init__(self, form: Callable[[Tensor], Any], classes: int = 4) -> None:
        super().__init__()
        self.body, self.form = body(classes), form

    def forward(self, x: Tensor) -> Any:
        return self.form(self.body(x))


class Features(nn.Module):
    """Returns its features, then the scores that it computes from them."""

    def __init__(self) -> None:
        super().__init__()
        whole = body()
        self.body, self.head = whole[:-1], whole[-1]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return features, self.head(features)


@dataclass
class Output:
    logits: Tensor
    hidden: list[Tensor]


@dataclass(slots=True)
class Slots:
    logits: Tensor


Pair = namedtuple("Pair", "scores extra")

FORMS: dict[str, Callable[[Tensor], Any]] = {
    "tuple": lambda y: (y, y * 2),
    "list": lambda y: [y],
    "dict": lambda y: {"maps": y[:, :, None, None].expand(-1, -1, 2, 2), "logits": y},
    "ordered": lambda y: OrderedDict(out=y),
    "named tuple": lambda y: Pair(y, None),
    "dataclass": lambda y: Output(y, []),
    "namespace": lambda y: SimpleNamespace(logits=y, loss=None),
    "nested": lambda y: {"head": ({"logits": y},)},
    "1 x 1 map": lambda y: y[:, :, None, None],
    "squeezed": lambda y: y.squeeze(),
    "channels last": lambda y: y[:, None, None],
    "time first": lambda y: y[None],
    "slots": Slots,
    "loss first": lambda y: (y.mean(), y),
    "parts of it too": lambda y: (y, y[:, :2], y.argmax(1)),
    "its order too": lambda y: (y.topk(4)[0], y),
    "auxiliary first": lambda y: {"aux_scores_1": y.tanh() * 3, "main": y},
    "half": lambda y: y.half(),
}


@pytest.fixture(scope="module")
def picture() -> cnnfix.Picture:
    return cnnfix.open_picture(np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8))


@pytest.fixture(scope="module")
def plain() -> Model:
    return Model.of(body(), preprocessing=SIZE)


@pytest.mark.parametrize("form", FORMS)
def test_every_caller_finds_the_scores(form: str, plain: Model, picture: cnnfix.Picture) -> None:
    model = Model.of(Gives(FORMS[form]), preprocessing=SIZE)
    tolerance = {"rtol": 2e-2, "atol": 2e-3} if form == "half" else {"rtol": 1e-4, "atol": 1e-6}
    assert classes(model, picture).prediction(1).probability == pytest.approx(
        classes(plain, picture).prediction(1).probability, rel=1e-2 if form == "half" else 1e-5
    )
    assert cnnfix.explain(model, picture).target.index == cnnfix.explain(plain, picture).target.index
    for method in ("gradcam", "gradcampp", "saliency", "scorecam", "occlusion", "cmwp"):
        maps = [cnnfix.attribution(one, picture, 1, method).map for one in (model, plain)]
        np.testing.assert_allclose(*maps, err_msg=method, **tolerance)
    maps = [cnnfix.attribute(one, picture, 2, "gradcam") for one in (model, plain)]
    areas = [curves(one, picture, map_, 2, 4).insertion_area for one, map_ in zip((model, plain), maps, strict=True)]
    assert areas[0] == pytest.approx(areas[1], abs=1e-3)


def test_a_batch_and_changed_pictures_and_networks(plain: Model, picture: cnnfix.Picture) -> None:
    model = Model.of(Gives(FORMS["dict"]), preprocessing=SIZE)
    found = [BatchExplainer(one, EVIDENCE).answers([picture, picture])[1] for one in (model, plain)]
    assert isinstance(found[0], BatchResult)
    assert isinstance(found[1], BatchResult)
    assert found[0].explanation.predictions == found[1].explanation.predictions
    np.testing.assert_allclose(found[0].rival, found[1].rival, rtol=1e-5)  # type: ignore[arg-type]
    noisy = [add_adversarial_noise(one, picture).after for one in (model, plain)]
    assert noisy[0] == noisy[1]
    shuffled = [classes(randomised(one), picture).top(1) for one in (model, plain)]
    assert shuffled[0][0].probability == pytest.approx(shuffled[1][0].probability, rel=1e-4)


def test_features_before_the_scores_are_not_taken_for_them() -> None:
    model = Model.of(Features(), preprocessing=SIZE)
    assert (len(model.labels), model.output) == (4, (1,))
    assert "its output 1," in model.facts


def test_a_person_names_the_output() -> None:
    assert len(Model.of(Features(), preprocessing=SIZE, scores=0).labels) == 8
    assert len(Model.of(Features(), preprocessing=SIZE, scores=-1).labels) == 4
    named = Gives(FORMS["named tuple"])
    assert all(len(Model.of(named, preprocessing=SIZE, scores=one).labels) == 4 for one in ("scores", 0, "-2"))
    nested = Gives(FORMS["nested"])
    for where in ("head.0.logits", ("head", 0, "logits"), lambda result: result["head"][0]["logits"]):
        assert len(Model.of(nested, preprocessing=SIZE, scores=where).labels) == 4
    with pytest.raises(ModelError, match=r"returns no head\.0\.logit\. Did you mean head\.0\.logits"):
        Model.of(nested, preprocessing=SIZE, scores="head.0.logit")
    with pytest.raises(ModelError, match="cannot be found"):
        Model.of(nested, preprocessing=SIZE, scores=lambda result: result["tail"])


def test_labels_tell_which_of_several_is_meant() -> None:
    network = Gives(lambda y: {"coarse": y[:, :2].clone(), "fine": y.clone()})
    with pytest.raises(ModelError, match=r"may be scores: coarse \(1 x 2\), fine \(1 x 4\)\. Say which"):
        Model.of(network, preprocessing=SIZE)
    assert Model.of(network, LABELS, SIZE).output == ("coarse",)


@pytest.mark.parametrize("sorts", [lambda y: y.topk(2), lambda y: {"best": y.sort(1, descending=True)[0][:, None]}])
def test_ranks_are_no_classes(sorts: Callable[[Tensor], Any]) -> None:
    with pytest.raises(ModelError, match="in the order of their size"):
        Model.of(Gives(sorts), preprocessing=SIZE)


# --- what they mean ---------------------------------------------------------------------------------------------------


class Says(nn.Module):
    """Gives known scores for any picture; they depend on it a little."""

    def __init__(self, scores: list[float], end: nn.Module) -> None:
        super().__init__()
        self.cut, self.end = nn.Conv2d(3, len(scores), 1), end
        nn.init.constant_(self.cut.weight, 1e-6)
        self.cut.bias = nn.Parameter(torch.tensor(scores))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.end(self.cut(x).mean((2, 3)))
        return y


class ByHand(nn.Module):
    """A softmax that is no operation of that name."""

    def forward(self, x: Tensor) -> Tensor:
        return x.exp() / x.exp().sum(1, keepdim=True)


class Against(nn.Module):
    """The probability of the opposite."""

    def forward(self, x: Tensor) -> Tensor:
        return 1 - x.sigmoid()


class Often(nn.Module):
    """The mean of a tensor and itself, many times: the ways back to it double each time."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(64):
            x = (x + x) / 2
        return x


class Log(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.log()


@pytest.mark.parametrize(
    ("scores", "end", "meaning", "right"),
    [
        ([-4.0], nn.Identity(), "sigmoid", [0.018]),
        ([-4.0], nn.Sigmoid(), "probabilities", [0.018]),
        ([4.0, 3.0, -4.0], nn.Sigmoid(), "probabilities", [0.982, 0.953, 0.018]),
        ([5.0, 0.0], nn.Identity(), "softmax", [0.993, 0.007]),
        ([5.0, 0.0], nn.Softmax(1), "probabilities", [0.993, 0.007]),
        ([5.0, 0.0], ByHand(), "probabilities", [0.993, 0.007]),
        ([5.0, 0.0], nn.Sequential(nn.Softmax(1), Often()), "probabilities", [0.993, 0.007]),
        ([5.0, 0.0], nn.LogSoftmax(1), "log-probabilities", [0.993, 0.007]),
        ([-4.0, 0.0], nn.LogSigmoid(), "log-probabilities", [0.018, 0.5]),
        ([0.3, 0.6], nn.Identity(), "softmax", [0.426, 0.574]),
        ([-4.0], Against(), "probabilities", [0.982]),
        ([5.0, 0.0], nn.Sequential(nn.Softmax(1), Log()), "log-probabilities", [0.993, 0.007]),
    ],
)
def test_the_meaning_is_told_by_the_network(
    scores: list[float], end: nn.Module, meaning: str, right: list[float], picture: cnnfix.Picture
) -> None:
    model = Model.of(Says(scores, end), preprocessing=SIZE)
    assert model.meaning == meaning
    said = classes(model, picture)
    found = [said.prediction(n).probability for n in range(len(scores))]
    np.testing.assert_allclose(found, right, atol=6e-4)


def test_a_person_says_what_scores_mean(picture: cnnfix.Picture) -> None:
    model = Model.of(Says([4.0, 3.0], nn.Identity()), preprocessing=SIZE, meaning="sigmoid")
    assert [round(one.probability, 3) for one in classes(model, picture).top(2)] == [0.982, 0.953]
    with pytest.raises(ModelError, match=r"cannot be 'sigmod'\. Did you mean sigmoid"):
        Model.of(body(), preprocessing=SIZE, meaning="sigmod")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("end", "meaning"), [(nn.Softmax(1), "probabilities"), (nn.LogSoftmax(1), "log-probabilities")]
)
def test_rise_and_curves_are_the_same_for_all_meanings(
    end: nn.Module, meaning: str, plain: Model, picture: cnnfix.Picture
) -> None:
    model = Model.of(nn.Sequential(body(), end), preprocessing=SIZE)
    assert model.meaning == meaning
    maps = [cnnfix.attribute(one, picture, 1, "rise", longest_side=32) for one in (model, plain)]
    np.testing.assert_allclose(*maps, atol=1e-6)
    for one in (curves(model, picture, maps[0], 1, 4), curves(plain, picture, maps[0], 1, 4)):
        np.testing.assert_allclose(one.deletion[0], classes(plain, picture).prediction(1).probability, rtol=1e-4)
    assert cnnfix.attribute(model, picture, 1, "scorecam").max() > 0


def test_rise_with_one_score_is_no_empty_map(picture: cnnfix.Picture) -> None:
    model = Model.of(body(1), preprocessing=SIZE)
    assert cnnfix.attribute(model, picture, 0, "rise", longest_side=32).max() > 1e-5


@pytest.mark.parametrize("end", [nn.Identity(), nn.Sigmoid(), nn.LogSigmoid()])
def test_two_labels_for_one_score(end: nn.Module, picture: cnnfix.Picture) -> None:
    model = Model.of(nn.Sequential(body(1), end), LABELS, SIZE)
    said = classes(model, picture)
    score = body(1)(model.inputs(picture, model.views(picture, "whole"))).detach()
    no, yes = (said.prediction(n).probability for n in range(2))
    assert no + yes == pytest.approx(1)
    assert yes == pytest.approx(float(score.sigmoid()), rel=1e-4)
    assert cnnfix.explain(model, picture, "yes").target.probability == pytest.approx(yes)
    for label, other in (("yes", "no"), ("no", "yes")):
        rather, alone = cnnfix.explain(model, picture, (label, other)), cnnfix.explain(model, picture, label)
        assert (rather.target.label, rather.rather_than and rather.rather_than.label) == (label, other)
        np.testing.assert_array_equal(rather.fixations.xy, alone.fixations.xy)
    if not isinstance(end, nn.LogSigmoid):  # the gradient of -s, or of 1 - s, is that of s with the other sign
        gradients = [cnnfix.attribute(model, picture, label, "saliency") for label in ("no", "yes")]
        np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-4)
    for method in ("gradcam", "scorecam", "rise", "occlusion"):
        cnnfix.attribute(model, picture, "no", method, longest_side=32)


def test_what_speaks_for_no_speaks_against_yes(picture: cnnfix.Picture) -> None:
    model = Model.of(body(1), LABELS, SIZE)
    no, yes = (cnnfix.attribute(model, picture, label, "cmwp", longest_side=15) for label in ("no", "yes"))
    assert no.max() > 0
    assert yes.max() > 0
    assert np.corrcoef(no.ravel(), yes.ravel())[0, 1] < 0


def test_percentages_are_no_scores() -> None:
    network = Gives(lambda y: y.softmax(1) * 100)
    with pytest.raises(ModelError, match="probabilities times 100: return them from 0 to 1"):
        Model.of(network, preprocessing=SIZE)
    assert Model.of(network, preprocessing=SIZE, meaning="softmax").meaning == "softmax"
