import { assertNever } from '@deskhand/base';
import { type Observation, wasDone } from '@deskhand/protocol';
import { countIn } from '../engines/builtin/counting.ts';
import { holdsText } from '../engines/builtin/expectations.ts';
import { short, shownText } from '../engines/builtin/explain.ts';
import { candidatesFor, ground } from '../engines/builtin/grounding.ts';
import { joinWords, ocrLines } from '../engines/builtin/ocr-phrases.ts';
import { fitsHint, isEditable, isProtected } from '../engines/builtin/roles.ts';
import { describeTarget, type Target, targetOf } from '../engines/builtin/target.ts';
import { isVisibleIn } from '../engines/builtin/visibility.ts';
import { windowNamed } from '../engines/builtin/windows.ts';
import { containsText, foldLabel } from '../engines/builtin/wording.ts';
import type { Check } from './checks.ts';
import { doneWords } from './done-words.ts';
import type { Evidence } from './gather.ts';

/** How one check came out, in words without typed text. */
export type Finding = Readonly<{
  result: 'satisfied' | 'unsatisfied' | 'unknown';
  words: string;
  /** Proof of an outcome, not only of an attempt. */
  strong: boolean;
}>;

export async function judgeCheck(check: Check, sight: Observation, evidence: Evidence): Promise<Finding> {
  switch (check.type) {
    case 'file':
      return judgeFile(check, evidence);
    case 'visible': {
      const seen = isVisibleIn(sight, check.target) || wasPrinted(check.target, evidence);
      const what = describeTarget(check.target);
      return strong(seen === check.visible, `${what} is ${seen ? '' : 'not '}visible`);
    }
    case 'field':
      return judgeField(check, sight);
    case 'ticked': {
      const element = elementFor(check.target, sight, 'tick');
      const what = describeTarget(check.target);
      if (element === null || !(fitsHint(element, 'check_box') || fitsHint(element, 'radio')))
        return unknown(`${what} is not on the screen any more`);
      const ticked = element.states.includes('checked') || element.states.includes('pressed');
      return strong(ticked === check.checked, `${what} is ${ticked ? '' : 'not '}ticked`);
    }
    case 'option': {
      const radio = radioNamed(check.option, sight);
      if (radio !== null)
        return strong(
          radio.states.includes('checked'),
          `“${short(check.option)}” is ${radio.states.includes('checked') ? '' : 'not '}chosen`,
        );
      const element = elementFor(check.target, sight, 'choose');
      const what = describeTarget(check.target);
      if (element === null || (element.value ?? '') === '')
        return unknown(`${what} cannot be read on the screen`);
      return strong(
        foldLabel(element.value ?? '') === foldLabel(check.option),
        `${what} shows “${short(element.value ?? '')}”`,
      );
    }
    case 'page':
      return judgePage(check, sight);
    case 'window':
      return judgeWindow(check.name, sight, evidence);
    case 'typed':
      return judgeTyped(check.texts, sight);
    case 'command': {
      const entry = evidence.history.findLast(
        ({ operation }) => operation.type === 'run_command' && operation.command === check.command,
      );
      if (entry === undefined)
        return { result: 'unsatisfied', words: 'the command was never run', strong: true };
      const exitCode = entry.outcome.result?.exit_code;
      if (!wasDone(entry.outcome))
        return { result: 'unsatisfied', words: 'the command did not run', strong: true };
      if (typeof exitCode !== 'number') return unknown('how the command ended is not known');
      return strong(exitCode === 0, `the command ended with code ${exitCode}`);
    }
    case 'counted':
      return judgeCount(check, sight, evidence);
    case 'done_to':
      return judgeDoneTo(check, sight);
    default:
      return assertNever(check, 'check');
  }
}

/** Counted anew. The number that was told is what is to be proven, never a proof. */
function judgeCount(
  { what, name, into }: Extract<Check, { type: 'counted' }>,
  sight: Observation,
  { answer }: Evidence,
): Finding {
  const result = countIn(sight, what);
  if (result.type === 'not_countable')
    return unknown(`the ${what.words} cannot be counted: ${result.reason}`);
  if (result.more !== null)
    return unknown(`there may be more of the ${what.words} than in sight: ${result.more}`);
  const there = `there are ${result.count} of the ${what.words}`;
  if (into !== null) {
    const field = elementFor(into, sight, 'type');
    if (field === null || field.value === undefined) return unknown(`${describeTarget(into)} cannot be read`);
    return strong(
      field.value.trim() === String(result.count),
      `${there}; ${describeTarget(into)} is compared with it`,
    );
  }
  const told = answer?.split(/[;\n]|\.\s/).find((part) => part.trim().startsWith(`${name}: `));
  const number = told === undefined ? null : /: (\d+)\.?$/.exec(told.trim())?.[1];
  if (number != null) return strong(Number(number) === result.count, `${there}; ${number} was told`);
  const numbers: readonly string[] = answer?.match(/(?<![\d.,])\d+(?![\d.,]*\d)/g) ?? [];
  return numbers.includes(String(result.count))
    ? strong(true, there)
    : unknown(`${there}; no number was told`);
}

