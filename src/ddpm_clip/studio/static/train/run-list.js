// All trainings: chosen to be looked at, or compared by their curves.

import './line-chart.js';
import { getJson } from '../core/api.js';
import { bdi, h, replace } from '../core/dom.js';
import { number, time } from '../core/format.js';
import { complain } from '../parts/notice.js';
import { smoothed } from './axes.js';
import { STATES } from './run-panel.js';

const MOST = 6;
const SMOOTH = 12;

/** `runList(onChoose)`: `element`, and `show(runs, chosen)`. */
export function runList(onChoose) {
  const body = h('tbody', {});
  const chart = h('line-chart');
  const together = h('div', { class: 'compare-runs', hidden: true }, h('h3', {}, 'Loss of the marked trainings'), chart);
  const table = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of trainings' }, h('table', {},
    h('thead', {}, h('tr', {}, ...['Compare', 'Name', 'Pictures', 'State', 'Step', 'Loss', 'Started'].map((name) => h('th', { scope: 'col' }, name)))), body));
  const element = h('section', { class: 'runs', 'aria-label': 'Trainings', hidden: true }, h('h2', {}, 'Trainings'), table, together);
  const marked = new Set();

  async function compare() {
    together.hidden = marked.size < 2;
    if (together.hidden) return;
    try {
      const runs = await Promise.all([...marked].map((id) => getJson(`/api/runs/${id}`)));
      chart.show(runs.map((run, i) => ({
        name: run.name || `training ${i + 1}`, color: i, points: smoothed(run.curve.map(({ step, loss }) => [step, loss]), SMOOTH),
      })));
    } catch (error) {
      complain(error);
    }
  }

  const row = (run, chosen) => {
    const mark = h('input', { type: 'checkbox', 'aria-label': `Compare ${run.name}`, onchange: () => {
      if (mark.checked) marked.add(run.id);
      else marked.delete(run.id);
      mark.checked = marked.has(run.id);
      compare();
    } });
    mark.checked = marked.has(run.id);
    mark.disabled = !mark.checked && marked.size >= MOST;
    const open = h('button', { type: 'button', class: 'link', 'aria-pressed': String(run.id === chosen), onclick: () => onChoose(run.id) }, bdi(run.name || 'training'));
    return h('tr', { class: run.id === chosen ? 'chosen' : '' },
      h('td', {}, h('label', { class: 'check' }, mark)), h('td', {}, open), h('td', {}, bdi(run.source ?? '')),
      h('td', {}, h('span', { class: `state ${run.state}` }, STATES[run.state] ?? run.state)),
      h('td', {}, number(run.step ?? 0)), h('td', {}, number(run.loss)), h('td', {}, time(run.started)));
  };

  return {
    element,
    show: (runs, chosen) => {
      element.hidden = !runs.length;
      replace(body, ...runs.map((run) => row(run, chosen)));
      for (const id of [...marked]) if (!runs.some((run) => run.id === id)) marked.delete(id);
    },
  };
}
