"""Where to compute and in which number format."""

from __future__ import annotations

import torch

from alexcore.errors import ConfigError


def choose_device(wish: str = "auto") -> torch.device:
    """Return the device to use: for "auto" the first of cuda, mps and cpu that is there.

    Raises:
        ConfigError: the device is unknown or not on this machine.
    """
    if wish == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wish)
    except RuntimeError as error:
        raise ConfigError(f"device = {wish!r} is unknown.", "Choose auto, cpu, cuda, cuda:1 or mps.") from error
    present = {
        "cpu": True,
        "cuda": (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not present.get(device.type, False):
        raise ConfigError(f"device = {wish!r} is not on this machine.", "Choose auto, which takes what is there.")
    # One name a device: runs queue up by it.
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else torch.device(device.type)


def choose_precision(wish: str, device: torch.device) -> torch.dtype:
    """Return the format of the heavy layers: torch.float32, torch.bfloat16 or torch.float16.

    "auto" takes bfloat16 only where the hardware multiplies it: elsewhere it is emulated and slower.

    Raises:
        ConfigError: fp16 is asked for on a device other than a CUDA GPU.
    """
    if wish == "auto":
        wish = "bf16" if _multiplies_bf16(device) else "fp32"
    if wish == "fp16" and device.type != "cuda":
        raise ConfigError(
            f"precision = 'fp16' needs a CUDA GPU, and this run computes on {device.type}.",
            "Choose auto, which takes what is fast there, or bf16.",
        )
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(wish, torch.float32)


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # Private, so a missing name means "unknown", and unknown means no.
        check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(check and check())
    return False


def describe_device(device: torch.device) -> str:
    """One line for a person, e.g. "NVIDIA H200 (141 GB)" or "CPU, 2 threads"."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name} ({properties.total_memory / 1e9:.0f} GB)"
    if device.type == "mps":
        return "Apple GPU (mps)"
    return f"CPU, {torch.get_num_threads()} threads"
