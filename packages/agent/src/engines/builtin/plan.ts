import type { ClauseText } from './clause-text.ts';
import {
  type Clause,
  leadingVerb,
  MAX_SENTENCE_CHARACTERS,
  saysWhatToDo,
  sentencesOf,
  softBordersOf,
  trailingFiller,
  withoutFiller,
} from './clauses.ts';
import { contradictionIn, pictureSavedIn } from './contradiction.ts';
import { attachOtherwise, readControl, splitAtControl } from './control-flow.ts';
import { readIntents } from './grammar.ts';
import type { Instruction, Intent } from './intent.ts';
import { settledPlan } from './settled-plan.ts';
import { type MarkedText, markText } from './text.ts';

export type PlanStep = Instruction;

export type Plan = Readonly<
  { understood: true; steps: readonly PlanStep[] } | { understood: false; sentence: string }
>;

/** A sentence is cut into at most this many pieces; longer ones are read piece by piece. */
const MAX_PIECES = 60;
/** How many neighbouring pieces may belong to one instruction ("A, B and C" inside a name). */
const MAX_PIECES_PER_INSTRUCTION = 4;

/** Task → plan, or the first sentence that is not understood. */
export function planOf(task: string): Plan {
  const marked = markText(task);
  const sentences = sentencesOf(marked);
  if (sentences.length === 0) return { understood: false, sentence: task.trim().slice(0, 200) };
  const tooLong = sentences.find(({ text }) => text.length > MAX_SENTENCE_CHARACTERS);
  if (tooLong !== undefined)
    return { understood: false, sentence: marked.withoutQuotes(tooLong.text.slice(0, 200)).trim() };
  const steps: PlanStep[] = [];
  const remembered = new Set<string>();
  let lastVerb: string | null = null;
  const read: ReadSentence = (part) => {
    const control = readControl(part, (inner) => read({ ...part, text: inner, continues: false }), marked);
    if (control !== null) return control;
    const found = readSentence(part, remembered, part.continues ? lastVerb : null);
    if (typeof found === 'string') return found;
    lastVerb = found.verb;
    return joined(found.steps);
  };
  for (const sentence of sentences.flatMap(splitAtControl)) {
    const attached = attachOtherwise(steps.at(-1), sentence, read);
    if (typeof attached === 'object' && attached !== null) {
      steps[steps.length - 1] = attached;
      continue;
    }
    const found = attached ?? read(sentence);
    if (typeof found === 'string') return { understood: false, sentence: found };
    steps.push(...found);
  }
  const settled = settledPlan(joined(steps));
  if (settled.length === 0) return { understood: false, sentence: task.trim().slice(0, 200) };
  const contradiction =
    contradictionIn(sentences, settled, ({ marked: words }, text) => clauseText(words, text, remembered)) ??
    pictureSavedIn(settled);
  return contradiction === null
    ? { understood: true, steps: settled }
    : { understood: false, sentence: contradiction };
}

/** Reads a sentence; a string is the part nobody understood. */
export type ReadSentence = (sentence: Clause) => readonly Instruction[] | string;

type Partial = Readonly<{ cost: number; steps: readonly PlanStep[]; verb: string | null }>;

/** Reads one sentence with the cheapest set of cuts; a string is the part nobody understood. */
function readSentence(sentence: Clause, remembered: Set<string>, lastVerb: string | null): Partial | string {
  const borders = softBordersOf(sentence.text).slice(0, MAX_PIECES);
  const starts = [0, ...borders.map((border) => border.end)];
  const ends = [...borders.map((border) => border.start), sentence.text.length];
  const best: Array<Partial | null> = new Array(starts.length + 1).fill(null);
  best[0] = { cost: 0, steps: [], verb: lastVerb };

  for (let end = 1; end <= starts.length; end += 1) {
    for (let start = Math.max(0, end - MAX_PIECES_PER_INSTRUCTION); start < end; start += 1) {
      const before = best[start];
      if (before === null || before === undefined) continue;
      const cut = start === 0 ? 0 : (borders[start - 1]?.cutCost ?? 0);
      const swallowed = borders.slice(start, end - 1).reduce((sum, border) => sum + border.spanCost, 0);
      const text = sentence.text.slice(starts[start], ends[end - 1]);
      const read = readClause(sentence.marked, text, before, remembered);
      if (read === null) continue;
      // "Choose X from the list and press Y" is never one choice of “list and press Y”.
      const swallows = borders.slice(start, end - 1).some(({ beginsInstruction }) => beginsInstruction);
      if (
        swallows &&
        !STARTS_WITH_PLACE.test(text) &&
        read.steps.some(({ intent }) => ONE_THING.has(intent.type))
      )
        continue;
      const cost = before.cost + cut + swallowed + read.cost;
      const known = best[end];
      if (known === null || known === undefined || cost < known.cost)
        best[end] = { cost, steps: [...before.steps, ...read.steps], verb: read.verb ?? before.verb };
    }
  }
  const whole = best[starts.length];
  if (whole !== null && whole !== undefined) {
    for (const { intent } of whole.steps) for (const name of namesFrom(intent)) remembered.add(name);
    return whole;
  }
  const reached = best.findLastIndex((partial) => partial !== null);
  return sentence.marked.source(sentence.text.slice(starts[reached] ?? 0)).trim();
}

/** "In the Size list, choose Large". */
const STARTS_WITH_PLACE = /^(?:in|on|from|under|for|at|with)\b/i;

/** Intents whose words name one thing on the screen, so that no second instruction can be part of them. */
const ONE_THING: ReadonlySet<Intent['type']> = new Set([
  'click',
  'hover',
  'select_option',
  'set_checked',
  'focus_window',
  'close_window',
  'remember',
  'count',
  'open_application',
  'use_control',
  'check_visible',
]);

