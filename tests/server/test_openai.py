"""AP1: the real client of OpenAI, with only `base_url` changed, against a real server."""

import base64
import io
import json

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

EVERY_FIELD = {
    "user": "u",
    "quality": "high",
    "style": "vivid",
    "background": "opaque",
    "moderation": "low",
}


@pytest.fixture(scope="module")
def ai(url):
    """The client, which repeats nothing by itself, so that every failure is seen."""
    with openai.OpenAI(api_key="none needed", base_url=f"{url}/v1", max_retries=0) as client:
        yield client


def image(entry) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(entry.b64_json)))


def recorded(answer):
    """The parameters in the first picture."""
    return json.loads(image(answer.data[0]).info["ddpm_clip"])


def png(pixels: Image.Image) -> io.BytesIO:
    file = io.BytesIO()
    pixels.save(file, "PNG")
    file.seek(0)
    file.name = "whatever.png"
    return file


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_n_pictures_with_their_seeds(ai, n):
    answer = ai.images.generate(prompt="left", n=n, extra_body={"seed": 7, "steps": 2})
    assert [one.seed for one in answer.data] == list(range(7, 7 + n))
    assert {image(one).size for one in answer.data} == {(8, 8)}
    assert (answer.output_format, answer.size) == ("png", "8x8")
    facts = recorded(answer)
    assert (facts["prompt"], facts["steps"], facts["model"]) == ("left", 2, "tiny")


def test_a_random_seed_is_told_and_paints_the_same_again(ai):
    first = ai.images.generate(prompt="left").data[0]
    again = ai.images.generate(prompt="left", extra_body={"seed": first.seed}).data[0]
    assert np.array_equal(image(first), image(again))


def test_our_fields_arrive(ai):
    ours = {"seed": 3, "num_inference_steps": 4, "guidance_scale": 3.0, "negative_prompt": "right"}
    facts = json.loads(
        image(ai.images.generate(prompt="left", extra_body=ours).data[0]).info["ddpm_clip"]
    )
    assert (facts["steps"], facts["guidance"], facts["negative"]) == (4, 3.0, "right")
    facts = json.loads(
        image(ai.images.generate(prompt="left", extra_body={"w": 2}).data[0]).info["ddpm_clip"]
    )
    assert facts["guidance"] == 3.0


def test_fields_that_mean_nothing_here_are_ignored(ai):
    assert ai.images.generate(prompt="left", size="auto", model="tiny", **EVERY_FIELD).data


def test_a_url_gives_the_picture(ai):
    told = ai.images.generate(prompt="left", response_format="url").data[0]
    assert told.b64_json is None
    assert Image.open(io.BytesIO(httpx.get(told.url).content)).size == (8, 8)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_the_file_format(ai, form):
    told = ai.images.generate(prompt="left", output_format=form, output_compression=80)
    assert image(told.data[0]).format == form.upper()


@pytest.mark.parametrize("partials", [0, 1, 2, 3])
def test_a_stream_shows_pictures_on_the_way(ai, partials):
    asked = {"prompt": "left", "stream": True, "partial_images": partials}
    told = list(ai.images.generate(**asked, extra_body={"steps": 8, "seed": 1}))
    kinds = [one.type for one in told]
    assert kinds == ["image_generation.partial_image"] * partials + ["image_generation.completed"]
    assert [one.partial_image_index for one in told[:-1]] == list(range(partials))
    assert {image(one).size for one in told} == {(8, 8)}
    assert {one.size for one in told} == {"8x8"}
    assert told[-1].usage.total_tokens == 0
    whole = ai.images.generate(prompt="left", extra_body={"steps": 8, "seed": 1}).data[0]
    assert np.array_equal(image(whole), image(told[-1]))


def test_an_edit_repaints_what_is_transparent_and_nothing_else(ai):
    rng = np.random.default_rng(0)
    given = Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8))
    hole = np.full((16, 16, 4), 255, dtype=np.uint8)
    hole[:, 8:, 3] = 0
    asked = {"model": "clip", "image": png(given), "mask": png(Image.fromarray(hole)), "n": 2}
    told = ai.images.edit(**asked, prompt="a bar", extra_body={"seed": 5, "rounds": 1})
    assert [one.seed for one in told.data] == [5, 6]
    for one in told.data:
        painted = np.asarray(image(one))
        assert np.array_equal(painted[:, :8], np.asarray(given)[:, :8])
        assert not np.array_equal(painted[:, 8:], np.asarray(given)[:, 8:])


def test_an_edit_can_be_streamed_and_the_picture_be_its_own_mask(ai):
    given = np.full((16, 16, 4), 255, dtype=np.uint8)
    given[4:12, 4:12, 3] = 0
    asked = {"model": "clip", "image": png(Image.fromarray(given)), "prompt": "a ring"}
    told = list(ai.images.edit(**asked, stream=True, partial_images=1))
    assert [one.type for one in told] == ["image_edit.partial_image", "image_edit.completed"]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_variations_of_a_picture(ai):
    given = png(Image.new("RGB", (20, 20), "red"))
    told = ai.images.create_variation(model="clip", image=given, n=2)
    assert [image(one).size for one in told.data] == [(16, 16)] * 2


def test_the_models(ai):
    assert [one.id for one in ai.models.list()] == ["tiny", "clip"]
    assert ai.models.retrieve("clip").id == "clip"
    with pytest.raises(openai.NotFoundError) as refusal:
        ai.models.retrieve("another")
    assert refusal.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"prompt": " "}, "prompt"),
        ({"n": 11}, "n"),
        ({"size": "1024x1024"}, "size"),
        ({"partial_images": 2}, "partial_images"),
        ({"extra_body": {"steps": 51}}, "steps"),
        ({"extra_body": {"promt": 1}}, "promt"),
        ({"extra_body": {"w": 1, "guidance_scale": 2}}, "w"),
        ({"stream": True, "extra_body": {"w": 31}}, "w"),
    ],
)
def test_an_invalid_request_is_a_bad_request_that_is_not_repeated(ai, asked, param):
    with pytest.raises(openai.BadRequestError) as refusal:
        ai.images.generate(**{"prompt": "left"} | asked)
    assert (refusal.value.code, refusal.value.param) == ("E-USAGE", param)
    assert refusal.value.type == "invalid_request_error"
    assert refusal.value.response.headers["x-should-retry"] == "false"


def test_an_unknown_model_is_not_found(ai):
    with pytest.raises(openai.NotFoundError) as refusal:
        ai.images.generate(prompt="left", model="dall-e-3")
    assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")


def test_a_typo_is_answered_with_the_right_name(ai):
    with pytest.raises(openai.BadRequestError, match="promt") as refusal:
        ai.images.generate(prompt="left", extra_body={"promt": "right"})
    assert "did you mean 'prompt'?" in refusal.value.body["hint"]


def test_a_repeated_request_is_painted_once(ai):
    headers = {"Idempotency-Key": "once"}
    first = ai.images.generate(prompt="left", extra_headers=headers).data[0]
    assert ai.images.generate(prompt="left", extra_headers=headers).data[0].seed == first.seed
    with pytest.raises(openai.ConflictError):
        ai.images.generate(prompt="right", extra_headers=headers)


def test_removed_control_characters_are_told(ai):
    told = ai.images.generate(prompt="le\x00ft")
    assert told.warnings == ["control characters were removed from the prompt"]
    assert recorded(told)["prompt"] == "left"
