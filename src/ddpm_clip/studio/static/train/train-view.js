// Train: from a folder of pictures to a model, watched while it learns.

import { getJson } from '../core/api.js';
import { connection } from '../core/connection.js';
import { h, replace } from '../core/dom.js';
import { refusalNotice } from '../parts/notice.js';
import { newTraining } from './new-training.js';
import { runList } from './run-list.js';
import { runPanel } from './run-panel.js';

const KEY = 'run';

class TrainView {
  constructor() {
    this.messages = h('div', { class: 'messages' });
    this.panel = runPanel(() => this.refresh());
    this.list = runList((id) => this.choose(id));
    this.start = newTraining((run) => this.started(run));
    this.first = h('div', { class: 'first-time', hidden: true },
      h('p', {}, 'No training yet. Choose a folder of pictures, or drop some: they need no captions.'),
      h('p', {}, 'The doctor looks through them first. Then the network learns to take noise away from them, and each minute you see the same noise painted by what it has learnt. When it is done, or earlier, paint with it from words.'));
    this.element = h('div', { class: 'train' }, h('h1', {}, 'Train'),
      this.start.element, h('div', { class: 'train-main' }, this.messages, this.first, this.panel.element, this.list.element));
    connection.addEventListener('back', () => this.element.isConnected && this.enter());
  }

  async enter() {
    this.start.enter();
    await this.refresh(true);
    const shown = this.runs.find(({ id }) => id === sessionStorage.getItem(KEY)) ?? this.runs.find(({ state }) => state === 'running') ?? this.runs[0];
    if (shown) this.choose(shown.id);
  }

  runs = [];

  async refresh(first = false) {
    try {
      const { runs, presets } = await getJson('/api/runs');
      this.runs = runs;
      if (first) this.start.offer(presets);
      replace(this.messages);
    } catch (error) {
      replace(this.messages, refusalNotice(error));
    }
    this.first.hidden = this.runs.length > 0;
    this.list.show(this.runs, sessionStorage.getItem(KEY));
  }

  /** It was started at the foot of the form: bring it into sight. */
  async started(run) {
    await this.choose(run.id);
    this.panel.reveal();
  }

  async choose(id) {
    sessionStorage.setItem(KEY, id);
    await Promise.all([this.panel.show(id), this.refresh()]);
  }
}

export function createView() {
  const view = new TrainView();
  return { element: view.element, enter: () => view.enter(), leave: () => view.panel.leave() };
}
