"""Networks for pictures with published weights; a module of its own for each family, loaded when first used."""

import functools

from hornbeam import registry
from hornbeam.utils.lazy_modules import offered_lazily

# Module -> what it offers here too.
_OFFERED = {
    "densenet": ("DenseNet121", "DenseNet169", "DenseNet201"),
    "efficientnet": (
        "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
        "EfficientNetB6", "EfficientNetB7",
    ),
    "imagenet_utils": (),
    "inception_resnet_v2": ("InceptionResNetV2",),
    "inception_v3": ("InceptionV3",),
    "mobilenet": ("MobileNet",),
    "mobilenet_v2": ("MobileNetV2",),
    "nasnet": ("NASNetLarge", "NASNetMobile"),
    "resnet": ("ResNet50", "ResNet101", "ResNet152"),
    "resnet50": (),
    "resnet_v2": ("ResNet50V2", "ResNet101V2", "ResNet152V2"),
    "resnext": ("ResNeXt50", "ResNeXt101"),
    "vgg16": ("VGG16",),
    "vgg19": ("VGG19",),
    "xception": ("Xception",),
}  # fmt: skip

__all__ = [*_OFFERED, *(name for names in _OFFERED.values() for name in names)]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = offered_lazily(__name__, _OFFERED)

# Layers that some of the families have of their own, so that their saved models load without an import.
_LAYERS = {"CustomScaleLayer": "inception_resnet_v2", "SumOfGroups": "resnext"}
registry.register_later("layer", {name: functools.partial(__getattr__, home) for name, home in _LAYERS.items()})
