"""The whole configuration as frozen pydantic models: every key, its default and its range.

Defaults stand here and nowhere else. Objects never see a `Config`: `build.py` hands them plain
arguments. Knows nothing of files and flags (`config/resolve.py`) or of torch.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ddpm_clip.config.painting_options import Option, PaintingOptions, Scale

WIDEST = 16_384
"""Channels or features of one layer; a file that asks for more is a mistake, or meant to hurt."""

Channels = Annotated[int, Field(ge=1, le=WIDEST)]


class ConfigSection(BaseModel):
    """One section: frozen, and an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Take the description of a painting option from its declaration."""
        for field in cls.model_fields.values():
            for option in field.metadata:
                if isinstance(option, Option):
                    field.description = option.description


class ModelConfig(ConfigSection):
    """The denoising network."""

    arch: str = Field("unet", description="network: unet or course_unet")
    down_chs: tuple[Channels, ...] = Field(
        (64, 128, 192), min_length=1, max_length=10, description="channels of each level"
    )
    blocks: int = Field(2, ge=1, le=8, description="residual blocks a level")
    stem: int = Field(2, ge=1, le=4, description="space-to-depth factor in front of level one")
    attention: int = Field(
        8, ge=0, le=1024, description="attention where the map is at most this wide"
    )
    t_embed_dim: int = Field(
        128, ge=2, le=WIDEST, multiple_of=2, description="features of the time embedding"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout inside the residual blocks")
    norm_groups: int | None = Field(
        None, ge=1, le=WIDEST, description="of GroupNorm; null: 16 channels each"
    )


class DiffusionConfig(ConfigSection):
    """Noise levels, what the network predicts, and how its loss is weighted."""

    schedule: str = Field("cosine", description="linear, scaled_linear, cosine or sigmoid")
    timesteps: int = Field(1000, ge=2, le=100_000, description="rows of the schedule (T)")
    beta_start: float = Field(1e-4, gt=0, lt=1, description="first beta of the linear schedules")
    beta_end: float = Field(0.02, gt=0, lt=1, description="last beta, both for T = 1000")
    zero_terminal_snr: bool = Field(False, description="rescale so that the last row is pure noise")
    parameterization: str = Field("v", description="what the network predicts: eps, x_0 or v")
    weighting: str = Field("edm", description="loss weights: uniform, min_snr or edm")
    noise_levels: str = Field("lognormal", description="how rows are drawn: uniform or lognormal")
    p_mean: float = Field(-1.0, description="mean of log sigma where lognormal")
    p_std: float = Field(1.3, gt=0, description="standard deviation of log sigma where lognormal")
    sigma_data: float = Field(0.5, gt=0, description="standard deviation of the pictures (edm)")

    @model_validator(mode="after")
    def _betas_rise(self) -> "DiffusionConfig":
        if self.beta_end < self.beta_start:
            raise ValueError(
                f"beta_end = {self.beta_end:g} must not be below beta_start = {self.beta_start:g}"
            )
        return self


class EmbedderConfig(ConfigSection):
    """What puts pictures and words into one space, and how the mini-CLIP is trained."""

    name: str = Field("auto", description="auto, transformers_clip, mini_clip or labels")
    model: str | None = Field(None, description="hub id, folder, run or shipped name")
    batch_size: int = Field(64, ge=1, le=65_536, description="pictures encoded at once")
    dim: int = Field(64, ge=2, le=512, description="size of the mini-CLIP's embedding")
    width: int = Field(
        48, ge=8, le=4096, description="channels of the mini-CLIP's first convolution"
    )
    text_width: int = Field(128, ge=8, le=4096, description="width of the mini-CLIP's text tower")
    loss: Literal["multi_positive", "sigmoid"] = Field(
        "multi_positive", description="mini-CLIP loss"
    )
    max_inverse_temperature: float = Field(30.0, gt=0, description="clamp of the learned 1/T")
    steps: int = Field(1000, ge=0, description="optimisation steps of the mini-CLIP")
    clip_batch_size: int = Field(
        256, ge=1, le=10**6, description="batch of the mini-CLIP's training"
    )
    lr: float = Field(2e-3, ge=0, description="learning rate of the mini-CLIP")
    seed: int = Field(0, ge=0, description="seed of the mini-CLIP's training")
    init: str | None = Field(None, description="mini-CLIP from which the training goes on")
    freeze_image: bool = Field(False, description="train the text tower of the mini-CLIP only")
    noise_aware: bool = Field(False, description="show the mini-CLIP noisy pictures, as a guide's")
    image_tower: str = Field("convolutions", description="of the mini-CLIP, or patches")
    text_tower: str = Field("attention", description="of the mini-CLIP, or recurrent")
    half: Literal[1, 2] | None = Field(None, description="half of the pictures that it learns from")
    outside: bool = Field(True, description="teach the mini-CLIP texts that fit no picture as well")
    augment: float = Field(
        0.0, ge=0, le=1, description="how far its pictures are cut, turned and recoloured"
    )
    measure: bool = Field(True, description="let captions say what can be measured in the picture")

    @field_validator("name", mode="before")
    @classmethod
    def _former_name(cls, name: object) -> object:
        return "legacy_clip" if name == "seed_clip" else name  # so called by ddpm_clip 0.1


class ConditioningConfig(ConfigSection):
    """The way from an embedding to the network's condition, in training and afterwards."""

    c_drop_prob: float = Field(
        0.15, ge=0, le=1, description="share of rows that get the null; 1: paints without words"
    )
    c_drop_mode: Literal["sample", "element"] = Field("sample", description="element: an ablation")
    bridge: str = Field("auto", description="auto, identity, shift, noise, knn or prior")
    mode: Literal["centred", "raw"] = Field("centred", description="raw: for imported weights")
    noise_max: float = Field(0.8, ge=0, le=1, description="largest condition noise in training")
    noise_prob: float = Field(0.5, ge=0, le=1, description="share of rows with condition noise")
    text_noise: float = Field(0.4, ge=0, le=1, description="level of the `noise` bridge")
    bank: bool = Field(True, description="keep a bank of embeddings with the run")
    bank_size: int = Field(10_000, ge=0, le=10_000_000, description="embeddings kept in the bank")
    knn_k: int = Field(10, ge=1, description="neighbours of the `knn` bridge")
    knn_tau: float = Field(0.05, gt=0, description="temperature of the `knn` bridge")
    knn_beta: float = Field(0.5, ge=0, le=1, description="share of `shift` in the `knn` bridge")
    prior_truncation: float = Field(
        0.7, ge=0, le=1, description="of what the `prior` bridge draws: 1 varied, 0 always the mean"
    )


