"""The allow-list of operations in an untrusted program.

All of them compute tensors from tensors and numbers. None reads or writes files, runs code, starts processes or
accesses memory by address. Operations whose output size depends on values are not allowed either.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

# In torch.ops.aten; "relu" also allows relu_.
_ATEN = """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _conv_depthwise2d _convolution _log_softmax _native_batch_norm_legit
    _native_batch_norm_legit_no_training _safe_softmax _softmax _to_copy _unsafe_view _upsample_bicubic2d_aa
    _upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d
    abs acos acosh adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
    adaptive_max_pool3d add addbmm addcdiv addcmul addmm alias alpha_dropout amax amin any all arange argmax argmin
    asin asinh atan atan2 atanh avg_pool1d avg_pool2d avg_pool3d
    baddbmm batch_norm bilinear bitwise_and bitwise_not bitwise_or bitwise_xor bmm broadcast_to
    cat ceil celu channel_shuffle chunk clamp clamp_max clamp_min clone concat concatenate constant_pad_nd contiguous
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution copy cos cosh cosine_similarity
    cumsum
    detach detach_copy diagonal div divide dot dropout
    einsum elu embedding eq erf erfc exp exp2 expand expand_as expm1 eye
    feature_alpha_dropout feature_dropout fill flatten flip floor floor_divide fmod frac full full_like
    gather ge gelu glu grid_sampler grid_sampler_2d grid_sampler_3d group_norm gru gt
    hardshrink hardsigmoid hardswish hardtanh heaviside
    im2col index index_select instance_norm isfinite isinf isnan
    layer_norm le leaky_relu lerp lift_fresh_copy linalg_vector_norm linear linspace log log10 log1p log2 log_sigmoid
    log_softmax logical_and logical_not logical_or logical_xor logsumexp lstm lt
    masked_fill matmul max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices maximum
    mean meshgrid min minimum mish mm movedim mul multiply mv
    narrow native_batch_norm native_dropout native_group_norm native_layer_norm ne neg new_empty new_full new_ones
    new_zeros norm numpy_T
    ones ones_like
    pad permute pixel_shuffle pixel_unshuffle pow prelu prod
    reciprocal reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 remainder repeat repeat_interleave
    replication_pad1d replication_pad2d replication_pad3d reshape reshape_as rms_norm rnn_relu rnn_tanh roll rot90
    round rrelu rsqrt rsub
    scalar_tensor scaled_dot_product_attention select selu sigmoid sign silu sin sinh slice slice_copy slice_scatter
    select_scatter softmax softplus softshrink split split_with_sizes sqrt square squeeze stack std std_mean sub
    subtract sum sym_numel sym_size
    t tan tanh tensor_split threshold tile to topk transpose tril triu true_divide trunc type_as
    unbind unflatten unfold unsafe_chunk unsafe_split unsafe_split_with_sizes unsqueeze upsample_bicubic2d
    upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    upsample_trilinear3d
    var var_mean view view_as
    where
    zero zeros zeros_like
"""
ATEN = frozenset(_ATEN.split())
# Those that return a size instead of a tensor.
SIZES = frozenset({"sym_numel", "sym_size"})
TORCHVISION = frozenset({"deform_conv2d", "nms", "ps_roi_align", "ps_roi_pool", "roi_align", "roi_pool"})

# Checks of sizes, which return nothing.
IGNORED = frozenset(
    {
        "_assert_async",
        "_assert_scalar",
        "_assert_tensor_metadata",
        "sym_constrain_range",
        "sym_constrain_range_for_size",
    }
)

# Arithmetic of sizes. No powers: a short program could compute a number that fills the memory.
PYTHON: dict[str, Callable[..., Any]] = {
    "_operator.add": operator.add,
    "_operator.sub": operator.sub,
    "_operator.mul": operator.mul,
    "_operator.floordiv": operator.floordiv,
    "_operator.mod": operator.mod,
    "_operator.neg": operator.neg,
    "_operator.truediv": operator.truediv,
    "math.ceil": math.ceil,
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_int": int,
}
