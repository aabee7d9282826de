// What a person has set in the Edit view, and the job that it becomes.

import { Form } from '../core/form.js';

export const editForm = new Form('edit', {
  picture: null,
  kind: 'vary',
  prompt: '',
  strength: 0.6,
  n: 4,
  seed: 1,
  other: '',
  ideas: [{ prompt: '', weight: 1 }, { prompt: '', weight: 1 }],
});

/** The kinds of editing: a name for the button, and which fields each of them reads. */
export const KINDS = {
  vary: { name: 'Vary', hint: 'Other pictures of what this one shows.', reads: ['picture'] },
  img2img: { name: 'Paint over', hint: 'Noise is added to the picture, and words lead it back.', reads: ['picture', 'prompt', 'strength'] },
  inpaint: { name: 'Inpaint', hint: 'Draw on the picture, over what shall be painted anew. The rest stays, pixel by pixel.', reads: ['picture', 'prompt', 'mask'] },
  blend: { name: 'Blend', hint: 'Pictures of several ideas at once, each with its weight.', reads: ['ideas'] },
  interpolate: { name: 'Between', hint: 'A row of pictures from one idea to another.', reads: ['picture', 'other'] },
};

/** What is still missing for this kind, as a sentence; empty if nothing is. */
export function missing(values, masked) {
  const { reads } = KINDS[values.kind];
  if (reads.includes('picture') && !values.picture) return 'Choose a picture first.';
  if (reads.includes('mask') && !masked) return 'Draw on the picture first.';
  if (reads.includes('ideas') && usedIdeas(values).length < 2) return 'Give at least two ideas.';
  if (reads.includes('other') && !values.other.trim()) return 'Say where the way shall lead.';
  return '';
}

/** The ideas that say something, as the job wants them. */
export function usedIdeas({ ideas, picture }) {
  return ideas
    .filter((idea) => (idea.picture ? picture : idea.prompt.trim()))
    .map(({ prompt, weight, picture: isPicture }) => (isPicture ? { picture: picture.id, weight } : { prompt, weight }));
}

/** The fields of an editing job. */
export function editFields(values, model, mask) {
  const { reads } = KINDS[values.kind];
  const fields = {
    model: model.id, n: values.n, seed: values.seed, keep: true,
    steps: model.steps_default, guidance: model.guidance_default, preview: model.few_call ? 0 : 1,
  };
  if (values.kind === 'interpolate') return { ...fields, from: { picture: values.picture.id }, to: { prompt: values.other } };
  if (reads.includes('picture')) fields.picture = values.picture.id;
  if (reads.includes('prompt')) Object.assign(fields, values.prompt.trim() ? { prompt: values.prompt } : { unconditional: true });
  if (reads.includes('strength')) fields.strength = values.strength;
  if (reads.includes('ideas')) fields.ideas = usedIdeas(values);
  if (reads.includes('mask')) fields.mask = mask;
  return fields;
}
