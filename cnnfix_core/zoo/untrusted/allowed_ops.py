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
    _adaptive_avg_pool2d _adaptive_avg_pool3d _cdist_forward _conj _conv_depthwise2d _convolution _euclidean_dist
    _fft_c2c _fft_c2r _fft_r2c _fused_rms_norm _log_softmax _native_batch_norm_legit
    _native_batch_norm_legit_no_training _safe_softmax _softmax _to_copy _unsafe_view _upsample_bicubic2d_aa
    _upsample_bilinear2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d _weight_norm
    _weight_norm_interface abs absolute acos acosh adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d add addbmm addcdiv addcmul addmm addmv addr
    affine_grid_generator alias alias_copy all alpha_dropout amax amin aminmax angle any arange arccos arccosh arcsin
    arcsinh arctan arctan2 arctanh argmax argmin argsort asin asinh atan atan2 atanh atleast_1d atleast_2d atleast_3d
    avg_pool1d avg_pool2d avg_pool3d baddbmm batch_norm bilinear bitwise_and bitwise_not bitwise_or bitwise_xor
    block_diag bmm broadcast_to bucketize cat cdist ceil celu channel_shuffle chunk clamp clamp_max clamp_min clip clone
    col2im column_stack complex concat concatenate conj conj_physical constant_pad_nd contiguous conv1d conv2d conv3d
    conv_transpose1d conv_transpose2d conv_transpose3d convolution copy copysign cos cosh cosine_similarity
    count_nonzero cov cross cummax cummin cumprod cumsum cumulative_trapezoid deg2rad detach detach_copy diag diag_embed
    diagonal diagonal_scatter diff div divide dot dropout dstack einsum elu embedding eq erf erfc erfinv exp exp2 expand
    expand_as expm1 eye fake_quantize_per_channel_affine fake_quantize_per_tensor_affine feature_alpha_dropout
    feature_dropout fft_fft fft_fft2 fft_fftn fft_fftshift fft_hfft fft_ifft fft_ifft2 fft_ifftn fft_ifftshift fft_ihfft
    fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftn fill fix flatten flip fliplr flipud float_power floor
    floor_divide fmax fmin fmod frac frobenius_norm full full_like gather ge gelu ger glu greater greater_equal
    grid_sampler grid_sampler_2d grid_sampler_3d group_norm gru gru_cell gt hardshrink hardsigmoid hardswish hardtanh
    heaviside hsplit hstack hypot im2col imag index index_add index_copy index_fill index_put index_select inner
    instance_norm isclose isfinite isinf isnan isneginf isposinf kron kthvalue layer_norm ldexp le leaky_relu lerp less
    less_equal lift_fresh_copy linalg_cross linalg_matmul linalg_matrix_norm linalg_multi_dot linalg_norm linalg_vecdot
    linalg_vector_norm linear linspace log log10 log1p log2 log_sigmoid log_softmax logaddexp logaddexp2 logcumsumexp
    logical_and logical_not logical_or logical_xor logit logsumexp lstm lstm_cell lt masked_fill masked_scatter matmul
    max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices maximum mean median meshgrid mH
    min minimum mish mm mode moveaxis movedim msort mT mul multiply mv nan_to_num nanmean nanmedian nansum narrow
    native_batch_norm native_channel_shuffle native_dropout native_group_norm native_layer_norm ne neg negative
    new_empty new_full new_ones new_zeros norm not_equal numpy_T one_hot ones ones_like outer pad pairwise_distance
    pdist permute permute_copy pixel_shuffle pixel_unshuffle polar positive pow prelu prod quantile rad2deg ravel real
    reciprocal reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 remainder repeat repeat_interleave
    replication_pad1d replication_pad2d replication_pad3d reshape reshape_as resolve_conj resolve_neg rms_norm rnn_relu
    rnn_relu_cell rnn_tanh rnn_tanh_cell roll rot90 round row_stack rrelu rsqrt rsub scalar_tensor
    scaled_dot_product_attention scatter scatter_add scatter_reduce searchsorted select select_scatter selu sgn sigmoid
    sign signbit silu sin sinc sinh slice slice_copy slice_scatter softmax softplus softshrink sort special_entr
    special_erf special_erfc special_expit special_expm1 special_log1p special_log_softmax special_logit
    special_logsumexp special_softmax special_xlogy split split_copy split_with_sizes split_with_sizes_copy sqrt square
    squeeze squeeze_copy stack std std_mean sub subtract sum sum_to_size swapaxes swapdims sym_numel sym_size t t_copy
    take take_along_dim tan tanh tensor_split tensordot threshold tile to topk trace transpose transpose_copy trapezoid
    trapz tril tril_indices triu triu_indices true_divide trunc type_as unbind unbind_copy unflatten unfold unfold_copy
    unsafe_chunk unsafe_split unsafe_split_with_sizes unsqueeze unsqueeze_copy upsample_bicubic2d upsample_bilinear2d
    upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d var var_mean vdot
    view view_as view_as_complex view_as_real view_copy vsplit vstack where xlogy zero zeros zeros_like
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
