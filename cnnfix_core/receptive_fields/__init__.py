"""Receptive fields: which pixels an element can see, with exact strides, offsets and sizes."""

from cnnfix_core.receptive_fields.axes import Axis
from cnnfix_core.receptive_fields.field import Field, fields, receptive_field_of

__all__ = ["Axis", "Field", "fields", "receptive_field_of"]
