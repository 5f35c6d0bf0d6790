"""What is heard of the convolutions is the mean and deviation of their maps, and the network is left as it was."""

from __future__ import annotations

import pytest
import torch

from alexcore.doubt.channels import channels_heard
from alexcore.nn import Network


@pytest.mark.parametrize(("variant", "norm"), [("seed", "batch"), ("2012", "none")])
def test_mean_and_deviation_of_each_channel_behind_the_activation(variant, norm):
    torch.manual_seed(0)
    network = Network(3, variant=variant, norm=norm, width=0.125, init="kaiming").eval()
    images = torch.rand(2, 3, 96, 96).to(memory_format=torch.channels_last)
    with torch.no_grad(), channels_heard(network) as heard:
        expected_logits = network(images)
    values, expected = images, []
    activations = [stage.activation for stage in network.stages()]
    with torch.no_grad():
        for layer in network.convolutions:
            values = layer(values)
            if any(layer is each for each in activations):
                expected += [values.mean(dim=(2, 3)), values.std(dim=(2, 3), correction=0)]
    assert len(heard) == 10
    for found, wanted in zip(heard, expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        assert torch.equal(network(images), expected_logits)
    assert len(heard) == 10, "nobody listens any more"
