"""AlexNet: its three variants, initial weights, errors, and what probes and exports rely on."""

from __future__ import annotations

import copy
import math
import subprocess
import sys

import pytest
import torch
import torchvision
from torch import nn

from alexcore.errors import ConfigError, DataError
from alexcore.nn import ACTIVATIONS, INITS, NORMS, Network, minimum_input_size
from alexcore.nn.alexnet import VARIANTS, scaled
from alexcore.nn.arithmetic import conv_minimum_input_size, conv_output_size, window_span
from alexcore.nn.init import initialise
from alexcore.nn.network import GridAveragePool, averaging_matrix
from alexcore.nn.norms import norm_groups


def small(**settings) -> Network:
    settings.setdefault("width", 0.125)
    settings.setdefault("generator", torch.Generator().manual_seed(0))
    return Network(**settings)


def convs(net: Network) -> list[nn.Conv2d]:
    return [stage.conv for stage in net.stages()]


def images(count: int = 2, size: int = 64, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def parameter_count(**settings) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Network(**settings).parameters())


# Sizes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"norm": "none"}, 14_591_685),
        ({"norm": "batch"}, 14_592_373),
        ({"norm": "group"}, 14_592_373),
        ({"variant": "torchvision", "norm": "none", "num_classes": 1000}, 61_100_840),
        ({"variant": "torchvision", "norm": "batch", "num_classes": 1000}, 61_101_992),
        ({"variant": "2012", "norm": "none", "num_classes": 1000}, 60_965_224),
        ({"variant": "2012", "norm": "group", "num_classes": 1000}, 60_966_600),
    ],
)
def test_parameter_counts(settings, expected):
    assert parameter_count(**settings) == expected


def test_counting_needs_no_memory():
    with torch.device("meta"):
        assert all(each.is_meta for each in (*small(generator=None).parameters(), *small(generator=None).buffers()))


def test_2012_count_by_hand():
    """Weights = outputs x kernel area x inputs per group; plus one bias an output."""
    convs = [(96, 11, 3), (256, 5, 96 // 2), (384, 3, 256), (384, 3, 384 // 2), (256, 3, 384 // 2)]
    linears = [(4096, 256 * 6 * 6), (4096, 4096), (1000, 4096)]
    by_hand = sum(out * kernel * kernel * each + out for out, kernel, each in convs)
    by_hand += sum(out * each + out for out, each in linears)
    assert by_hand == parameter_count(variant="2012", norm="none", num_classes=1000) == 60_965_224


@pytest.mark.parametrize("variant", VARIANTS)
def test_minimum_input_size_is_where_torch_stops(variant):
    smallest = minimum_input_size(variant)
    assert smallest == 63
    features = small(variant=variant, norm="none").features
    assert features(images(1, smallest)).shape[-2:] == (1, 1)
    with pytest.raises(RuntimeError, match="too small"):
        features(images(1, smallest - 1))


def test_width_scales_everything_but_the_last_layer():
    net = small(width=0.3, num_classes=7)
    # 48 x 0.3 = 14.4 -> 16, 128 x 0.3 = 38.4 -> 40, 192 x 0.3 = 57.6 -> 56
    assert [conv.out_channels for conv in convs(net)] == [16, 40, 56, 56, 40]
    linears = [layer for layer in net.classifier if isinstance(layer, nn.Linear)]
    assert [layer.out_features for layer in linears] == [616, 616, 7]
    assert net(images()).shape == (2, 7)
    tiny = small(width=0.001, variant="2012", norm="none")
    assert [conv.out_channels for conv in convs(tiny)] == [8] * 5
    assert tiny(images()).shape == (2, 5)


def test_scaled_leaves_width_one_alone():
    for variant in VARIANTS.values():
        for units in (*(conv.channels for conv in variant.convs), *variant.hidden):
            assert scaled(units, 1.0) == units


@pytest.mark.parametrize(
    ("channels", "groups"), [(48, 12), (128, 32), (384, 32), (96, 24), (8, 2), (16, 4), (7, 1), (1, 1)]
)
def test_norm_groups(channels, groups):
    assert norm_groups(channels) == groups


# The three variants --------------------------------------------------------------------------------------------


def test_torchvision_gives_the_same_logits_from_the_same_weights():
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(weights=None).eval()
    with torch.device("meta"):
        ours = Network(1000, "torchvision", norm="none").eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), assign=True)
    with torch.inference_mode():
        assert torch.equal(ours(images(1, 224)), theirs(images(1, 224)))
        # Another size passes the averaging pool, too.
        assert torch.equal(ours(images(1, 100)), theirs(images(1, 100)))


