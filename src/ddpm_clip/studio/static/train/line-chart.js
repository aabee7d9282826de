// <line-chart>: lines over steps, on a logarithmic scale, drawn as SVG.

import { h, replace, svg } from '../core/dom.js';
import { number } from '../core/format.js';
import { linear, logarithmic, logTicks, niceTicks } from './axes.js';

const HEIGHT = 260;
const EDGE = { left: 46, right: 12, top: 10, bottom: 30 };

function pathOf(points, x, y) {
  return points.map(([step, value], i) => `${i ? 'L' : 'M'}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join('');
}

/** The value of a line at a step: that of the nearest point. */
function valueAt(points, step) {
  let best = points[0];
  for (const point of points) if (Math.abs(point[0] - step) < Math.abs(best[0] - step)) best = point;
  return best;
}

class LineChart extends HTMLElement {
  #lines = [];
  #unit = '';
  #due = false;
  #key = h('p', { class: 'chart-key' });
  #box = h('div', { class: 'chart-box' });
  #observer = new ResizeObserver(() => this.#soon());

  connectedCallback() {
    this.append(this.#box, this.#key);
    this.#observer.observe(this);
  }

  disconnectedCallback() {
    this.#observer.disconnect();
  }

  /** `lines`: [{ name, points: [[step, value]], faint? , color: 0..5 }]; points without a value are left out. */
  show(lines, unit = 'loss') {
    this.#lines = lines.map((line) => ({ ...line, points: line.points.filter(([, value]) => value > 0) })).filter(({ points }) => points.length);
    this.#unit = unit;
    this.#soon();
  }

  #soon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  #draw() {
    const width = this.clientWidth;
    const named = this.#lines.filter(({ faint }) => !faint);
    if (!width || !named.length) {
      replace(this.#box, h('p', { class: 'hint chart-empty' }, 'No step yet.'));
      replace(this.#key);
      return;
    }
    const all = this.#lines.flatMap(({ points }) => points);
    const steps = all.map(([step]) => step);
    const values = all.map(([, value]) => value);
    const [low, high] = [Math.min(...values) * 0.93, Math.max(...values) * 1.07];
    const x = linear(Math.min(0, ...steps), Math.max(1, ...steps), EDGE.left, width - EDGE.right);
    const y = logarithmic(low, high, HEIGHT - EDGE.bottom, EDGE.top);
    const said = named.map(({ name, points }) => `${name} from ${number(points[0][1])} to ${number(points.at(-1)[1])} at step ${number(points.at(-1)[0])}`).join('; ');
    const picture = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: 'img', 'aria-label': `${this.#unit} by step: ${said}` },
      ...this.#grid(x, y, low, high, width),
      ...this.#lines.map((line) => svg('path', { d: pathOf(line.points, x, y), class: `line color-${line.color}${line.faint ? ' faint' : ''}` })));
    const cursor = svg('line', { class: 'cursor', y1: EDGE.top, y2: HEIGHT - EDGE.bottom });
    picture.append(cursor);
    picture.addEventListener('pointermove', (event) => this.#point(event.offsetX, x, cursor, named));
    picture.addEventListener('pointerleave', () => this.#say(named, null, cursor));
    replace(this.#box, picture);
    this.#say(named, null, cursor);
  }

  #grid(x, y, low, high, width) {
    const across = logTicks(low, high).map((value) => [
      svg('line', { class: 'grid', x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
      svg('text', { x: EDGE.left - 8, y: y(value) + 4, 'text-anchor': 'end' }, number(value)),
    ]);
    const most = x.invert(width - EDGE.right);
    const along = niceTicks(0, most, Math.max(2, Math.floor(width / 110))).map((step) =>
      svg('text', { x: x(step), y: HEIGHT - 8, 'text-anchor': step === 0 ? 'start' : 'middle' }, number(step)));
    return [...across.flat(), ...along];
  }

  #point(pixel, x, cursor, named) {
    this.#say(named, Math.max(0, x.invert(pixel)), cursor, x);
  }

  /** Below the chart: each line's value where the pointer is, or its last. */
  #say(named, step, cursor, x) {
    const at = step === null ? null : valueAt(named[0].points, step)[0];
    cursor.setAttribute('visibility', at === null ? 'hidden' : 'visible');
    if (at !== null) for (const end of ['x1', 'x2']) cursor.setAttribute(end, x(at));
    const entries = named.map(({ name, points, color }) => {
      const value = (at === null ? points.at(-1) : valueAt(points, at))[1];
      return h('span', { class: `key color-${color}` }, h('i', { class: 'dot' }), name, ' ', h('b', {}, number(value)));
    });
    replace(this.#key, h('span', {}, `step ${number(at ?? named[0].points.at(-1)[0])}`), ...entries);
  }
}

customElements.define('line-chart', LineChart);
