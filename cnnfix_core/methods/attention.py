"""Maps from the attention of a transformer: how much each token of the picture reaches the scores.

The attention of all layers is read from a recording. Tokens before those of the picture's patches, such as a class
token, are taken to come first, and the first of them to be what the scores are computed from; without any, the scores
are taken to be computed from the mean over all tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from cnnfix_core.engine import Operation, Tape
from cnnfix_core.engine.rules.matmul import attention_rows
from cnnfix_core.errors import need
from cnnfix_core.methods.feature_maps import anatomy_of, cached_per_network, computed_from_tape
from cnnfix_core.methods.one_score import OneScore
from cnnfix_core.methods.per_view import ViewRequest
from cnnfix_core.methods.running_again import kept, run_again
from cnnfix_core.zoo import Model

_FUSED = "aten._scaled_dot_product"
_SOFTMAX = ("aten._softmax", "aten._safe_softmax", "aten.softmax")


@dataclass(frozen=True, slots=True)
class Layout:
    """The tokens of a transformer.

    Attributes:
        tokens: How many there are.
        grid: Rows and columns of the picture's patches.
    """

    tokens: int
    grid: tuple[int, int]

    @property
    def before(self) -> int:
        """How many tokens come before those of the patches."""
        return self.tokens - prod(self.grid)

    def map(self, relevance: Tensor) -> Tensor:
        """The picture's part, (rows, columns), of how much each token counts for each token, (tokens, tokens)."""
        reading = relevance[0] if self.before else relevance.mean(dim=0)
        return reading[self.before :].reshape(self.grid)


def rollout(request: ViewRequest) -> tuple[Tensor, None]:
    """Attention rollout (Abnar, Zuidema, ACL 2020): (0.5 A + 0.5 I) of all layers, multiplied.

    A is a layer's attention, averaged over its heads. It does not depend on the class.
    """
    request.watch(1)
    tape = request.model.record(request.inputs, whole=True)
    found = layout(request.model)
    total = itself = torch.eye(found.tokens)
    for operation in _attentions(tape):
        total = (_weights(operation).mean(dim=0) + itself) / 2 @ total
    return found.map(total), None


def relevance(request: ViewRequest) -> tuple[Tensor, None]:
    """Relevance by attention and its gradient (Chefer et al., ICCV 2021, eq. 5 and 6, for self-attention).

    R = I, then R = R + A' R layer by layer, where A' is the mean over the heads of attention times the gradient of the
    score with respect to it, negative products left out.
    """
    request.watch(1)
    tape = request.model.record(request.inputs, whole=True)
    found = layout(request.model)
    total = torch.eye(found.tokens)
    for operation, gradient in _attention_gradients(request, tape):
        total = total + (_weights(operation) * gradient).clamp_min(0).mean(dim=0) @ total
    return found.map(total), None


def le_grad(request: ViewRequest) -> tuple[Tensor, None]:
    """LeGrad (Bousselham et al., arXiv 2404.03214), by torchcam: positive gradients of each block's score, averaged.

    A block's score is the class's, as the network's last norm and head compute it from the mean of the block's tokens.
    The gradient is that with respect to the block's attention.
    """
    need("torchcam")
    from torchcam.methods import LeGrad

    request.watch(1)
    module, found = request.module, layout(request.model)
    end = _end(module)

    def score_of_block(tokens: Tensor) -> Tensor:
        return request.among(end(tokens.mean(dim=1)))[:, None]

    network = OneScore(module, request.score)
    blocks: list[nn.Module | str] = list(_blocks(module))
    with LeGrad(
        network, blocks, score_projection=score_of_block, prefix_tokens=found.before, grid_shape=found.grid
    ) as extractor:
        network(request.inputs)
        (map_,) = extractor(0, normalized=False)
    return map_[0], None


