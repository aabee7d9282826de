"""A target that walks with another guidance weight than it is asked for."""

from ddpm_clip.models.ddpm import DDPM


class Stubborn(DDPM):
    """Walks with scale 3, whatever it is asked for."""

    def walk(self, *args, scale=1.0, **options):
        return super().walk(*args, scale=3.0, **options)


def stubborn(target):
    return target.replace(ddpm=Stubborn(target.schedule, parameterization="v"))
