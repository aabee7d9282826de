"""Which pretrained CLIP is recommended, by machine and number of pictures."""

from ddpm_clip.embedders.pretrained.advice import LADDER, advise
from ddpm_clip.embedders.pretrained.known_models import KNOWN


def limits(**machine):
    return [one.most for one in advise(**machine)]


def test_every_number_of_pictures_has_a_model():
    for cores in (1, 2, 64):
        rungs = limits(cores=cores, gpu=False, fast_bfloat16=False)
        assert rungs[-1] is None
        assert rungs[:-1] == sorted(rungs[:-1])
        assert rungs[0] > 0


def test_a_faster_machine_affords_the_larger_model_for_more_pictures():
    slow = limits(cores=2, gpu=False, fast_bfloat16=False)
    fast = limits(cores=2, gpu=False, fast_bfloat16=True)
    gpu = limits(cores=2, gpu=True, fast_bfloat16=True)
    assert slow[0] < fast[0] < gpu[0]


def test_the_models_come_from_the_table_the_one_with_most_work_first():
    work = [KNOWN[model].giga_macs for model in LADDER]
    assert work == sorted(work, reverse=True)