@computed_from_tape
def needs_attention(tape: Tape) -> str:
    """Why a network's attention cannot be drawn on the picture, or ""."""
    known = anatomy_of(tape)
    if not known.tokens:
        return "After its last feature map the network does not work on tokens that attend to each other."
    found = {operation.outputs[0].shape[-2] for operation in _attentions(tape)}
    patches = prod(known.maps[known.last])
    if len(found) != 1 or min(found) < patches:
        return (
            f"Maps of attention need layers in which all tokens of the {patches} patches attend to each other; in this "
            "network some attend in windows, or to fewer tokens, or there is no attention."
        )
    return ""


@cached_per_network
def needs_blocks(model: Model) -> str:
    """Why LeGrad cannot be used with the network, or ""."""
    if needs_attention(model):
        return needs_attention(model)
    if _blocks(model.module) and len(_end(model.module)):
        return ""
    return (
        "LeGrad, as torchcam computes it, is for transformers built like torchvision's, with `self_attention` in each "
        "block, then `encoder.ln` and `heads`: attention relevance works for others."
    )


def layout_of(tape: Tape) -> Layout:
    """The tokens of a recorded transformer for which `needs_attention` says nothing."""
    known = anatomy_of(tape)
    grid = known.maps.get(known.last, (0, 0))
    return Layout(next((operation.outputs[0].shape[-2] for operation in _attentions(tape)), 0), grid)


layout = computed_from_tape(layout_of)


def _attentions(tape: Tape) -> list[Operation]:
    """Where tokens attend to tokens of the same sequence, in the order of the layers."""
    return [operation for operation in tape.operations if _attends(operation)]


def _attends(operation: Operation) -> bool:
    if operation.name.startswith(_FUSED):
        query, key = operation.args[:2]
        return bool(query.depends and query.shape[-2] == key.shape[-2])
    shape = operation.outputs[0].shape if operation.name in _SOFTMAX else ()
    return len(shape) > 2 and shape[-1] == shape[-2] > 1


def _weights(operation: Operation) -> Tensor:
    """How much each token attends to each: (heads, tokens, tokens), rows sum to 1."""
    value = operation.outputs[0]
    if operation.name in _SOFTMAX:
        return _on_cpu(kept(value)).flatten(0, -3)
    heads, tokens = prod(value.shape[:-2]), value.shape[-2]
    return torch.from_numpy(attention_rows(operation, np.arange(heads * tokens))).reshape(heads, tokens, tokens)


def _attention_gradients(request: ViewRequest, tape: Tape) -> list[tuple[Operation, Tensor]]:
    """Each attention with the gradient of the score with respect to it, (heads, tokens, tokens)."""
    found = _attentions(tape)
    now = run_again(tape, found[0], kept(found[0].outputs[0]).detach().clone().requires_grad_())
    outputs = [now[operation.outputs[0]] for operation in found]
    gradients = torch.autograd.grad(request.among(now[tape.output])[0], outputs)
    return [(one, _with_respect_to_attention(one, _on_cpu(g))) for one, g in zip(found, gradients, strict=True)]


def _with_respect_to_attention(operation: Operation, gradient: Tensor) -> Tensor:
    """From the gradient with respect to what the operation gave: attention, or its product with the values."""
    if operation.name in _SOFTMAX:
        return gradient.flatten(0, -3)
    values = _on_cpu(kept(operation.args[2]))
    return (gradient @ values.transpose(-1, -2)).flatten(0, -3)


def _on_cpu(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().float()


def _blocks(module: nn.Module) -> list[nn.Module]:
    """The blocks of a transformer whose attention torchcam can read."""
    return [
        child for child in module.modules() if isinstance(getattr(child, "self_attention", None), nn.MultiheadAttention)
    ]


def _end(module: nn.Module) -> nn.Sequential:
    """The last norm and the head of a transformer built like torchvision's; empty for others."""
    norm, heads = getattr(getattr(module, "encoder", None), "ln", None), getattr(module, "heads", None)
    return (
        nn.Sequential(norm, heads) if isinstance(norm, nn.Module) and isinstance(heads, nn.Module) else nn.Sequential()
    )
