"""Checkpoints as the earlier projects wrote them, of small networks, and what those would say.

The networks are written out here over the tensors' own names, from what is documented of them:
they share no code with ours, so that an import that mixes two tensors up is seen.
"""

import math
from itertools import pairwise

import torch
from torch.nn import functional as F

D0, D1, D2 = 32, 32, 64


def linear(name, i, o):
    return {f"{name}.weight": (o, i), f"{name}.bias": (o,)}


def conv(name, i, o, side=3):
    return {f"{name}.weight": (o, i, side, side), f"{name}.bias": (o,)}


def parts(name, later):
    """Convolution and norm of a block, as the two generations call them."""
    return (f"{name}.conv", f"{name}.norm") if later else (f"{name}.model.0", f"{name}.model.1")


def block(name, i, o, later):
    first, norm = parts(name, later)
    return conv(first, i, o) | {f"{norm}.weight": (o,), f"{norm}.bias": (o,)}


def course_state(later, img_ch=1, size=8, t_dim=8, c_dim=4, seed=0):
    """Tensors of the course's network by its own names; `later` is the second generation."""
    dense = D2 * (size // 4) ** 2
    shapes = block("down0.conv1", img_ch, D0, later) | block("down0.conv2", D0, D0, later)
    shapes |= conv("down0.shortcut", img_ch, D0, 1) if later else {}
    for name, i, o in (("down1", D0, D1), ("down2", D1, D2)):
        shapes |= block(f"{name}.model.0", i, o, later) | block(f"{name}.model.1", o, o, later)
        shapes |= block(f"{name}.model.2.conv", 4 * o, o, later)
    sizes = (dense, D1, dense) if later else (dense, D1, D1, dense)
    for n, (i, o) in enumerate(pairwise(sizes)):
        shapes |= linear(f"dense_emb.{2 * n}", i, o)
    for name, i in (("t_emb", t_dim), ("c_embed", c_dim)):
        for n, o in ((1, D2), (2, D1)):
            shapes |= linear(f"{name}{n}.model.0", i, o) | linear(f"{name}{n}.model.2", o, o)
    shapes |= block("up0" if later else "up0.1", D2, D2, later)
    for name, i, o in (("up1", D2, D1), ("up2", D1, D0)):
        shapes |= {f"{name}.model.0.weight": (2 * i, o, 2, 2), f"{name}.model.0.bias": (o,)}
        for n in range(1, 5):
            shapes |= block(f"{name}.model.{n}", o, o, later)
    shapes |= conv("out.0", 2 * D0, D0) | conv("out.3", D0, img_ch)
    shapes |= {"out.1.weight": (D0,), "out.1.bias": (D0,)}
    draws = torch.Generator().manual_seed(seed)
    return {name: 0.2 * torch.randn(*shape, generator=draws) for name, shape in shapes.items()}


class Course:
    """What that network does, layer by layer."""

    def __init__(self, state, later):
        self.state, self.later = state, later

    def of(self, name):
        return self.state[f"{name}.weight"], self.state[f"{name}.bias"]

    def block(self, name, x, groups=32):
        first, norm = parts(name, self.later)
        x = F.conv2d(x, *self.of(first), padding=1)
        return F.gelu(F.group_norm(x, groups, *self.of(norm)))

    def enter(self, x):
        first = self.block("down0.conv1", x, 8)
        second = self.block("down0.conv2", first, 8)
        return second + (F.conv2d(x, *self.of("down0.shortcut")) if self.later else first)

    def down(self, name, x):
        x = self.block(f"{name}.model.1", self.block(f"{name}.model.0", x))
        b, ch, h, w = x.shape  # every 2 x 2 square becomes channels, row by row within it
        x = x.reshape(b, ch, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4)
        return self.block(f"{name}.model.2.conv", x.reshape(b, 4 * ch, h // 2, w // 2))

    def dense(self, v):
        if self.later:
            v = F.gelu(F.linear(v, *self.of("dense_emb.0")))
            return F.gelu(F.linear(v, *self.of("dense_emb.2")))
        v = F.gelu(v)
        for n in (0, 2, 4):
            v = F.linear(v, *self.of(f"dense_emb.{n}")).relu()
        return v

    def note(self, name, x):
        hidden = F.gelu(F.linear(x, *self.of(f"{name}.model.0")))
        return F.linear(hidden, *self.of(f"{name}.model.2"))[:, :, None, None]

    def up(self, name, x, skip):
        x = F.conv_transpose2d(torch.cat([x, skip], 1), *self.of(f"{name}.model.0"), stride=2)
        for n in range(1, 5):
            x = self.block(f"{name}.model.{n}", x)
        return x

    def leave(self, x):
        x = F.group_norm(F.conv2d(x, *self.of("out.0"), padding=1), 8, *self.of("out.1"))
        return F.conv2d(F.gelu(x) if self.later else x.relu(), *self.of("out.3"), padding=1)


def course_answer(state, later, T, x, t, c):
    """What that network says."""
    net = Course(state, later)
    h0 = net.enter(x)
    h1 = net.down("down1", h0)
    h2 = net.down("down2", h1)
    half = state["t_emb1.model.0.weight"].shape[1] // 2
    rates = torch.tensor([math.exp(-math.log(10_000) * i / (half - 1)) for i in range(half)])
    angles = t[:, None] / T * rates
    time = torch.cat([angles.sin(), angles.cos()], 1)
    u = net.block("up0" if later else "up0.1", net.dense(h2.flatten(1)).view_as(h2))
    u = net.up("up1", net.note("c_embed1", c) * u + net.note("t_emb1", time), h2)
    u = net.up("up2", net.note("c_embed2", c) * u + net.note("t_emb2", time), h1)
    return net.leave(torch.cat([u, h0], 1))


def pooled_state(c_dim=2, t_dim=8, chs=(4, 6, 8, 10, 12), T=20, seed=0):
    """Tensors of the project with its own CLIP, with its table of betas."""
    draws = torch.Generator().manual_seed(seed)
    betas = torch.linspace(1e-4, 0.02, T)
    state = {"betas": betas, "alphas": 1 - betas, "alpha_bars": (1 - betas).cumprod(0)}

    def put(name, *shape):
        state[f"network.{name}.weight"] = 0.3 * torch.randn(*shape, generator=draws)
        width = shape[1] if name.startswith("up") else shape[0]
        state[f"network.{name}.bias"] = 0.3 * torch.randn(width, generator=draws)

    put("time_embedding.time_mlp.0", t_dim, t_dim)
    put("time_embedding.time_mlp.2", t_dim, t_dim)
    blocks = [
        ("conv1", 1, chs[0]),
        *((f"conv{i + 1}", chs[i - 1], chs[i]) for i in (1, 2, 3)),
        ("bottleneck", chs[3], chs[4]),
        *((f"conv{8 - i}", 2 * chs[i], chs[i]) for i in (3, 2, 1, 0)),
    ]
    for name, i, o in blocks:
        put(f"{name}.conv1", o, i, 3, 3)
        put(f"{name}.conv2", o, o, 3, 3)
        put(f"{name}.norm", o)
        put(f"{name}.time_embedding_projection", o, t_dim)
        put(f"{name}.clip_embedding_projection", o, c_dim)
    for i in range(4):
        put(f"up{i + 1}", chs[4 - i], chs[3 - i], 2, 2)
    put("final_layer", 1, chs[0], 3, 3)
    return state


def pooled_answer(state, x, t, c):
    """What that network says; `c` None asks without a condition."""
    at = {name.removeprefix("network."): value for name, value in state.items()}

    def layer(function, name, x, **options):
        return function(x, at[f"{name}.weight"], at[f"{name}.bias"], **options)

    half = at["time_embedding.time_mlp.0.weight"].shape[1] // 2
    rates = torch.tensor([math.exp(-math.log(10_000) * i / (half - 1)) for i in range(half)])
    angles = t[:, None] * rates
    time = torch.cat([angles.sin(), angles.cos()], 1)
    time = layer(F.linear, "time_embedding.time_mlp.0", time).relu()
    time = layer(F.linear, "time_embedding.time_mlp.2", time)

    def block(name, x):
        weight, bias = at[f"{name}.norm.weight"], at[f"{name}.norm.bias"]
        h = F.group_norm(layer(F.conv2d, f"{name}.conv1", x, padding=1), 2, weight, bias)
        h = h + layer(F.linear, f"{name}.time_embedding_projection", time)[:, :, None, None]
        if c is not None:
            h = h + layer(F.linear, f"{name}.clip_embedding_projection", c)[:, :, None, None]
        h = layer(F.conv2d, f"{name}.conv2", h.relu(), padding=1)
        return F.group_norm(h, 2, weight, bias).relu()

    skips = [block("conv1", x)]
    for i in (2, 3, 4):
        skips.append(block(f"conv{i}", F.max_pool2d(skips[-1], 2)))
    h = block("bottleneck", F.max_pool2d(skips[-1], 2))
    for i in range(4):
        h = layer(F.conv_transpose2d, f"up{i + 1}", h, stride=2)
        h = block(f"conv{i + 5}", torch.cat([skips[3 - i], h], 1))
    return layer(F.conv2d, "final_layer", h, padding=1)


def clip_state(dim=2, seed=0):
    """Tensors of that project's CLIP: convolutions of its fixed widths, a small LSTM."""
    draws = torch.Generator().manual_seed(seed)
    letter, hidden, features, texts = 3, 5, 6, 4
    shapes = {
        "image_encoder.conv.0": (16, 1, 3, 3),
        "image_encoder.conv.2": (32, 16, 3, 3),
        "image_encoder.conv.4": (64, 32, 3, 3),
        "image_encoder.fc.0": (64, 64 * 38 * 38),
        "image_encoder.fc.2": (features, 64),
        "text_encoder.linear": (texts, hidden),
        "image_projection": (dim, features),
        "text_projection": (dim, texts),
    }
    state = {"text_encoder.embedding.weight": torch.randn(40, letter, generator=draws)}
    for name, shape in shapes.items():
        state[f"{name}.weight"] = 0.1 * torch.randn(*shape, generator=draws)
        state[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=draws)
    for n in range(2):
        for kind, i in (("ih", letter if n == 0 else hidden), ("hh", hidden)):
            part = f"text_encoder.lstm_layer.{{}}_{kind}_l{n}"
            state[part.format("weight")] = torch.randn(4 * hidden, i, generator=draws)
            state[part.format("bias")] = torch.randn(4 * hidden, generator=draws)
    return state


def clip_answer(state, ids):
    """(1, dim) of the ids of one text: the LSTM's last state of its last layer, by hand."""
    x = state["text_encoder.embedding.weight"][ids]
    layers = sum(".weight_ih_l" in name for name in state)
    for n in range(layers):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_i, w_h, b_i, b_h = (state[f"text_encoder.lstm_layer.{name}_l{n}"] for name in names)
        h = c = torch.zeros(w_h.shape[1])
        states = []
        for row in x:
            i, f, g, o = (w_i @ row + b_i + w_h @ h + b_h).chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            states.append(h)
        x = torch.stack(states)
    y = F.linear(h, state["text_encoder.linear.weight"], state["text_encoder.linear.bias"])
    y = F.linear(y, state["text_projection.weight"], state["text_projection.bias"])
    return F.normalize(y[None], dim=1)
