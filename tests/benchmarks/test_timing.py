"""Contenders take turns, ratios are taken round by round, and threads are given back."""

import pytest

from benchmarks import timing
from benchmarks.machine import Machine
from benchmarks.timing import Contender, Timed

MACHINE = Machine({"float64": 1e9, "float32": 2e9}, 1e8, {})


def test_the_floor_is_whichever_takes_longer():
    assert MACHINE.floor(2e9, "float64") == 2
    assert MACHINE.floor(2e9, "float32") == 1
    assert MACHINE.floor(2e9, "float64", traffic=5e8) == 5


def test_a_ratio_is_the_median_of_the_rounds_own():
    slow, fast = Timed("slow", [2.0, 30.0, 4.0]), Timed("fast", [1.0, 10.0, 1.0])
    assert slow.times(fast) == 3  # of 2, 3 and 4; the medians' own ratio would be 4
    assert Timed("few", [4.0]).times(fast) == 4  # rounds that both took


def test_contenders_take_turns_and_are_warmed_up_once():
    calls = []
    contenders = [
        Contender("a", lambda: calls.append("a") or 1.0, threads=False),
        Contender("b", lambda: calls.append("b") or 2.0, steps=10, threads=False, rounds=2),
    ]
    timed = timing.in_turn(contenders, 3)
    assert "".join(calls) == "ab" + "ab" + "ab" + "a"
    assert [len(each.seconds) for each in timed] == [3, 2]
    assert [each.objective for each in timed] == [1, 2]


def test_threads_are_limited_inside_and_restored_after():
    from threadpoolctl import threadpool_info

    import twolayer.engines.torch_engines  # noqa: F401

    torch = pytest.importorskip("torch")
    before = (torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()])
    with timing.limited_to(1):
        assert torch.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert (torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()]) == before
