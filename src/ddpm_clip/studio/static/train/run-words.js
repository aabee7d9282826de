// What is said of a training in words: what it does now, and whether its time is enough.

import { duration, number } from '../core/format.js';

/** What it does now, where its numbers do not say so; empty if they do. */
export function nowOf({ state, said, stopping, curve, can_open: saved }) {
  if (state === 'running' && stopping) return 'It finishes its step, and saves.';
  if (said) return said;
  if (state === 'running') return curve.length ? '' : 'It begins: the program is loaded, and the time is planned.';
  if (state === 'stopped' && saved === false) return 'It ended before it saved anything, so it cannot go on. Start a new one.';
  return '';
}

/** A warning if even the smallest network that was tried would need more time; empty if not. */
export function tooShort(plan) {
  const tried = plan?.trials ?? [];
  if (!tried.length || tried.some(({ steps, needed }) => steps >= needed)) return '';
  const { steps, needed } = tried.at(-1);
  const enough = 60 * Math.ceil((plan.minutes * needed) / Math.max(1, steps));
  return `${duration(60 * plan.minutes)} are enough for about ${number(steps)} steps here; pictures become good from about ${number(needed)} on. Give it ${duration(enough)} or more.`;
}
