"""What tells results of one network from those of another."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import SameModel, digest_of, reading_of


def test_layers_without_weights_and_class_names_count() -> None:
    """Networks of other layers may have the same weights, and rows name classes."""

    def made(layer: torch.nn.Module) -> cnnfix.Model:
        shipped = cnnfix.load_model("scenes_resnet")
        torch.manual_seed(0)
        rest = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, len(shipped.labels))
        network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), layer, *rest)
        return cnnfix.Model.of(network, shipped.labels, shipped.preprocess, "made")

    one, same, other = made(torch.nn.ReLU()), made(torch.nn.ReLU()), made(torch.nn.Sigmoid())
    assert digest_of(one) == digest_of(same) == digest_of(other)
    assert reading_of(one) == reading_of(same) != reading_of(other)
    renamed = replace(one, labels=cnnfix.Labels.of(reversed(one.labels.short)))
    assert reading_of(renamed) != reading_of(one)


def test_a_model_whose_files_change_in_the_middle_of_a_run_is_refused() -> None:
    models = {name: cnnfix.load_model(name) for name in ("scenes_resnet", "scenes_vgg")}
    now = "scenes_resnet"
    load = SameModel(lambda: models[now])
    assert load() is load()
    assert load.weights == digest_of(models[now])
    now = "scenes_vgg"
    with pytest.raises(ModelError, match="have changed since this run began"):
        load()
