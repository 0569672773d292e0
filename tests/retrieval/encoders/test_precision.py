"""What runs how: the decisions, which need no GPU."""

import pytest

from retrieval.encoders.precision import DeviceFacts, Plan, choose_plan, cpu_bf16_gain, facts_of
from retrieval.errors import EncoderUnavailableError

CPU = DeviceFacts("cpu")
FAST_CPU = DeviceFacts("cpu", bf16_gain=lambda: 1.9)
SLOW_CPU = DeviceFacts("cpu", bf16_gain=lambda: 0.8)
TURING = DeviceFacts("cuda")
AMPERE = DeviceFacts("cuda", has_bf16=True)
APPLE = DeviceFacts("mps", has_bf16=True)


@pytest.mark.parametrize(
    ("facts", "precision", "weights", "autocast"),
    [
        (CPU, "auto", "fp32", None),
        (FAST_CPU, "auto", "fp32", None),
        (FAST_CPU, "fp32", "fp32", None),
        (FAST_CPU, "bf16", "bf16", None),
        (SLOW_CPU, "bf16", "fp32", None),
        (TURING, "auto", "fp32", "fp16"),
        (AMPERE, "auto", "fp32", "fp16"),
        (AMPERE, "fp32", "fp32", None),
        (AMPERE, "bf16", "fp32", "bf16"),
        (AMPERE, "fp16", "fp32", "fp16"),
        (APPLE, "auto", "fp32", None),
        (APPLE, "fp16", "fp32", "fp16"),
    ],
)
def test_the_device_and_the_wish_decide(facts, precision, weights, autocast):
    plan = choose_plan(facts, precision)
    assert (plan.weights, plan.autocast) == (weights, autocast)


@pytest.mark.parametrize(("facts", "precision"), [(CPU, "fp16"), (TURING, "bf16")])
def test_what_a_device_cannot_do_is_refused_with_a_way_out(facts, precision):
    with pytest.raises(EncoderUnavailableError, match="does not compute in") as caught:
        choose_plan(facts, precision)
    assert "auto" in caught.value.hint


def test_only_cuda_overlaps_copies_compiles_and_lays_channels_last():
    for facts in (CPU, APPLE):
        plan = choose_plan(facts, compile_model=True)
        assert (plan.overlap, plan.compile_model, plan.channels_last) == (False, False, False)
    plan = choose_plan(AMPERE, compile_model=True)
    assert plan.overlap
    assert plan.compile_model
    assert plan.channels_last
    assert not choose_plan(AMPERE).compile_model


def test_a_cpu_is_timed_only_when_bf16_is_wished_for():
    def timed():
        raise AssertionError("timed")

    assert choose_plan(DeviceFacts("cpu", bf16_gain=timed)) == Plan()


def test_the_gain_of_this_cpu_is_a_ratio():
    import torch

    facts = facts_of(torch.device("cpu"))
    assert facts.kind == "cpu"
    assert facts.bf16_gain() == cpu_bf16_gain() > 0