/** The row says it was done ("Starred", "Unstar"), or its control is pressed now; not seeing it proves nothing. */
function judgeDoneTo(
  { verb, control, object }: Extract<Check, { type: 'done_to' }>,
  sight: Observation,
): Finding {
  const near = { relation: 'row', target: { ...object, role: null } } as const;
  const element = elementFor({ ...control, near }, sight, 'tick');
  const pressed = element?.states.some((state) => state === 'pressed' || state === 'checked') ?? false;
  const told = doneWords(verb).find((word) =>
    candidatesFor({ ...targetOf(word, null, 'quoted'), near }, sight, 'read').some(
      // The word itself: “Inactive”, “unpaid” and “not starred” hold their opposites.
      ({ element, visible }) =>
        visible !== null && element.source !== 'ocr' && lettersOf(shownText(element)) === lettersOf(word),
    ),
  );
  const row = `the row of ${describeTarget(object)}`;
  if (pressed) return strong(true, `“${short(verb)}” is pressed in ${row}`);
  if (told !== undefined) return strong(true, `${row} says “${told}”`);
  return unknown(`${row} does not say whether “${short(verb)}” was done`);
}

function lettersOf(text: string): string {
  return foldLabel(text)
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

function judgeWindow(name: string, { windows }: Observation, { history }: Evidence): Finding {
  if (windowNamed(windows, name) !== null) return strong(true, `a window of “${name}” is open`);
  const opened = history.findLast(
    ({ operation }) => operation.type === 'open_application' && operation.name === name,
  )?.outcome.result?.window_id;
  if (typeof opened === 'string' && windows.some(({ id }) => id === opened))
    return strong(true, `the window that “${name}” opened is still open`);
  return unknown(`no open window can be told to be “${name}”`);
}

/** In a text that can be read it stands or it does not; in one that is only painted, not seen is not known. */
function judgeTyped(texts: readonly string[], sight: Observation): Finding {
  const missing = texts.filter(
    (text) =>
      !normal(text)
        .split('\n')
        .every((line) => isHeld(line, sight)),
  );
  if (missing.length === 0) return strong(true, 'the text of the task stands in the application');
  const readable = sight.elements.some(
    (element) =>
      isEditable(element) &&
      !isProtected(element) &&
      element.value !== undefined &&
      element.states.includes('multiline') &&
      (element.windowId === undefined || element.windowId === sight.activeWindowId),
  );
  const words = `${missing.length} of ${texts.length} texts of the task cannot be found in the application`;
  return readable ? strong(false, words) : unknown(words);
}

function isHeld(line: string, sight: Observation): boolean {
  return (
    line.trim() === '' ||
    sight.elements.some(
      (element) => isEditable(element) && !isProtected(element) && normal(element.value ?? '').includes(line),
    ) ||
    ocrLines(sight.elements).some((words) => containsText(joinWords(words).name, line))
  );
}

async function judgeFile(check: Extract<Check, { type: 'file' }>, evidence: Evidence): Promise<Finding> {
  const { remembered = 0 } = check;
  const hasContent = check.contains.length + check.lacks.length + remembered > 0;
  const file = await evidence.file(check.path, hasContent);
  if (file === null) return unknown(`this desktop does not let ${check.path} be looked at`);
  if (file.exists !== check.exists)
    return strong(false, `${check.path} ${file.exists ? 'exists' : 'does not exist'}`);
  if (!hasContent) return strong(true, `${check.path} ${check.exists ? 'exists' : 'does not exist'}`);
  if (file.content === null) return unknown(`${check.path} exists, but its content could not be read`);
  const content = normal(file.content);
  if (check.lacks.some((text) => content.includes(normal(text))))
    return strong(false, `${check.path} holds text that was to be taken away`);
  if (remembered > 0 && typedInto(content, check, evidence) < remembered)
    return strong(false, `${check.path} lacks a value that was read off the screen and typed`);
  if (check.lastLine !== undefined && !endsWithLine(content, normal(check.lastLine)))
    return strong(false, `${check.path} does not end with the line that was added`);
  const missing = check.contains.filter((text) => !content.includes(normal(text))).length;
  return strong(
    missing === 0,
    missing === 0
      ? `${check.path} holds the text of the task`
      : `${check.path} lacks ${missing} of ${check.contains.length} texts of the task`,
  );
}

function endsWithLine(content: string, line: string): boolean {
  return content === line || content.endsWith(`\n${line}`);
}

/** How many texts the journal says were typed, other than the task's own words, stand in the content as they were typed. */
function typedInto(
  content: string,
  { contains }: Extract<Check, { type: 'file' }>,
  { history }: Evidence,
): number {
  const own = contains.map(normal).filter((text) => text !== '');
  // The task's own words may stand right beside a value.
  const rest = own
    .toSorted((a, b) => b.length - a.length)
    .reduce((left, text) => left.replaceAll(text, ' '), content);
  const texts = history
    .map(({ operation }) => (operation.type === 'type_text' ? normal(operation.text) : ''))
    .filter((text) => text !== '' && !own.includes(text));
  const together = texts.length > 1 && standsIn(rest, texts.join(''));
  return new Set(texts.filter((text) => together || standsIn(content, text) || standsIn(rest, text))).size;
}

/** Whole: “2” does not stand in “21”, nor “DH-10” in “DH-100”. */
function standsIn(content: string, text: string): boolean {
  const ends = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined || !(WORD.test(a) && WORD.test(b));
  for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
    const end = at + text.length;
    if (ends(content[at - 1], text[0]) && ends(text.at(-1), content[end])) return true;
  }
  return false;
}

