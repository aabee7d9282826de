"""Wrong answers to lessons 07, 08 and 09."""

import statistics

import torch
from collected import wrong


@wrong("7.1", "value counted into the null")
def one_of_the_null(value, null):
    numbers = [*null.tolist(), value]
    return (value - statistics.mean(numbers)) / statistics.stdev(numbers)


@wrong("7.1", "standard deviation of a whole population")
def population(value, null):
    numbers = null.tolist()
    return (value - statistics.mean(numbers)) / statistics.pstdev(numbers)


@wrong("7.1", "sign lost")
def unsigned(value, null):
    return abs(value - float(null.mean())) / float(null.std())


@wrong("7.1", "variance instead of standard deviation")
def by_variance(value, null):
    return (value - float(null.mean())) / float(null.var())


@wrong("7.1", "values")
def other_sign(value, null):
    return (float(null.mean()) - value) / float(null.std())


@wrong("7.2", "middle of the interval")
def middle(low, high, bar):
    return "pass" if low + high > 2 * bar else "fail"


@wrong("7.2", "inconclusive taken for a failure")
def two_verdicts(low, high, bar):
    if low > bar:
        return "pass"
    return "fail"


@wrong("7.2", "bar reached is bar passed")
def at_the_bar(low, high, bar):
    if low >= bar:
        return "pass"
    return "inconclusive" if high >= bar else "fail"


@wrong("7.2", "ends of the interval swapped")
def upper_end(low, high, bar):
    if high > bar:
        return "pass"
    return "fail" if low <= bar else "inconclusive"


@wrong("7.2", "values")
def always_inconclusive(low, high, bar):
    return "inconclusive"


def _down(step, total, decay, final):
    begins = total - decay * total
    if step <= begins:
        return 1.0
    return final + (1 - final) * (total - step) / (total - begins)


@wrong("8.1", "no warm-up")
def cold_start(step, total, lr, warmup, decay, final):
    return lr * _down(step, total, decay, final)


@wrong("8.1", "decay from the first step")
def always_falling(step, total, lr, warmup, decay, final):
    return lr * min(step / warmup, 1, _down(step, total, 1, final))


@wrong("8.1", "`final` as a rate")
def down_to_a_rate(step, total, lr, warmup, decay, final):
    end = final / lr
    return lr * min(1, step / warmup, end + (1 - end) * min(1, (total - step) / (decay * total)))


@wrong("8.1", "decay to zero")
def to_nothing(step, total, lr, warmup, decay, final):
    return lr * min(step / warmup, 1, _down(step, total, decay, 0))


@wrong("8.1", "steps counted from 0")
def from_nought(step, total, lr, warmup, decay, final):
    return lr * min((step - 1) / warmup, 1, _down(step, total, decay, final))


@wrong("8.1", "rate by whole tenths of the training")
def once_an_epoch(step, total, lr, warmup, decay, final):
    epoch = max(1, 10 * (step // 10))
    return lr * min(epoch / warmup, 1, _down(epoch, total, decay, final))


@wrong("8.1", "values")
def never_falling(step, total, lr, warmup, decay, final):
    return lr * min(step / warmup, 1)


@wrong("8.2", "weights swapped")
def the_new_one_first(old, new, k, gamma):
    weight = (1 - 1 / k) ** (gamma + 1)
    return weight * new + (1 - weight) * old


@wrong("8.2", "constant decay")
def constant(old, new, k, gamma):
    return torch.lerp(old, new, 0.001)


@wrong("8.2", "power of gamma")
def other_power(old, new, k, gamma):
    return torch.lerp(new, old, (1 - 1 / k) ** gamma)


@wrong("8.2", "updates counted from 0")
def one_more(old, new, k, gamma):
    return torch.lerp(new, old, (k / (k + 1)) ** (gamma + 1))


@wrong("8.2", "values")
def plain_mean(old, new, k, gamma):
    return (old + new) / 2


@wrong("8.3", "pairs by key")
def by_position(pictures, rows):
    return [(picture, row) for (_, picture), (_, row) in zip(pictures, rows, strict=False)]


@wrong("8.3", "order of the pictures")
def in_order_of_the_rows(pictures, rows):
    known = dict(pictures)
    return [(known[key], row) for key, row in rows if key in known]


@wrong("8.3", "pictures without a row")
def with_none(pictures, rows):
    known = dict(rows)
    return [(picture, known.get(key)) for key, picture in pictures]


@wrong("8.3", "pairs by key")
def both_sorted(pictures, rows):
    return [
        (p, r) for p, r in zip(sorted(v for _, v in pictures), [r for _, r in rows], strict=False)
    ]


@wrong("8.3", "pairs by key")
def the_wrong_way_round(pictures, rows):
    known = dict(rows)
    return [(known[key], picture) for key, picture in pictures if key in known]


def _weighted(logits, train, dim=1):
    return torch.einsum("bn,nchw->bchw", logits.softmax(dim), train)


def _squares(x_t, pictures):
    return ((x_t[:, None] - pictures[None]) ** 2).sum((2, 3, 4))


@wrong("9.1", "pictures not shrunk by alpha")
def no_alpha(x_t, alpha, sigma, train):
    return _weighted(-_squares(x_t, train) / (2 * sigma * sigma), train)


@wrong("9.1", "sigma instead of twice its square")
def wrong_exponent(x_t, alpha, sigma, train):
    return _weighted(-_squares(x_t, alpha * train) / sigma, train)


@wrong("9.1", "nearest picture only")
def nearest_only(x_t, alpha, sigma, train):
    return train[_squares(x_t, alpha * train).argmin(1)]


@wrong("9.1", "softmax over the batch")
def over_the_batch(x_t, alpha, sigma, train):
    return _weighted(-_squares(x_t, alpha * train) / (2 * sigma**2), train, dim=0)


@wrong("9.1", "values")
def always_the_mean(x_t, alpha, sigma, train):
    return train.mean(0, keepdim=True).expand_as(x_t)


@wrong("9.1", "result shrunk by alpha")
def noisy_mean(x_t, alpha, sigma, train):
    return _weighted(-_squares(x_t, alpha * train) / (2 * sigma**2), alpha * train)
