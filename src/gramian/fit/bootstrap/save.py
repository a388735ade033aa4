"""Codecs of results of draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from gramian.fit.bootstrap.draws import Bootstrap
from gramian.fit.bootstrap.jackknife import Jackknife
from gramian.fit.bootstrap.randomization_result import RandomizationTest
from gramian.fit.bootstrap.result import BootstrapTest
from gramian.fit.bootstrap.saved_draws import SavedDraws
from gramian.serialize.codec import Codec

Draws: TypeAlias = BootstrapTest | Bootstrap | Jackknife | RandomizationTest

CLASSES: tuple[type[SavedDraws], ...] = (BootstrapTest, Bootstrap, Jackknife, RandomizationTest)
KINDS: Mapping[str, Codec[Any]] = {each.saved_as: each._codec() for each in CLASSES}
