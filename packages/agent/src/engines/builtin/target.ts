import type { ClauseText } from './clause-text.ts';
import { ROLE_NOUNS, type RoleHint } from './roles.ts';
import { PATH_ATOM, QUOTE, URL_ATOM } from './text.ts';

/** What a clause points at, still in words. */
export type Target = Readonly<{
  /** Visible text, name or label; null when only a role or a place is given ("the second link"). */
  text: string | null;
  /** The whole phrase as written; wins when something on the screen is called exactly that. */
  phrase: string | null;
  /** The text was quoted: nothing in it is a role or a filler word. */
  quoted: boolean;
  role: RoleHint | null;
  /** 1-based place in reading order; -1 = the last. */
  ordinal: number | null;
  /** Something it is in, next to or in the row of. */
  near: Readonly<{ relation: Relation; target: Target }> | null;
}>;

/** A target known by its words and kind alone. `quoted`: the words are exactly what is on the screen. */
export function targetOf(text: string | null, role: RoleHint | null, quoted: 'quoted' | 'spoken'): Target {
  return { text, phrase: null, quoted: quoted === 'quoted', role, ordinal: null, near: null };
}

export type Relation = 'in' | 'row' | 'beside' | 'below' | 'above';

const ORDINALS: Readonly<Record<string, number>> = {
  first: 1,
  second: 2,
  third: 3,
  fourth: 4,
  fifth: 5,
  sixth: 6,
  seventh: 7,
  eighth: 8,
  ninth: 9,
  tenth: 10,
  last: -1,
  final: -1,
  only: 1,
  top: 1,
  topmost: 1,
  bottom: -1,
  bottommost: -1,
};
const ORDINAL_WORDS = Object.keys(ORDINALS).join('|');
const ORDINAL = `(?<ordinal>${ORDINAL_WORDS}|\\d{1,3}(?:st|nd|rd|th))`;

const NOUNS = Object.entries(ROLE_NOUNS)
  .map(([role, nouns]) => ({ role: role as RoleHint, pattern: nouns }))
  .map(({ role, pattern }) => ({
    role,
    whole: new RegExp(`^(?:${pattern})$`, 'i'),
    tail: new RegExp(`^(?<name>.+?)\\s+(?:${pattern})$`, 'iu'),
    head: new RegExp(
      `^(?:${pattern})\\s*(?:[:,]\\s*|\\s(?:(?:that is |which is )?(?:labell?ed|called|named|titled|marked|entitled|with (?:the )?(?:text|label|name|title|caption|placeholder)|that (?:says|reads|contains)|saying|reading|for|containing)\\s+)?(?:as\\s+)?)(?<name>.+)$`,
      'iu',
    ),
  }));

const ARTICLE = /^(?:the|a|an|my|this|that|these|those|its|on|onto|at)\s+/i;

