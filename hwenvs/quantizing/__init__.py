"""ONNX models with 8-bit integers, from a few unlabelled inputs: calibrate, quantize, compare."""
