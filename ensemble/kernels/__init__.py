"""Numba kernels: arrays in, arrays out; no files, no clock, no objects of ours."""
