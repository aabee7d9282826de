# %% [markdown]
# # Every part once
#
# From a folder of pictures without captions to pictures from words, with each part in your own
# hands: a CLIP, embeddings in a CSV, a data set, a network, training, guidance, an animation.
#
# It needs no GPU, no network and no data, and takes about two minutes on two idle cores. Functions
# that earlier projects had are called by their old names, from `ddpm_clip.legacy_functions`;
# `docs/earlier-projects.md` lists them all. In daily life, `ddpm-clip train FOLDER` does all of
# this in one line, and better.
#
# As a script, `python examples/test.py` writes its files below `outputs/test/`.

# %%
import os
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data import CLIPDataset, extract_clip_embeddings, write_folder
from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.embedders.pretrained.known_models import KNOWN
from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace
from ddpm_clip.legacy_functions import (
    get_context_mask,
    load_clip_model,
    plot_image_batch,
    plot_loss_curve,
    sample_w,
    setup_device,
)
from ddpm_clip.models import DDPM, EMA, UNet
from ddpm_clip.utils.plots.maps import heat_map
from ddpm_clip.utils.tensors import from_picture, to_float, to_picture
from ddpm_clip.utils.visualization import generation_image, grid, save_animation

SMOKE = os.environ.get("EXAMPLES_SMOKE") == "1"  # the smallest size that runs
HOME = Path("outputs") / "test"
HOME.mkdir(parents=True, exist_ok=True)
SIZE, T = 16, 1000
torch.manual_seed(0)
device = setup_device("cpu")

# %% [markdown]
# ## 1. Which CLIP?
#
# Pretrained ones are downloaded once, at a fixed commit, and compared with their published hash.

# %%
for name, known in KNOWN.items():
    print(f"{name:<48} {known.dim:>5} numbers, {known.megabytes:>5} MB: {known.role}")

# %% [markdown]
# Here we take the small one that ships with the model `flowers`: it knows drawn flowers, and
# nothing else.

# %%
clip_model, preprocess = load_clip_model("flowers", device)
print(clip_model.name, clip_model.dim, "numbers")

# %% [markdown]
# ## 2. Pictures, and what the CLIP makes of them
#
# A folder of flowers, drawn for this notebook. The files have neither captions nor classes; that we
# know what they show is used only to find three different ones.

# %%
count = 60 if SMOKE else 2000
paths = write_folder(HOME / "photos", count, size=SIZE, seed=20)
facts = [DrawnFlowers(count, SIZE, 20).facts(i) for i in range(count)]
kinds = [("rose", "red"), ("sunflower", "orange"), ("violet", "blue")]
texts = [f"a {petals} {species}" for species, petals in kinds]
texts[1] = "an orange sunflower"


def first(species: str, petals: str) -> int:
    """Number of the first such flower, or of the first picture in the smallest size."""
    same = [
        i for i, one in enumerate(facts) if (one["species"], one["petals"]) == (species, petals)
    ]
    return same[0] if same else 0


three = [Image.open(paths[first(*kind)]).convert("RGB") for kind in kinds]
grid([three], column_names=texts, zoom=9)

# %% [markdown]
# The cosine of each picture with each text. On the left as the CLIP gives them; on the right with
# pictures and texts each centred at their own mean first, because all pictures share a direction,
# and all texts another. The right text is nearest in both, and by more when centred. With large
# pretrained CLIPs the difference is much larger: see `docs/modality-gap.md`.

# %%
centred = EmbeddingSpace.open("flowers", "cpu")
raw = EmbeddingSpace("raw", clip_model)
maps = []
for title, space in (("as they are", raw), ("centred", centred)):
    scores = (space.texts(texts) @ space.pictures(three).T).tolist()
    path = HOME / f"{title}.png"
    maps.append(heat_map(scores, texts, texts, path, title=title, diverging=True))
grid([[Image.open(path).convert("RGB").resize((520, 400)) for path in maps]], zoom=1)

# %% [markdown]
# ## 3. Embed each picture once
#
# Into a CSV, batch by batch. If it is interrupted it goes on where it stopped: the second call
# finds that nothing is left to do.

# %%
csv = HOME / "clip.csv"
for _ in range(2):
    done, seconds = extract_clip_embeddings(
        paths, clip_model, preprocess, csv, device, verbose=False
    )
    print(f"embedded {done} pictures; {csv.name} has {len(csv.read_text().splitlines())} rows")

# %% [markdown]
# ## 4. A data set of pictures and embeddings

