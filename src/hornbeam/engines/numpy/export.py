"""What the NumPy engine says to those who ask it for a program."""

__all__ = ["export_program"]


def export_program(function, specs):
    raise NotImplementedError(
        "The NumPy engine makes no programs, so there is nothing to export as StableHLO. Use the default engine: unset "
        "HORNBEAM_BACKEND and KERAS_BACKEND; or export as ONNX, which either engine can."
    )
