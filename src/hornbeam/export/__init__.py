"""Models for programs that do not have Hornbeam: ONNX files, and StableHLO programs."""

from hornbeam.export.onnx import onnx_model, to_onnx
from hornbeam.export.stablehlo import to_stablehlo

__all__ = ["onnx_model", "to_onnx", "to_stablehlo"]
