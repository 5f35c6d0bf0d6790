"""Flags of the command line that are made from the fields of a configuration, and what they say when typed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from alexcore.cli.output import Arguments
from alexcore.cli.processes import with_world_size
from alexcore.config import FIELDS, PRESETS, TrainConfig, absolute, make_config
from alexcore.data.reading import CHOICES, FolderChoice
from alexcore.errors import DataError
from alexcore.fields import FieldSpec


def config_of(arguments: Arguments) -> TrainConfig:
    """The configuration that a command's flags describe.

    Raises:
        ConfigError: a value is out of range.
        DataError: no data set is given.
    """
    values = {name: value for name, value in vars(arguments).items() if name in FIELDS and value is not None}
    config = make_config(arguments.preset, **absolute(with_world_size(values)))
    if not config.data:
        raise DataError("No data set is given.", "Add --data PATH, or make one with `data sample DIR`.")
    return config


def chosen(arguments: Arguments) -> FolderChoice:
    """How a folder is to be read, by the flags of `add_choice_flags`.

    Raises:
        ConfigError: a value is none of the legal ones.
    """
    values = {name: value for name in CHOICES if (value := getattr(arguments, name)) is not None}
    return FolderChoice(**absolute(values))


def add_choice_flags(parser: argparse.ArgumentParser) -> None:
    """Give a command that opens a data set the flags that say how a folder is meant; `chosen` reads them."""
    for name in CHOICES:
        add_field(parser, FIELDS[name])


def _number(kind: type) -> Callable[[str], Any]:
    """A converter whose failure argparse reports with the text that was typed."""

    def convert(text: str) -> Any:
        return kind(text)

    convert.__name__ = "whole number" if kind is int else "number"
    return convert


def add_field(parser: argparse.ArgumentParser, spec: FieldSpec, hidden: bool = False) -> None:
    """Add a flag; a hidden one is left out of the help, and known only so that it can be refused with a reason."""
    flag = "--" + spec.name.replace("_", "-")
    text = f"{spec.text} ({spec.legal}; default {spec.default!r})".replace("%", "%%")
    text = argparse.SUPPRESS if hidden else text
    if spec.kind is bool:
        parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        return
    # Ranges and choices are checked by TrainConfig, so that every way in gives the same sentence.
    kind = spec.kind if spec.kind is str else _number(spec.kind)
    parser.add_argument(flag, type=kind, default=None, help=text, metavar=spec.name.upper())


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """Give a command --preset and a flag for every field of TrainConfig; `config_of` reads them."""
    parser.add_argument("--preset", default="default", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    for spec in FIELDS.values():
        add_field(parser, spec)
