// Edit: a picture in, other pictures out.

import './mask-brush.js';
import { sendBytes } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { sizeOf } from '../core/known-pictures.js';
import { models } from '../core/models.js';
import { field, segments } from '../parts/fields.js';
import { fileChoice } from '../parts/file-choice.js';
import { jobOnSheet } from '../parts/job-on-sheet.js';
import { refusalNotice } from '../parts/notice.js';
import { numberSlider } from '../parts/number-slider.js';
import { pixelPicture } from '../parts/pixel-picture.js';
import { blendIdeas } from './blend-ideas.js';
import { editFields, editForm as form, KINDS, missing } from './edit-form.js';
import { originCard } from './origin.js';

const SIDE = 320;
const PICTURES = 'image/png,image/jpeg,image/webp,image/gif,image/bmp,image/tiff';

class EditView {
  constructor() {
    this.source = h('div', { class: 'edit-source' });
    this.fields = h('div', { class: 'edit-fields' });
    this.kinds = h('div', {});
    this.missing = h('p', { class: 'hint' });
    this.go = h('button', { type: 'button', class: 'primary', onclick: () => this.start() });
    this.work = jobOnSheet('edit');
    this.element = h('div', { class: 'edit' }, h('h1', {}, 'Edit'),
      this.source,
      h('div', { class: 'edit-main' }, this.kinds, this.fields, h('div', { class: 'row' }, this.go, this.missing), this.work.element));
    form.addEventListener('change', ({ detail }) => this.changed(detail.changed));
    models.addEventListener('change', () => this.element.isConnected && this.enter());
  }

  enter() {
    if (!models.current || this.of === models.current.id) return;
    const first = !this.of;
    this.of = models.current.id;
    if (first) this.work.resume();
    if (!this.offered().includes(form.values.kind)) form.set({ kind: this.offered()[0] });
    this.drawAll();
  }

  /** The kinds of editing that this model can do, or the one that it was distilled from. */
  offered() {
    return Object.keys(KINDS).filter((kind) => models.editing(kind));
  }

  changed(names) {
    if (!this.of) return;
    if (names.includes('picture') || names.includes('kind')) this.drawAll();
    else this.check();
  }

  drawAll() {
    const options = Object.fromEntries(this.offered().map((kind) => [kind, KINDS[kind].name]));
    const kinds = segments('What shall be done', options, form.values.kind, (kind) => form.set({ kind }));
    kinds.classList.add('wrapped');
    const focused = this.kinds.contains(document.activeElement);
    replace(this.kinds, kinds);
    if (focused) kinds.querySelector(':checked').focus();
    this.drawSource();
    this.drawFields();
    this.check();
  }

  drawSource() {
    this.brush?.end();
    this.brush = null;
    const record = form.values.picture;
    const choice = fileChoice({
      label: record ? 'Another picture' : 'Drop a picture here, or choose one',
      hint: record ? '' : 'A photograph, a drawing, or a PNG that was painted here: its settings come back.', accept: PICTURES,
    }, ([file]) => this.upload(file));
    if (!record) return replace(this.source, choice);
    const { width, height } = sizeOf(record);
    const scale = Math.min(SIDE, document.documentElement.clientWidth - 34) / Math.max(width, height);
    const frame = h('div', { class: 'frame' }, pixelPicture({
      url: record.url, alt: record.prompt || 'the picture to be edited', width, height, scale: scale > 1 ? Math.floor(scale) : scale,
    }));
    replace(this.source, frame);
    if (form.values.kind === 'inpaint') {
      this.brush = h('mask-brush').build(frame, record.id, width, height);
      this.brush.addEventListener('change', () => this.check());
      this.source.append(this.brush);
    }
    this.source.append(originCard(record), choice);
    return undefined;
  }

  drawFields() {
    const { kind } = form.values;
    const { reads, hint, name } = KINDS[kind];
    const words = (key, label, hint = '') => {
      const placeholder = models.current.prompts?.[0] ?? '';
      const input = h('input', { type: 'text', dir: 'auto', maxlength: 4000, value: form.values[key], placeholder, oninput: () => form.set({ [key]: input.value }) });
      return field(label, input, hint);
    };
    const slider = (key, options) => numberSlider({ value: form.values[key], ...options }, (value) => form.set({ [key]: value }));
    const painter = models.editing(kind);
    const instead = painter === models.current ? '' : ` It needs many steps, so ${painter.title} does it.`;
    replace(this.fields, h('p', { class: 'hint' }, hint + instead),
      reads.includes('prompt') ? words('prompt', 'With these words', 'Left empty, no words lead it.') : '',
      reads.includes('other') ? words('other', 'To these words') : '',
      reads.includes('strength') ? slider('strength', { label: 'Strength', min: 0, max: 1, step: 0.05, hint: '0: the picture stays; 1: nothing of it is left.' }) : '',
      reads.includes('ideas') ? blendIdeas(form) : '',
      h('div', { class: 'two' }, slider('n', { label: 'Pictures', min: 1, max: 10, step: 1 }), slider('seed', { label: 'Seed', min: 0, max: 9999, step: 1 })));
    this.go.textContent = name;
  }

  check() {
    this.missing.textContent = missing(form.values, this.brush && !this.brush.mask.isEmpty);
    this.go.disabled = this.missing.textContent !== '';
  }

  async upload(file) {
    try {
      form.set({ picture: await sendBytes('/api/pictures', file, file.type || 'image/png') });
    } catch (error) {
      replace(this.source, refusalNotice(error), ...this.source.childNodes);
    }
  }

  async start() {
    try {
      const mask = this.brush ? (await sendBytes('/api/pictures', await this.brush.mask.png())).id : null;
      await this.work.ask(form.values.kind, editFields(form.values, models.editing(form.values.kind), mask));
    } catch (error) {
      replace(this.source, refusalNotice(error), ...this.source.childNodes);
    }
  }
}

export function createView() {
  const view = new EditView();
  return { element: view.element, enter: () => view.enter() };
}
