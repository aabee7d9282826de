"""Wrong answers to lessons 05 and 05b, and to the own tasks of 06."""

import math

import torch
import torch.nn.functional as F
from collected import wrong


@wrong("5.1", "lengths left in")
def plain_products(a, b):
    return torch.einsum("ie,je->ij", a, b)


@wrong("5.1", "one side normalised")
def half_normalised(a, b):
    return (a / a.norm(dim=1, keepdim=True)) @ b.T


@wrong("5.1", "transposed")
def columns_first(a, b):
    return F.cosine_similarity(b[:, None], a[None], dim=2)


@wrong("5.1", "normalised along the wrong dimension")
def columns_normalised(a, b):
    return (a / a.norm(dim=0)) @ (b / b.norm(dim=0)).T


@wrong("5.1", "type")
def as_lists(a, b):
    return (F.normalize(a, dim=1) @ F.normalize(b, dim=1).T).tolist()


@wrong("5.2", "nearest to its own picture")
def in_another_order():
    return ["a white daisy", "a red rose", "an orange sunflower"]


@wrong("5.2", "nearest to its own picture")
def no_facts():
    return ["a flower", "a pretty flower", "a lovely flower"]


@wrong("5.2", "three texts")
def one_forgotten():
    return ["a red rose", "an orange sunflower"]


@wrong("5.2", "nearest to its own picture")
def wrong_colour():
    return ["a blue rose", "an orange sunflower", "a white daisy"]


@wrong("5.2", "type")
def one_string():
    return "a red rose, an orange sunflower, a white daisy"


def _rows(logits, wanted):
    probabilities = logits.softmax(1).log()
    return -((probabilities * wanted).sum(1) / wanted.sum(1)).mean()


@wrong("5.3", "one way only")
def pictures_only(image, text, fits, inverse_temperature):
    return _rows(image @ text.T * inverse_temperature, fits.float())


@wrong("5.3", "temperature the wrong way round")
def divided(image, text, fits, inverse_temperature):
    logits = image @ text.T / inverse_temperature
    return (_rows(logits, fits.float()) + _rows(logits.T, fits.T.float())) / 2


@wrong("5.3", "only the diagonal is right")
def numbered(image, text, fits, inverse_temperature):
    logits, places = image @ text.T * inverse_temperature, torch.arange(len(image))
    return (F.cross_entropy(logits, places) + F.cross_entropy(logits.T, places)) / 2


@wrong("5.3", "probabilities of the right ones added")
def any_right_one(image, text, fits, inverse_temperature):
    p = (inverse_temperature * image @ text.T).softmax(1) * fits
    q = (inverse_temperature * image @ text.T).softmax(0) * fits
    return -(p.sum(1).log().mean() + q.sum(0).log().mean()) / 2


@wrong("5.3", "sum of both ways")
def both_added(image, text, fits, inverse_temperature):
    logits = image @ text.T * inverse_temperature
    return _rows(logits, fits.float()) + _rows(logits.T, fits.T.float())


@wrong("5.3", "summed over the batch")
def batch_summed(image, text, fits, inverse_temperature):
    logits = image @ text.T * inverse_temperature
    whole = _rows(logits, fits.float()) + _rows(logits.T, fits.T.float())
    return whole * len(image) / 2


@wrong("5b.1", "probabilities added")
def added_up(drop, e, by_row):
    return drop if by_row else e * drop


@wrong("5b.1", "probability of keeping")
def kept(drop, e, by_row):
    return (1 - drop) ** (1 if by_row else e)


@wrong("5b.1", "rows treated like numbers")
def always_powers(drop, e, by_row):
    return math.prod([drop] * e)


@wrong("5b.1", "numbers treated like rows")
def never_powers(drop, e, by_row):
    return drop


@wrong("5b.1", "values")
def swapped_cases(drop, e, by_row):
    return drop**e if by_row else drop


def _parts(radius_image, radius_text):
    return max(0.7, min(1.4, radius_image / radius_text))


@wrong("5b.2", "centred at the mean of the pictures")
def wrong_mean(e, mean_image, mean_text, radius_image, radius_text):
    stretch = _parts(radius_image, radius_text)
    return (e - mean_image) * stretch * math.sqrt(len(mean_text)) / radius_image


@wrong("5b.2", "size of the space forgotten")
def unit_length(e, mean_image, mean_text, radius_image, radius_text):
    return (e - mean_text) * _parts(radius_image, radius_text) / radius_image


