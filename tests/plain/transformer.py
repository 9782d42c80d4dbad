"""A transformer for pictures computed from its weights, with its attention in the open.

In double precision, layer by layer, after torchvision's VisionTransformer (Dosovitskiy et al., ICLR 2021): what the
package reads from a recording is computed here from the definition. Derivatives are autograd's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def attend(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """What a block's attention gives for tokens (n, E), and how much each attends to each, (heads, n, n)."""
    its: Any = block.get_submodule("self_attention")
    heads, width = its.num_heads, its.embed_dim // its.num_heads
    parts = x @ its.in_proj_weight.T + its.in_proj_bias
    q, k, v = (part.reshape(len(x), heads, width).transpose(0, 1) for part in parts.chunk(3, dim=1))
    seen = torch.stack([torch.softmax(a @ b.T / width**0.5, dim=1) for a, b in zip(q, k, strict=True)])
    mixed = torch.cat([a @ b for a, b in zip(seen, v, strict=True)], dim=1)
    return mixed @ its.out_proj.weight.T + its.out_proj.bias, seen


def run(network: Any, picture: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """The scores, each layer's attention, and the tokens after each layer, for a picture (1, 3, H, W)."""
    patches = network.conv_proj(picture).flatten(2)[0].T
    x = torch.cat([network.class_token[0], patches]) + network.encoder.pos_embedding[0]
    attention, tokens = [], []
    for block in network.encoder.layers:
        found, seen = attend(block, block.ln_1(x))
        attention.append(seen)
        x = x + found
        x = x + block.mlp(block.ln_2(x))
        tokens.append(x)
    last = functional.layer_norm(x, x.shape[1:], network.encoder.ln.weight, network.encoder.ln.bias, 1e-6)
    return network.heads(last[0]), attention, tokens


def rollout(attention: list[Tensor]) -> Tensor:
    """Abnar, Zuidema, ACL 2020: what the first token has of each, (n,)."""
    total = torch.eye(attention[0].shape[1], dtype=attention[0].dtype)
    for seen in attention:
        total = (0.5 * seen.mean(dim=0) + 0.5 * torch.eye(len(total), dtype=total.dtype)) @ total
    return total[0]


def relevance(attention: list[Tensor], score: Tensor) -> Tensor:
    """Chefer et al., ICCV 2021, eq. 5 and 6: for the first token, (n,)."""
    total = torch.eye(attention[0].shape[1], dtype=attention[0].dtype)
    for seen, gradient in zip(attention, torch.autograd.grad(score, attention, retain_graph=True), strict=True):
        total = total + (gradient * seen).relu().mean(dim=0) @ total
    return total[0].detach()


def le_grad(network: Any, attention: list[Tensor], tokens: list[Tensor], weights: Tensor) -> Tensor:
    """Bousselham et al., arXiv 2404.03214: per token, (n,). weights: of each class in what is asked."""
    maps = []
    for seen, x in zip(attention, tokens, strict=True):
        score = weights @ network.heads(network.encoder.ln(x.mean(dim=0)))
        (gradient,) = torch.autograd.grad(score, seen, retain_graph=True)
        maps.append(gradient.relu().mean(dim=(0, 1)))
    return torch.stack(maps).mean(dim=0)
