// The settings of painting: sliders, seed, and what is needed less often under "More".

import { h, newId, replace } from '../core/dom.js';
import { models } from '../core/models.js';
import { field, segments } from '../parts/fields.js';
import { numberSlider } from '../parts/number-slider.js';
import { randomSeed } from './paint-form.js';

const SEED_MODES = { fixed: 'stays', next: 'moves on', random: 'is random' };
const MOST_SEED = 2 ** 32 - 1;

function seedFields(form) {
  const input = h('input', {
    type: 'number', min: 0, max: MOST_SEED, step: 1, value: form.values.seed,
    onchange: () => form.set({ seed: Math.min(MOST_SEED, Math.max(0, Math.round(Number(input.value)) || 0)) }),
  });
  const dice = h('button', { type: 'button', class: 'quiet small', onclick: () => form.set({ seed: randomSeed() }) }, 'Another seed');
  const modes = segments('With each press of Paint, the seed', SEED_MODES, form.values.seedMode, (seedMode) => form.set({ seedMode }));
  form.addEventListener('change', () => { input.value = form.values.seed; });
  const row = field('Seed', h('span', { class: 'row' }));
  const label = row.querySelector('label');
  input.id = newId('seed');
  label.htmlFor = input.id;
  row.querySelector('.row').append(input, dice);
  row.append(h('p', { class: 'hint' }, 'The noise to begin with: the same seed, words and settings paint the same pictures.'));
  return [row, modes];
}

/** A choice of names, with the model's own first. */
function choice(form, name, label) {
  const select = h('select', { onchange: () => form.set({ [name]: select.value }) });
  const show = () => {
    const names = models.current?.[`${name}s`] ?? [];
    const own = name === 'bridge' && models.current?.bridge_default ? `the model's: ${models.current.bridge_default}` : "the model's";
    replace(select, h('option', { value: '' }, own), ...names.map((each) => h('option', { value: each }, each)));
    select.value = names.includes(form.values[name]) ? form.values[name] : '';
  };
  models.addEventListener('change', show);
  form.addEventListener('change', ({ detail }) => detail.changed.includes(name) && show());
  show();
  return field(label, select);
}

function more(form) {
  const negative = h('input', { type: 'text', dir: 'auto', maxlength: 4000, value: form.values.negative, oninput: () => form.set({ negative: negative.value }) });
  const notThis = field('Not this (negative words)', negative);
  const fit = () => { notThis.hidden = Boolean(models.current?.few_call); }; // its guidance is built in
  models.addEventListener('change', fit);
  fit();
  const without = h('input', { type: 'checkbox', onchange: () => form.set({ unconditional: without.checked }) });
  without.checked = form.values.unconditional;
  form.addEventListener('change', ({ detail }) => {
    if (detail.source) negative.value = form.values.negative;
    without.checked = form.values.unconditional;
  });
  return h('details', { class: 'more' }, h('summary', {}, 'More'),
    notThis,
    choice(form, 'sampler', 'Sampler'),
    choice(form, 'bridge', 'Bridge from words to pictures'),
    h('label', { class: 'check' }, without, h('span', {}, 'Paint without words')));
}

/** The panel for a form; it follows the form and the model. */
export function settingsPanel(form) {
  const slider = (name, attributes) => {
    const element = numberSlider({ value: form.values[name] ?? attributes.min, ...attributes }, (value) => form.set({ [name]: value }));
    form.addEventListener('change', ({ detail }) => {
      if (detail.changed.includes(name)) element.value = form.values[name];
    });
    return element;
  };
  const guidance = slider('guidance', { label: 'Guidance', min: -3, max: 30, step: 0.1, hint: 'How strongly the words pull. 1: no more than was learnt.' });
  const steps = slider('steps', { label: 'Steps', min: 1, max: 100, step: 1, hint: 'How often some of the noise is taken away. More take longer.' });
  const count = slider('n', { label: 'Pictures', min: 1, max: 10, step: 1 });
  const fit = () => {
    const model = models.current;
    if (!model) return;
    steps.limit({ min: 1, max: model.steps_max });
    guidance.limit({ min: model.guidance_min, max: model.guidance_max });
  };
  models.addEventListener('change', fit);
  fit();
  return h('section', { class: 'card settings', 'aria-label': 'Settings' }, count, steps, guidance, ...seedFields(form), more(form));
}
