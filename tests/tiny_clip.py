"""Tiny random CLIP and SigLIP models in the Hugging Face layout, made on the spot.

They know nothing, but their files are what a real model's files are: config, safetensors,
tokenizer and picture processor.
"""

import json
from pathlib import Path

MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'"


def make_tiny_clip(folder: Path, *, dim: int = 16, size: int = 32, seed: int = 0) -> Path:
    """A CLIPModel with a byte-pair tokenizer that knows single letters. 24 tokens long."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    start, end = "<|startoftext|>", "<|endoftext|>"
    tokens = [*LETTERS, *(letter + "</w>" for letter in LETTERS), start, end]
    text = {
        "vocab_size": len(tokens),
        "max_position_embeddings": 24,
        "bos_token_id": len(tokens) - 2,
        "eos_token_id": len(tokens) - 1,
        "pad_token_id": len(tokens) - 1,
    }
    config = CLIPConfig(
        text_config=_tower() | text,
        vision_config=_tower() | {"image_size": size, "patch_size": 8},
        projection_dim=dim,
    )
    torch.manual_seed(seed)
    CLIPModel(config).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    _write(folder, "tokenizer_config.json", {"tokenizer_class": "CLIPTokenizer"})
    _write(
        folder,
        "preprocessor_config.json",
        {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": size},
            "crop_size": {"height": size, "width": size},
            "resample": 3,
            "image_mean": MEAN,
            "image_std": STD,
            "do_resize": True,
            "do_center_crop": True,
            "do_normalize": True,
            "do_convert_rgb": True,
        },
    )
    return folder


def make_tiny_siglip(folder: Path, *, size: int = 32, seed: int = 0) -> Path:
    """A SiglipModel (16-D) with a letter tokenizer in tokenizer.json. 16 tokens long."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel

    tokens = ["<unk>", "</s>", *LETTERS]
    text = {
        "vocab_size": len(tokens),
        "max_position_embeddings": 16,
        "bos_token_id": 1,
        "eos_token_id": 1,
        "pad_token_id": 1,
        "projection_size": 16,
    }
    config = SiglipConfig(
        text_config=_tower() | text, vision_config=_tower() | {"image_size": size, "patch_size": 8}
    )
    torch.manual_seed(seed)
    SiglipModel(config).save_pretrained(folder)
    words = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    _write(
        folder,
        "preprocessor_config.json",
        {
            "image_processor_type": "SiglipImageProcessor",
            "size": {"height": size, "width": size},
            "resample": 3,
            "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3,
            "do_resize": True,
            "do_normalize": True,
            "do_convert_rgb": True,
        },
    )
    return folder


def _tower() -> dict[str, int]:
    return {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }


def _write(folder: Path, name: str, content: dict[str, object]) -> None:
    (folder / name).write_text(json.dumps(content))
