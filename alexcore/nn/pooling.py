"""The average that brings a feature map of any size to the grid which the classifier reads."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GridAveragePool(nn.AdaptiveAvgPool2d):
    """`nn.AdaptiveAvgPool2d` to a square grid, skipped where it changes nothing and deterministic on request.

    On a map that already has the grid's size each window is one pixel, so the average is the map itself, bit by
    bit, forwards and backwards; it is then not computed at all. Where `torch.use_deterministic_algorithms` is on,
    the same averages come from two matrix products, because the backward pass of torch's kernel adds atomically
    on CUDA and refuses to run in that mode.
    """

    def __init__(self, grid: int) -> None:
        super().__init__((grid, grid))
        self.grid = grid

    def forward(self, features: Tensor) -> Tensor:
        """Average (N, C, H, W) float down, or repeat it up, to (N, C, grid, grid)."""
        height, width = features.shape[-2:]
        if height == self.grid and width == self.grid:
            return features
        if torch.are_deterministic_algorithms_enabled():
            rows = averaging_matrix(height, self.grid).to(features)
            columns = averaging_matrix(width, self.grid).to(features)
            return rows @ features @ columns.T
        return super().forward(features)


def averaging_matrix(size: int, grid: int) -> Tensor:
    """Return the (grid, size) float32 matrix whose row i averages window i of an adaptive pooling.

    Window i runs from floor(i * size / grid) to ceil((i + 1) * size / grid), the end not included; windows overlap
    where `grid` does not divide `size`.
    """
    matrix = torch.zeros(grid, size)
    for i in range(grid):
        start, end = i * size // grid, -(-(i + 1) * size // grid)
        matrix[i, start:end] = 1 / (end - start)
    return matrix
