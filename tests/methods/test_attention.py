"""Maps of attention against a transformer that is computed from its weights, and what says which networks have them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer

import cnnfix_core as cnnfix
from cnnfix_core.methods import METHODS, attribution, reason_against
from cnnfix_core.zoo import Preprocessing
from tests.plain import transformer as plain
from tests.plain.methods import enlarged

SIDE, PATCH, CLASSES = 32, 8, 5
PICTURE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def model_of(module: nn.Module, side: int = SIDE) -> cnnfix.Model:
    preprocess = Preprocessing((side, side), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)
    labels = cnnfix.Labels(tuple("abcde"), ("",) * CLASSES)
    return cnnfix.Model("tiny", "Tiny", module, preprocess, labels, "here", "none")


def vision_transformer() -> VisionTransformer:
    torch.manual_seed(0)
    network = VisionTransformer(SIDE, PATCH, 3, 2, 16, 32, num_classes=CLASSES).eval()
    nn.init.normal_(network.heads.head.weight)  # torchvision starts with zeros
    return network


def asked(question: Any) -> Tensor:
    weights = torch.zeros(CLASSES, dtype=torch.float64)
    first, *other = question if isinstance(question, tuple) else (question,)
    weights[first], weights[other] = 1, -1
    return weights


@pytest.mark.parametrize("question", [1, (1, 3)], ids=["class", "contrast"])
@pytest.mark.parametrize("method", ["rollout", "attention_relevance", "legrad"])
def test_attention_by_the_papers(method: str, question: Any) -> None:
    network = vision_transformer()
    if method == "rollout" and isinstance(question, tuple):
        assert "one class" in reason_against(model_of(network), method, contrast=True)
        return
    double: Any = copy.deepcopy(network).double()
    inputs = torch.from_numpy((PICTURE.transpose(2, 0, 1) / 255 - 0.5) / 0.25)[None]
    scores, attention, tokens = plain.run(double, inputs)
    np.testing.assert_allclose(scores.detach(), network(inputs.float())[0].detach(), atol=1e-4)
    tokens_map = {
        "rollout": lambda: plain.rollout(attention).detach(),
        "attention_relevance": lambda: plain.relevance(attention, asked(question) @ scores),
        "legrad": lambda: plain.le_grad(double, attention, tokens, asked(question)),
    }[method]()
    defined = enlarged(tokens_map[1:].reshape(4, 4).numpy(), (SIDE, SIDE))
    found = attribution(model_of(network), PICTURE, question, method).map
    np.testing.assert_allclose(found, defined, rtol=0, atol=1e-4 * defined.max())


def test_attention_is_found_however_it_is_written() -> None:
    """timm's fused attention, timm's own softmax and PyTorch's encoder, fast paths included."""
    torch.manual_seed(0)
    fused = timm.create_model("vit_tiny_patch16_224", img_size=SIDE, patch_size=PATCH, depth=2, num_classes=CLASSES)
    written = copy.deepcopy(fused).eval()
    for module in written.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
    for method in ("rollout", "attention_relevance"):
        maps = [attribution(model_of(one.eval()), PICTURE, 1, method).map for one in (fused, written)]
        assert maps[0].max() > 0
        np.testing.assert_allclose(*maps, atol=1e-5 * maps[0].max())


class Encoder(nn.Module):
    """Patches without a class token, through PyTorch's encoder; scores from their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, PATCH, PATCH)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.encoder(self.patches(x).flatten(2).transpose(1, 2)).mean(dim=1))
        return found


def test_without_a_class_token_all_tokens_count() -> None:
    torch.manual_seed(0)
    model = model_of(Encoder().eval())
    found = attribution(model, PICTURE, 1, "rollout").map
    assert found.max() > 0
    assert attribution(model, PICTURE, 1, "attention_relevance").map.any()
    assert "torchvision" in reason_against(model, "legrad")


def test_who_has_no_such_attention(model: cnnfix.Model) -> None:
    for name in ("rollout", "attention_relevance", "legrad"):
        assert "does not work on tokens" in reason_against(model, name)


def test_transformers_have_a_choice() -> None:
    """More than gradient, occlusion and RISE."""
    model = model_of(vision_transformer())
    fitting = {name for name in METHODS if not reason_against(model, name)}
    assert fitting >= {
        "fixations",
        "smoothgrad",
        "gradient_shap",
        "input_x_gradient",
        "integrated_gradients",
        "rollout",
        "attention_relevance",
        "legrad",
    }
