"""A metric is one line in `METRICS`, or one entry point, and stands in every form of a report."""

from types import SimpleNamespace

import pytest
import torch

import ddpm_clip.registry
from ddpm_clip.evaluation.metrics import against_real
from ddpm_clip.evaluation.metrics.against_real import METRICS, Metric
from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.files import as_json
from ddpm_clip.evaluation.report.formats.markdown import as_markdown
from ddpm_clip.evaluation.report.formats.page import as_html
from ddpm_clip.evaluation.report.plan import SamplingPlan
from ddpm_clip.evaluation.report.sections import sets
from ddpm_clip.registry import Registry
from ddpm_clip.utils.generators import finish


def drift(painted, real):
    return {"drift": (painted.mean(0) - real.mean(0)).norm().item(), "plain": 0.5}


DRIFT = Metric({"drift": "low", "plain": "high"}, drift, {"drift": "drift of the <mean>"})


@pytest.fixture
def section():
    """What `METRICS` says of 30 painted and 60 real rows."""
    painted, real = torch.randn(30, 4), torch.randn(60, 4)
    data = SimpleNamespace(
        features=(painted, real),
        seed=0,
        space="a space",
        pool=(None, "real ones"),
        match=SimpleNamespace(note=""),
        judge=SimpleNamespace(about={}),
        brought_back=3,
        cases=range(10),
        half_of_real=lambda: real.chunk(2),
    )
    return lambda: finish(sets.distances_section(data))


def reports(section):
    model = dict.fromkeys(("name", "fingerprint", "sampler", "bridge", "source"), "x")
    model |= {"steps": 1, "guidance": 1.0, "source_is_here": True}
    made = {"date": "x", "ddpm_clip": "1", "commit": "", "torch": "2", "threads": 1}
    found = Evaluation(made, model, SamplingPlan(1, ()), 0, (section,), (), (), 0.0)
    return as_json(found), as_markdown(found), as_html(found)


def used(monkeypatch, registry):
    for module in (against_real, sets):
        monkeypatch.setattr(module, "METRICS", registry)


@pytest.fixture
def added(monkeypatch):
    used(monkeypatch, Registry("metric", {**METRICS, "drift": DRIFT}))


@pytest.fixture
def plugged(monkeypatch):
    """The same by an entry point of another package."""
    points = [SimpleNamespace(name="metric.drift", load=lambda: DRIFT)]
    monkeypatch.setattr(ddpm_clip.registry, "entry_points", lambda group: points)
    used(monkeypatch, Registry("metric", dict(METRICS)))


@pytest.mark.parametrize("way", ["added", "plugged"])
def test_a_new_metric_is_in_json_markdown_and_html(way, section, request):
    request.getfixturevalue(way)
    told, markdown, html = reports(section())
    part = told["parts"]["distances"]
    shown = {one["name"]: one for one in part["figures"]}
    assert shown["drift of the <mean>"]["better"] == "low"
    assert shown["plain"] == {"name": "plain", "value": 0.5, "n": 30, "real": 0.5, "better": "high"}
    assert part["detail"]["metrics"]["drift"]["figure"] == "drift"
    assert "| drift of the &lt;mean> |" in markdown
    assert "| plain | 0.5 |" in markdown
    assert '<th scope="row">drift of the &lt;mean&gt;</th>' in html
    assert '<th scope="row">plain</th><td>0.5</td>' in html


def test_without_it_every_metric_of_ours_is_there_and_no_other(section):
    told = reports(section())[0]["parts"]["distances"]["detail"]["metrics"]
    assert list(told) == [name for metric in METRICS.values() for name in metric.figures]
    assert "drift" not in told


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_titles_are_those_of_figures(metric):
    assert metric.titles.keys() <= metric.figures.keys()


def test_a_broken_plug_in_is_told_and_takes_no_other_metric_down(section, monkeypatch):
    dist = SimpleNamespace(name="bad")
    points = [SimpleNamespace(name="metric.bad", value="bad:metric", dist=dist)]  # cannot load
    monkeypatch.setattr(ddpm_clip.registry, "entry_points", lambda group: points)
    used(monkeypatch, Registry("metric", dict(METRICS)))
    with pytest.warns(UserWarning, match=r"skipped: the plug-in 'metric\.bad' cannot be loaded"):
        told = reports(section())[0]["parts"]["distances"]["detail"]["metrics"]
    assert {"frechet", "precision"} <= set(told)
