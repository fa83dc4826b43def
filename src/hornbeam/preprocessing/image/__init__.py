"""Pictures: files and arrays, transformations, ImageDataGenerator and its iterators."""

from hornbeam.preprocessing.image.affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
    transform_matrix_offset_center,
)
from hornbeam.preprocessing.image.dataframe import DataFrameIterator
from hornbeam.preprocessing.image.files import BatchFromFilesMixin, DirectoryIterator
from hornbeam.preprocessing.image.generator import ImageDataGenerator
from hornbeam.preprocessing.image.iterators import Iterator, NumpyArrayIterator
from hornbeam.preprocessing.image.pictures import (
    array_to_img,
    img_to_array,
    list_pictures,
    load_img,
    save_img,
    validate_filename,
)

__all__ = [
    "BatchFromFilesMixin", "DataFrameIterator", "DirectoryIterator", "ImageDataGenerator", "Iterator",
    "NumpyArrayIterator", "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift", "array_to_img",
    "flip_axis", "img_to_array", "list_pictures", "load_img", "random_brightness", "random_channel_shift",
    "random_rotation", "random_shear", "random_shift", "random_zoom", "save_img", "transform_matrix_offset_center",
    "validate_filename",
]  # fmt: skip