@wrong("5b.2", "not stretched")
def centred_only(e, mean_image, mean_text, radius_image, radius_text):
    return (e - mean_text) / radius_image * math.sqrt(len(mean_text))


@wrong("5b.2", "stretched without a limit")
def no_limit(e, mean_image, mean_text, radius_image, radius_text):
    return (e - mean_text) / radius_text * math.sqrt(len(mean_text))


@wrong("5b.2", "values")
def not_centred(e, mean_image, mean_text, radius_image, radius_text):
    return e * _parts(radius_image, radius_text) / radius_image * math.sqrt(len(mean_text))


@wrong("5b.3", "zeros as a condition")
@torch.no_grad()
def all_zeros(network, x_t, t, c):
    return network(x_t, t, c * 0, torch.ones(len(c), 1))


@wrong("5b.3", "average condition")
@torch.no_grad()
def average(network, x_t, t, c):
    middle = c.mean(dim=0, keepdim=True).repeat(len(c), 1)
    return network(x_t, t, middle, torch.ones(len(c), 1))


@wrong("5b.3", "shape of the mask")
@torch.no_grad()
def flat_mask(network, x_t, t, c):
    return network(x_t, t, c, torch.zeros(len(c)))


@wrong("5b.3", "condition kept")
@torch.no_grad()
def mask_of_ones(network, x_t, t, c):
    return network(x_t, t, c, torch.ones(len(c), 1))


@wrong("5b.3", "shape of the mask")
@torch.no_grad()
def a_mask_of_numbers(network, x_t, t, c):
    return network(x_t, t, c, torch.zeros(len(c), 4))


RIGHT_BLOCKS = {
    "A": "group norm",
    "B": "time features",
    "C": "rearrange pool",
    "D": "residual block",
    "E": "batch norm",
    "F": "transposed convolution",
    "G": "max pool",
}


@wrong("6.4", "named by behaviour")
def norms_swapped():
    return RIGHT_BLOCKS | {"A": "batch norm", "E": "group norm"}


@wrong("6.4", "named by behaviour")
def pools_swapped():
    return RIGHT_BLOCKS | {"C": "max pool", "G": "rearrange pool"}


@wrong("6.4", "names that exist")
def a_name_of_its_own():
    return RIGHT_BLOCKS | {"D": "identity"}


@wrong("6.4", "names that exist")
def one_letter_missing():
    return {letter: name for letter, name in RIGHT_BLOCKS.items() if letter != "G"}


@wrong("6.4", "named by behaviour")
def everything_a_residual_block():
    return dict.fromkeys("ABCDEFG", "residual block")


def _noised(x_0, t, eps, alpha, sigma):
    return alpha[t][:, None, None, None] * x_0 + sigma[t][:, None, None, None] * eps


@wrong("6.6", "absolute error")
def absolute(network, x_0, t, eps, c, c_mask, alpha, sigma):
    return F.l1_loss(network(_noised(x_0, t, eps, alpha, sigma), t, c, c_mask), eps).detach()


@wrong("6.6", "sum instead of mean")
def added_errors(network, x_0, t, eps, c, c_mask, alpha, sigma):
    said = network(_noised(x_0, t, eps, alpha, sigma), t, c, c_mask).detach()
    return F.mse_loss(said, eps, reduction="sum")


@wrong("6.6", "clean picture as the target")
def clean_target(network, x_0, t, eps, c, c_mask, alpha, sigma):
    return F.mse_loss(network(_noised(x_0, t, eps, alpha, sigma), t, c, c_mask), x_0).detach()


@wrong("6.6", "mask ignored")
def unmasked(network, x_0, t, eps, c, c_mask, alpha, sigma):
    said = network(_noised(x_0, t, eps, alpha, sigma), t, c, torch.ones(len(c), 1))
    return F.mse_loss(said, eps).detach()


@wrong("6.6", "clean picture as the input")
def from_the_clean_picture(network, x_0, t, eps, c, c_mask, alpha, sigma):
    return F.mse_loss(network(x_0, t, c, c_mask), eps).detach()


@wrong("6.6", "mask multiplied into the condition")
def masked_by_hand(network, x_0, t, eps, c, c_mask, alpha, sigma):
    x_t = _noised(x_0, t, eps, alpha, sigma)
    return F.mse_loss(network(x_t, t, c * c_mask, torch.ones_like(c_mask)), eps).detach()
