"""How the knob of a peer is set."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.protocols.ann_system import cheapest_value

LADDER = [16 << step for step in range(9)]


@given(st.integers(1, 4096))
def test_the_value_is_within_a_tenth_of_the_least_that_reaches_the_target(least):
    value = cheapest_value(LADDER, lambda each: float(each >= least), 0.95)
    assert max(least, 16) <= value <= max(16, 1.1 * least, least + 1)


def test_values_between_two_rungs_are_tried_until_they_are_close():
    asked = []

    def recall_with(value):
        asked.append(value)
        return 1 - 100 / value

    assert cheapest_value(LADDER, recall_with, 0.9) == 1024
    assert asked[:7] == [16, 32, 64, 128, 256, 512, 1024]
    assert asked[7:] == [724, 861, 939]


def test_a_target_out_of_reach_takes_the_last_rung_and_no_knob_has_no_value():
    assert cheapest_value(LADDER, lambda _: 0.5, 0.95) == 4096
    assert cheapest_value([], lambda _: 0.5, 0.95) is None