@pytest.mark.parametrize("variant", ["seed", "torchvision"])
def test_without_norm_the_keys_are_torchvisions(variant):
    keys = [
        f"{place}.{kind}"
        for place in (*(f"features.{i}" for i in (0, 3, 6, 8, 10)), *(f"classifier.{i}" for i in (1, 4, 6)))
        for kind in ("weight", "bias")
    ]
    assert list(small(variant=variant, norm="none").state_dict()) == keys


def test_seed_is_the_blogs_network_layer_by_layer():
    blog = nn.Sequential(
        nn.Conv2d(3, 48, 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(48, 128, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(128, 192, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(192, 192, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(192, 128, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(4608, 2048),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(2048, 2048),
        nn.ReLU(),
        nn.Linear(2048, 5),
    ).eval()
    net = Network(norm="none").eval()
    for ours, theirs in zip(net.parameters(), blog.parameters(), strict=True):
        theirs.data = ours.data
    with torch.inference_mode():
        assert torch.equal(net(images(1, 224)), blog(images(1, 224)))


def test_the_pool_is_exactly_the_identity_at_224():
    net = small().eval()
    maps = net.features(images(1, 224)).detach().requires_grad_()
    assert maps.shape[-2:] == (6, 6)
    pooled = nn.AdaptiveAvgPool2d((6, 6))(maps)
    assert torch.equal(pooled, maps)
    weights = torch.randn_like(maps)
    assert torch.equal(torch.autograd.grad((pooled * weights).sum(), maps)[0], weights)
    assert net.avgpool(maps) is maps
    # So is 2012's geometry: 224 with padding 2 gives the paper's 55 x 55 after conv1.
    assert small(variant="2012").features[0](images(1, 224)).shape[-2:] == (55, 55)


def kinds(net: Network) -> str:
    names = {
        "Conv2d": "C",
        "BatchNorm2d": "B",
        "GroupNorm": "G",
        "ReLU": "r",
        "Tanh": "t",
        "Sigmoid": "s",
        "LocalResponseNorm": "N",
        "MaxPool2d": "p",
        "Linear": "L",
        "Dropout": "d",
    }
    return "".join(names[type(layer).__name__] for layer in (*net.features, *net.classifier))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"norm": "none"}, "Crp Crp Cr Cr Crp dLr dLr L"),
        ({"norm": "batch"}, "CBrp CBrp CBr CBr CBrp dLr dLr L"),
        ({"norm": "group", "activation": "tanh"}, "CGtp CGtp CGt CGt CGtp dLt dLt L"),
        ({"variant": "2012", "norm": "none"}, "CrNp CrNp Cr Cr Crp Lrd Lrd L"),
        ({"variant": "2012", "norm": "batch"}, "CBrp CBrp CBr CBr CBrp Lrd Lrd L"),
        ({"variant": "torchvision", "activation": "sigmoid"}, "CBsp CBsp CBs CBs CBsp dLs dLs L"),
    ],
)
def test_order_of_layers(settings, expected):
    assert kinds(small(**settings)) == expected.replace(" ", "")


def test_2012_has_the_papers_groups_and_lrn():
    net = small(variant="2012", norm="none")
    assert [conv.groups for conv in convs(net)] == [1, 2, 1, 2, 2]
    lrn = next(layer for layer in net.features if isinstance(layer, nn.LocalResponseNorm))
    maps = torch.randn(1, 9, 2, 2) * 100
    # Section 3.3: b_i = a_i / (k + alpha * sum of a_j^2 over j = i-2 .. i+2) ** beta
    for i in range(9):
        window = maps[:, max(0, i - 2) : i + 3].square().sum(1)
        expected = maps[:, i] / (2 + 1e-4 * window) ** 0.75
        torch.testing.assert_close(lrn(maps)[:, i], expected)


# Behaviour -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_and_backward(variant, norm, activation):
    net = small(variant=variant, norm=norm, activation=activation, init="kaiming")
    logits = net(images())
    assert logits.shape == (2, 5)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    for stage in net.stages():
        assert stage.conv.weight.grad.abs().sum() > 0, stage.path
        assert (stage.conv.bias is None) == (norm != "none"), stage.path


@pytest.mark.parametrize("norm", NORMS)
def test_stages_name_the_layers_that_probes_hook(norm):
    net = small(norm=norm)
    modules = dict(net.named_modules())
    stages = net.stages()
    assert [stage.name for stage in stages] == ["conv1", "conv2", "conv3", "conv4", "conv5"]
    for stage in stages:
        assert modules[stage.path] is stage.conv
        assert isinstance(stage.conv, nn.Conv2d)
        assert isinstance(stage.activation, nn.ReLU)
        assert isinstance(stage.norm, {"none": type(None), "batch": nn.BatchNorm2d, "group": nn.GroupNorm}[norm])


def test_stages_survive_a_copy_and_a_replaced_norm():
    net = copy.deepcopy(nn.SyncBatchNorm.convert_sync_batchnorm(small()))
    assert [type(stage.norm) for stage in net.stages()] == [nn.SyncBatchNorm] * 5
    assert all(stage.conv is net.get_submodule(stage.path) for stage in net.stages())


@pytest.mark.parametrize("norm", NORMS)
def test_activations_leave_what_a_hook_saw(norm):
    net = small(norm=norm).eval()
    seen = []
    for stage in net.stages():
        (stage.norm or stage.conv).register_forward_hook(lambda *call: seen.append((call[2], call[2].clone())))
    net(images())
    assert len(seen) == 5
    assert all(torch.equal(now, then) for now, then in seen)
    assert all((now < 0).any() for now, _ in seen)


def test_dropout_only_while_training():
    net = small(norm="none", dropout=0.5)
    assert not torch.equal(net(images()), net(images()))
    net.eval()
    assert torch.equal(net(images()), net(images()))
    free = small(norm="none", dropout=0)
    assert torch.equal(free(images()), free.eval()(images()))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_bf16_autocast_and_channels_last(variant, norm):
    net = small(variant=variant, norm=norm, init="kaiming", dropout=0)
    plain = net(images(4, 72))
    net = net.to(memory_format=torch.channels_last)
    batch = images(4, 72).to(memory_format=torch.channels_last)
    torch.testing.assert_close(net(batch), plain, rtol=1e-3, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = net(batch)
    assert rounded.dtype == torch.bfloat16
    assert nn.functional.cosine_similarity(rounded.float().flatten(), plain.flatten(), dim=0) > 0.99
    rounded.float().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_compiles_in_one_graph():
    net = small(variant="2012", norm="none").eval()
    # The "eager" backend traces, but needs no compiler; fullgraph fails on the first break.
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    assert torch.equal(compiled(images()), net(images()))


def test_learns_32_images_by_heart():
    net = Network(width=0.25, dropout=0, init="kaiming", generator=torch.Generator().manual_seed(0))
    batch, targets = images(32, 64), torch.arange(32) % 5
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(30):
        loss = nn.functional.cross_entropy(net(batch), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2, "random labels of 32 images are not learned within 30 steps"


# Pooling -------------------------------------------------------------------------------------------------------


def test_deterministic_pool_is_torchs_without_its_kernel():
    pool = GridAveragePool(6)
    maps = torch.randn(2, 4, 9, 3, requires_grad=True)
    expected = pool(maps)
    torch.use_deterministic_algorithms(True)
    try:
        averages = pool(maps)
        torch.testing.assert_close(averages, expected)
        # The very operation that refuses this mode on CUDA must not be in the graph.
        assert "AdaptiveAvgPool" not in averages.grad_fn.name()
        gradient = torch.autograd.grad(averages.square().sum(), maps)[0]
    finally:
        torch.use_deterministic_algorithms(False)
    assert "AdaptiveAvgPool" in expected.grad_fn.name()
    torch.testing.assert_close(gradient, torch.autograd.grad(expected.square().sum(), maps)[0])
    assert torch.equal(averaging_matrix(6, 6), torch.eye(6))


# Initial weights -----------------------------------------------------------------------------------------------


def test_seed_init_is_the_blogs():
    net = Network(generator=torch.Generator().manual_seed(0))
    for conv in convs(net):
        fan_out = conv.out_channels * conv.kernel_size[0] ** 2
        assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.03)
        assert abs(conv.weight.mean().item()) < 0.02 * math.sqrt(2 / fan_out)
    for layer in net.classifier:
        if isinstance(layer, nn.Linear):
            assert layer.weight.std().item() == pytest.approx(0.01, rel=0.03)
            assert not layer.bias.any()
    for stage in net.stages():
        assert (stage.norm.weight == 1).all()
        assert not stage.norm.bias.any()


@pytest.mark.parametrize(("activation", "gain"), [("relu", math.sqrt(2)), ("tanh", 5 / 3), ("sigmoid", 1.0)])
def test_kaiming_takes_the_gain_of_the_activation(activation, gain):
    net = small(width=0.5, norm="none", init="kaiming", activation=activation)
    for layer in [*convs(net), net.classifier[1], net.classifier[4]]:
        fan_in = layer.weight[0].numel()
        assert layer.weight.std().item() == pytest.approx(gain / math.sqrt(fan_in), rel=0.05)
        assert not layer.bias.any()


def test_seed_init_keeps_relus_gain():
    relu, tanh = (small(activation=activation).features[0].weight for activation in ("relu", "tanh"))
    assert torch.equal(relu, tanh)


def test_xavier_bounds():
    net = small(width=0.5, norm="none", init="xavier")
    conv, linear = net.features[3], net.classifier[4]
    for layer, fans in ((conv, (24 + 64) * 25), (linear, 1024 + 1024)):
        bound = math.sqrt(6 / fans)
        assert 0.98 * bound < layer.weight.abs().max() <= bound
        assert not layer.bias.any()


def test_torch_init_is_what_a_new_layer_has():
    """Same generator, same numbers: the weight is the first thing that a new layer draws, in both."""
    net = small(norm="none", init="torch", generator=torch.Generator().manual_seed(3))
    torch.manual_seed(3)
    assert torch.equal(net.features[0].weight, nn.Conv2d(3, 8, 11).weight)
    for layer in (net.features[3], net.classifier[1]):
        bound = 1 / math.sqrt(layer.weight[0].numel())
        for values in (layer.weight, layer.bias):
            assert 0.5 * bound < values.abs().max() <= bound
    assert any(layer.bias.abs().max() > 0 for layer in convs(net))


@pytest.mark.parametrize("init", INITS)
def test_same_generator_same_weights_whatever_the_norm(init):
    plain, batch, group = (small(init=init, norm=norm).state_dict() for norm in NORMS)
    for stage, other in zip(small(norm="none").stages(), small(norm="batch").stages(), strict=True):
        weight = plain[f"{stage.path}.weight"]
        assert torch.equal(weight, batch[f"{other.path}.weight"])
        assert torch.equal(weight, group[f"{other.path}.weight"])
    for name in plain:
        if name.startswith("classifier"):
            assert torch.equal(plain[name], batch[name])
            assert torch.equal(plain[name], group[name])
    different = small(init=init, norm="none", generator=torch.Generator().manual_seed(1)).state_dict()
    assert not torch.equal(plain["features.0.weight"], different["features.0.weight"])


def test_global_seed_works_and_a_generator_leaves_it_alone():
    torch.manual_seed(5)
    first = Network(width=0.125)
    torch.manual_seed(5)
    second = Network(width=0.125)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    before = torch.get_rng_state()
    small()
    assert torch.equal(torch.get_rng_state(), before)


# Errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "vgg"}, "variant = 'vgg' is not allowed: it must be one of seed, torchvision, 2012."),
        ({"norm": "layer"}, "norm = 'layer' is not allowed: it must be one of none, batch, group."),
        ({"init": "he"}, "init = 'he' is not allowed: it must be one of seed, torch, kaiming, xavier."),
        ({"activation": "gelu"}, "activation = 'gelu' is not allowed: it must be one of relu, tanh, sigmoid."),
        ({"num_classes": 0}, "num_classes = 0 is not allowed: it must be at least 1."),
        ({"width": 0}, "width = 0 is not allowed: it must be above 0 and at most 4."),
        ({"width": 4.1}, "width = 4.1 is not allowed: it must be above 0 and at most 4."),
        ({"width": math.nan}, "width = nan is not allowed: it must be above 0 and at most 4."),
        ({"dropout": 1.0}, "dropout = 1.0 is not allowed: it must be from 0 and below 1."),
        ({"dropout": -0.1}, "dropout = -0.1 is not allowed: it must be from 0 and below 1."),
    ],
)
def test_bad_arguments_name_the_value_and_the_legal_ones(settings, message):
    with pytest.raises(ConfigError) as caught:
        Network(**settings)
    assert caught.value.message == message