# %%
data = CLIPDataset(
    csv,
    img_transforms=lambda image: to_float(from_picture(image, SIZE, 3)),
    clip_features=clip_model.dim,
)
loader = DataLoader(data, batch_size=64, shuffle=True, drop_last=len(data) >= 64)
x_0, e = next(iter(loader))
print("pictures", tuple(x_0.shape), "embeddings", tuple(e.shape))
plot_image_batch(x_0[:32], n_row=16)

# %% [markdown]
# ## 5. Embeddings become conditions
#
# The `Conditioner` measures where pictures and texts lie in the space of the CLIP, and scales both
# so that a text can stand in for a picture.

# %%
bank = clip_model.prompt_bank()
conditioner = Conditioner.fit(data.labels, clip_model.embed_texts(bank), prompts=bank)
print(f"distance of the two means: {(conditioner.mean_image - conditioner.mean_text).norm():.2f}")

# %% [markdown]
# ## 6. Noise
#
# One jump to any timestep: `x_t = alpha x_0 + sigma eps`.

# %%
ddpm = DDPM(
    cosine(T),
    device,
    parameterization="v",
    weighting="edm",
    noise_levels="lognormal",
    level_options={"p_mean": -0.6, "p_std": 1.2},
)
ts = torch.linspace(0, T - 1, 8).round()
noised = [ddpm.q(x_0[:4], t.repeat(4))[0] for t in ts]
rows = [[to_picture(x[i].clamp(-1, 1)) for x in noised] for i in range(4)]
grid(rows, column_names=[f"t = {t:.0f}" for t in ts])

# %% [markdown]
# ## 7. Train
#
# Noise a batch, hide a tenth of the conditions, predict, compare. The average of the weights is
# what paints in the end.

# %%
model = UNet(T, 3, SIZE, (32, 64, 96), 128, conditioner.width, blocks=1, stem=1, attention=4)
model.train()
ema, optimizer = EMA(model), torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
steps, losses = 3 if SMOKE else 450, []
draws = torch.Generator().manual_seed(0)
while len(losses) < steps:
    for x_0, e in loader:
        step = len(losses)
        for group in optimizer.param_groups:  # rise, stay, and fall over the last 40 %
            group["lr"] = 2e-3 * min(1, (step + 1) / 30, (steps - step) / (0.4 * steps))
        t = ddpm.draw_timesteps(len(x_0), draws)
        c = conditioner.images(e)
        loss = ddpm.get_loss(model, x_0, t, c, get_context_mask(c, 0.1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        ema.update()
        losses.append(loss.item())
        if len(losses) == steps:
            break
ema.apply_shadow()
model.eval()
first_losses, last_losses = losses[:20], losses[-20:]
print(f"{steps} steps: loss {sum(first_losses) / len(first_losses):.2f}", end=" ")
print(f"-> {sum(last_losses) / len(last_losses):.2f}")
Image.open(plot_loss_curve(losses, HOME / "loss_curve.png")).convert("RGB")

# %% [markdown]
# ## 8. Words
#
# No caption was used so far. Now texts take the place of pictures: the bridge `shift` moves them to
# where pictures lie. `sample_w` paints each text at several guidance weights from the same noise:
# at w = -1 the text is not looked at, at w = 0 it is, and above that its effect is enlarged. In
# this package the guidance *scale* is given, s = 1 + w.

# %%
prompts = ["a red rose", "an orange lily", "a blue violet", "a white daisy", "a purple tulip"]
weights = [-1.0, 0.0, 1.0, 2.0]
c = conditioner.texts(clip_model.embed_texts(prompts), "shift").detach()
x, stored = sample_w(
    model,
    ddpm,
    (3, SIZE, SIZE),
    4 if SMOKE else 50,
    c,
    device,
    weights,
    store_freq=5,
    seeds=list(range(len(prompts))),
)
sheet = generation_image(x, prompts, weights, HOME / "generated.png")
Image.open(sheet).convert("RGB")

# %% [markdown]
# The stored steps, at w = 1: from noise to flowers. `save_animation` makes a GIF of them.

# %%
row = slice(2 * len(prompts), 3 * len(prompts))
save_animation([one[row].clamp(-1, 1) for one in stored], HOME / "generation.gif", interval=150)
picked = stored[:, row][:: max(1, len(stored) // 8)]
grid([[to_picture(x.clamp(-1, 1)) for x in one] for one in picked.transpose(0, 1)])

# %% [markdown]
# ## Next
#
# - `ddpm-clip course start`: lessons with exercises; lesson 05 continues from here with numbers.
# - `examples/train_model.ipynb`: a training that can be stopped, resumed and packed.
# - `examples/demo.ipynb`: what a CLIP knows, and digits between two words.
