"""Pictures: decoding, views (what the network sees), folders, samples."""

from cnnfix_core.images.folder import ENDINGS, is_picture_name, left_out, left_out_of, picture_files
from cnnfix_core.images.picture import MAX_PICTURE_BYTES, Picture, PictureError, Source, open_picture, scaled_size
from cnnfix_core.images.samples import Sample, SampleObject, bytes_of, list_samples, load_sample, sample_of
from cnnfix_core.images.view import Bounds, Crops, Sized, View, maps_on_picture, views

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
    "bytes_of",
    "is_picture_name",
    "left_out",
    "left_out_of",
    "list_samples",
    "load_sample",
    "maps_on_picture",
    "open_picture",
    "picture_files",
    "sample_of",
    "scaled_size",
    "views",
]
