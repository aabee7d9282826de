// One training: how far it is, its loss, the same noise painted at each stage, stop and resume.

import './line-chart.js';
import { announce } from '../core/announce.js';
import { getJson, sendJson } from '../core/api.js';
import { bdi, h, newId, replace } from '../core/dom.js';
import { duration, number } from '../core/format.js';
import { connection } from '../core/connection.js';
import { loadModels, models } from '../core/models.js';
import { goTo } from '../core/router.js';
import { complain, notice, refusalNotice } from '../parts/notice.js';
import { copyButton } from '../parts/save-file.js';
import { smoothed } from './axes.js';
import { nowOf, tooShort } from './run-words.js';

const SMOOTH = 12;
export const STATES = { running: 'running', stopped: 'stopped', done: 'done', failed: 'failed' };

/** Lines of a run's curve: each loss, faint, its mean, and the held-out loss. */
export function linesOf(curve) {
  const loss = curve.map(({ step, loss: value }) => [step, value]);
  const heldout = curve.filter((point) => typeof point.heldout === 'number').map(({ step, heldout: value }) => [step, value]);
  return [
    { name: 'each step', points: loss, color: 0, faint: true },
    { name: 'loss', points: smoothed(loss, SMOOTH), color: 0 },
    { name: 'held out', points: heldout, color: 1 },
  ];
}

/** The samples of a run: a slider through its stages. */
function sampleViewer() {
  const id = newId('stage');
  const image = h('img', { class: 'samples', alt: '' });
  const slider = h('input', { id, type: 'range', min: 0, max: 0, step: 1, value: 0 });
  const said = h('p', { class: 'hint' }); // the slider says it to screen readers
  const element = h('div', { class: 'sample-viewer', hidden: true }, h('h3', {}, 'The same noise, painted at each stage'), image,
    h('label', { htmlFor: id, class: 'visually-hidden' }, 'Stage of the training'), slider, said);
  let samples = [];
  const show = () => {
    const sample = samples[Number(slider.value)];
    if (!sample) return;
    image.src = sample.url;
    image.alt = `Samples at step ${sample.step}`;
    said.textContent = `step ${number(sample.step)}`;
    slider.setAttribute('aria-valuetext', said.textContent);
  };
  image.addEventListener('load', () => {
    const fits = Math.floor(Math.min(element.clientWidth, 512) / image.naturalWidth);
    image.style.setProperty('--width', `${image.naturalWidth * Math.max(1, fits)}px`);
  });
  slider.addEventListener('input', show);
  return Object.assign(element, {
    set: (all) => {
      samples = [...all];
      element.hidden = !samples.length;
      slider.max = Math.max(0, samples.length - 1);
      slider.value = slider.max;
      show();
    },
    add: (sample) => {
      const newest = Number(slider.value) === samples.length - 1 || !samples.length;
      if (samples.some(({ step }) => step === sample.step)) return;
      samples.push(sample);
      element.hidden = false;
      slider.max = samples.length - 1;
      if (newest) slider.value = slider.max;
      show();
    },
  });
}