class DataConfig(ConfigSection):
    """The pictures."""

    source: str | None = Field(None, description="a folder, npz:, wds:, hf:, or a name")
    image_size: int = Field(32, ge=4, le=1024, description="side of the training pictures")
    channels: int = Field(3, description="1 for grey, 3 for colour")
    max_samples: int | None = Field(None, ge=1, description="use at most so many pictures")
    crop: Literal["centre", "none"] = Field("centre", description="square crop, or squeeze")
    flip: bool | None = Field(None, description="mirror at random; unset: never")
    background: str = Field("white", description="colour behind transparent pixels")
    heldout: int = Field(256, ge=0, description="kept out of training for the loss; 0: none at all")
    max_bad: float = Field(0.2, ge=0, le=1, description="largest share of unreadable files")
    memory_limit_mb: int = Field(4096, ge=1, description="larger arrays lie in files")
    draw: int = Field(4000, ge=1, le=10**7, description="pictures that drawn-flowers draws")
    draw_seed: int = Field(0, ge=0, description="seed of drawn-flowers")

    @field_validator("channels")
    @classmethod
    def _one_or_three(cls, channels: int) -> int:
        if channels not in (1, 3):
            raise ValueError("channels must be 1 (grey) or 3 (colour)")
        return channels


class TrainingConfig(ConfigSection):
    """The optimisation and what it leaves in the run."""

    steps: int = Field(5000, ge=0, description="optimisation steps")
    epochs: float | None = Field(None, ge=0, description="instead of steps: passes over the data")
    batch_size: int = Field(64, ge=1, le=10**6, description="pictures a step, over all processes")
    accumulation: int = Field(1, ge=1, description="micro-batches a step")
    optimizer: str = Field("adamw", description="adamw, or muon for short runs")
    lr: float = Field(1e-3, ge=0, description="learning rate")
    warmup: int = Field(200, ge=0, description="steps of linear warm-up")
    decay: float = Field(0.3, ge=0, le=1, description="last share of the steps in which lr falls")
    final_lr: float = Field(0.02, ge=0, le=1, description="last learning rate as a share of lr")
    weight_decay: float = Field(0.01, ge=0, description="AdamW weight decay")
    clip: float = Field(1.0, gt=0, description="largest gradient norm")
    ema_sigma_rel: float = Field(0.1, gt=0, lt=0.28, description="width of the EMA profile")
    dtype: Literal["auto", "float32", "bfloat16"] = Field("auto", description="autocast type")
    channels_last: bool = Field(True, description="memory format of the network")
    compile: bool = Field(False, description="torch.compile, for runs over ten minutes")
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints")
    keep_last: int = Field(2, ge=1, description="checkpoints kept beside the best")
    heldout_every: int = Field(250, ge=1, description="steps between held-out losses")
    sample_every: int = Field(1000, ge=0, description="steps between sample grids; 0: never")
    animation: bool = Field(True, description="write the denoising GIF at the end")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="seed of weights, data order and noise")
    threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads; unset: torch's choice"
    )
    device: str = Field("auto", description="auto, cpu, cuda or mps")


class GenerationConfig(ConfigSection, PaintingOptions):
    """How pictures are painted where a command does not say otherwise."""

    prompts: tuple[str, ...] = Field((), description="prompts of the sample grids")
    guidance: Scale = 2.0
    grid_guidance: tuple[Scale, ...] = Field(
        (1.0, 2.0, 3.0), min_length=1, description="guidance scales of the sample grids in training"
    )


class Config(ConfigSection):
    """Everything a run needs to be made again."""

    preset: str | None = Field(None, description="the preset this started from")
    model: ModelConfig = ModelConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    conditioning: ConditioningConfig = ConditioningConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    generation: GenerationConfig = GenerationConfig()

    @model_validator(mode="after")
    def _words_are_learned(self) -> "Config":
        if self.conditioning.c_drop_prob == 1 and not self.generation.unconditional:
            raise ValueError(
                "conditioning.c_drop_prob = 1 hides every condition, so that no word is learned; "
                "choose less than 1, or set generation.unconditional=true"
            )
        return self


SECTIONS = tuple(name for name in Config.model_fields if name != "preset")