const WORD = /[\p{L}\p{N}]/u;

function judgeField(check: Extract<Check, { type: 'field' }>, sight: Observation): Finding {
  const what = describeTarget(check.target);
  const element = elementFor(check.target, sight, 'type');
  if (element === null)
    return check.expected && isShownBeside(check, sight)
      ? strong(true, `${what} shows the expected text`)
      : unknown(`${what} is not on the screen any more`);
  const holds = holdsText(element, check.text, check.how);
  if (holds === 'unknown') return unknown(`${what} cannot be read`);
  return strong(
    (holds === 'met') === check.expected,
    `${what} ${holds === 'met' ? 'holds' : 'does not hold'} the expected text`,
  );
}

/** "The display shows 10": no field, but a name with the text in it or in its row. Not seeing it proves nothing. */
function isShownBeside({ target, text }: Extract<Check, { type: 'field' }>, sight: Observation): boolean {
  const shown: Target = {
    text,
    phrase: null,
    quoted: true,
    role: null,
    ordinal: null,
    near: { relation: 'row', target: { ...target, role: null } },
  };
  return candidatesFor(shown, sight, 'read').some(
    ({ element, visible }) =>
      visible !== null &&
      !isProtected(element) &&
      [element.name, element.value ?? ''].some((words) => foldLabel(words) === foldLabel(text)),
  );
}

function judgePage(check: Extract<Check, { type: 'page' }>, sight: Observation): Finding {
  if (sight.page === null) return unknown('which page the browser shows is not known');
  const shown = sight.page[check.part];
  const same = comparable(shown) === comparable(check.text);
  const fits = check.how === 'equals' ? same : containsText(shown, check.text);
  if (fits) return strong(true, `the page’s ${check.part} fits`);
  // A site may forward to another address of its own: that alone proves nothing either way.
  if (check.part === 'url' && sameOrigin(shown, check.text))
    return unknown(`the browser shows ${short(shown)}, another page of the same site`);
  return strong(false, `the page’s ${check.part} is “${short(shown)}”`);
}

/** "select Large from Size" may have meant a group of radio buttons. */
function radioNamed(option: string, sight: Observation) {
  const target: Target = {
    text: option,
    phrase: null,
    quoted: true,
    role: 'radio',
    ordinal: null,
    near: null,
  };
  const element = elementFor(target, sight, 'choose');
  return element !== null && fitsHint(element, 'radio') && foldLabel(element.name) === foldLabel(option)
    ? element
    : null;
}

/** Words read from pixels hold no values: they may not stand in the way of the element they belong to. */
function elementFor(target: Target, sight: Observation, purpose: 'type' | 'tick' | 'choose') {
  const told = { ...sight, elements: sight.elements.filter(({ source }) => source !== 'ocr') };
  const grounding = ground(target, told, purpose);
  return grounding.type === 'found' ? grounding.candidate.element : null;
}

/** The last command's output counts as shown: nothing else shows it. */
function wasPrinted(target: Target, { history }: Evidence): boolean {
  const text = target.text ?? target.phrase;
  const output = history.findLast(({ operation }) => operation.type === 'run_command')?.outcome.result
    ?.output;
  return text !== null && typeof output === 'string' && containsText(output, text);
}

function strong(ok: boolean, words: string): Finding {
  return { result: ok ? 'satisfied' : 'unsatisfied', words, strong: true };
}

function unknown(words: string): Finding {
  return { result: 'unknown', words, strong: true };
}

function normal(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\u00a0', ' ').normalize('NFC').trim();
}

function comparable(url: string): string {
  return url.trim().replace(/#$/, '').replace(/\/$/, '').toLowerCase();
}

function sameOrigin(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}
