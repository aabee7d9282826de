// Map: the space of pictures and words in two dimensions; painting from any place in it.

import './plane-canvas.js';
import { getJson, withQuery } from '../core/api.js';
import { h, newId, replace } from '../core/dom.js';
import { number } from '../core/format.js';
import { models } from '../core/models.js';
import { afterPause } from '../core/wait.js';
import { refusalNotice, unavailableNotice } from '../parts/notice.js';
import { pixelPicture } from '../parts/pixel-picture.js';
import { jobOnSheet } from '../parts/job-on-sheet.js';
import { paintForm } from '../paint/paint-form.js';
import { segments } from '../parts/fields.js';
import { mapForm as form } from './map-form.js';
import { withoutPointer } from './without-pointer.js';

const PAUSE = 200;
const MODES = { point: 'Click to paint', path: 'Drag a path', move: 'Move' };
const MOST_KNOTS = 24;
const MORPH = 8;

/** At most this many points of a path, the ends among them. */
export function thinned(path, most) {
  if (path.length <= most) return path;
  return Array.from({ length: most }, (_, i) => path[Math.round((i * (path.length - 1)) / (most - 1))]);
}

class MapView {
  constructor() {
    this.plane = h('plane-canvas');
    this.hover = h('div', { class: 'map-hover', 'aria-hidden': 'true', hidden: true });
    this.legend = h('p', { class: 'hint map-legend' });
    this.messages = h('div', { class: 'messages' });
    this.work = jobOnSheet('map');
    this.byHand = withoutPointer({ onPoint: (at) => this.point(at), onPath: (path) => this.path(path) });
    this.place = afterPause(PAUSE, () => this.placePrompt());
    this.element = this.draw();
    this.listen();
  }

  draw() {
    const id = newId('prompt');
    this.input = h('input', { id, type: 'text', dir: 'auto', maxlength: 4000, value: form.values.prompt, placeholder: 'a red rose' });
    const button = (name, text, action) => h('button', { type: 'button', class: 'quiet small', title: name, 'aria-label': name, onclick: action }, text);
    this.plane.mode = form.values.mode;
    this.plane.dataset.mode = form.values.mode;
    return h('div', { class: 'map' },
      h('div', { class: 'map-main' },
        h('h1', {}, 'Map'),
        h('div', { class: 'map-tools' },
          segments('What the pointer does', MODES, form.values.mode, (mode) => {
            form.set({ mode });
            this.plane.mode = mode;
            this.plane.dataset.mode = mode;
          }),
          h('div', { class: 'row' }, button('Zoom in', '+', () => this.plane.zoom(1.5)), button('Zoom out', '−', () => this.plane.zoom(1 / 1.5)))),
        h('div', { class: 'map-frame' }, this.plane, this.hover), this.legend),
      h('div', { class: 'map-side' },
        h('div', { class: 'field' }, h('label', { htmlFor: id }, 'Where do these words fall?'), this.input),
        this.messages, this.work.element, this.byHand));
  }

  listen() {
    this.input.addEventListener('input', () => {
      form.set({ prompt: this.input.value });
      this.place();
    });
    this.plane.addEventListener('point', ({ detail }) => this.point(detail.at));
    this.plane.addEventListener('path', ({ detail }) => this.path(thinned(detail.path, MOST_KNOTS)));
    this.plane.addEventListener('hover', ({ detail }) => this.showHover(detail));
    this.plane.addEventListener('pointerleave', () => { this.hover.hidden = true; });
    models.addEventListener('change', () => this.element.isConnected && this.enter());
  }

  /** Shown: load the map of this model, go on with what runs. */
  async enter() {
    if (!models.current) return;
    if (this.of === models.current.id) {
      this.plane.mark({ at: form.values.at, path: form.values.path });
      return;
    }
    this.of = models.current.id;
    this.work.resume();
    if (!form.values.prompt && paintForm.values.prompt) {
      form.set({ prompt: paintForm.values.prompt });
      this.input.value = form.values.prompt;
    }
    replace(this.messages, h('p', { class: 'hint' }, 'Loading the map …'));
    try {
      const map = await getJson(withQuery('/api/map', { model: this.of }));
      if (map.unavailable) this.silent(map.unavailable);
      else this.show(map);
    } catch (error) {
      this.of = null;
      replace(this.messages, refusalNotice(error));
    }
  }

  silent(reason) {
    replace(this.messages, unavailableNotice(reason));
    this.plane.show({ pictures: [], words: [], bounds: [-1, -1, 1, 1] });
    replace(this.legend);
  }

  show(map) {
    replace(this.messages);
    this.plane.show(map);
    this.byHand.show(map);
    const { at, path } = form.values;
    this.plane.mark({ prompt: null, at, path });
    const share = map.explained ? ` The two axes hold ${number(Math.round(100 * map.explained))} % of how the pictures differ.` : '';
    const labels = [...this.plane.labels].map(([label, colour]) => {
      const dot = h('i', { class: 'dot' });
      dot.style.setProperty('--dot', colour);
      return h('span', {}, dot, label);
    });
    replace(this.legend, `${number(map.pictures.length)} pictures (dots), ${number(map.words.length)} prompts (diamonds).${share} Violet: where your words fall (ring), and where each bridge takes them (dots). `, ...labels);
    this.placePrompt();
  }

  async placePrompt() {
    if (!form.values.prompt.trim() || !this.of) return this.plane.mark({ prompt: null });
    const { prompt } = form.values;
    try {
      const place = await getJson(withQuery('/api/map/place', { model: this.of, prompt }));
      if (prompt === form.values.prompt) this.plane.mark({ prompt: place.unavailable ? null : place });
    } catch (error) {
      replace(this.messages, refusalNotice(error));
    }
    return undefined;
  }

  /** Fields that every job of the map has; steps and guidance are those of Paint. */
  fields() {
    const { steps, guidance, seed } = paintForm.values;
    const model = models.current;
    const same = paintForm.values.model === model.id;
    return {
      model: model.id, seed, keep: true, preview: model.few_call ? 0 : 1,
      steps: same ? steps : model.steps_default, guidance: same ? guidance : model.guidance_default,
    };
  }

  point(at) {
    form.set({ at, path: null });
    this.plane.mark({ at, path: null });
    this.byHand.mark(at);
    this.work.ask('paint', { ...this.fields(), n: form.values.n, condition: { at } });
  }

  path(path) {
    form.set({ path, at: null });
    this.plane.mark({ path, at: null });
    this.work.ask('morph', { ...this.fields(), n: MORPH, path });
  }

  showHover({ picture, pixel: [column, row] }) {
    this.hover.hidden = !picture?.label && !picture?.thumb;
    if (this.hover.hidden) return;
    this.hover.style.setProperty('--left', `${column + 14}px`);
    this.hover.style.setProperty('--top', `${row + 14}px`);
    const [height, width] = models.current.image_size;
    replace(this.hover,
      picture.thumb ? pixelPicture({ url: picture.thumb, alt: picture.label ?? '', width, height, scale: 2 }) : '',
      picture.label ? h('span', {}, picture.label) : '');
  }
}

export function createView() {
  const view = new MapView();
  return { element: view.element, enter: () => view.enter() };
}
