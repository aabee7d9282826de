// A new training: its pictures, what the doctor says of them, its name and length.

import { getJson, sendBytes, sendJson } from '../core/api.js';
import { bdi, h, newId, replace } from '../core/dom.js';
import { Form } from '../core/form.js';
import { counted } from '../core/format.js';
import { field, segments } from '../parts/fields.js';
import { fileChoice } from '../parts/file-choice.js';
import { notice, refusalNotice } from '../parts/notice.js';
import { doctorReport } from './doctor-report.js';
import { zipOf } from './zip.js';

const form = new Form('train', { source: null, name: '', preset: '', length: 'minutes', minutes: 20, steps: 2000 });

async function asZip(files) {
  const [first] = files;
  return files.length === 1 && /\.zip$/i.test(first.name) ? first : zipOf(files);
}

/** `newTraining(onStarted)`: `element`, `enter()`, and `offer(presets)`. */
export function newTraining(onStarted) {
  const sources = h('div', { class: 'sources', role: 'radiogroup', 'aria-label': 'Pictures to train on' });
  const messages = h('div', { class: 'messages', 'aria-live': 'polite' });
  const report = doctorReport();
  const start = h('button', { type: 'button', class: 'primary' }, 'Start training');
  const preset = h('select', { onchange: () => form.set({ preset: preset.value }) });
  const about = h('p', { class: 'hint' });
  const group = newId('source');

  const choose = (source) => {
    form.set({ source: source.id });
    start.disabled = false;
    report.ask(source.id);
  };

  const radio = (source) => {
    const input = h('input', { type: 'radio', name: group, value: source.id, onchange: () => choose(source) });
    input.checked = form.values.source === source.id;
    const size = typeof source.pictures === 'number' ? counted(source.pictures, 'picture') : '';
    return h('label', { class: 'source' }, input, h('span', {}, bdi(source.name.split('/').flatMap((part, i) => (i ? ['/', h('wbr'), part] : [part])))), h('span', { class: 'hint' }, size));
  };

  const load = async () => {
    try {
      const answer = await getJson('/api/sources');
      replace(sources, ...answer.sources.map(radio));
      if (!answer.sources.length) replace(sources, h('p', { class: 'hint' }, 'No folder was named with --data; drop pictures below.'));
      start.disabled = !answer.sources.some(({ id }) => id === form.values.source);
    } catch (error) {
      replace(messages, refusalNotice(error));
    }
  };

  const upload = async (files) => {
    replace(messages, h('p', { class: 'hint' }, `Sending ${counted(files.length, 'file')} …`));
    try {
      const source = await sendBytes('/api/uploads', await asZip(files), 'application/zip');
      const left = (source.left_out ?? []).map(({ reason, count }) => `${count} left out: ${reason}`);
      replace(messages, notice('note', h('p', {}, `${counted(source.pictures, 'picture')} received.`), left.length ? h('p', { class: 'hint' }, left.join('; ')) : ''));
      form.set({ source: source.id });
      await load();
      choose(source);
    } catch (error) {
      replace(messages, refusalNotice(error));
    }
  };

  const lengthFields = h('div', {});
  const drawLength = () => {
    const { length } = form.values;
    const input = h('input', { type: 'number', min: length === 'minutes' ? 0.1 : 1, step: length === 'minutes' ? 'any' : 1, value: form.values[length], onchange: () => form.set({ [length]: Number(input.value) || form.values[length] }) });
    replace(lengthFields, field(length === 'minutes' ? 'Minutes' : 'Steps', input));
  };

  start.addEventListener('click', async () => {
    const { source, name, length } = form.values;
    start.disabled = true;
    try {
      const fields = { source, name, [length]: form.values[length], ...(form.values.preset ? { preset: form.values.preset } : {}) };
      onStarted(await sendJson('POST', '/api/runs', fields));
      replace(messages);
    } catch (error) {
      replace(messages, refusalNotice(error));
    }
    start.disabled = false;
  });

  const name = h('input', { type: 'text', dir: 'auto', maxlength: 80, value: form.values.name, placeholder: 'roses', oninput: () => form.set({ name: name.value }) });
  const length = segments('How long', { minutes: 'Minutes', steps: 'Steps' }, form.values.length, (chosen) => {
    form.set({ length: chosen });
    drawLength();
  });
  drawLength();
  const element = h('section', { class: 'card new-training', 'aria-label': 'New training' },
    h('h2', {}, 'New training'), sources,
    fileChoice({ label: 'Or drop pictures, a folder or a zip', hint: 'They stay on this machine.', accept: 'image/*,.zip,application/zip', multiple: true }, upload),
    messages, report, field('Name', name), h('div', { class: 'field' }, field('Preset', preset), about),
    h('div', { class: 'two-fields' }, length, lengthFields), start);

  return {
    element,
    enter: load,
    offer: (presets) => {
      const show = () => { about.textContent = presets.find((each) => each.name === preset.value)?.description ?? ''; };
      replace(preset, h('option', { value: '' }, 'planned from the pictures'), ...presets.map((each) => h('option', { value: each.name }, each.name)));
      preset.value = form.values.preset;
      preset.addEventListener('change', show);
      show();
    },
  };
}
