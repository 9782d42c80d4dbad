"""Pictures: decoding, views (what the network sees), folders, samples."""

from cnnfix_core.images.folder import (
    ENDINGS,
    by_unique_name,
    is_picture_name,
    left_out,
    left_out_of,
    named_pictures,
    picture_files,
    without_ending,
)
from cnnfix_core.images.picture import (
    MAX_PICTURE_BYTES,
    Picture,
    PictureError,
    Source,
    open_picture,
    read_file,
    scaled_size,
)
from cnnfix_core.images.samples import Sample, SampleObject, bytes_of, credit_of, list_samples, load_sample, sample_of
from cnnfix_core.images.view import Bounds, Crops, Sized, View, maps_on_picture, part_view, views

__all__ = [
    "ENDINGS",
    "MAX_PICTURE_BYTES",
    "Bounds",
    "Crops",
    "Picture",
    "PictureError",
    "Sample",
    "SampleObject",
    "Sized",
    "Source",
    "View",
    "by_unique_name",
    "bytes_of",
    "credit_of",
    "is_picture_name",
    "left_out",
    "left_out_of",
    "list_samples",
    "load_sample",
    "maps_on_picture",
    "named_pictures",
    "open_picture",
    "part_view",
    "picture_files",
    "read_file",
    "sample_of",
    "scaled_size",
    "views",
    "without_ending",
]
