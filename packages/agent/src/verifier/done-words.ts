/** Verbs of applications whose done form is no plain "-ed", or that are told by another word as well. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  activate: ['Activated', 'Active'],
  buy: ['Bought'],
  cancel: ['Cancelled', 'Canceled'],
  complete: ['Completed', 'Done'],
  deactivate: ['Deactivated', 'Inactive'],
  done: ['Done', 'Completed'],
  finish: ['Finished', 'Done'],
  follow: ['Followed', 'Following'],
  pay: ['Paid'],
  reject: ['Rejected', 'Declined'],
  send: ['Sent'],
  submit: ['Submitted'],
  unsubscribe: ['Unsubscribed'],
};

/** "Star" stays pressed as long as it can be undone. */
const UNDONE_BY_UN: ReadonlySet<string> = new Set([
  ...['star', 'pin', 'like', 'follow', 'mute', 'archive', 'subscribe', 'publish', 'assign', 'lock', 'block'],
]);

const DOUBLED = /^(?:pin|ship|stop|drop|submit|trim)$/;

/** What a list says about a thing after this verb was done to it: "star" → "Starred", "Unstar". */
export function doneWords(verb: string): readonly string[] {
  const word = verb.trim().toLowerCase();
  if (!/^[a-z]{3,20}$/.test(word)) return [];
  const words = KNOWN[word] ?? [capital(participle(word))];
  return UNDONE_BY_UN.has(word) ? [...words, `Un${word}`] : words;
}

function participle(word: string): string {
  if (word.endsWith('e')) return `${word}d`;
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ied`;
  if (word === 'star' || DOUBLED.test(word)) return `${word}${word.at(-1)}ed`;
  return `${word}ed`;
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}
