// Paint: pictures follow while one types.

import { sendJson } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { models } from '../core/models.js';
import { afterPause } from '../core/wait.js';
import { jobOnSheet } from '../parts/job-on-sheet.js';
import { say } from '../parts/notice.js';
import { asksForSomething, fitToModel, nextSeed, paintFields, paintForm as form, randomSeed } from './paint-form.js';
import { promptAdvice, promptChips } from './prompt-advice.js';
import { settingsPanel } from './settings-panel.js';

const PAUSE = 150;
const AT_LATEST = 400;
const RESTED = 2000;
const OF_COVERAGE = 'covered prompts'; // the advice below the prompt says the same, with buttons
const SILENT = ['seedMode', 'asYouType', 'model'];

/** The field for the prompt, which grows with it. */
function promptField() {
  const input = h('textarea', {
    id: 'prompt', rows: 1, dir: 'auto', maxlength: 4000, spellcheck: 'true', autocomplete: 'off', enterkeyhint: 'go',
    placeholder: 'What shall be painted?', value: form.values.prompt,
  });
  input.addEventListener('input', () => form.set({ prompt: input.value }, 'typing'));
  form.addEventListener('change', ({ detail }) => {
    if (detail.source !== 'typing' && detail.changed.includes('prompt')) input.value = form.values.prompt;
  });
  return input;
}

class PaintView {
  constructor() {
    this.examples = h('div', { class: 'chips examples' });
    this.advice = promptAdvice(this.examples, (prompt) => this.take(prompt));
    this.running = this.behind = this.wanted = false;
    this.soon = afterPause(PAUSE, () => this.follow(), () => (models.current?.few_call ? 0 : AT_LATEST));
    this.keepRested = afterPause(RESTED, () => this.keep());
    this.work = jobOnSheet('paint', {
      onDone: (records, fields) => this.done(records, fields),
      onEnd: () => this.ended(),
      isTold: (message) => message.includes(OF_COVERAGE),
    });
    this.element = this.draw();
    this.listen();
  }

  /** The view is shown: paint what another view has set meanwhile. */
  enter() {
    this.soon.stop();
    if (models.current && this.sheetOf !== this.wish()) this.meet();
  }

  draw() {
    const input = promptField();
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.again();
    });
    const typing = h('input', { type: 'checkbox', onchange: () => form.set({ asYouType: typing.checked }) });
    typing.checked = form.values.asYouType;
    return h('div', { class: 'paint' },
      h('h1', { class: 'visually-hidden' }, 'Paint'),
      h('div', { class: 'paint-main' },
        h('div', { class: 'prompt-box' },
          h('label', { htmlFor: 'prompt', class: 'visually-hidden' }, 'Prompt'), input,
          h('button', { type: 'button', class: 'primary', onclick: () => this.again() }, 'Paint')),
        h('div', { class: 'below-prompt' }, h('div', {}, this.examples, this.advice),
          h('label', { class: 'check' }, typing, h('span', {}, 'Paint as I type'))),
        this.work.element),
      settingsPanel(form));
  }

  listen() {
    form.addEventListener('change', ({ detail }) => this.changed(detail));
    models.addEventListener('change', () => this.element.isConnected && this.meet());
  }

  /** A model is there: fit the form to it, then go on with what ran, or paint what was typed. */
  meet() {
    fitToModel(form, models.current);
    this.drawExamples();
    const first = !this.met;
    this.met = true;
    if (first && this.work.resume()) {
      this.sheetOf = this.wish();
      this.running = true;
    } else if (asksForSomething(form.values)) this.paint(false);
  }

  drawExamples() {
    const prompts = models.current.prompts ?? [];
    replace(this.examples, ...promptChips(prompts, (prompt) => this.take(prompt)));
  }

  take(prompt) {
    form.set({ prompt, unconditional: false }, 'chosen');
  }

  changed({ changed, source }) {
    if (source === 'model' || changed.every((name) => SILENT.includes(name))) return;
    if (source === 'restore' && models.current?.id !== form.values.model) models.choose(form.values.model);
    if (source === 'typing' && !form.values.asYouType) return;
    this.soon();
  }

  /** The button, or Enter: the next sheet, which is kept. */
  again() {
    this.soon.stop();
    const same = this.sheetOf === this.wish();
    if (same && this.running && form.values.seedMode === 'fixed') {
      this.wanted = true; // what is being painted is kept once it is there
      return;
    }
    if (same && this.records && form.values.seedMode === 'fixed') {
      this.keep();
      say('These are painted, and kept in the gallery.', { name: 'Paint others', run: () => this.others() });
      return;
    }
    if (same) form.set({ seed: nextSeed(form.values) }, 'model');
    this.paint(true);
  }

  /** The same words from another seed, kept. */
  others() {
    form.set({ seed: randomSeed() }, 'model');
    this.paint(true);
  }

  /**
   * Paint what is wished now. A few-call model finishes the sheet that it paints, so that sheets follow
   * as fast as it can paint them; another is stopped, as nobody waits for what is no longer wished.
   */
  follow() {
    if (this.sheetOf === this.wish()) return;
    this.behind = this.running && Boolean(models.current?.few_call);
    if (!this.behind) this.paint(false);
  }

  ended() {
    this.running = this.wanted = false;
    if (this.behind) this.follow();
  }

  /** What a sheet depends on, as text. */
  wish() {
    return JSON.stringify(models.current ? paintFields(form.values, models.current) : null);
  }

  paint(keep) {
    this.keepRested.stop();
    this.records = null;
    if (!models.current || !this.element.isConnected) return;
    this.advice.ask(models.current.id, form.values.unconditional ? '' : form.values.prompt);
    if (!asksForSomething(form.values)) {
      this.sheetOf = null;
      this.work.cancel();
      this.work.empty();
      return;
    }
    this.sheetOf = this.wish();
    this.running = true;
    this.behind = false;
    this.work.ask('paint', { ...paintFields(form.values, models.current), keep });
  }

  /** Keep a sheet in the gallery that was left standing. */
  async keep() {
    if (!this.records?.length || this.kept) return;
    this.kept = true;
    try {
      await sendJson('POST', '/api/gallery', { ids: this.records.map(({ id }) => id) });
    } catch {
      // the gallery is a courtesy while one types; the button keeps pictures and says if it cannot
    }
  }

  done(records, fields) {
    this.records = records;
    this.kept = Boolean(fields.keep);
    if (this.wanted) this.keep();
    else if (!fields.keep) this.keepRested();
  }
}

/** The view: its element, and what happens when it is shown. */
export function createView() {
  const view = new PaintView();
  return { element: view.element, enter: () => view.enter() };
}