/** What can be named later: remembered values, and what a command printed. */
function namesFrom(intent: Intent): readonly string[] {
  if (intent.type === 'remember') return [intent.name];
  if (intent.type === 'count') return ['number', 'count', 'result', intent.name];
  return intent.type === 'run_command' ? ['output', 'command output'] : [];
}

function readClause(
  marked: MarkedText,
  raw: string,
  before: Partial,
  remembered: ReadonlySet<string>,
): Partial | null {
  const text = withoutFiller(raw);
  if (text === '') return { cost: 0, steps: [], verb: null };
  const names = new Set([...remembered, ...before.steps.flatMap(({ intent }) => namesFrom(intent))]);
  const read = (words: string, cost: number): Partial | null => {
    const intents = readIntents(clauseText(marked, words, names));
    if (intents === null) return null;
    const steps = intents.map((intent) => ({
      intent: withWholeName(intent, trailingFiller(raw)),
      words: wordsOf(marked, words, intent),
    }));
    return { cost, steps, verb: leadingVerb(words) };
  };
  const direct = read(text, 0);
  if (direct !== null) return direct;
  // A clause without a verb borrows the last one: "click A, B and C".
  return before.verb === null || saysWhatToDo(text) ? null : read(`${before.verb} ${text}`, 1.5);
}

/** "Click order now": a thing called exactly that is meant before one called “order”. */
function withWholeName(intent: Intent, tail: string): Intent {
  if (tail === '' || intent.type !== 'click' || intent.target.quoted || intent.target.phrase === null)
    return intent;
  return { ...intent, target: { ...intent.target, phrase: `${intent.target.phrase} ${tail}` } };
}

function clauseText(marked: MarkedText, text: string, remembered: ReadonlySet<string>): ClauseText {
  const isKind = (part: string, kind: string) => marked.atom(part)?.kind === kind;
  return {
    text,
    meaning: (part) => marked.meaning(part),
    isQuote: (part) => isKind(part, 'quote'),
    isPath: (part) => isKind(part, 'path'),
    isUrl: (part) => isKind(part, 'url'),
    remembered,
  };
}

const HOLDS_TEXT: ReadonlySet<Intent['type']> = new Set([
  'type_text',
  'check_value',
  'append_line',
  'replace_text',
  'add_entry',
]);

/** Typed text must not reach the log through the sentence that asked for it. */
function wordsOf(marked: MarkedText, text: string, intent: Intent): string {
  if (!HOLDS_TEXT.has(intent.type)) return marked.source(text);
  const masked = marked.withoutQuotes(text);
  if (intent.type !== 'type_text' || intent.text.type !== 'literal' || intent.text.text === '') return masked;
  return masked.replaceAll(intent.text.text, `[${[...intent.text.text].length} characters]`);
}

const BROWSER_NAME = /^(?:(?:web |internet |default )?browser|(?:google )?chrome|chromium(?: browser)?)$/i;

/** Neighbours that are one thing on a real desktop. */
function joined(steps: readonly PlanStep[]): PlanStep[] {
  const result: PlanStep[] = [];
  for (const step of steps) {
    const previous = result.at(-1);
    const merged = previous === undefined ? null : merge(previous, step);
    if (merged === null) result.push(step);
    else result[result.length - 1] = merged;
  }
  return result;
}

function merge(first: PlanStep, second: PlanStep): PlanStep | null {
  const a = first.intent;
  const b = second.intent;
  const words = `${first.words}, ${second.words}`;
  // Navigation opens the browser where needed.
  if (a.type === 'open_application' && BROWSER_NAME.test(a.name) && b.type === 'go_to')
    return { intent: b, words };
  // "type http://… into the address bar and press Enter": navigating has done the Enter already.
  const isEnter =
    b.type === 'press' &&
    b.times === 1 &&
    b.on === null &&
    b.chords.length === 1 &&
    b.chords[0]?.join() === 'enter';
  if (a.type === 'go_to' && isEnter && /^(?:type|enter|put|paste)\b/i.test(first.words))
    return { intent: a, words };
  // "Use File > Save As and save it as …": saving opens that dialog itself.
  const opensSaveDialog =
    (a.type === 'choose_menu' && /^save as\b/i.test(a.path.at(-1) ?? '')) ||
    (a.type === 'press' &&
      a.times === 1 &&
      a.chords.length === 1 &&
      /^(?:ctrl\+)?(?:shift\+)?s$/.test(chordOf(a)));
  if (opensSaveDialog && b.type === 'save_as') return { intent: b, words };
  // "Press and hold “One”, drag it to “Two”": held until it is there.
  const isHeld = a.type === 'click' && a.heldMs !== undefined && a.button === 'left';
  if (isHeld && b.type === 'drag' && /^(?:it|this|that)$/i.test(b.from.text ?? ''))
    return { intent: { ...b, from: a.target }, words };
  if (isHeld && b.type === 'hover') return { intent: { type: 'drag', from: a.target, to: b.target }, words };
  // "open the File menu and choose Print".
  const isMenu =
    a.type === 'click' && a.target.role === 'menu' && a.target.text !== null && a.target.ordinal === null;
  if (isMenu && b.type === 'select_option' && b.from === null && a.target.text !== null)
    return { intent: { type: 'choose_menu', path: [a.target.text, b.option] }, words };
  return null;
}

function chordOf({ chords }: Extract<Intent, { type: 'press' }>): string {
  return chords.map((chord) => chord.join('+')).join(' ');
}
