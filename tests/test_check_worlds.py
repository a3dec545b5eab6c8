"""Derivatives at the points where lines are judged: backwards and straight forward."""

from dataclasses import replace

import pytest

from symbackprop.algebra.values.arrays import Array
from symbackprop.checking.worlds import real_worlds, worlds_of
from symbackprop.exercise import bundled, load


@pytest.mark.parametrize("name", bundled())
def test_gradients_backwards_are_those_straight_forward(name: str) -> None:
    worlds = worlds_of(load(name))
    for world in (*worlds.own[:2], *worlds.wide[:1]):
        loss = world.exercise.loss
        for of in (*world.exercise.given, *world.exercise.computed):
            if of not in world.values or of == loss:
                continue
            source = world.value(of)
            one, zero = world.domain.one, world.domain.zero
            forward = []
            for place in range(len(source.entries)):
                direction = [one if at == place else zero for at in range(len(source.entries))]
                moved = world.moved(of, Array(source.shape, tuple(direction)))
                forward.append(moved[loss].item.slope if loss in moved else zero)
            fresh = replace(world, _known={})
            assert list(fresh.gradient(of).entries) == forward, of


@pytest.mark.parametrize("name", ["softmax", "logistica", "red", "capa"])
def test_real_points_have_both_signs(name: str) -> None:
    exercise = load(name)
    worlds = real_worlds(exercise)
    assert len(worlds) >= 4
    entries = [entry for world in worlds for given in exercise.given for entry in world.value(given).entries]
    assert min(entries) < 0 < max(entries)
