"""Vectors that somebody else has made, and what a run made of them."""

import os

import numpy as np

FINGERPRINT = "ab" * 32
DIM = 8


def unit_rows(n, seed=0, dtype=np.float32, dim=DIM):
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)


def counts(report):
    return (report.added, report.updated, report.unchanged, len(report.skipped))


def reasons(report):
    return {os.fsdecode(skip.path).rpartition("/")[2]: skip.reason for skip in report.skipped}