/** `runPanel(onChange)`: `element`, `show(id)`, `reveal()`, `leave()`. `onChange` is told when its state changes. */
export function runPanel(onChange) {
  const title = h('h2', { tabindex: -1 });
  const state = h('span', { class: 'state' });
  const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Progress of the training' });
  const facts = h('dl', { class: 'facts' });
  const said = h('p', { class: 'hint' });
  const warning = h('div', { class: 'messages' });
  const chart = h('line-chart');
  const samples = sampleViewer();
  const command = h('code', { class: 'command' });
  const buttons = h('div', { class: 'buttons' });
  const messages = h('div', { class: 'messages' });
  const element = h('section', { class: 'card run', 'aria-label': 'Training', hidden: true },
    h('header', {}, title, state), bar, facts, said, warning, chart, buttons, messages, samples,
    h('div', { class: 'command-line' }, h('span', { class: 'hint' }, 'The same in a shell'), h('div', {}, command, copyButton(() => command.textContent))));
  let run = null;
  let source = null;

  const drawFacts = () => {
    const rows = {
      Step: run.of ? `${number(run.step ?? 0)} of ${number(run.of)}` : number(run.step ?? 0),
      Loss: number(run.loss), 'Held out': number(run.heldout), 'Pictures a second': number(run.images_per_second),
      'Time left': run.state === 'running' ? duration(run.eta ?? NaN) : '–',
    };
    replace(facts, ...Object.entries(rows).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
    bar.value = run.of ? (run.step ?? 0) / run.of : 0;
    bar.hidden = run.state !== 'running';
  };

  const act = (name, action, kind = 'quiet') => {
    const button = h('button', { type: 'button', class: kind }, name);
    button.addEventListener('click', async () => {
      if (button.ariaDisabled === 'true') return;
      button.ariaDisabled = 'true'; // it keeps the focus, which `disabled` would lose
      try {
        await action();
      } catch (error) {
        replace(messages, refusalNotice(error));
      }
      button.ariaDisabled = 'false';
    });
    return button;
  };

  const post = async (verb) => {
    const answer = await sendJson('POST', `/api/runs/${run.id}/${verb}`, {});
    onChange();
    if (verb === 'resume') await show(run.id);
    if (verb === 'stop' && run.state === 'running') {
      run.stopping = true;
      drawState();
    }
    return answer;
  };

  const open = async () => {
    const { model } = await post('open');
    await loadModels();
    models.choose(model);
    goTo('paint');
  };

  const drawState = () => {
    state.textContent = STATES[run.state] ?? run.state;
    state.className = `state ${run.state}`;
    const running = run.state === 'running';
    const saved = run.can_open !== false;
    const held = buttons.contains(document.activeElement);
    replace(buttons, running ? act(run.stopping ? 'Stop at once' : 'Stop', () => post('stop')) : '',
      saved && !running && run.state !== 'done' ? act('Resume', () => post('resume')) : '', saved ? act('Paint with it', open, 'primary') : '');
    if (held) (buttons.querySelector('button') ?? title).focus();
    said.textContent = nowOf(run);
  };

  /** Say if the time is too short: the plan is made a while after the start. */
  const drawPlan = async () => {
    const { id } = run;
    if (!run.plan && run.state === 'running') {
      const { plan } = await getJson(`/api/runs/${id}`);
      if (id !== run.id) return;
      run.plan = plan;
    }
    const text = tooShort(run.plan);
    if (warning.textContent !== text) replace(warning, text ? notice('warning', h('p', {}, text)) : '');
  };

  /** A checkpoint comes with the samples of its step, so from then on one can paint with it. */
  const sampled = async (sample) => {
    samples.add(sample);
    if (run.can_open !== false) return;
    run.can_open = (await getJson(`/api/runs/${run.id}`)).can_open;
    drawState();
  };

  const listen = () => {
    source?.close();
    if (run.state !== 'running') return;
    source = new EventSource(`/api/runs/${run.id}/events`);
    const on = (name, handler) => source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
    on('stage', ({ text }) => {
      run.said = text;
      said.textContent = nowOf(run);
      drawPlan().catch(complain);
    });
    on('step', (data) => {
      run.said = '';
      Object.assign(run, Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null)));
      if (typeof data.loss === 'number' && (run.curve.at(-1)?.step ?? -1) < data.step) run.curve.push(data);
      said.textContent = nowOf(run);
      drawFacts();
      chart.show(linesOf(run.curve));
    });
    on('samples', sampled);
    on('ended', () => {
      source.close();
      announce('The training has ended.');
      onChange();
      show(run.id);
    });
    source.addEventListener('error', () => connection.check());
  };

  async function show(id) {
    try {
      run = await getJson(`/api/runs/${id}`);
    } catch (error) {
      complain(error);
      return;
    }
    run.curve ??= [];
    element.hidden = false;
    replace(title, bdi(run.name || 'Training'));
    command.textContent = run.command;
    replace(messages);
    replace(warning);
    drawState();
    drawFacts();
    chart.show(linesOf(run.curve));
    samples.set(run.samples ?? []);
    drawPlan().catch(complain);
    listen();
  }

  const reveal = () => {
    title.focus({ preventScroll: true });
    element.scrollIntoView({ block: 'start' });
  };

  return { element, show, reveal, leave: () => source?.close() };
}