def test_bad_names_elsewhere():
    with pytest.raises(ConfigError, match="variant = 'vgg'"):
        minimum_input_size("vgg")
    with pytest.raises(ConfigError, match="init = 'he'"):
        initialise(nn.Linear(1, 1), "he")
    with pytest.raises(ConfigError, match="activation = 'gelu'"):
        initialise(nn.Linear(1, 1), "seed", "gelu")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3, 62, 80), "Images of 62 x 80 pixels are too small for the variant seed: each side must be at least 63."),
        ((2, 3, 80, 62), "Images of 80 x 62 pixels are too small for the variant seed: each side must be at least 63."),
        ((2, 1, 64, 64), "Images of shape (2, 1, 64, 64) are no batch of colour images: it must be (N, 3, H, W)."),
        ((3, 64, 64), "Images of shape (3, 64, 64) are no batch of colour images: it must be (N, 3, H, W)."),
    ],
)
def test_wrong_images_are_refused_in_a_sentence(shape, message):
    with pytest.raises(DataError) as caught:
        small()(torch.zeros(shape))
    assert caught.value.message == message
    assert caught.value.hint


def test_whole_numbers_are_no_images():
    with pytest.raises(DataError, match=r"Images of type torch\.uint8 cannot be classified"):
        small()(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_output_size(0, 3), "size = 0 is not allowed: it must be a whole number from 1."),
        (lambda: conv_output_size(5, 0), "kernel = 0 is not allowed: it must be a whole number from 1."),
        (lambda: conv_output_size(5, 3, stride=0), "stride = 0 is not allowed: it must be a whole number from 1."),
        (lambda: conv_output_size(5, 3, padding=-1), "padding = -1 is not allowed: it must be a whole number from 0."),
        (lambda: window_span(3, 0), "dilation = 0 is not allowed: it must be a whole number from 1."),
        (lambda: conv_minimum_input_size(0, 3), "output = 0 is not allowed: it must be a whole number from 1."),
        (
            lambda: conv_output_size(4, 3, padding=1, dilation=4),
            "A window over 9 pixels does not fit into an input of 4 with padding 1, which makes 6.",
        ),
    ],
)
def test_arithmetic_refuses_what_has_no_meaning(call, message):
    with pytest.raises(ConfigError) as caught:
        call()
    assert caught.value.message == message


def test_variants_and_arithmetic_need_no_torch():
    """A form that lists the variants must open without the seconds that torch takes."""
    code = (
        "import sys, alexcore.nn.arithmetic; from alexcore.nn import NETWORKS, minimum_input_size; "
        "minimum_input_size('seed'); assert 'torch' not in sys.modules; "
        "from alexcore.nn import Network; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_package_has_no_other_lazy_names():
    import alexcore.nn

    with pytest.raises(AttributeError, match="VGG"):
        alexcore.nn.VGG  # noqa: B018
