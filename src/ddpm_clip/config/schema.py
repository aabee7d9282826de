"""The whole configuration as frozen pydantic models: every key, its default and its range.

Defaults are defined here and nowhere else. Objects never see a `Config`: `build.py` passes them
plain arguments. Does not import torch.
"""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from ddpm_clip.config.distillation import DistillationConfig
from ddpm_clip.config.painting_options import USUAL_GUIDANCE, PaintingOptions, Scale
from ddpm_clip.config.picture_size import LARGEST as LARGEST
from ddpm_clip.config.picture_size import SMALLEST as SMALLEST
from ddpm_clip.config.picture_size import WIDEST, Channels, PictureSize
from ddpm_clip.config.section import ConfigSection
from ddpm_clip.utils.resizing import Size


class ModelConfig(ConfigSection):
    """The denoising network."""

    arch: str = Field("unet", description="network: unet or course_unet")
    down_chs: tuple[Channels, ...] = Field(
        (64, 128, 192), min_length=1, max_length=10, description="channels of each level"
    )
    blocks: int = Field(2, ge=1, le=8, description="residual blocks per level")
    stem: int = Field(2, ge=1, le=4, description="space-to-depth factor before the first level")
    attention: int = Field(
        8, ge=0, le=1024, description="attention at feature maps at most this wide"
    )
    t_embed_dim: int = Field(
        128, ge=2, le=WIDEST, multiple_of=2, description="size of the timestep embedding"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout inside the residual blocks")
    norm_groups: int | None = Field(
        None, ge=1, le=WIDEST, description="groups of GroupNorm; unset: 16 channels each"
    )


class DiffusionConfig(ConfigSection):
    """Noise levels, what the network predicts, and how its loss is weighted."""

    schedule: str = Field("cosine", description="linear, scaled_linear, cosine or sigmoid")
    timesteps: int = Field(1000, ge=2, le=100_000, description="number of timesteps T")
    beta_start: float = Field(1e-4, gt=0, lt=1, description="first beta of the linear schedules")
    beta_end: float = Field(0.02, gt=0, lt=1, description="last beta; both for T = 1000")
    zero_terminal_snr: bool = Field(False, description="make the last timestep pure noise")
    parameterization: str = Field("v", description="what the network predicts: eps, x_0 or v")
    weighting: str = Field("edm", description="loss weights: uniform, min_snr or edm")
    noise_levels: str = Field(
        "lognormal", description="how timesteps are drawn in training: uniform or lognormal"
    )
    p_mean: float = Field(-1.0, description="mean of log sigma, if lognormal")
    p_std: float = Field(1.3, gt=0, description="standard deviation of log sigma, if lognormal")
    sigma_data: float = Field(0.5, gt=0, description="standard deviation of the pictures (edm)")

    @model_validator(mode="after")
    def _betas_rise(self) -> "DiffusionConfig":
        if self.beta_end < self.beta_start:
            raise ValueError(
                f"beta_end = {self.beta_end:g} must not be below beta_start = {self.beta_start:g}"
            )
        return self


class EmbedderConfig(ConfigSection):
    """The CLIP that embeds pictures and texts, and how a mini-CLIP is trained."""

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
    init: str | None = Field(None, description="mini-CLIP whose weights the training starts from")
    freeze_image: bool = Field(False, description="train the text tower of the mini-CLIP only")
    noise_aware: bool = Field(
        False, description="add noise to half of the mini-CLIP's pictures, for CLIP guidance"
    )
    image_tower: str = Field(
        "convolutions", description="image tower of the mini-CLIP: convolutions or patches"
    )
    text_tower: str = Field(
        "attention", description="text tower of the mini-CLIP: attention or recurrent"
    )
    half: Literal[1, 2] | None = Field(
        None, description="train the mini-CLIP on one half of the pictures, 1 or 2; unset: all"
    )
    outside: bool = Field(
        True, description="train the mini-CLIP also on texts that match no picture"
    )
    augment: float = Field(
        0.0,
        ge=0,
        le=1,
        description="strength of crops, rotations and colour changes of its pictures",
    )
    measure: bool = Field(
        True, description="let captions mention what can be measured in a picture"
    )

    @field_validator("name", mode="before")
    @classmethod
    def _former_name(cls, name: object) -> object:
        return "legacy_clip" if name == "seed_clip" else name  # its name in ddpm_clip 0.1


class ConditioningConfig(ConfigSection):
    """How an embedding becomes the condition of the network, in training and in painting."""

    c_drop_prob: float = Field(
        0.15,
        ge=0,
        le=1,
        description="share trained with the null condition; 1: an unconditional model",
    )
    c_drop_mode: Literal["sample", "element"] = Field(
        "sample", description="what is dropped: sample, or element as an ablation"
    )
    bridge: str = Field("auto", description="auto, identity, shift, noise, knn, prior or resample")
    mode: Literal["centred", "raw"] = Field(
        "centred", description="centred, or raw for imported weights"
    )
    noise_max: float = Field(0.8, ge=0, le=1, description="largest condition noise in training")
    noise_prob: float = Field(0.5, ge=0, le=1, description="share trained with condition noise")
    text_noise: float = Field(0.4, ge=0, le=1, description="level of the `noise` bridge")
    bank: bool = Field(True, description="store a bank of embeddings with the run")
    bank_size: int = Field(10_000, ge=0, le=10_000_000, description="most embeddings in the bank")
    knn_k: int = Field(10, ge=1, description="neighbours of the `knn` bridge")
    knn_tau: float = Field(0.05, gt=0, description="temperature of the `knn` bridge")
    knn_beta: float = Field(0.5, ge=0, le=1, description="share of `shift` in the `knn` bridge")
    prior_truncation: float = Field(
        0.7, ge=0, le=1, description="spread of the `prior` bridge: 1 full, 0 always the mean"
    )


class DataConfig(ConfigSection):
    """The training pictures."""

    source: str | None = Field(None, description="a folder, a zip, npz:, wds:, hf:, or a name")
    image_size: PictureSize = Field(
        Size(32, 32), description="side of the training pictures in pixels, or [height, width]"
    )
    channels: int = Field(3, description="1 for grey, 3 for colour")
    max_samples: int | None = Field(None, ge=1, description="use at most this many pictures")
    crop: Literal["centre", "none"] = Field(
        "centre", description="centre: the middle in the shape of image_size; none: squeeze"
    )
    flip: bool | None = Field(None, description="mirror at random; unset: never")
    random_crop: int = Field(
        0, ge=0, le=64, description="random crops of each picture trained on besides it; 0: none"
    )
    crop_margin: float = Field(
        0.15, gt=0, le=0.9, description="share of each side that a random crop may leave out"
    )
    background: str = Field("white", description="colour behind transparent pixels")
    heldout: int = Field(256, ge=0, description="pictures held out for the held-out loss; 0: none")
    max_bad: float = Field(0.2, ge=0, le=1, description="largest share of unreadable files")
    memory_limit_mb: int = Field(4096, ge=1, description="arrays larger than this stay on disk")
    draw: int = Field(
        4000, ge=1, le=10**7, description="number of pictures of the source drawn-flowers"
    )
    draw_seed: int = Field(0, ge=0, description="seed of the source drawn-flowers")

    @field_validator("channels")
    @classmethod
    def _one_or_three(cls, channels: int) -> int:
        if channels not in (1, 3):
            raise ValueError("channels must be 1 (grey) or 3 (colour)")
        return channels


class TrainingConfig(ConfigSection):
    """The optimisation, and what it writes to the run."""

    steps: int = Field(5000, ge=0, description="optimisation steps")
    minutes: float | None = Field(
        None, gt=0, le=100_000, description="plan the training, its steps too, for so many minutes"
    )
    epochs: float | None = Field(None, ge=0, description="passes over the data, instead of steps")
    batch_size: int = Field(64, ge=1, le=10**6, description="pictures per step, over all processes")
    accumulation: int = Field(1, ge=1, description="micro-batches per step")
    optimizer: str = Field("adamw", description="adamw, or muon for short runs")
    lr: float = Field(1e-3, ge=0, description="learning rate")
    warmup: int = Field(200, ge=0, description="steps of linear warm-up")
    decay: float = Field(
        0.3, ge=0, le=1, description="share of the steps, at the end, in which lr falls"
    )
    final_lr: float = Field(0.02, ge=0, le=1, description="final learning rate as a share of lr")
    weight_decay: float = Field(0.01, ge=0, description="AdamW weight decay")
    clip: float = Field(1.0, gt=0, description="largest gradient norm")
    ema_sigma_rel: float = Field(0.1, gt=0, lt=0.28, description="width of the EMA profile")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="autocast type; float16 scales the loss"
    )
    tf32: bool = Field(False, description="compute float32 on CUDA in TensorFloat-32")
    data_on_device: bool = Field(False, description="keep all pictures in the device's memory")
    channels_last: bool = Field(True, description="memory format of the network")
    compile: bool = Field(False, description="use torch.compile; pays off in runs over ten minutes")
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints")
    keep_last: int = Field(2, ge=1, description="checkpoints kept besides the best one")
    heldout_every: int = Field(250, ge=1, description="steps between held-out losses")
    sample_every: int = Field(1000, ge=0, description="steps between sample grids; 0: never")
    success_every: int = Field(
        0, ge=0, description="steps between measured prompt successes, by a judge; 0: never"
    )
    judge: str | None = Field(None, description="judge of success: a folder or a shipped model")
    track: tuple[str, ...] = Field(
        (), description="trackers to report to, such as tensorboard or wandb"
    )
    animation: bool = Field(True, description="write the denoising GIF at the end")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="seed of weights, data order and noise")
    threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads, without --threads; unset: torch's choice"
    )
    device: str = Field("auto", description="auto, cpu, cuda or mps")


class GenerationConfig(ConfigSection, PaintingOptions):
    """How pictures are painted, unless a command overrides it."""

    prompts: tuple[str, ...] = Field((), description="prompts of the sample grids")
    guidance: Scale = USUAL_GUIDANCE
    grid_guidance: tuple[Scale, ...] = Field(
        (1.0, 2.0, 3.0), min_length=1, description="guidance scales of the sample grids in training"
    )


class Config(ConfigSection):
    """The whole configuration; together with the data, it reproduces a run."""

    preset: str | None = Field(None, description="the preset this started from")
    model: ModelConfig = ModelConfig()
    diffusion: DiffusionConfig = DiffusionConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    conditioning: ConditioningConfig = ConditioningConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    generation: GenerationConfig = GenerationConfig()
    distillation: DistillationConfig = DistillationConfig()

    @model_validator(mode="after")
    def _words_are_learned(self) -> "Config":
        if self.conditioning.c_drop_prob == 1 and not self.generation.unconditional:
            raise ValueError(
                "conditioning.c_drop_prob = 1 hides every condition, so no word can be learned; "
                "choose less than 1, or set generation.unconditional=true"
            )
        return self


SECTIONS = tuple(name for name in Config.model_fields if name != "preset")
