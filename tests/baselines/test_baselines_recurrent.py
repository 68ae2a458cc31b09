"""RecurrentPPO over whole episodes against sb3-contrib's, which goes step by step."""

from __future__ import annotations

import pytest
import torch
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy

from hwenvs.baselines.stable_baselines.recurrent import SequencePolicy

Outcome = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
UNITS, INPUTS, STEPS = 5, 3, 7


def outcome(policy: type[RecurrentActorCriticPolicy], starts: torch.Tensor) -> Outcome:
    """Outputs [sequences * steps, units], both states, and gradients of the weights."""
    torch.manual_seed(0)
    sequences = len(starts)
    lstm = torch.nn.LSTM(INPUTS, UNITS)
    features = torch.randn(sequences * STEPS, INPUTS)
    states = torch.randn(1, sequences, UNITS), torch.randn(1, sequences, UNITS)
    output, (hidden, cell) = policy._process_sequence(features, states, starts.flatten(), lstm)
    (output * torch.randn_like(output)).sum().backward()
    gradient = torch.cat([weight.grad.flatten() for weight in lstm.parameters()])  # type: ignore[union-attr]
    return output, hidden, cell, gradient


@pytest.mark.parametrize(
    "places", [[], [(0, 0)], [(0, 0), (2, 0)], [(1, 3)], [(0, 0), (1, 0), (2, 6)]]
)
def test_outputs_states_and_gradients_are_those_of_the_original(
    places: list[tuple[int, int]],
) -> None:
    starts = torch.zeros(3, STEPS)
    for place in places:
        starts[place] = 1.0
    ours, theirs = (outcome(p, starts) for p in (SequencePolicy, RecurrentActorCriticPolicy))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_an_lstm_runs_once_over_episodes_that_start_at_the_front() -> None:
    calls, lstm = [], torch.nn.LSTM(INPUTS, UNITS)
    lstm.register_forward_pre_hook(lambda _, given: calls.append(given[0].shape))
    starts = torch.zeros(2, STEPS)
    starts[:, 0] = 1.0
    states = torch.zeros(1, 2, UNITS), torch.zeros(1, 2, UNITS)
    SequencePolicy._process_sequence(torch.zeros(2 * STEPS, INPUTS), states, starts.flatten(), lstm)
    assert calls == [(STEPS, 2, INPUTS)]


def test_states_of_the_episode_before_are_forgotten() -> None:
    starts = torch.zeros(1, STEPS)
    starts[0, 0] = 1.0
    torch.manual_seed(0)
    lstm, features = torch.nn.LSTM(INPUTS, UNITS), torch.randn(STEPS, INPUTS)
    old, none = torch.ones(1, 1, UNITS), torch.zeros(1, 1, UNITS)
    process = SequencePolicy._process_sequence
    fresh, _ = process(features, (none, none), starts.flatten(), lstm)
    cleared, _ = process(features, (old, old), starts.flatten(), lstm)
    assert torch.equal(fresh, cleared)
