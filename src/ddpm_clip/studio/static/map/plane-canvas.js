// <plane-canvas>: the map as a canvas that is clicked, dragged on, zoomed, and steered by keys.

import { h } from '../core/dom.js';
import { coloursOf, drawPath, drawPictures, drawPoint, drawPrompt, drawWords, labelColours } from './drawing.js';
import { PlaneWindow } from './window.js';

const NEAR = 12;
const APART = 7;
const STRIDE = 24;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Events: `point` {at}, `path` {path}, `hover` {picture}. Property `mode`: point, path or move. */
class PlaneCanvas extends HTMLElement {
  mode = 'point';
  #canvas = h('canvas', {
    tabindex: 0, role: 'application',
    'aria-label': 'Map of pictures and words. Arrow keys move the cross, Enter paints from it, plus and minus zoom.',
  });
  #view = new PlaneWindow([-1, -1, 1, 1]);
  #data = { pictures: [], words: [] };
  #byLabel = new Map();
  #prompt = null;
  #at = null;
  #path = null;
  #drag = null;
  #images = new Map();
  #due = false;

  connectedCallback() {
    if (!this.firstChild) this.#listen();
    this.append(this.#canvas);
    this.#observer.observe(this);
    this.draw();
  }

  disconnectedCallback() {
    this.#observer.disconnect();
  }

  #observer = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = this;
    this.#canvas.width = width * devicePixelRatio;
    this.#canvas.height = height * devicePixelRatio;
    this.#view.resize(width, height);
    this.draw();
  });

  get labels() {
    return this.#byLabel;
  }

  /** Show another map. */
  show(data) {
    this.#data = data;
    this.#byLabel = labelColours(data.pictures);
    const { width, height } = this.#view;
    this.#view = new PlaneWindow(data.bounds);
    this.#view.resize(width, height);
    this.draw();
  }

  mark({ prompt = this.#prompt, at = this.#at, path = this.#path }) {
    this.#prompt = prompt;
    this.#at = at;
    this.#path = path;
    this.draw();
  }

  zoom(factor) {
    this.#view.zoomAt([this.#view.width / 2, this.#view.height / 2], factor);
    this.draw();
  }

  /** Draw as soon as the screen is drawn, however often this is asked for until then. */
  draw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#paint();
    });
  }

  #paint() {
    const context = this.#canvas.getContext('2d');
    const view = this.#view;
    const colours = coloursOf(this);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    drawPictures(context, view, this.#data.pictures, { colours, byLabel: this.#byLabel, thumbs: (url) => this.#thumb(url) });
    const taken = [];
    if (this.#prompt) drawPrompt(context, view, this.#prompt, colours, taken);
    drawWords(context, view, this.#data.words, colours, taken);
    const path = this.#drag?.path ?? this.#path;
    if (path?.length > 1) drawPath(context, view, path, colours);
    else if (this.#at) drawPoint(context, view, this.#at, colours);
  }

  /** The picture behind an address once it is loaded; null until then. */
  #thumb(url) {
    if (!this.#images.has(url)) {
      const image = new Image();
      image.addEventListener('load', () => this.draw());
      image.src = url;
      this.#images.set(url, image);
    }
    const image = this.#images.get(url);
    return image.complete && image.naturalWidth ? image : null;
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#moved(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    canvas.addEventListener('pointercancel', () => { this.#drag = null; });
    canvas.addEventListener('keydown', (event) => this.#key(event));
    canvas.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && document.activeElement !== canvas) return; // the page scrolls until the map is in use
      event.preventDefault();
      this.#view.zoomAt([event.offsetX, event.offsetY], 2 ** (-event.deltaY / 240));
      this.draw();
    }, { passive: false });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ['data-theme'] });
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    const pixel = [event.offsetX, event.offsetY];
    this.#drag = { pixel, path: this.mode === 'path' ? [this.#view.toPlane(pixel)] : null };
  }

  #moved(event) {
    const pixel = [event.offsetX, event.offsetY];
    if (!this.#drag) {
      this.dispatchEvent(new CustomEvent('hover', { detail: { picture: this.#pictureAt(pixel), pixel } }));
      return;
    }
    const [columns, rows] = [pixel[0] - this.#drag.pixel[0], pixel[1] - this.#drag.pixel[1]];
    if (this.mode === 'move') this.#view.move(-columns, -rows);
    else if (this.mode === 'point' || Math.hypot(columns, rows) < APART) return;
    else this.#drag.path.push(this.#view.toPlane(pixel));
    this.#drag.pixel = pixel;
    this.draw();
  }

  #up(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    if (this.mode === 'point') this.#choose(this.#view.toPlane([event.offsetX, event.offsetY]));
    else if (drag.path?.length > 1) this.dispatchEvent(new CustomEvent('path', { detail: { path: drag.path } }));
    this.draw();
  }

  #choose(at) {
    this.dispatchEvent(new CustomEvent('point', { detail: { at } }));
  }

  #key(event) {
    const at = this.#at ?? this.#view.centre;
    if (event.key in ARROWS) {
      const [column, row] = this.#view.toPixels(at);
      const [dx, dy] = ARROWS[event.key];
      const stride = event.shiftKey ? 3 * STRIDE : STRIDE / 2;
      this.mark({ at: this.#view.toPlane([column + dx * stride, row + dy * stride]), path: null });
    } else if (event.key === 'Enter') this.#choose(at);
    else if (event.key === '+') this.zoom(1.4);
    else if (event.key === '-') this.zoom(1 / 1.4);
    else return;
    event.preventDefault();
  }

  #pictureAt([column, row]) {
    let best = null;
    let least = NEAR;
    for (const picture of this.#data.pictures) {
      const [x, y] = this.#view.toPixels([picture.x, picture.y]);
      const distance = Math.hypot(x - column, y - row);
      if (distance < least) [best, least] = [picture, distance];
    }
    return best;
  }
}

customElements.define('plane-canvas', PlaneCanvas);