const RELATIONS: ReadonlyArray<{ relation: Relation; pattern: RegExp }> = [
  {
    relation: 'row',
    pattern:
      /^(?<what>.+?)\s+(?:in|on|from|of|at|for)\s+(?:the\s+)?(?:table\s+)?(?:row|line|entry)\s+(?:of|for|with|containing|named|called|that (?:says|contains)|where it says)\s+(?<where>.+)$/iu,
  },
  {
    relation: 'row',
    pattern: /^(?<what>.+?)\s+(?:in|on|from|of)\s+(?:the\s+)?(?<where>.+?)(?:['’]s)?\s+row$/iu,
  },
  {
    relation: 'beside',
    pattern:
      /^(?<what>.+?)\s+(?:that is\s+)?(?:next to|beside|near|by|alongside|to the (?:left|right) of|left of|right of|adjacent to)\s+(?<where>.+)$/iu,
  },
  { relation: 'below', pattern: /^(?<what>.+?)\s+(?:below|under|underneath|beneath)\s+(?<where>.+)$/iu },
  { relation: 'above', pattern: /^(?<what>.+?)\s+(?:above|over)\s+(?<where>.+)$/iu },
  {
    relation: 'in',
    pattern:
      /^(?<what>.+?)\s+(?:in|inside|within|of|on|from)\s+(?<where>(?:the\s+|a\s+)?(?:.+?\s+)?(?:dialog(?:ue)?(?: box)?|window|toolbar|tool bar|menu ?bar|menu|panel|pane|sidebar|side bar|section|form|table|list|tab|header|footer|navigation|group|page|popup))$/iu,
  },
];

/** "“A” and the “B”" is two things. */
const RUNS_ON = new RegExp(`^${QUOTE}.*\\band\\b.*${QUOTE}`, 'su');

/**
 * No name of one thing: "Save instead of Cancel", "OK (not Cancel)", "everything except Delete", "Save or Cancel", or a
 * second instruction in words nobody knows ("Speichern and tippe “Hallo”", "Save, dann warte"). Better not understood
 * than clicked by half of it; a name that really reads so can be quoted.
 */
const NO_ONE_THING = [
  /\b(?:except(?:\s+for)?|instead\s+of|rather\s+than|neither|nor)\b|\bbut\s+(?:not|only|don['’]?t)\b|\((?:and\s+)?not\b/i,
  /^\p{Lu}\S*(?:\s\S+){0,2}\s+or\s+\p{Lu}/u,
  /,\s+(?!(?:in|on|at|below|above|under|next|beside|near|the|which|that|as|it)\b)\p{Ll}\S*\s+\S/u,
  new RegExp(`\\sand\\s.*${QUOTE}`, 'su'),
  new RegExp(`\\S\\s+(?:of|on|from|at|in)\\s+(?:the\\s+file\\s+)?(?:${PATH_ATOM}|${URL_ATOM})`, 'u'),
];

/** "the page", "the screen": everywhere, so no restriction. */
const EVERYWHERE =
  /^(?:the\s+)?(?:current\s+|whole\s+|web\s*)?(?:page|screen|window|website|site|desktop|browser)$/i;

/**
 * Reads a phrase such as `the second Delete button in the row of "Alice"`.
 * @returns null for an empty phrase.
 */
export function readTarget(clause: ClauseText, phrase: string): Target | null {
  let text = phrase.trim().replace(/[,:]$/, '');
  const hadArticle = ARTICLE.test(text);
  while (ARTICLE.test(text)) text = text.replace(ARTICLE, '');
  if (text === '' || RUNS_ON.test(text) || NO_ONE_THING.some((shape) => shape.test(text))) return null;

  const whole = atomTarget(clause, text);
  if (whole !== null) return whole;
  return { ...readRelated(clause, text, hadArticle), phrase: clause.meaning(text) };
}

function readRelated(clause: ClauseText, text: string, hadArticle: boolean): Target {
  for (const { relation, pattern } of RELATIONS) {
    const groups = pattern.exec(text)?.groups;
    if (groups?.what === undefined || groups.where === undefined) continue;
    if (EVERYWHERE.test(groups.where)) {
      const plain = readTarget(clause, groups.what);
      if (plain !== null) return plain;
      continue;
    }
    const what = readTarget(clause, groups.what);
    const where = readTarget(clause, groups.where);
    if (what !== null && where !== null) return { ...what, near: { relation, target: where } };
  }
  return readPlain(clause, text, hadArticle);
}

function atomTarget(clause: ClauseText, text: string): Target | null {
  if (!clause.isQuote(text) && !clause.isPath(text) && !clause.isUrl(text)) return null;
  const meaning = clause.meaning(text);
  return { text: meaning, phrase: meaning, quoted: true, role: null, ordinal: null, near: null };
}

function readPlain(clause: ClauseText, phrase: string, hadArticle: boolean): Target {
  let text = phrase.trim();
  let ordinal: number | null = null;
  const leading = new RegExp(`^${ORDINAL}\\s+(?:of\\s+(?:the\\s+)?)?(?<rest>.+)$`, 'iu').exec(text)?.groups;
  // "First name" and "last name" are labels, whatever number they begin with.
  if (leading?.rest !== undefined && !clause.isQuote(text) && !/^names?\b/i.test(leading.rest)) {
    ordinal = ordinalOf(leading.ordinal ?? '');
    text = leading.rest;
  }
  // "The button at the bottom", "the link in the top right corner".
  const edge =
    /^(?<rest>.+?)\s+(?:at|on|in)\s+the\s+(?:very\s+)?(?<edge>top|bottom|end|start)(?:\s+(?:left|right|corner))*(?:\s+of\s+the\s+(?:page|screen|window|list|table|form))?$/iu.exec(
      text,
    )?.groups;
  if (ordinal === null && edge?.rest !== undefined && !clause.isQuote(text)) {
    ordinal = /^(?:top|start)$/i.test(edge.edge ?? '') ? 1 : -1;
    text = edge.rest;
  }
  const numbered = /^(?<rest>.+?)\s+(?:number\s+|no\.?\s*|#)(?<number>\d{1,3})$/iu.exec(text)?.groups;
  if (ordinal === null && numbered?.rest !== undefined) {
    ordinal = Number(numbered.number);
    text = numbered.rest;
  }
  const base = { ordinal, near: null, phrase: null } as const;

  const file = /^(?:(?<name>.+?)\s+)?file\s+(?:chooser|picker|selector|input|upload)$/iu.exec(text)?.groups;
  // Browsers show it as a button that bears the label.
  if (file !== undefined)
    return {
      ...base,
      role: 'button',
      ...(file.name === undefined ? { text: 'file', quoted: false } : named(clause, file.name, '')),
    };
  const isNoun = /^\p{Ll}/u.test(text) && (hadArticle || ordinal !== null || !ALSO_NAMES.test(text));
  for (const { role, whole } of NOUNS)
    if (isNoun && whole.test(text)) return { ...base, ...nounAlone(role, text) };
  for (const { role, tail } of NOUNS) {
    const name = tail.exec(text)?.groups?.name;
    if (name !== undefined) return { ...base, role, ...named(clause, name, nounOf(text, name)) };
  }
  for (const { role, head } of NOUNS) {
    const name = head.exec(text)?.groups?.name;
    if (
      name !== undefined &&
      (clause.isQuote(name) ||
        /labell?ed|called|named|says|with|titled|for|marked/i.test(text) ||
        // "The button Save", "the word hello".
        (/^\p{Ll}/u.test(text) &&
          (/^\p{Lu}/u.test(name) || (role === 'text' && /^(?:word|text|phrase)\b/i.test(text)))))
    )
      return { ...base, role, ...named(clause, name, '') };
  }
  const part = /^(?<name>.+?)\s+(?:section|panel|accordion|group|area)$/iu.exec(text)?.groups?.name;
  if (part !== undefined && hadArticle) return { ...base, role: null, ...named(clause, part, '') };
  if (ordinal !== null) {
    const inner = atomTarget(clause, text);
    if (inner !== null) return { ...inner, ordinal };
  }
  return { ...base, role: null, ...named(clause, text, '') };
}

/** Nouns that are as often the name of a thing ("click File"): alone, without an article, they are a name. */
const ALSO_NAMES =
  /^(?:files?|folders?|menus?|options?|items?|titles?|labels?|texts?|messages?|emails?|e-mails?|mails?|entry|tabs?|lists?|tables?|images?|icons?|windows?|rows?|lines?|header|headings?|products?|cards?|editor|prompt|alert|grid|switch|toggle|results?|picker|nodes?|inputs?|words?|phrase|photos?|pictures?|notice|choice|logo|popup|area|bar)$/i;

/** "the search box": the words before a noun may belong to the kind rather than be a name. */
function nounAlone(role: RoleHint, noun: string): Pick<Target, 'text' | 'quoted' | 'role'> {
  const kind = /^(search|address|url|location|date|email|e-mail|number)\b/i.exec(noun)?.[1];
  return { role, text: role === 'field' && kind !== undefined ? kind : null, quoted: false };
}

function nounOf(text: string, name: string): string {
  return text.slice(name.length).trim();
}

function named(clause: ClauseText, name: string, noun: string): Pick<Target, 'text' | 'quoted'> {
  const trimmed = name.trim().replace(ARTICLE, '');
  // "the Email address field": the noun's own adjective is part of the label.
  const kind = /^(search|address|date|email|e-mail|number)\b/i.exec(noun)?.[1];
  const quoted = clause.isQuote(trimmed);
  const meaning = clause.meaning(trimmed);
  return { text: kind === undefined || quoted ? meaning : `${meaning} ${kind}`, quoted };
}

/** What a command printed. */
export function isOutput({ text, role }: Target): boolean {
  return (
    role === null && text !== null && /^(?:command(?:['’]s)?\s+)?output|result of the command$/i.test(text)
  );
}

export function ordinalOf(word: string): number | null {
  const lowered = word.toLowerCase();
  const known = ORDINALS[lowered];
  if (known !== undefined) return known;
  const number = /^(\d{1,3})(?:st|nd|rd|th)$/.exec(lowered)?.[1];
  return number === undefined || Number(number) === 0 ? null : Number(number);
}

/** The target in words, for reasons, questions and errors. */
export function describeTarget(target: Target): string {
  const noun = target.role === null ? '' : target.role.replaceAll('_', ' ');
  const place =
    target.ordinal === null ? '' : target.ordinal === -1 ? 'last ' : `${ordinalWord(target.ordinal)} `;
  const name = target.text === null ? '' : `“${target.text}”`;
  const words = `${place}${[name, noun].filter((word) => word !== '').join(' ')}`;
  const near =
    target.near === null ? '' : ` ${NEAR_WORDS[target.near.relation]} ${describeTarget(target.near.target)}`;
  return `${target.text === null || place !== '' ? 'the ' : ''}${words}${near}`;
}

const NEAR_WORDS: Readonly<Record<Relation, string>> = {
  in: 'in',
  row: 'in the row of',
  beside: 'next to',
  below: 'below',
  above: 'above',
};

export function ordinalWord(number: number): string {
  const word = Object.keys(ORDINALS).find((key) => ORDINALS[key] === number);
  if (word !== undefined) return word;
  const suffix = /1\d$/.test(String(number)) ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[number % 10] ?? 'th');
  return `${number}${suffix}`;
}
