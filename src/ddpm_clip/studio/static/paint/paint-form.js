// What a person asks for in the Paint view, and the job that it becomes.

import { Form } from '../core/form.js';

export const paintForm = new Form('paint', {
  prompt: '',
  negative: '',
  n: 4,
  seed: 1,
  seedMode: 'fixed',
  steps: null,
  guidance: null,
  sampler: '',
  bridge: '',
  unconditional: false,
  asYouType: true,
  model: null,
});

const LARGEST_SEED = 2 ** 32 - 1;

/** Another seed, drawn at random. */
export function randomSeed() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** The seed of the next sheet, after one has been asked for with the button. */
export function nextSeed({ seed, seedMode, n }) {
  if (seedMode === 'next') return (seed + n) % (LARGEST_SEED + 1);
  return seedMode === 'random' ? randomSeed() : seed;
}

/** Whether there is anything to paint. */
export function asksForSomething({ prompt, unconditional }) {
  return unconditional || prompt.trim() !== '';
}

/** The fields of a `paint` job; empty choices are left to the model. */
export function paintFields(values, model) {
  const fields = {
    model: model.id, n: values.n, seed: values.seed, steps: values.steps, guidance: values.guidance,
    preview: model.few_call ? 0 : 1,
  };
  if (values.unconditional) fields.unconditional = true;
  else fields.prompt = values.prompt;
  const names = model.few_call ? ['sampler', 'bridge'] : ['sampler', 'bridge', 'negative'];
  for (const name of names) if (values[name]) fields[name] = values[name];
  return fields;
}

/** Fit the form to a model: its own steps and scale, unless the form was of this model already. */
export function fitToModel(form, model) {
  const { values } = form;
  if (values.model === model.id && values.steps !== null) return;
  form.set({
    model: model.id,
    steps: model.steps_default,
    guidance: model.guidance_default,
    sampler: '',
    bridge: '',
  }, 'model');
}

/** Set everything that made a picture again, as far as this model knows it. */
export function restore(form, record) {
  const given = { ...record.parameters, prompt: record.prompt, seed: record.seed };
  const changes = { n: 1, seedMode: 'fixed', unconditional: Boolean(given.unconditional) };
  for (const name of ['prompt', 'seed', 'steps', 'guidance']) {
    if (given[name] !== undefined && given[name] !== null) changes[name] = given[name];
  }
  for (const name of ['sampler', 'bridge', 'negative']) changes[name] = given[name] ?? '';
  changes.model = record.model ?? given.model ?? form.values.model;
  form.set(changes, 'restore');
}
